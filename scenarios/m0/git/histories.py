"""Repositories of an agent's tools and examples: what happened in them, as `git fast-import` reads.

`tools.txt` names the agent's tools, and `examples.txt` has a question a line with the tool that
answers it. Whether the two fit together is what `check` finds out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

CHECK = """\
#!/bin/bash
# Do the examples in this folder name only tools that there are?
# 0: yes. 1: no. 125: it can't be told, since the list of tools is not finished.
echo asked >> "${0%/*}/asked"
grep -q '^TODO' tools.txt && exit 125
while IFS='|' read -r question tool; do
  grep -qxF -e "$tool" tools.txt || { echo "no tool: $tool" >&2; exit 1; }
done < examples.txt
"""

_MAKING = "refs/made/last"
_VERBS = ("count", "find", "read", "sort", "draw", "send", "plan", "mend")
_THINGS = ("words", "files", "dates", "rows", "names", "prices", "runs", "notes")


@dataclass(frozen=True)
class Commit:
    """One commit: its subject, all files as they are in it, its parents by place in the list."""

    subject: str
    files: Mapping[str, str]
    parents: tuple[int, ...] = ()
    author: str = "Ada"


@dataclass
class History:
    """Commits in the order in which they were made, and the names that point at them."""

    commits: list[Commit] = field(default_factory=list[Commit])
    refs: dict[str, int] = field(default_factory=dict[str, int])

    def add(
        self,
        ref: str,
        subject: str,
        files: Mapping[str, str],
        *,
        also: int | None = None,
        author: str = "Ada",
    ) -> int:
        """A commit on a branch, and its place; `also` is a second parent."""
        before = (self.refs[ref],) if ref in self.refs else ()
        parents = (*before, also) if also is not None else before
        self.commits.append(Commit(subject, dict(files), parents, author))
        self.refs[ref] = len(self.commits) - 1
        return self.refs[ref]

    def reached(self, ref: str) -> set[int]:
        """The places of the commits that a branch has."""
        found: set[int] = set()
        waiting = [self.refs[ref]]
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting.extend(self.commits[place].parents)
        return found

    def stream(self) -> str:
        """What `git fast-import` makes the repository from."""
        out: list[str] = []
        for place, commit in enumerate(self.commits):
            who = (
                f"{commit.author} <{commit.author.lower()}@example.org> {1795525212 + place} +0000"
            )
            out += [f"commit {_MAKING}\nmark :{place + 1}\nauthor {who}\ncommitter {who}\n"]
            out += [_data(commit.subject)]
            out += [
                f"{word} :{p + 1}\n"
                for word, p in zip(("from", "merge"), commit.parents, strict=False)
            ]
            out += ["deleteall\n"]
            out += [f"M 644 inline {n}\n{_data(text)}" for n, text in commit.files.items()]
            out += [f"reset {_MAKING}\nfrom {'0' * 40}\n\n"]
        out += [f"reset {ref}\nfrom :{place + 1}\n\n" for ref, place in self.refs.items()]
        return "".join(out)


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def tools(rng: Random, count: int) -> list[str]:
    """Names of tools, no two alike."""
    return [f"{v}_{t}" for v, t in rng.sample([(v, t) for v in _VERBS for t in _THINGS], count)]


def files(names: Sequence[str], examples: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The two files of a commit."""
    return {
        "tools.txt": "".join(f"{name}\n" for name in names),
        "examples.txt": "".join(f"{question}|{name}\n" for question, name in examples),
    }


def asks(rng: Random, names: Sequence[str], count: int) -> list[tuple[str, str]]:
    """Examples that use those tools, numbered so that no two are alike."""
    return [
        (f"Can you {name.replace('_', ' ')} no. {rng.randint(100, 999)}{n}?", name)
        for n, name in enumerate(rng.choices(names, k=count))
    ]
