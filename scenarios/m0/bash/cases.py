"""What scripts and agents are tried on: folders with one trap each, drawn afresh from a seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from agentlab.labs import Case

from .logs import errors_in, log_names
from .runs import RunFile

_TOOLS = ("search", "calculator", "read_file", "run_python")
_WORDS = ("night", "second", "cold", "long", "last", "early", "blue", "first", "quiet", "slow")


@dataclass(frozen=True)
class Folder:
    """A folder of runs, as a script meets it.

    Attributes:
        name: as it is handed to the script; None for one that is not there.
        stdin: what lies on the script's standard input, which is none of its business.
        others: files beside the runs, by name.
        closed: names of runs that may not be read.
    """

    title: str
    name: str
    runs: tuple[RunFile, ...] = ()
    stdin: str = ""
    others: tuple[tuple[str, str], ...] = ()
    closed: tuple[str, ...] = ()
    missing: bool = False

    def case(self, expect: Any) -> Case:
        """A script tried on this folder."""
        told: dict[str, Any] = {
            "folder": self.name,
            "missing": self.missing,
            "files": dict([*((run.name, run.text) for run in self.runs), *self.others]),
            "closed": self.closed,
            "stdin": self.stdin,
        }
        return Case(json.dumps(told), expect, title=self.title)


def _run(rng: Random, name: str, **changes: Any) -> RunFile:
    """A run of that name with two to six calls."""
    return RunFile(name, tuple(rng.choices(_TOOLS, k=rng.randint(2, 6))), **changes)


def _runs(rng: Random, *names: str) -> tuple[RunFile, ...]:
    return tuple(_run(rng, name) for name in names)


def _some(rng: Random, count: int = 3) -> list[str]:
    """Plain names of run files, no two alike."""
    return [f"{word}.jsonl" for word in rng.sample(_WORDS, count)]


def _spaces(rng: Random) -> Folder:
    a, b, c, d = rng.sample(_WORDS, 4)
    return Folder(
        "spaces in names",
        f"{a} shift",
        _runs(rng, f"{b} run.jsonl", f"{c} run  two.jsonl", f" {d}.jsonl", "plain.jsonl"),
    )


def _dash(rng: Random) -> Folder:
    return Folder(
        "names that begin with a dash",
        rng.choice(("-n", "-old", "--help")),
        _runs(rng, "-c.jsonl", "--help.jsonl", *_some(rng, 2)),
    )


def _empty(rng: Random) -> Folder:
    return Folder("an empty folder", "runs", stdin=_run(rng, "stray", end="failed").text)


def _stars(rng: Random) -> Folder:
    a, b, c = rng.sample("abcdefgh", 3)
    return Folder(
        "names with * and [ ] in them",
        "runs [all]",
        _runs(rng, f"{a}.jsonl", f"{b}.jsonl", f"[{a}{b}{c}].jsonl", "*.jsonl"),
    )


def _newline(rng: Random) -> Folder:
    first, *others = _some(rng)
    return Folder(
        "a name of two lines", "runs", _runs(rng, f"one line\n{first}", "\n.jsonl", *others)
    )


def _signs(rng: Random) -> Folder:
    return Folder(
        "quotes, dollars and backslashes in names",
        f"{rng.choice(_WORDS)}'s $HOME",
        _runs(rng, "it's.jsonl", '"so".jsonl', "a\\tb.jsonl", "$(touch gone).jsonl", "`id`.jsonl"),
    )


def _beside(rng: Random) -> Folder:
    stray = _run(rng, "notes.txt", end="failed").text
    return Folder(
        "a file beside the runs that is none",
        "runs",
        _runs(rng, *_some(rng)),
        others=(("notes.txt", stray), ("read me.md", "Runs of May.\n")),
    )


def _cut(rng: Random) -> Folder:
    first, second, third = sorted(_some(rng))
    return Folder(
        "a run that was killed",
        "runs",
        (_run(rng, first), _run(rng, second, end="cut"), _run(rng, third)),
    )


_Trap = Callable[[Random], Folder]
_TALLY: Sequence[_Trap] = (
    *(_spaces, _dash, _empty),
    *(_stars, _cut, _newline, _signs, _beside),
)


def tallies(rng: Random, count: int) -> Sequence[Case]:
    """Folders whose calls are to be counted; `expect` is the lines, as pairs."""
    cases: list[Case] = []
    for n in range(count):
        folder = _TALLY[n % len(_TALLY)](rng)
        found = Counter(name for run in folder.runs for name in run.calls)
        lines = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        cases.append(folder.case([(number, name) for name, number in lines]))
    return cases


def _with(rng: Random, folder: Folder, *, fewest: int = 1) -> Folder:
    """The folder, with some of its runs not finished; never the last of them."""
    runs = sorted(folder.runs, key=lambda run: run.name)
    open_ones = rng.sample(runs[:-1], rng.randint(fewest, max(fewest, len(runs) - 2)))
    return Folder(
        folder.title,
        folder.name,
        tuple(
            RunFile(
                run.name,
                run.calls,
                rng.choice(("limit", "failed")) if run in open_ones else run.end,
            )
            for run in runs
        ),
        folder.stdin,
        folder.others,
    )


def _all_well(rng: Random) -> Folder:
    a, b = rng.sample(_WORDS, 2)
    runs = _runs(rng, f"{a} run.jsonl", f"{b}.jsonl")
    return Folder("every run finished", f"{a} shift", runs)


def _not_there(rng: Random) -> Folder:
    return Folder("a folder that is not there", f"{rng.choice(_WORDS)} shift", missing=True)


def _closed(rng: Random) -> Folder:
    a, b, c, d = sorted(_some(rng, 4))
    return Folder(
        "a run that may not be read",
        "runs",
        (_run(rng, a), _run(rng, b, end="failed"), _run(rng, c, end="limit"), _run(rng, d)),
        closed=(b,),
    )


def _nothing_in_it(rng: Random) -> Folder:
    a, b, c = sorted(_some(rng))
    return Folder(
        "a run that died before its first line",
        "runs",
        (_run(rng, a), RunFile(b, (), "unborn"), _run(rng, c)),
    )


_UNFINISHED: Sequence[_Trap] = (
    lambda rng: _with(rng, _spaces(rng)),
    _not_there,
    _all_well,
    *(_empty, _closed, _cut, _nothing_in_it),
    lambda rng: _with(rng, _newline(rng), fewest=2),
    lambda rng: _with(rng, _dash(rng)),
    lambda rng: _with(rng, _signs(rng), fewest=3),
    lambda rng: _with(rng, _stars(rng)),
)


def unfinished(rng: Random, count: int) -> Sequence[Case]:
    """Folders whose unfinished runs are to be named; `expect` is the names and the exit status."""
    cases: list[Case] = []
    for n in range(count):
        folder = _UNFINISHED[n % len(_UNFINISHED)](rng)
        names = sorted(run.name for run in folder.runs if run.end != "completed")
        status = 2 if folder.missing else 1 if names else 0
        cases.append(folder.case({"names": names, "status": status}))
    return cases


def questions(rng: Random, count: int) -> Sequence[Case]:
    """Questions about logs with names of three kinds in turns; `expect` is the number of errors."""
    drawn = log_names(rng, count)
    return [Case(f"How many errors are in {name}?", errors_in(name)) for name in drawn]
