"""The checks: costs and walks against what they should be, and what was learnt against truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

Found = Mapping[str, Any]
CLOSE = 1e-6
NEAR = 0.05
"""How far off a line may be, of the middle time: the absolute loss came to 0.02 to 0.03."""
STEADY = 0.04
"""How far apart the draws' seconds a token may lie: 40 draws by the absolute loss were 0.02."""
STARS = 0.95
"""How many stars off on average; 0.76 was reached, and always 3 is 1.2 off."""
WORST = 1.15


def _first_off(found: Sequence[float], wanted: Sequence[float]) -> int | None:
    """The place of the first number that is another one."""
    if len(found) != len(wanted):
        return min(len(found), len(wanted))
    for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
        if not abs(one - other) <= CLOSE * max(abs(other), 1e-3):
            return place
    return None


def _complaint(name: str, found: Sequence[float], wanted: Sequence[float]) -> str | None:
    place = _first_off(found, wanted)
    if place is None:
        return None
    if len(found) != len(wanted):
        return f"there are {len(found)} {name}, not {len(wanted)}"
    return f"one of the {name} is {found[place]:.4g}, not {wanted[place]:.4g}"


def miscosted(found: Found, expect: Any) -> str | None:
    """A cost is another one."""
    return _complaint("costs", found["costs"], expect["costs"])


def missloped(found: Found, expect: Any) -> str | None:
    """A slope is another one."""
    return _complaint("slopes", found["slopes"], expect["slopes"])


def astray(found: Found, expect: Any) -> str | None:
    """A walk goes elsewhere."""
    place = _first_off(found["alone"], expect[0])
    if place is None:
        return None
    size = len(expect[0]) // 8
    got, want = found["alone"][place], expect[0][place]
    return f"after move {place // size + 1} a number is {got:.5g}, not {want:.5g}"


def entangled(found: Found, expect: Any) -> str | None:
    """Two walks at a time go elsewhere than one does."""
    if astray(found, expect) or all(
        _first_off(walk, wanted) is None for walk, wanted in zip(found["both"], expect, strict=True)
    ):
        return None
    return "alone it walks rightly, and with a second walk beside it, elsewhere"


def changed(found: Found, _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found["kept"] else "what it was given is changed afterwards"


def far_off(found: Found, others: Any) -> str | None:
    """A line doesn't tell what the processor worked."""
    offs = [_off(line, rows) for line, rows in zip(found["lines"], others, strict=True)]
    worst = max(offs)
    return None if worst <= NEAR else f"{worst:.1%} off in the worst draw, {NEAR:.0%} at most"


def _off(line: Sequence[float], rows: Sequence[tuple[int, float]]) -> float:
    """The middle of how far off it is, of the middle time; infinite if it is no number."""
    start, each = line
    gaps = [abs(start + each * tokens - worked) for tokens, worked in rows]
    off = median(gaps) / median(worked for _, worked in rows)
    return off if math.isfinite(off) else math.inf


def unsteady(found: Found, _: Any) -> str | None:
    """Other rows of the same kind give another line."""
    each = [line[1] for line in found["lines"]]
    apart = (max(each) - min(each)) / abs(fmean(each)) if fmean(each) else math.inf
    if apart <= STEADY:
        return None
    return f"from draw to draw the time a token is {apart:.1%} apart, {STEADY:.0%} at most"


def stars_off(found: Found, _: Any) -> str | None:
    """The stars are too far from what the reviews say."""
    off = fmean(found["off"])
    return None if off <= STARS else f"{off:.2f} stars off on average, {STARS} at most"


def unlucky(found: Found, _: Any) -> str | None:
    """One of the draws went wrong."""
    worst = max(found["off"])
    return None if worst <= WORST else f"{worst:.2f} stars off in the worst draw, {WORST} at most"
