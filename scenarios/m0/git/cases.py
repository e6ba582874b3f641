"""Repositories to deliver into, to search, and to ask about, drawn afresh from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

from .histories import History, asks, files, tools
from .team import asked

_Examples = list[tuple[str, str]]
MAIN, TOPIC = "refs/heads/main", "refs/heads/topic"


def _case(title: str, work: str, history: History, expect: Mapping[str, Any]) -> Case:
    told = {
        "work": work,
        "stream": history.stream(),
        "marks": {name: place + 1 for name, place in history.refs.items()},
    }
    return Case(json.dumps(told), dict(expect), title=title)


class _Team:
    """A base that all have, what others pushed on top of it, and a branch of one's own."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.names = tools(rng, 9)
        self.old, self.new = self.names[:6], self.names[6:]
        rest = [name for name in self.old if name != self.old[1]]
        self.examples = [*asks(rng, self.old[1:2], 2), *asks(rng, rest, 6)]
        self.history = History()
        self.base = self.history.add(MAIN, "Begin", files(self.old, self.examples))
        self.history.refs["refs/base"] = self.base
        self.history.refs[TOPIC] = self.base

    def case(self, title: str, names: Sequence[str], examples: _Examples, *, fits: bool) -> Case:
        """The case, and what the two files are to come to."""
        want = {name: sorted(text.splitlines()) for name, text in files(names, examples).items()}
        there = self.history.reached(MAIN)
        own = [
            commit.subject
            for place, commit in enumerate(self.history.commits)
            if commit.author == "You" and place not in there
        ]
        expect = {"fits": fits, "files": want, "subjects": own}
        return _case(title, "deliver", self.history, expect)

    def mine(self, names: Sequence[str], examples: _Examples, *more: tuple[str, str]) -> None:
        """Two commits on the branch: examples one after the other, and the tools with the first."""
        for n, example in enumerate(more, 1):
            done = [*examples, *more[:n]]
            self.history.add(TOPIC, f"Show: {example[0]}", files(names, done), author="You")

    def theirs(self, subject: str, names: Sequence[str], examples: _Examples) -> None:
        """A commit that somebody else pushed."""
        self.history.add(MAIN, subject, files(names, examples), author="Grace")


def _alone(rng: Random) -> Case:
    team = _Team(rng)
    more = asks(rng, team.old, 2)
    team.mine(team.old, team.examples, *more)
    done = [*team.examples, *more]
    return team.case("nobody else has pushed", team.old, done, fits=True)


def _apart(rng: Random) -> Case:
    team = _Team(rng)
    more = asks(rng, team.old, 2)
    team.mine(team.old, team.examples, *more)
    names = [team.new[0], *team.old]
    team.theirs(f"Add {team.new[0]}", names, team.examples)
    return team.case("somebody else has pushed", names, [*team.examples, *more], fits=True)


def _same_place(rng: Random) -> Case:
    team = _Team(rng)
    more, others = asks(rng, team.old, 2), asks(rng, team.old, 2)
    team.mine(team.old, team.examples, *more)
    team.theirs("Two examples more", team.old, [*team.examples, *others])
    done = [*team.examples, *others, *more]
    return team.case("both added lines at the same place", team.old, done, fits=True)


def _both_files(rng: Random) -> Case:
    team = _Team(rng)
    more, others = asks(rng, team.new[:1], 2), asks(rng, team.new[1:2], 1)
    team.mine([*team.old, team.new[0]], team.examples, *more)
    names = [*team.old, team.new[1]]
    team.theirs(f"Add {team.new[1]}", names, [*team.examples, *others])
    done = [*team.examples, *others, *more]
    return team.case("both files are in conflict", [*names, team.new[0]], done, fits=True)


def _no_longer_fits(rng: Random) -> Case:
    team = _Team(rng)
    old, new = team.old[1], team.new[0]
    team.mine(team.old, team.examples, *asks(rng, [old], 2))
    names = [new if name == old else name for name in team.old]
    told = [(question, new if name == old else name) for question, name in team.examples]
    team.theirs(f"Rename {old} to {new}", names, told)
    return team.case("it merges without a conflict, and is wrong", names, told, fits=False)


def _there_already(rng: Random) -> Case:
    team = _Team(rng)
    more = asks(rng, team.old, 1)
    team.mine(team.old, team.examples, *more)
    done = [*team.examples, *more]
    team.history.add(
        MAIN, "Merge topic", files(team.old, done), also=team.history.refs[TOPIC], author="Grace"
    )
    return team.case("it has been delivered before", team.old, done, fits=True)


_DELIVER: Sequence[Callable[[Random], Case]] = (
    *(_apart, _same_place, _no_longer_fits),
    *(_alone, _both_files, _there_already),
)


