"""The lab's tools: a script of the learner's in a repository made for it, and what it did there."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from pydantic import Field

from agentlab.errors import ConfigError, ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe
from agentlab_tools.execute.equipment import equipped

from .histories import CHECK
from .team import made

_SECONDS = 20.0
_SHOWN = 2000
_LIMITS = SandboxLimits(timeout=_SECONDS, files=5000)
_CONFIG = """\
[user]
name = You
email = you@example.org
[init]
defaultBranch = main
[advice]
detachedHead = false
"""
_MAKE = """\
set -e
git init -q --bare hub.git
git -C hub.git fast-import --quiet --export-marks=../marks < stream
mark() { grep "^:$1 " marks | cut -d ' ' -f 2; }
"""
_DELIVER = """\
git -C hub.git update-ref refs/heads/main "$(mark {base})"
git clone -q --no-local hub.git work
git -C work checkout -q -b topic origin/topic
git -C work branch -q --unset-upstream
git -C work update-ref -d refs/remotes/origin/topic
git -C hub.git update-ref -d refs/heads/topic
git -C hub.git update-ref -d refs/base
git -C hub.git update-ref refs/heads/main "$(mark {main})"
"""
_SEARCH = """\
git clone -q --no-local hub.git work
rm -rf hub.git
echo 'not in any commit' > work/notes.txt
"""
_IN_THE_MIDDLE = frozenset(
    ("MERGE_HEAD", "BISECT_LOG", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
)


@dataclass(frozen=True)
class Graph:
    """A main branch: subject of each commit by its hash, newest first, and its files."""

    commits: Mapping[str, str]
    files: Mapping[str, str]


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with bash and git in it; its strength stands in the trace.

    Raises:
        ConfigError: one of them is not there.
    """
    async with Sandbox.open(limits=_LIMITS, spare=False) as opened:
        if (await opened.run_shell('git --version && test -n "$BASH_VERSION"')).outcome != "ok":
            raise ConfigError(
                "this lab needs git and bash inside the sandbox: install git (apt install git, "
                "brew install git), and see `agentlab doctor`"
            )
        yield equipped(opened)


@tool(timeout=120)
async def run_in_repository(code: str, context: ToolContext) -> str:
    """Take a bash script first; then make a repository, and run the script in it.

    The last line of what is returned is for the grader: the exit status, what was printed, and
    the repository's graph and files, before and after.
    """
    opened: Sandbox = context.deps
    if opened not in _scripts:
        _scripts[opened] = code
        return "ready"
    told: dict[str, Any] = json.loads(code)
    await _made(opened, told)
    delivers = told["work"] == "deliver"
    repository = "hub.git" if delivers else "work/.git"
    before = await _graph(opened, repository)
    arguments = "topic ../check" if delivers else "../check"
    streams = "< /dev/null > ../out 2> ../err"
    result = await opened.run_shell(f"cd work && bash ../answer.sh {arguments} {streams}")
    if result.outcome not in ("ok", "error"):
        raise ToolError(f"it did not end within {_SECONDS:.0f} seconds")
    out, err, asked = [await _text(opened, name) for name in ("out", "err", "asked")]
    after = await _graph(opened, repository)
    known, now = before.commits, after.commits
    found: dict[str, Any] = {
        "status": 0 if result.error is None else int(result.error.split()[-1]),
        "out": out[:200],
        "asked": asked.count("\n"),
        "head": (await _text(opened, "work/.git/HEAD")).strip()[:80],
        "notes": bool(await _text(opened, "work/notes.txt")),
        "between": await _between(opened),
        "named": known.get(out.strip()),
        "untouched": before == after,
        "lost": [subject for hash, subject in known.items() if hash not in now],
        "came": [subject for hash, subject in now.items() if hash not in known],
        "files": after.files if delivers else {},
    }
    shown = [f"$ bash answer.sh {arguments}", out, err, f"exit status {found['status']}"]
    text = display_safe("\n".join(part[:_SHOWN].rstrip("\n") for part in shown if part))
    return f"{text}\n{json.dumps(found)}"


@tool(timeout=60)
async def git(
    arguments: Annotated[str, Field(description="what follows git", max_length=120)],
    context: ToolContext,
) -> str:
    """Ask git about the repository."""
    opened: Sandbox = context.deps
    if opened not in _with_team:
        history, _ = made()
        await opened.write_file(".gitconfig", _CONFIG)
        await opened.write_file("stream", history.stream())
        cloned = await opened.run_shell(f"{_MAKE}git clone -q hub.git work")
        if cloned.outcome != "ok":
            raise ToolError(f"the repository could not be made: {cloned.stderr.strip()}")
        _with_team[opened] = True
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise ToolError(f"a quote is not closed: {error}") from error
    result = await opened.run_shell(f"cd work && git --no-pager {shlex.join(words)}")
    text = display_safe((result.stdout + result.stderr)[:_SHOWN].strip())
    if result.outcome != "ok":
        raise ToolError(text or result.error or "it failed")
    return text or "git printed nothing"


async def _made(opened: Sandbox, told: Mapping[str, Any]) -> None:
    """Make the repositories, and what lies beside them."""
    for name, text in (
        ("stream", told["stream"]),
        ("check", CHECK),
        (".gitconfig", _CONFIG),
        ("answer.sh", _scripts[opened]),
    ):
        await opened.write_file(name, text)
    marks: Mapping[str, int] = told["marks"]
    then = _SEARCH
    if told["work"] == "deliver":
        then = _DELIVER.format(base=marks["refs/base"], main=marks["refs/heads/main"])
    made = await opened.run_shell(f"{_MAKE}{then}chmod 755 check\nrm stream marks")
    if made.outcome != "ok":
        raise ToolError(f"the repository could not be made: {made.stderr.strip()}")


async def _graph(opened: Sandbox, repository: str) -> Graph:
    """What main has, read where no code of the learner's ran.

    Objects are named by what is in them, so a copy of them can't be told otherwise.
    """
    async with Sandbox.open(limits=_LIMITS, spare=False) as reader:
        for file in await opened.list_files():
            inside = file.path.removeprefix(f"{repository}/")
            if inside != file.path and inside.split("/")[0] in ("objects", "refs", "packed-refs"):
                await reader.write_file(f"copy/{inside}", await opened.read_file(file.path))
        await reader.write_file("copy/HEAD", "ref: refs/heads/main\n")
        log = await reader.run_shell("git --git-dir=copy log --format='%H%x09%s' main --")
        texts: dict[str, str] = {}
        for name in ("tools.txt", "examples.txt"):
            shown = await reader.run_shell(f"git --git-dir=copy show main:{name}")
            texts[name] = shown.stdout if shown.outcome == "ok" else ""
    rows = (line.partition("\t") for line in log.stdout.splitlines())
    return Graph({hash: subject for hash, _, subject in rows}, texts)


async def _between(opened: Sandbox) -> list[str]:
    """What of git's was begun in the working copy and not ended, by the name of its file."""
    paths = [f.path.removeprefix("work/.git/") for f in await opened.list_files()]
    return sorted({path.split("/")[0] for path in paths} & _IN_THE_MIDDLE)


async def _text(opened: Sandbox, name: str) -> str:
    try:
        return (await opened.read_file(name)).decode("utf-8", "replace")
    except WorkspaceError:
        return ""


_scripts: WeakKeyDictionary[Sandbox, str] = WeakKeyDictionary()
_with_team: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
