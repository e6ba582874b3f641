"""Schema arithmetic: references followed, combinators multiplied out, literals checked.

`Schemas` turns any JSON Schema into a list of *plain* alternatives, schemas without `$ref`,
`allOf`, `anyOf` or `oneOf`, of which at least one has to hold. What it cannot carry over exactly it
reports, by the JSON pointer of the keyword, and leaves out: the result then admits more than the
schema, and says so.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

Schema: TypeAlias = dict[str, Any] | bool
Plain: TypeAlias = dict[str, Any]
Report: TypeAlias = Callable[[str], None]

ANNOTATIONS = frozenset(
    "title description default examples example $schema $id $defs definitions $comment deprecated "
    "readOnly writeOnly discriminator contentEncoding contentMediaType contentSchema".split()
)
COMBINATORS = ("$ref", "allOf", "anyOf", "oneOf")
KEYWORDS = {
    "object": frozenset(
        "properties required additionalProperties minProperties maxProperties patternProperties "
        "propertyNames dependentRequired dependentSchemas unevaluatedProperties".split()
    ),
    "array": frozenset(
        "items prefixItems additionalItems minItems maxItems uniqueItems contains minContains "
        "maxContains unevaluatedItems".split()
    ),
    "string": frozenset("minLength maxLength pattern format".split()),
    "number": frozenset("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split()),
}
TYPES = ("object", "array", "string", "number", "boolean", "null")
MOST_ALTERNATIVES = 64


def essential(schema: Plain) -> Plain:
    """The schema without annotations, which do not constrain."""
    return {k: v for k, v in schema.items() if k not in ANNOTATIONS and not k.startswith("x-")}


def types_of(schema: Plain) -> tuple[str, ...]:
    """The types a plain schema is written for.

    Without `type`, the keywords tell: a schema with `properties` means objects, although the
    standard lets everything that is not an object pass.
    """
    named = schema.get("type")
    if named is not None:
        names = [named] if isinstance(named, str) else cast(list[str], named)
        if "number" in names:
            names = [name for name in names if name != "integer"]
        return tuple(dict.fromkeys(names))
    meant = tuple(name for name, keys in KEYWORDS.items() if keys & schema.keys())
    return meant or TYPES


class Schemas:
    """The schemas of one document, whose root references start from."""

    def __init__(self, root: Schema, report: Report) -> None:
        self._root = root
        self._report = report

    def target(self, ref: str, path: str) -> Schema:
        """What a reference points to; anything at all where it leads nowhere."""
        here: Any = self._root
        for step in ref[1:].split("/")[1:] if ref.startswith("#") else [ref]:
            key = step.replace("~1", "/").replace("~0", "~")
            try:
                here = here[int(key) if isinstance(here, list) else key]
            except (KeyError, IndexError, ValueError, TypeError):
                self._report(f"{path}/$ref")
                return True
        return cast(Schema, here)

    def alternatives(
        self, schema: Schema, path: str, seen: frozenset[str] = frozenset()
    ) -> list[Plain]:
        """Plain schemas of which one has to hold; none where nothing can match."""
        if isinstance(schema, bool):
            return [{}] if schema else []
        schema = essential(schema)
        result: list[Plain] = [{k: v for k, v in schema.items() if k not in COMBINATORS}]
        factors: list[list[Plain]] = []
        if (ref := schema.get("$ref")) is not None:
            # a reference that leads back to itself adds nothing
            factors.append(
                [] if ref in seen else self.alternatives(self.target(ref, path), ref, seen | {ref})
            )
        for index, part in enumerate(cast(list[Schema], schema.get("allOf", []))):
            factors.append(self.alternatives(part, f"{path}/allOf/{index}", seen))
        for name in ("anyOf", "oneOf"):
            if name in schema:
                parts = cast(list[Schema], schema[name])
                options = [
                    self.alternatives(part, f"{path}/{name}/{index}", seen)
                    for index, part in enumerate(parts)
                ]
                if name == "oneOf" and not _exclusive(options):
                    self._report(f"{path}/oneOf")
                factors.append([plain for option in options for plain in option])
        for factor in factors:
            if len(result) * len(factor) > MOST_ALTERNATIVES:
                self._report(f"{path}/anyOf")
                continue
            result = [
                merged
                for one, other in itertools.product(result, factor)
                if (merged := self._both(one, other, path)) is not None
            ]
        return result

    def _both(self, one: Plain, other: Plain, path: str) -> Plain | None:
        """A plain schema for values that match both; None where there are none."""
        both = dict(one)
        if "type" in one and "type" in other:
            types = [t for t in _widened(one) if t in _widened(other)]
            if not types:
                return None
            both["type"] = types
        if KEYWORDS["object"] & one.keys() and KEYWORDS["object"] & other.keys():
            both |= _objects(one, other)
        for key, value in other.items():
            if key in ("type", "properties", "additionalProperties", "required"):
                both.setdefault(key, value)
            elif key not in both or same(both[key], value):  # Python holds 0 for False
                both[key] = value
            elif key in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"):
                both[key] = max(both[key], value)
            elif key in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"):
                both[key] = min(both[key], value)
            elif key == "enum":
                both[key] = [v for v in both[key] if any(same(v, w) for w in value)]
            elif key == "items" and "prefixItems" not in both and "prefixItems" not in other:
                both[key] = {"allOf": [both[key], value]}
            elif key == "const":
                return None
            else:
                self._report(f"{path}/{key}")
        return both


def _widened(schema: Plain) -> list[str]:
    named = schema["type"]
    names = [named] if isinstance(named, str) else list(cast(list[str], named))
    return [*names, "integer"] if "number" in names and "integer" not in names else names


def _objects(one: Plain, other: Plain) -> Plain:
    """Properties of both; each side's `additionalProperties` speaks of the other's names too."""
    mine, yours = (cast(dict[str, Schema], s.get("properties", {})) for s in (one, other))
    properties: dict[str, Schema] = {}
    for name in [*mine, *(n for n in yours if n not in mine)]:
        parts: list[Schema] = [
            declared[name] if name in declared else side.get("additionalProperties", True)
            for declared, side in ((mine, one), (yours, other))
        ]
        parts = [part for part in parts if part is not True]
        properties[name] = parts[0] if len(parts) == 1 else {"allOf": parts} if parts else True
    both: Plain = {"properties": properties}
    if required := [*one.get("required", []), *other.get("required", [])]:
        both["required"] = list(dict.fromkeys(required))
    more = [s["additionalProperties"] for s in (one, other) if "additionalProperties" in s]
    if more:
        both["additionalProperties"] = more[0] if len(more) == 1 else {"allOf": more}
        if False in more:
            both["additionalProperties"] = False
    return both


def _exclusive(options: list[list[Plain]]) -> bool:
    """Whether no value can match two of these, as far as one sees at a glance."""
    return all(
        _apart(one, other)
        for first, second in itertools.combinations(options, 2)
        for one, other in itertools.product(first, second)
    )


def _apart(one: Plain, other: Plain) -> bool:
    mine, yours = _values(one), _values(other)
    if mine is not None and yours is not None:
        return not any(same(v, w) for v in mine for w in yours)
    if "type" in one and "type" in other and not set(_widened(one)) & set(_widened(other)):
        return True
    shared = set(one.get("required", ())) & set(other.get("required", ()))
    tagged = [(s.get("properties", {}).get(name) for s in (one, other)) for name in shared]
    return (
        types_of(one) == types_of(other) == ("object",)
        and "type" in one
        and "type" in other
        and any(
            isinstance(a, dict)
            and isinstance(b, dict)
            and _values(cast(Plain, a)) is not None
            and _values(cast(Plain, b)) is not None
            and _apart(cast(Plain, a), cast(Plain, b))
            for a, b in tagged
        )
    )


def _values(schema: Plain) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return cast("list[Any] | None", schema.get("enum"))


def same(one: object, other: object) -> bool:
    """Equal as JSON: `1` is `1.0`, but neither is `true`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (dict, list)) or isinstance(other, (dict, list)):
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    return one == other


