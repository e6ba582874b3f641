"""Schemas for what does *not* match a schema, and whether two schemas can match one value.

Both are for `not`, `oneOf` and `if`, which the grammar library has no words for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from agentlab.backends.llamacpp.schema.references import Schema
from agentlab.backends.llamacpp.schema.text_rules import none_of

Look: TypeAlias = Callable[[Schema], "Schema | None"]
"""What a schema that is a bare reference points to; the schema itself where it is none."""

TYPES = ("null", "boolean", "number", "string", "array", "object")
KINDS = {
    "object": frozenset(
        "properties required additionalProperties minProperties maxProperties patternProperties "
        "propertyNames dependentRequired dependentSchemas dependencies "
        "unevaluatedProperties".split()
    ),
    "array": frozenset(
        "items prefixItems additionalItems minItems maxItems uniqueItems contains minContains "
        "maxContains unevaluatedItems".split()
    ),
    "string": frozenset("minLength maxLength pattern format".split()),
    "number": frozenset("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split()),
}
"""The keywords that only speak of values of one type."""
ANNOTATIONS = frozenset(
    "title description default examples example $schema $id id $anchor $dynamicAnchor $defs "
    "definitions $comment deprecated readOnly writeOnly discriminator contentEncoding "
    "contentMediaType contentSchema $vocabulary $recursiveAnchor externalDocs xml".split()
)
_DEEPEST = 5
_MOST_WORDS = 64
_MOST_FACTS = 64


def same(one: object, other: object) -> bool:
    """Equal as JSON: `1` is `1.0`, but neither is `true`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (dict, list)) or isinstance(other, (dict, list)):
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    return one == other


def type_of(value: object) -> str:
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def names_of(schema: dict[str, Any]) -> tuple[str, ...]:
    """The types of `type`, in order; all where it is left out."""
    named = schema.get("type")
    if isinstance(named, str):
        return (named,)
    if isinstance(named, list) and all(isinstance(name, str) for name in cast(list[Any], named)):
        return tuple(cast(list[str], named))
    return TYPES


def negated(schema: Schema, types: Sequence[str], look: Look, depth: int = 0) -> Schema | None:
    """A schema for the values of these types that do not match; None where there is no telling."""
    target = look(schema)
    if target is None or depth > _DEEPEST:
        return None
    if isinstance(target, bool):
        return not target
    options: list[Schema] = []
    mine = [name for name in names_of(target) if name in TYPES or name == "integer"]
    if "integer" in mine and "number" not in mine and "number" in types:
        return None  # what is a number and no integer can't be written down
    left = [
        name for name in types if name not in mine and not (name == "integer" and "number" in mine)
    ]
    if left:
        options.append({"type": left})
    inner = [name for name in types if name not in left]
    for key, value in target.items():
        if key in ANNOTATIONS or key == "type" or key.startswith("x-"):
            continue
        kind = next((kind for kind, keys in KINDS.items() if key in keys), None)
        if kind is not None and kind not in inner and not (kind == "number" and "integer" in inner):
            continue
        more = _without(key, value, target, inner, look, depth)
        if more is None:
            return None
        options += more
    if not options:
        return False
    return options[0] if len(options) == 1 else {"anyOf": options}


def _without(
    key: str, value: Any, schema: dict[str, Any], types: Sequence[str], look: Look, depth: int
) -> list[Schema] | None:
    """Schemas of which one matches what this keyword alone refuses."""

    def inverse(part: Schema) -> Schema | None:
        return negated(part, types, look, depth + 1)

    match key:
        case "$ref":
            part = inverse({"$ref": value})
            return None if part is None else [part]
        case "not":
            return [value]
        case "const":
            return _other_values([value], types)
        case "enum":
            return _other_values(value, types)
        case "anyOf":
            parts = [inverse(part) for part in value]
            return None if None in parts else [{"allOf": parts}]
        case "allOf":
            parts = [inverse(part) for part in value]
            return None if None in parts else cast(list[Schema], parts)
        case "required":
            return [{"type": "object", "properties": {name: False}} for name in value]
        case "properties":
            all_types = TYPES
            result: list[Schema] = []
            for name, part in value.items():
                other = negated(part, all_types, look, depth + 1)
                if other is None:
                    return None
                if other is not False:
                    inner = {"type": "object", "properties": {name: other}, "required": [name]}
                    result.append(inner)
            return result
        case "minimum" if not isinstance(schema.get("exclusiveMinimum"), bool):
            return [{"type": "number", "exclusiveMaximum": value}]
        case "maximum" if not isinstance(schema.get("exclusiveMaximum"), bool):
            return [{"type": "number", "exclusiveMinimum": value}]
        case "exclusiveMinimum" if not isinstance(value, bool):
            return [{"type": "number", "maximum": value}]
        case "exclusiveMaximum" if not isinstance(value, bool):
            return [{"type": "number", "minimum": value}]
        case "minLength" | "minItems" | "minProperties" if isinstance(value, int):
            kind = {"minLength": "string", "minItems": "array"}.get(key, "object")
            return [{"type": kind, "max" + key[3:]: value - 1}] if value > 0 else []
        case "maxLength" | "maxItems" | "maxProperties" if isinstance(value, int):
            kind = {"maxLength": "string", "maxItems": "array"}.get(key, "object")
            return [{"type": kind, "min" + key[3:]: value + 1}]
        case _:
            return None


