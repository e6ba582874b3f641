"""What is wrong with a figure, by what can be seen of it; the program can't reach this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import isclose, log10
from typing import Any, TypeAlias

from agentlab.labs.checks import Complaint, numbers_in

from .colours import keyless, miswritten, unbalanced, unseen

Found: TypeAlias = dict[str, str | None]
"""What is wrong, by check; None where nothing is."""
Note: TypeAlias = Callable[[Any, Any], str | None]
_WINDOWS = 40
_TOLERATED = 0.02
"""Of the range of values: what nobody sees."""
_POINTS = 20
"""A line of density has more."""
_ELSEWHERE = 0.1
"""Of the area: what a line that smooths may put elsewhere."""
_VALLEY = 0.75
"""Of the lower hump's height: a valley is no higher."""


def noted(check: str) -> Complaint:
    """A complaint on what was seen outside, and is told under the check's name."""

    def complaint(found: Any, _: Any) -> str | None:
        return found.get(check, "nothing was looked at")

    return complaint


def _by_figure(*notes: tuple[str, Note]) -> Callable[[Sequence[Any], Mapping[str, Any]], Found]:
    """The first complaint of each kind, over all figures."""

    def judge(seen: Sequence[Any], case: Mapping[str, Any]) -> Found:
        found: Found = {}
        for name, note in notes:
            pairs = zip(seen, case["figures"], strict=True)
            told = [(n, note(axes, given)) for n, (axes, given) in enumerate(pairs, 1)]
            found[name] = next((f"figure {n}: {why}" for n, why in told if why), None)
        return found

    return judge


def _unsaid(words: tuple[str, str]) -> Note:
    """A complaint on axes whose labels don't have these words."""

    def note(axes: Any, _: Any) -> str | None:
        for name, label, word in zip("xy", axes[0]["labels"], words, strict=True):
            if word not in label.lower() or not label:
                return f"the {name} axis says {label or 'nothing'!r}, and no {word or 'word'!r}"
        return None

    return note


def _without_legend(axes: Any, given: Any) -> str | None:
    said = _unsaid(("step", "loss"))(axes, given)
    names = {name.strip() for one in axes for name in one["legend"]} - {""}
    return said or (None if len(names) > 1 else f"a legend that names both: {sorted(names)}")


def unmarked(axes: Any, _: Any) -> str | None:
    """An axis that isn't linear, and doesn't say so."""
    for one in axes:
        for name, scale, label in zip("xy", one["scales"], one["labels"], strict=True):
            if scale != "linear" and "log" not in label.lower():
                return f"the {name} axis is {scale}, and its label {label!r} doesn't say so"
    return None


def _scales(axes: Any, given: Any) -> str | None:
    drawn = [one for one in axes if one["series"] or one["bars"]]
    for one in drawn[1:]:
        if one["limits"][1] != drawn[0]["limits"][1] or one["scales"] != drawn[0]["scales"]:
            ends = " and ".join("{:.3g} to {:.3g}".format(*o["limits"][1]) for o in drawn[:2])
            return f"two scales for one quantity: {ends}"
    return unmarked(axes, given)


def _points(axes: Any) -> Iterator[tuple[float, float]]:
    for one in axes:
        for series in one["series"]:
            yield from ((x, y) for x, y in series)