def literals(schema: Plain, path: str, report: Report) -> list[Any] | None:
    """The values of `const` and `enum` that the rest of the schema allows; None without either."""
    values = _values(schema)
    if values is None:
        return None
    if "const" in schema and "enum" in schema:
        values = [v for v in values if any(same(v, w) for w in schema["enum"])]
    allowed = types_of({"type": schema["type"]}) if "type" in schema else (*TYPES, "integer")
    kept = [value for value in values if _typed(value, allowed) and _fits(value, schema)]
    for key in KEYWORDS["object"] | KEYWORDS["array"]:
        kind = dict if key in KEYWORDS["object"] else list
        if key in schema and any(isinstance(value, kind) for value in kept):
            report(f"{path}/{key}")
    return kept


def _typed(value: Any, types: Iterable[str]) -> bool:
    match value:
        case bool():
            return "boolean" in types
        case None:
            return "null" in types
        case int() | float():
            whole = float(value).is_integer() if math.isfinite(value) else False
            return "number" in types or ("integer" in types and whole)
        case str():
            return "string" in types
        case list():
            return "array" in types
        case _:
            return "object" in types


def _fits(value: Any, schema: Plain) -> bool:
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            return False
        return "pattern" not in schema or re.search(schema["pattern"], value) is not None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high, open_low, open_high = bounds(schema)
        if low is not None and (value < low or (open_low and value == low)):
            return False
        if high is not None and (value > high or (open_high and value == high)):
            return False
        return "multipleOf" not in schema or (value / schema["multipleOf"]) % 1 == 0
    return True


def bounds(schema: Plain) -> tuple[float | None, float | None, bool, bool]:
    """(low, high, low excluded, high excluded) of a numeric schema, older drafts included."""

    def one_side(plain: str, exclusive: str, tighter: int) -> tuple[float | None, bool]:
        closed, opened = schema.get(plain), schema.get(exclusive)
        if isinstance(opened, bool):
            return closed, opened and closed is not None
        if opened is None or (closed is not None and tighter * (closed - opened) > 0):
            return closed, False
        return opened, True

    low, open_low = one_side("minimum", "exclusiveMinimum", 1)
    high, open_high = one_side("maximum", "exclusiveMaximum", -1)
    return low, high, open_low, open_high