def deliveries(rng: Random, count: int) -> Sequence[Case]:
    """Branches to be delivered; `expect` says whether they fit, and what comes of it."""
    return [_DELIVER[n % len(_DELIVER)](rng) for n in range(count)]


_LENGTH = 60


class _Story:
    """Commits that add and rename, one of which breaks what it renames."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.pool = tools(rng, 60)
        self.names = [self.pool.pop() for _ in range(6)]
        self.examples = asks(rng, self.names, 8)
        self.history = History()
        self.todo = False
        self.broken: tuple[str, str] | None = None

    def write(self, ref: str, subject: str, *, also: int | None = None) -> int:
        """The state of things as a commit."""
        made = dict(files(self.names, self.examples))
        if self.todo:
            made["tools.txt"] = "TODO finish this list\n" + made["tools.txt"]
        return self.history.add(ref, subject, made, also=also)

    def step(self, ref: str, n: int) -> None:
        """A harmless commit: an example more, or a tool renamed with all its examples."""
        whole = [name for name in self.names if self.broken is None or name != self.broken[1]]
        if n % 3 == 2:
            old, new = self.rng.choice(whole), self.pool.pop()
            self.names = [new if name == old else name for name in self.names]
            self.examples = [(q, new if name == old else name) for q, name in self.examples]
            self.write(ref, f"Rename {old} to {new}")
        else:
            (example,) = asks(self.rng, whole, 1)
            self.examples = [*self.examples, example]
            self.write(ref, f"Show: {example[0]}")

    def breaks(self, ref: str) -> str:
        """The commit to be found, and its subject."""
        old, new = self.rng.choice([name for _, name in self.examples]), self.pool.pop()
        self.names = [new if name == old else name for name in self.names]
        self.broken = (old, new)
        subject = f"Rename {old} to {new}"
        self.write(ref, subject)
        return subject


def _line(rng: Random, culprit: int, *, unfinished: bool) -> tuple[History, str]:
    """Sixty commits, and the subject of the one that breaks it: the one of that number."""
    story = _Story(rng)
    story.write(MAIN, "Begin")
    story.history.refs["refs/tags/good"] = 0
    subject = ""
    for n in range(1, _LENGTH):
        # unfinished where halving looks first, and never beside the commit that is looked for
        story.todo = unfinished and 28 <= n <= 32
        if n == culprit:
            subject = story.breaks(MAIN)
        else:
            story.step(MAIN, n)
    return story.history, subject


def _early(rng: Random) -> int:
    return rng.randint(18, 24)


def _late(rng: Random) -> int:
    return rng.randint(36, 42)


def _plain(rng: Random) -> Case:
    # where halving ends at the commit before, which it finds good: HEAD is not the culprit
    culprit = rng.choice((19, 21, 23, 36, 38, 40, 42))
    history, subject = _line(rng, culprit, unfinished=False)
    return _case("sixty commits in a row", "search", history, {"subject": subject})


def _unfinished_before(rng: Random) -> Case:
    history, subject = _line(rng, _late(rng), unfinished=True)
    title = "commits before it can't be checked"
    return _case(title, "search", history, {"subject": subject})


def _unfinished_after(rng: Random) -> Case:
    history, subject = _line(rng, _early(rng), unfinished=True)
    return _case("commits after it can't be checked", "search", history, {"subject": subject})


def _aside(rng: Random) -> Case:
    story = _Story(rng)
    story.write(MAIN, "Begin")
    story.history.refs["refs/tags/good"] = 0
    for n in range(1, 25):
        story.step(MAIN, n)
    side = "refs/heads/side"
    story.history.refs[side] = story.history.refs[MAIN]
    for n in range(8):
        story.step(side, n)
    subject = story.breaks(side)
    for n in range(5):
        story.step(side, n)
    tip = story.history.refs.pop(side)
    story.write(MAIN, "Merge side", also=tip)
    for n in range(20):
        story.step(MAIN, n)
    return _case("it came in with a merge", "search", story.history, {"subject": subject})


_SEARCH: Sequence[Callable[[Random], Case]] = (
    *(_plain, _unfinished_before, _aside, _unfinished_after),
)


def searches(rng: Random, count: int) -> Sequence[Case]:
    """Histories in which one commit broke something; `expect` has its subject."""
    return [_SEARCH[n % len(_SEARCH)](rng) for n in range(count)]


def questions(rng: Random, count: int) -> Sequence[Case]:
    """Questions about the team's repository; `expect` is a name."""
    return [Case(f"Who added the tool {name}?", who) for name, who in asked(rng, count)]
