"""What a shell offers when one presses Tab: runs, labs, tools, models.

A shell waits for the answer at every key, so nothing here imports more than it must; and whatever
is broken on this machine, the answer is at worst that there is nothing to offer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    split_arg_string,
)

from agentlab.folders import environment

Offer: TypeAlias = tuple[str, str]
"""What can be typed, and what it is."""
Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_NEWEST = 50
_HEAD = 200_000
"""Bytes of a trace that are looked at for its question."""


def _completer(
    *, files: bool = False
) -> Callable[[Callable[[click.Context], Iterable[Offer]]], Completer]:
    def wrap(offers: Callable[[click.Context], Iterable[Offer]]) -> Completer:
        @wraps(offers)
        def complete(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
            try:
                items = [CompletionItem(v, help=h) for v, h in offers(ctx) if v.startswith(typed)]
            except Exception:  # noqa: BLE001 - a traceback at a prompt would help nobody
                items = []
            return items or ([CompletionItem(typed, type="file")] if files else [])

        return complete

    return wrap


@_completer(files=True)
def run_names(ctx: click.Context) -> Iterator[Offer]:
    """The newest runs, each with its question."""
    from agentlab.places.home import home

    runs = cast(Path | None, ctx.params.get("runs")) or home() / "runs"
    yield "last", "the newest run"
    for path in islice(sorted(runs.glob("*.jsonl"), reverse=True), _NEWEST):
        yield path.stem, _question(path)


def _question(path: Path) -> str:
    """As `Trace.question`, of the first lines of a file; empty where that is not to be had."""
    from agentlab.display import one_line

    try:
        with path.open("rb") as file:
            file.readline(_HEAD)
            messages: Any = json.loads(file.readline(_HEAD))["event"]["messages"]
        parts = [part for m in messages if m["role"] == "user" for part in [m["parts"]]][-1]
        return one_line("".join(part.get("text", "") for part in parts), 60)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ""


@_completer(files=True)
def lab_names(ctx: click.Context) -> Iterator[Offer]:
    """The labs there are; none is loaded for it."""
    from agentlab.labs.course import lab_roots
    from agentlab.labs.find import list_folders

    more = cast(tuple[Path, ...], ctx.params.get("labs") or ())
    for id, folder in list_folders((*more, *lab_roots())):
        yield id, _title(folder)


def _title(folder: Path) -> str:
    try:
        with (folder / "lesson.md").open(encoding="utf-8", errors="replace") as file:
            return next((line[2:].strip() for line in islice(file, 20) if line[:2] == "# "), "")
    except OSError:
        return ""


@_completer()
def tools_and_sets(_: click.Context) -> Iterator[Offer]:
    """The tools that are installed, and what opens tools for something one names."""
    for entry in sorted(entry_points(group="agentlab.tools"), key=lambda e: e.name):
        yield entry.name, ""
    for entry in sorted(entry_points(group="agentlab.toolsets"), key=lambda e: e.name):
        yield f"{entry.name}:", "of what you name"


@_completer(files=True)
def models(_: click.Context) -> Iterator[Offer]:
    """The models of this machine, and the beginnings of those that services have."""
    from agentlab.places.models import hosted_models, local_models

    for row in (*local_models(), *hosted_models()):
        yield row.name, row.title


_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}" word response type value
    word="${line##*[[:space:]]}"
    response=$(env COMP_LINE="$line" %(complete_var)s=bash_complete "$1")
    COMPREPLY=()
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == file ]]; then
            compopt -o default
        elif [[ $type == dir ]]; then
            compopt -o dirnames
        elif [[ $COMP_WORDBREAKS == *:* && $word == *:* ]]; then
            COMPREPLY+=("${value#"${word%%:*}:"}")
        else
            COMPREPLY+=("$value")
        fi
    done
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Bash breaks words at colons, which names of models and tools are full of."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words of the line up to the cursor, as a shell splits them, and the last of them."""

        line = environment().get("COMP_LINE", "")
        words = split_arg_string(line)[1:]
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1]


add_completion_class(Bash)
