"""Numbers between bounds, as grammar: digit by digit, no arithmetic left to the model."""

from __future__ import annotations

import math
from decimal import Decimal

from agentlab.backends.llamacpp.gbnf import EMPTY, Chars, Lit, Node, Rep, alt, maybe, seq

MOST_DIGITS = 16
"""Integers without a bound stop here: a weak model would count digits for ever."""
MOST_DECIMALS = 8

_DIGIT = Chars(((0x30, 0x39),))


def integer(low: int | None, high: int | None) -> Node | None:
    """Integers from `low` to `high`, both included; None where there is none.

    An open end is closed at MOST_DIGITS digits (and one past the other bound, where that is more).
    """
    limit = 10**MOST_DIGITS - 1
    if low is None:
        low = -limit if high is None else min(-limit, high - limit)
    if high is None:
        high = max(limit, low + limit)
    if low > high:
        return None
    parts: list[Node] = []
    if low < 0:
        # -0 is a number too, but no one needs it
        parts.append(seq(Lit("-"), _natural(max(1, -high), -low)))
    if high >= 0:
        parts.append(_natural(max(0, low), high))
    return alt(parts)


def decimal(
    low: float | None, high: float | None, *, open_low: bool = False, open_high: bool = False
) -> Node | None:
    """Numbers from `low` to `high` (an open end excludes it); None where there is none.

    Without bounds: an integer, a fraction, an exponent. With bounds: no exponent, and up to
    MOST_DECIMALS decimals.
    """
    if low is None and high is None:
        whole = alt([Lit("0"), seq(Chars(((0x31, 0x39),)), Rep(_DIGIT, 0, MOST_DIGITS - 1))])
        fraction = seq(Lit("."), Rep(_DIGIT, 1, MOST_DIGITS))
        exponent = seq(
            Chars(((0x45, 0x45), (0x65, 0x65))),
            maybe(Chars(((0x2B, 0x2B), (0x2D, 0x2D)))),
            Rep(_DIGIT, 1, 2),
        )
        return seq(maybe(Lit("-")), whole, maybe(fraction), maybe(exponent))
    parts: list[Node] = []
    if high is None or high > 0 or (high == 0 and not open_high):
        at_least = (0.0, False) if low is None or low < 0 else (low, open_low)
        parts += _positive(at_least, (high, open_high))
    if low is None or low < 0:
        least = (0.0, True) if high is None or high >= 0 else (-high, open_high)
        most = (None if low is None else -low, open_low)
        parts += [seq(Lit("-"), part) for part in _positive(least, most)]
    return alt(parts) if parts else None


def _positive(low: tuple[float, bool], high: tuple[float | None, bool]) -> list[Node]:
    """Numbers ≥ 0 between two (value, open) bounds, as whole numbers and as fractions."""
    least = Decimal(repr(low[0]))
    limit = max(Decimal(10**MOST_DIGITS - 1), least + 10**MOST_DIGITS)
    most = limit if high[0] is None else min(Decimal(repr(high[0])), limit)
    parts: list[Node] = []
    first, last = _steps(least, low[1], most, high[1], 0)
    if first <= last:
        parts.append(_natural(first, last))
    places = min(max(1, _places(least), _places(most)), MOST_DECIMALS)
    if low[1] or high[1]:
        places = min(places + 1, MOST_DECIMALS)
    first, last = _steps(least, low[1], most, high[1], places)
    if first > last:
        return parts
    unit = 10**places
    (from_whole, from_rest), (to_whole, to_rest) = divmod(first, unit), divmod(last, unit)
    tail = Rep(_DIGIT, 0, MOST_DECIMALS - places) if places < MOST_DECIMALS else EMPTY
    point = Lit(".")

    def edge(whole: int, start: int, end: int) -> list[Node]:
        if start > end:
            return []
        return [seq(Lit(str(whole)), point, _padded(start, end, places), tail)]

    # further decimals only add, so all but the very last step may carry them
    if from_whole == to_whole:
        parts += edge(from_whole, from_rest, to_rest - 1)
    else:
        parts += edge(from_whole, from_rest, unit - 1)
        if to_whole - from_whole > 1:
            inside = _natural(from_whole + 1, to_whole - 1)
            parts.append(seq(inside, point, _some(places), tail))
        parts += edge(to_whole, 0, to_rest - 1)
    parts.append(seq(Lit(str(to_whole)), point, _padded(to_rest, to_rest, places)))
    return parts


def _steps(
    least: Decimal, open_low: bool, most: Decimal, open_high: bool, places: int
) -> tuple[int, int]:
    """The first and last whole multiples of 10**-places inside the bounds."""
    low, high = least.scaleb(places), most.scaleb(places)
    first, last = math.ceil(low), math.floor(high)
    return first + (open_low and first == low), last - (open_high and last == high)


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _natural(low: int, high: int) -> Node:
    """Whole numbers 0 ≤ low..high, without leading zeros."""
    parts: list[Node] = []
    for length in range(len(str(low)), len(str(high)) + 1):
        smallest = 0 if length == 1 else 10 ** (length - 1)
        start, end = max(low, smallest), min(high, 10**length - 1)
        parts.append(_padded(start, end, length))
    return alt(parts)


def _some(count: int) -> Node:
    return _DIGIT if count == 1 else Rep(_DIGIT, count, count) if count else EMPTY


def _padded(low: int, high: int, width: int) -> Node:
    """Digit strings of exactly `width` digits, from low to high, with leading zeros."""
    if width == 0:
        return EMPTY
    if low == 0 and high == 10**width - 1:
        return _some(width)
    unit = 10 ** (width - 1)
    (first, low_rest), (last, high_rest) = divmod(low, unit), divmod(high, unit)
    if first == last:
        return seq(Lit(str(first)), _padded(low_rest, high_rest, width - 1))
    parts: list[Node] = []
    if low_rest > 0:
        parts.append(seq(Lit(str(first)), _padded(low_rest, unit - 1, width - 1)))
        first += 1
    if high_rest < unit - 1:
        parts.append(seq(Lit(str(last)), _padded(0, high_rest, width - 1)))
        last -= 1
    if first <= last:
        digits = Chars(((0x30 + first, 0x30 + last),))
        parts.append(seq(digits, _some(width - 1)))
    return alt(parts)
