"""What the learner's functions are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

from .traces import calls, run

_ENDS = ("whole", "torn", "killed")
_ABOUT = {
    "whole": "a run that ended",
    "torn": "a run whose last line is cut",
    "killed": "a killed run",
}
_TOOLS = ("weather", "add", "price", "search", "chart")
_ITEMS = ("lamps", "chairs", "books", "plates", "tents", "boots", "ropes", "coats", "drums", "maps")


def runs(rng: Random, count: int) -> Sequence[Case]:
    """Traces, whole and broken off; `expect` is the calls in them."""
    cases: list[Case] = []
    for n in range(count):
        end = _ENDS[n % 3]
        text = run(rng, end)
        code = f"import json\nprint(json.dumps(calls({text!r})))"
        cases.append(Case(code, list(calls(text)), title=_ABOUT[end]))
    return cases


def tallies(rng: Random, count: int) -> Sequence[Case]:
    """Calls of three runs, counted apart and together; `expect` is the counts."""
    cases: list[Case] = []
    for n in range(count):
        three = [_drawn(rng, _TOOLS) for _ in range(2)]
        left_out = rng.choice(three[0])["tool"]  # so that some counts are taken over unchanged
        three.append(_drawn(rng, [name for name in _TOOLS if name != left_out]))
        three[2].append(next(call for call in three[0] if call["tool"] != left_out))  # and one not
        first = _counted(three[0], {})
        expect = {
            "first": first,
            "second": _counted(three[1], {}),
            "sum": _counted(three[2], first),
        }
        code = _TALLY.format(three=three)
        cases.append(Case(code, expect, title=f"the calls of three runs, draw {n + 1}"))
    return cases


def _drawn(rng: Random, tools: Sequence[str]) -> list[dict[str, Any]]:
    names = rng.sample(tools, rng.randint(2, 4))
    errors = (None, None, None, "tool_error", "unfinished")
    return [
        {"tool": name, "arguments": {}, "result": None, "error": rng.choice(errors)}
        for name in (*names, *rng.choices(names, k=rng.randint(3, 8)))
    ]


def _counted(given: Sequence[dict[str, Any]], totals: dict[str, Any]) -> dict[str, Any]:
    found = {name: dict(counts) for name, counts in totals.items()}
    for call in given:
        counts = found.setdefault(call["tool"], {"calls": 0, "failed": 0})
        counts["calls"] += 1
        counts["failed"] += call["error"] is not None
    return found


_TALLY = """import copy, json
one, two, three = {three}
given = copy.deepcopy([one, two, three])
first = tally(one)
kept = copy.deepcopy(first)
second = tally(two)
added = tally(three, first)
found = dict(first=copy.deepcopy(kept), second=copy.deepcopy(second), sum=copy.deepcopy(added))
same = first == kept
for counts in added.values():
    counts['calls'] += 1000
print(json.dumps(dict(
    **found, argument=same, inside=first == kept or not same, second_kept=second == found['second'],
    given=[one, two, three] == given, none=tally([]),
)))"""


def dialogues(rng: Random, count: int) -> Sequence[Case]:
    """What two agents are asked, each with a store of its own.

    `expect` has for each question the store, whether to `put`, `take` or `count`, and the text. How
    many are put or taken is read from the model's call, which copies a number wrongly now and then;
    what is asked of the class is what it does with the call.
    """
    cases: list[Case] = []
    for _ in range(count):
        item, other = rng.sample(_ITEMS, 2)
        a, b, more = (10 * rng.randint(*ends) for ends in ((2, 5), (6, 9), (1, 2)))
        asked = [
            (0, "put", f"Put {a} {item} into the store."),
            (1, "put", f"Put {b} {item} into the store."),
            (0, "put", f"Put {more} {item} into the store."),
            (1, "take", f"Take {a} {item} out of the store."),
            (0, "take", f"Take 90 {item} out of the store."),  # more than there can be
            (0, "count", f"How many {item} are in the store?"),
            (1, "count", f"How many {other} are in the store?"),
        ]
        told = json.dumps([[store, text] for store, _, text in asked])
        cases.append(Case(told, asked, title=f"two stores of {item}, seven questions"))
    return cases