def _smoothed(axes: Any, given: Any) -> str | None:
    """Somewhere the loss was higher, or lower, than anything drawn there."""
    steps, losses = given["steps"], given["losses"]
    width = (steps[-1] - steps[0]) / _WINDOWS
    slack = _TOLERATED * (max(losses) - min(losses))
    drawn: list[list[float]] = [[] for _ in range(_WINDOWS + 2)]
    for x, y in _points(axes):
        place = int((x - steps[0]) // width) + 1
        if 0 <= place < len(drawn):
            drawn[place].append(y)
    order = sorted(range(len(steps)), key=lambda n: -losses[n])  # the spike first
    for n in order:
        place = min(int((steps[n] - steps[0]) // width) + 1, _WINDOWS)
        near = [y for some in drawn[place - 1 : place + 2] for y in some]
        if not near:
            return f"nothing is drawn near step {steps[n]:,}, of {steps[0]:,} to {steps[-1]:,}"
        if max(near) < losses[n] - slack:
            reason = f"at step {steps[n]:,} the loss is {losses[n]:.2f}"
            return f"{reason}, and the highest drawn near it {max(near):.2f}"
        if min(near) > losses[n] + slack:
            reason = f"at step {steps[n]:,} the loss is {losses[n]:.2f}"
            return f"{reason}, and the lowest drawn near it {min(near):.2f}"
    return None


def _cut(axes: Any, given: Any) -> str | None:
    (left, right), (bottom, top) = axes[0]["limits"]
    losses = given["losses"]
    if max(losses) > top or min(losses) < bottom:
        worst = max(losses) if max(losses) > top else min(losses)
        return f"the axis goes from {bottom:.2f} to {top:.2f}, and a loss is {worst:.2f}"
    if given["steps"][0] < left or given["steps"][-1] > right:
        return f"the axis goes from {left:,.0f} to {right:,.0f}, and steps are left out"
    return None


def _misplaced(axes: Any, given: Any) -> str | None:
    for one in axes:
        for series in one["series"]:
            drawn = [tuple(pair) for pair in series]
            if len(drawn) >= len(given["steps"]):
                continue
            if all(_among(pair, drawn) for pair in given["held_out"]):
                return None
    step, loss = given["held_out"][0]
    return f"the held-out loss of step {step:,}, {loss:.2f}, and the others, aren't drawn there"


def _among(pair: Sequence[float], drawn: Sequence[tuple[float, float]]) -> bool:
    return any(
        isclose(pair[0], x, abs_tol=0.5) and isclose(pair[1], y, abs_tol=0.005) for x, y in drawn
    )


def _untold(axes: Any, given: Any) -> str | None:
    return _unsaid((given["what"], ""))(axes, given) or unmarked(axes, given)


def _floating(axes: Any, _: Any) -> str | None:
    """Bars that don't stand on zero, or whose foot isn't seen."""
    if not axes[0]["bars"]:
        bottom = axes[0]["limits"][1][0]
        return None if bottom <= 0 else f"the axis begins at {bottom:.3g}, not at 0"
    if axes[0]["scales"][1] != "linear":
        return "a bar on a logarithmic axis has no zero to stand on"
    bottom = axes[0]["limits"][1][0]
    feet = {foot for _, _, foot, _ in axes[0]["bars"]}
    if bottom > 0:
        return f"the axis begins at {bottom:.3g}, and the bars at 0"
    return None if feet == {0.0} else f"the bars begin at {max(feet):.3g}, not at 0"


def _untrue(axes: Any, given: Any) -> str | None:
    """Bars whose area isn't as their number of values."""
    bars = [bar for bar in axes[0]["bars"] if bar[1] > bar[0]]
    log = axes[0]["scales"][0] == "log"
    wide = [log10(b / a) if log and a > 0 else b - a for a, b, _, _ in bars]
    areas = [w * (bar[3] - bar[2]) for w, bar in zip(wide, bars, strict=True)]
    # The last bar has both its edges, and an edge may be off by what a float is
    last = max((bar[1] for bar in bars), default=0.0) * (1 - 1e-9)
    within = [
        [a <= v < b or (b >= last and a <= v <= b * (1 + 1e-9)) for v in given["values"]]
        for a, b, _, _ in bars
    ]
    counts = [sum(some) for some in within]
    if not bars:
        return _invented(axes, given)
    left = len(given["values"]) - sum(map(any, zip(*within, strict=True)))
    if left > 1 or not sum(areas):
        return f"{left} of {len(given['values'])} values stand in no bar"
    for (a, b, *_), area, values in zip(bars, areas, counts, strict=True):
        share, right = area / sum(areas), values / sum(counts)
        if abs(share - right) > 0.004 + 0.02 * right:
            return (
                f"{right:.1%} of the values are between {a:.3g} and {b:.3g}, "
                f"and {share:.1%} of the area"
            )
    return None


def _invented(axes: Any, given: Any) -> str | None:
    """A line of density whose area lies elsewhere than the values do, by more than a smoothing."""
    values = sorted(given["values"])
    ends = [values[len(values) * n // 4] for n in (1, 2, 3)]
    for series in axes[0]["series"]:
        steps = list(pairwise(series))
        if len(steps) < _POINTS or any(p[0] > q[0] for p, q in steps):
            continue
        areas = [(p[0], (p[1] + q[1]) / 2 * (q[0] - p[0])) for p, q in steps]
        whole = sum(area for _, area in areas)
        if whole <= 0:
            continue  # marks on the axis
        for end, right in zip(ends, (0.25, 0.5, 0.75), strict=True):
            share = sum(area for x, area in areas if x < end) / whole
            if abs(share - right) > _ELSEWHERE:
                return f"{right:.0%} of the values are below {end:.3g}, and {share:.0%} of the area"
        return None
    return "neither bars nor a line of density is drawn"


def _height(axes: Any, low: float, high: float) -> float:
    """How high it is drawn between two places, the highest there, and 0 where nothing is."""
    tops = [top - foot for a, b, foot, top in axes[0]["bars"] if a < high and b > low]
    for series in axes[0]["series"]:
        tops += [y for x, y in series if low <= x <= high]
        crossing = [(p, q) for p, q in pairwise(series) if p[0] <= low and q[0] >= high]
        tops += [(p[1] + q[1]) / 2 for p, q in crossing]
    return max(tops, default=0.0)


def _merged(axes: Any, given: Any) -> str | None:
    near, valley = given["near"], given["valley"]
    humps = [_height(axes, hump - near, hump + near) for hump in given["humps"]]
    deep = _height(axes, valley - near / 10, valley + near / 10)
    if min(humps) <= 0:
        return f"nothing is drawn around {given['humps'][humps.index(min(humps))]:.2f}"
    if deep > _VALLEY * min(humps):
        one, other = given["humps"]
        reason = f"{humps[0]:.3g} high at {one:.2f}, {humps[1]:.3g} at {other:.2f}"
        return f"{reason}, and between them, at {valley:.2f}, still {deep:.3g}"
    return None


def _beyond(axes: Any, given: Any) -> str | None:
    """Something is drawn where no value can be, or nothing where one is."""
    low, high = given["bounds"]
    slack = (high - low) * 1e-6
    peak = _height(axes, low, high)
    for series in axes[0]["series"]:
        out = [x for x, y in series if not low - slack <= x <= high + slack and y > 0.01 * peak]
        if out:
            return f"it goes on to {max(out, key=lambda x: abs(x - low)):.3g}, beyond any value"
    for a, b, foot, top in axes[0]["bars"]:
        if top > foot and (a < low - slack or b > high + slack):
            return f"a bar goes from {a:.3g} to {b:.3g}, beyond any value"
    left, right = axes[0]["limits"][0]
    ends = min(given["values"]), max(given["values"])
    if ends[0] < left or ends[1] > right:
        reason = f"the axis goes from {left:.4g} to {right:.4g}"
        return f"{reason}, the values from {ends[0]:.3g} to {ends[1]:.3g}"
    reach = [b for _, b, *_ in axes[0]["bars"]]
    reach += [x for series in axes[0]["series"] for x, _ in series]
    if max(reach, default=0.0) < ends[1] * 0.97:
        return f"the values go to {ends[1]:.3g}, and what is drawn to {max(reach, default=0):.3g}"
    return None


def looked(told: Sequence[str], figures: Sequence[Any]) -> Found:
    """What is wrong with what came back of bar charts."""
    found: Found = {"named": None, "values": None, "lengths": None, "log": None}
    for said, one in zip(told, figures, strict=True):
        if one["name"] == "tokens":
            if not said.startswith("ValueError") or "log" not in said.lower():
                found["log"] = f"{one['name']}, on a logarithmic axis: {said[:80]}"
            continue
        bottom, top = one["limits"]
        seen = [min(value, top) - bottom for value in one["values"]]
        ends = max(one["values"]), min(one["values"])
        best = one["names"][one["values"].index(ends[0])]
        numbers = numbers_in(said)
        others = [name for name in one["names"] if name in said and name != best]
        if best not in said or len(others) > 1:
            found["named"] = found["named"] or f"{one['name']}: {said[:80]}; it is {best}"
        for check, right in (("values", ends[0] / ends[1]), ("lengths", max(seen) / min(seen))):
            if not any(isclose(number, right, rel_tol=0.01) for number in numbers):
                reason = f"{one['name']}: {said[:90]}; it is {right:.2f} times"
                found[check] = found[check] or reason
    return found


NOTED: Mapping[str, Callable[[Sequence[Any], Mapping[str, Any]], Found]] = {
    "curve": _by_figure(
        ("labels", _without_legend),
        ("scale", _scales),
        ("spike", _smoothed),
        ("whole", _cut),
        ("held", _misplaced),
    ),
    "spread": _by_figure(
        ("labels", _untold),
        ("zero", _floating),
        ("true", _untrue),
        ("inside", _beyond),
        ("humps", _merged),
    ),
    "heat": _by_figure(
        ("cells", miswritten),
        ("zero", unbalanced),
        ("gaps", unseen),
        ("key", keyless),
    ),
}


def judged(seen: Sequence[Any], case: Mapping[str, Any]) -> Found:
    """What is wrong with what was seen of a case's figures, or said of them, by check.

    Raises one of the errors of a look-up where what was seen has another form than it should.
    """
    if case["task"] == "look":
        return looked(seen, case["figures"])
    return NOTED[case["task"]](seen, case)
