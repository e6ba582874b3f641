"""What one keyword comes to: types, values, numbers, strings and items."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from agentlab.backends.llamacpp.schema.opposites import KINDS, TYPES, names_of
from agentlab.backends.llamacpp.schema.reading import IN_PLACE, Place
from agentlab.backends.llamacpp.schema.text_rules import FORMATS, FREE_FORMATS, as_rust, parts_of

_EXACT = 2**53
_LARGEST = 10**18
_SMALLEST = 1e-9
_MOST_ITEMS = 5000
_MOST_LENGTH = 100_000
_COUNTS = {
    **dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties"), _MOST_ITEMS),
    **dict.fromkeys(("minLength", "maxLength"), _MOST_LENGTH),
}
_ANY_TYPE = ["integer", "number", "string", "boolean", "null", "object", "array"]


def take(place: Place, key: str, value: Any) -> None:
    """Take one plain keyword over. Those that speak of properties are `objects.take`'s."""
    match key:
        case "type":
            _type(place, value)
        case "enum" | "const":
            _values(place, key, value)
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            # older drafts say by `true` that a bound is excluded
            _take_if(_bound(value) or isinstance(value, bool), place, key, value)
        case "multipleOf":
            _take_if(_step(value), place, key, value)
        case _ if key in _COUNTS:
            _count(place, key, value)
        case "pattern":
            for part in parts_of(value) if isinstance(value, str) else ():
                _pattern(place, part, key)
        case "format":
            if value in FORMATS:
                _pattern(place, FORMATS[value], key)
            elif value not in FREE_FORMATS:
                place.report(key)
        case "items" | "prefixItems" | "additionalItems":
            _items(place, key, value)
        case "uniqueItems":
            if value is True and place.schema.get("maxItems", 2) > 1:
                place.report(key)
        case "contains":
            if place.schema.get("minContains") != 0 or "maxContains" in place.schema:
                place.report(key)
        case "unevaluatedItems":
            _unevaluated_items(place, value)
        case _ if key in KINDS["object"] or key in ("minContains", "maxContains"):
            pass  # together with the others of its kind
        case _:
            place.report(key)


def hold_range(place: Place) -> None:
    """Report what the library does not hold of two bounds together."""
    out = place.out
    low, open_low = _bound_of(out, "minimum", "exclusiveMinimum", max)
    high, open_high = _bound_of(out, "maximum", "exclusiveMaximum", min)
    if low is None or high is None or out.get("type") == "integer":
        return
    # between two whole numbers, it lets an end that is excluded pass
    if high - low < 1 or math.floor(low) + 1 == math.ceil(high):
        for key, is_open, bound in (
            ("exclusiveMinimum", open_low, low),
            ("exclusiveMaximum", open_high, high),
        ):
            if is_open and float(bound).is_integer():
                place.report(key)


def _take_if(held: bool, place: Place, key: str, value: Any) -> None:
    if held:
        place.out[key] = value
    else:
        place.report(key)


def _type(place: Place, value: Any) -> None:
    names = names_of(place.schema)
    known = [name for name in names if name in (*TYPES, "integer")]
    if not known or len(known) < len(names):
        place.report("type")
    elif value != list(TYPES):
        place.out["type"] = value


def _values(place: Place, key: str, value: Any) -> None:
    values: Any = value if key == "enum" else [value]
    if not isinstance(values, list):
        place.report(key)
    elif any(map(_inexact, cast(list[Any], values))):
        place.report(key)
        place.out.setdefault("type", _ANY_TYPE)
    else:
        place.out[key] = value


def _count(place: Place, key: str, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # with a pattern, the library may come to an expression that it can't read
    beside = "Length" in key and ("pattern" in place.schema or "format" in place.schema)
    if (
        not number
        or value != int(value)
        or not 0 <= value <= _COUNTS[key]
        or (place.reading.leave.lengths and beside)
    ):
        place.report(key)
    else:
        place.out[key] = int(value)


def _pattern(place: Place, expression: str, key: str) -> None:
    rust = as_rust(expression)
    place.reading.patterns[rust] = None
    if rust in place.reading.leave.patterns:
        place.report(key)
    else:
        place.more.append({"pattern": rust})


def _items(place: Place, key: str, value: Any) -> None:
    firsts = place.schema.get("prefixItems")
    tuple_of_old = isinstance(place.schema.get("items"), list) and firsts is None
    if isinstance(value, list) and (key == "prefixItems" or (key == "items" and tuple_of_old)):
        parts = cast(list[Any], value)
        place.out["prefixItems"] = [
            place.read(part, f"{key}/{index}") for index, part in enumerate(parts)
        ]
    elif key == "additionalItems":
        if tuple_of_old:
            place.out["items"] = place.read(cast(object, value), key)
    elif not isinstance(value, (dict, bool)):
        place.report(key)
    else:
        place.out["items"] = place.read(cast(object, value), key)


def _unevaluated_items(place: Place, value: Any) -> None:
    if value is True or "items" in place.schema:
        return
    if place.schema.keys() & {*IN_PLACE, "contains"}:
        place.report("unevaluatedItems")
    else:
        place.out["items"] = place.read(value, "unevaluatedItems")


def _inexact(value: Any) -> bool:
    """Whether a number in here would come out as another one."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) > _EXACT and (abs(value) >= _LARGEST or int(float(value)) != value)
    if isinstance(value, float):
        return abs(value) >= _LARGEST or 0 < abs(value) < _SMALLEST
    if isinstance(value, list):
        return any(map(_inexact, cast(list[Any], value)))
    if isinstance(value, dict):
        return any(map(_inexact, cast(dict[str, Any], value).values()))
    return False


def _bound(value: Any) -> bool:
    return isinstance(value, (int, float)) and not _inexact(value)


def _bound_of(
    out: Mapping[str, Any], closed: str, opened: str, tighter: Callable[[float, float], float]
) -> tuple[float | None, bool]:
    """A bound, and whether it is excluded; older drafts say the latter by `true`."""
    end, other = out.get(closed), out.get(opened)
    if isinstance(other, bool) or other is None:
        return end, other is True
    if end is None or tighter(end, other) == other:
        return other, True
    return end, False


def _step(value: Any) -> bool:
    """Whether the library reads this step for what it is, by its own reckoning."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        return False
    number, places = float(value), 0
    while number % 1 and places < 20:
        number, places = number * 10, places + 1
    return number < 2**32 and Decimal(int(number)).scaleb(-places) == Decimal(repr(value))
