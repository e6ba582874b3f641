"""What the answers are tried on: saved notebooks, days of calls, and questions about them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from agentlab.labs import Case

from .calls import NO_TOOLS, TOOLS, Call, as_csv, day, failed, limit_of, milliseconds, slow
from .saved import KINDS, saved

_FIND = """import copy, json, os
open('rate.txt', 'w').write('{left}')  # as an earlier session left it
_given = json.loads({given!r})
_found = []
for _kind, _notebook, _files in _given:
    _number = first_broken(copy.deepcopy(_notebook), dict(_files))
    print(_kind + ':', 'all well' if _number is None else f'cell {{_number}} breaks')
    _found.append(_number)
print(json.dumps(dict(found=_found)))"""


def notebooks(rng: Random, count: int) -> list[Case]:
    """Two of every kind, mixed; the first has all its counts in order and is sound."""
    cases: list[Case] = []
    for _ in range(count):
        kinds = [*KINDS] * 2
        rng.shuffle(kinds)
        made = [saved(rng, kind) for kind in kinds]
        left = next(one for one in made if one.kind == "a file was left behind")
        rate = left.notebook["cells"][1]["outputs"][0]["text"].strip()
        given = json.dumps([[f"notebook {n}", m.notebook, m.files] for n, m in enumerate(made, 1)])
        cases.append(
            Case(
                _FIND.format(left=rate, given=given),
                {"breaks": [m.breaks for m in made], "kinds": kinds},
                title=f"{len(made)} saved notebooks",
            )
        )
    return cases


def days(rng: Random, count: int) -> list[Case]:
    """Two days each: the second is read where the first one's files are left."""
    return [_days(rng) for _ in range(count)]


def _days(rng: Random) -> Case:
    while True:
        first, second = day(rng), day(rng)
        if not _told_apart(first, second):
            continue
        wanted = [slow(calls, limit_of(calls)) for calls in (first, second)]
        told = {"work": "mend", "days": [as_csv(first), as_csv(second)]}
        return Case(json.dumps(told), {"slow": wanted}, title="two days, a kernel each")


def _told_apart(first: tuple[Call, ...], second: tuple[Call, ...]) -> bool:
    """Whether a limit of yesterday, or one of all calls, would count others as slow."""
    of_all = 2 * sum(call.seconds for call in second) / len(second)
    right = slow(second, limit_of(second))
    return all(slow(second, limit) != right for limit in (limit_of(first), of_all))


def again(rng: Random, count: int) -> list[Case]:
    """A day each, and what tool took longest on it."""
    cases: list[Case] = []
    while len(cases) < count:
        calls = day(rng)
        total = milliseconds(calls)
        longest = max(total, key=lambda tool: total[tool])
        with_failed = milliseconds([Call(call.tool, call.seconds) for call in calls])
        alone = sum(round(ms) == round(total[longest]) for ms in total.values()) == 1
        if not alone or round(with_failed[longest]) == round(total[longest]):
            continue
        told: dict[str, Any] = {"work": "again", "calls": as_csv(calls), "seed": rng.random()}
        expect = {"tool": longest, "ms": round(total[longest])}
        cases.append(Case(json.dumps(told), expect, title="a day, cells run again"))
    return cases


def questions(rng: Random, count: int) -> list[Case]:
    """Two that a model is asked, of a tool that is there and of one that isn't; and more."""
    return [_asked(rng) for _ in range(count)]


def _asked(rng: Random) -> Case:
    while True:
        calls = day(rng)
        counts = {tool: failed(calls, tool) for tool in TOOLS}
        if all(counts.values()):
            break
    known, unknown = rng.choice(TOOLS), rng.choice(NO_TOOLS)
    straight = [rng.choice(TOOLS), *rng.sample(TOOLS, 3), "compass"]
    told = {
        "work": "asked",
        "calls": as_csv(calls),
        "asked": [f"How many calls of {tool} failed?" for tool in (known, unknown)],
        "straight": straight,
    }
    expect = {"failed": counts, "asked": [known, None]}
    return Case(json.dumps(told), expect, title=f"a model asks about {known} and {unknown}")
