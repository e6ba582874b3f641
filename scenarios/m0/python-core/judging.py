"""The checks: what was read, what was changed on the way, and what the agents reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from agentlab.labs.checks import numbers_in


def misread(found: Any, expect: Sequence[Mapping[str, Any]]) -> str | None:
    """The calls are not those of the trace."""
    if not isinstance(found, list):
        return "calls did not return a list"
    found = cast(list[Any], found)
    if len(found) != len(expect):
        return f"it found {len(found)} calls, and there were {len(expect)}"
    for number, (one, other) in enumerate(zip(found, expect, strict=True), 1):
        if one != other:
            return f"call {number}, of {other['tool']}: {_differs(one, other)}"
    return None


def _differs(one: Any, other: Mapping[str, Any]) -> str:
    if not isinstance(one, dict) or set(cast(dict[str, Any], one)) != set(other):
        return f"it needs the keys {', '.join(other)}"
    one = cast(dict[str, Any], one)
    if one["tool"] != other["tool"]:
        return f"it is called {one['tool']!r}"
    if isinstance(one["arguments"], str):
        return "its arguments are text, not a dict"
    if one["error"] == "unfinished":
        return "a call that ended is unfinished"
    wrong = next(key for key in other if one[key] != other[key])
    return f"its {wrong} is {one[wrong]!r}, not {other[wrong]!r}"


def miscounted(found: Any, expect: Mapping[str, Any]) -> str | None:
    """A tally has other counts."""
    for name, about in (("first", "of the first run"), ("sum", "of two runs together")):
        if found[name] != expect[name]:
            return f"the counts {about} are wrong: {_tally(found[name], expect[name])}"
    return None


def leaking(found: Any, expect: Mapping[str, Any]) -> str | None:
    """A tally that was begun afresh has what was counted before."""
    if found["second"] != expect["second"] and found["first"] == expect["first"]:
        return "a tally of its own has what was counted in the run before"
    return None if found["none"] == {} else "of no calls at all it counted some"


def changing(found: Any, _: Any) -> str | None:
    """What it was given, or had returned before, is not what it was."""
    if not found["given"]:
        return "the calls it was given are others afterwards"
    if not found["argument"]:
        return "the totals it was given are others afterwards"
    return None if found["inside"] else "the totals it was given changed with the sum, later"


def _tally(found: Any, expect: Mapping[str, Any]) -> str:
    if not isinstance(found, dict):
        return f"{found!r} is no dict"
    found = cast(dict[str, Any], found)
    for tool, counts in expect.items():
        if found.get(tool) != counts:
            return f"{tool} has {found.get(tool)}, not {counts}"
    return f"{next(tool for tool in found if tool not in expect)} was not called"


def not_asked(found: Any, expect: Any) -> str | None:
    """A question was not answered by a call."""
    for one, (_, _, text) in zip(found, expect, strict=True):
        if not one["results"]:
            return f"{text!r}: the model called nothing, and said {one['answer'][:60]!r}"
    return None


def misstored(found: Any, expect: Any) -> str | None:
    """What a store holds is not what was put into it and left there."""
    for one, there, refused, about in followed(found, expect):
        if refused or not one["results"]:
            continue
        content, error = one["results"][0]
        if error is not None:
            return f"{about}: {content[:80]}"
        if numbers_in(content)[:1] != [there]:
            return f"{about}: {content[:60]!r} came back, and {there} are there"
    return None


def not_refused(found: Any, expect: Any) -> str | None:
    """More was taken than there is."""
    for one, _, refused, about in followed(found, expect):
        if refused and one["results"] and one["results"][0][1] is None:
            return f"{about}: {one['results'][0][0][:60]!r} came back, and no error"
    return None


def followed(found: Any, expect: Any) -> Iterator[tuple[Any, int, bool, str]]:
    """Each question with what is then in its store, and whether it had to be refused.

    What is put or taken, and of what, is what the model's call says.
    """
    stores: dict[tuple[int, str], int] = {}
    for one, (store, wanted, text) in zip(found, expect, strict=True):
        place = (store, one["item"])
        there, sent = stores.get(place, 0), sum(one["sent"][:1])
        refused = wanted == "take" and sent > there
        if not refused and wanted != "count":
            there += sent if wanted == "put" else -sent
        stores[place] = there
        yield one, there, refused, f"store {store + 1}, {text!r}"