def _other_values(values: list[Any], types: Sequence[str]) -> list[Schema] | None:
    """Schemas for every value that is none of these."""
    result: list[Schema] = []
    plain: list[str] = []
    for kind in types:
        here = [
            value for value in values if type_of(value) == ("number" if kind == "integer" else kind)
        ]
        if not here:
            plain.append(kind)
        elif kind == "string" and len(here) <= _MOST_WORDS:
            result.append({"type": "string", "pattern": none_of(cast(list[str], here))})
        elif kind == "boolean":
            result += [{"const": one} for one in (True, False) if one not in here]
        elif kind in ("number", "integer") and len(here) <= 8:
            ends = sorted(set(cast(list[float], here)))
            edges: list[tuple[float | None, float | None]] = list(
                zip([None, *ends], [*ends, None], strict=True)
            )
            for low, high in edges:
                part: dict[str, Any] = {"type": kind}
                part |= {} if low is None else {"exclusiveMinimum": low}
                part |= {} if high is None else {"exclusiveMaximum": high}
                result.append(part)
        elif kind != "null":
            return None
    if plain:
        result.append({"type": plain})
    return result


def apart(one: Schema, other: Schema, look: Look, depth: int = 0) -> bool:
    """Whether no value can match both, as far as one sees without solving anything."""
    if one is False or other is False:
        return True
    mine, yours = _facts(one, look, depth), _facts(other, look, depth)
    if mine is None or yours is None or depth > _DEEPEST:
        return False
    for first, second in ((mine, yours), (yours, mine)):
        for options in first.choices:
            if all(apart(option, second.whole, look, depth + 1) for option in options):
                return True
    if not set(mine.types) & set(yours.types):
        return True
    if mine.values is not None and yours.values is not None:
        return not any(same(v, w) for v in mine.values for w in yours.values)
    if mine.types == yours.types == ("object",):
        for first, second in ((mine, yours), (yours, mine)):
            for name in first.required:
                if name in second.properties and second.properties[name] is False:
                    return True
                if name not in second.properties and second.closed:
                    return True
                if name in first.properties and name in second.properties:
                    parts = first.properties[name], second.properties[name]
                    if apart(*parts, look, depth + 1):
                        return True
    return False


class _Facts:
    """What a schema surely says."""

    def __init__(self, whole: Schema) -> None:
        self.whole = whole
        self.types: tuple[str, ...] = TYPES
        self.values: list[Any] | None = None
        self.required: list[str] = []
        self.properties: dict[str, Schema] = {}
        self.closed = False
        self.choices: list[list[Schema]] = []


def _facts(schema: Schema, look: Look, depth: int) -> _Facts | None:
    facts = _Facts(schema)
    queue: list[Schema] = [schema]
    for _ in range(_MOST_FACTS):
        if not queue:
            break
        target = look(queue.pop())
        if not isinstance(target, dict):
            if target is False:
                facts.types = ()
            continue
        if "$ref" in target:
            queue.append({"$ref": target["$ref"]})
        queue += cast(list[Schema], target.get("allOf", []))
        names = {"number" if name == "integer" else name for name in names_of(target)}
        facts.types = tuple(name for name in facts.types if name in names)
        values = [target["const"]] if "const" in target else target.get("enum")
        if values is not None:
            facts.values = values
            kinds = {type_of(value) for value in values}
            facts.types = tuple(name for name in facts.types if name in kinds)
        if isinstance(required := target.get("required"), list):
            facts.required += cast(list[str], required)
        declared = cast(dict[str, Schema], target.get("properties", {}))
        facts.properties |= declared
        if target.get("additionalProperties") is False and not target.get("patternProperties"):
            facts.closed = True
        facts.choices += [
            target[key] for key in ("anyOf", "oneOf") if isinstance(target.get(key), list)
        ]
    return facts
