"""The checks: chances against what they should be, and what they cost on what really came."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

CLOSE = 1e-6
WORSE = 1.15
"""How much more a text may cost than by our own counts."""
SPREADS = 1.5
"""How far hits may be from what was claimed, in spreads, in every kind of question."""
NATS = 0.58
"""What an outcome may cost by honest claims."""


def misjudged(found: Mapping[str, Any], expect: Mapping[str, float]) -> str | None:
    """Some chance is not what follows from the table and the signs."""
    got = found["chances"]
    if set(got) != set(expect):
        return f"it names {', '.join(sorted(got)) or 'nothing'}, not {', '.join(sorted(expect))}"
    for name, chance in expect.items():
        if not abs(got[name] - chance) <= CLOSE:
            return f"{name} is {got[name]:.4g}, and should be {chance:.4g}"
    return None


def changed(found: Mapping[str, Any], _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found["kept"] else "what it was given is changed afterwards"


def no_chances(found: Mapping[str, Any], _: Any) -> str | None:
    """What was returned is not a distribution over the symbols."""
    if found["lowest"] < 0:
        return f"there is a chance of {found['lowest']:.3g}"
    low, high = found["sums"]
    if low < 1 - CLOSE or high > 1 + CLOSE:
        return f"the chances sum to {low:.4f} to {high:.4f}, not to 1"
    return None


def costly(found: Mapping[str, Any], _: Any) -> str | None:
    """The text costs more than counts need."""
    if no_chances(found, _):
        return None  # that is for the other check to say
    bits, most = found["bits"], found["ours"] * WORSE
    if bits is None:
        return "a character that came had no chance at all: the text costs infinitely much"
    return None if bits <= most else f"{bits:.2f} bits a character, {most:.2f} at most"


def _apart(found: float, wanted: float) -> bool:
    return not math.isclose(found, wanted, rel_tol=CLOSE, abs_tol=CLOSE)


def not_the_mean(found: Mapping[str, Any], expect: Mapping[str, float]) -> str | None:
    """As many hits were not to be expected."""
    if not _apart(found["mean"], expect["mean"]):
        return None
    return f"{found['mean']:.4g} hits expected, not {expect['mean']:.4g}"


def not_the_spread(found: Mapping[str, Any], expect: Mapping[str, float]) -> str | None:
    """Luck spreads them more, or less."""
    if not _apart(found["spread"], expect["spread"]):
        return None
    return f"the spread is {found['spread']:.4g}, not {expect['spread']:.4g}"


def not_off(found: Mapping[str, Any], expect: Mapping[str, float]) -> str | None:
    """They are not as many spreads off."""
    if not _apart(found["off"], expect["off"]):
        return None
    return f"{found['off']:.3g} spreads off, not {expect['off']:.3g}"


def dishonest(found: Mapping[str, Any], _: Any) -> str | None:
    """In some kind of question more or fewer came true than was claimed."""
    for kind, (claimed, hits, of, off) in found["kinds"].items():
        if not abs(off) <= SPREADS:
            return f"{kind}: {claimed:.1f} of {of} claimed, {hits} right: {off:.1f} spreads off"
    return None


def dear(found: Mapping[str, Any], _: Any) -> str | None:
    """What came costs too much."""
    nats = found["nats"]
    if nats is None:
        return "it called impossible what came"
    return None if nats <= NATS else f"an outcome costs {nats:.3f} nats, {NATS} at most"
