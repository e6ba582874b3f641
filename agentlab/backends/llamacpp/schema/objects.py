"""The keywords that speak of properties; they speak of each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from agentlab.backends.llamacpp.schema.opposites import ANNOTATIONS, KINDS, TYPES, names_of
from agentlab.backends.llamacpp.schema.reading import Place, types_of
from agentlab.backends.llamacpp.schema.references import Schema, escaped
from agentlab.backends.llamacpp.schema.text_rules import FORMATS, as_rust, parts_of

_MOST_EITHER = 24
_MOST_QUEUED = 64
_EVERY_NAME = ("", ".*", "^.*", ".*$", "^.*$")
_UNSURE = frozenset(
    "patternProperties anyOf oneOf if then else not dependentSchemas dependencies $dynamicRef "
    "$recursiveRef".split()
)
"""Keywords beside which it depends on the value what has been evaluated."""


def take(place: Place) -> None:
    """Take over what a schema says of properties."""
    schema, out = place.schema, place.out
    if not KINDS["object"] & schema.keys():
        return
    properties, patterns = place.mapping("properties"), place.mapping("patternProperties")
    if "properties" in schema:
        out["properties"] = {
            name: place.read(part, f"properties/{escaped(name)}")
            for name, part in properties.items()
        }
    others: Schema = True
    if "additionalProperties" in schema:
        others = place.read(schema["additionalProperties"], "additionalProperties")
    elif "unevaluatedProperties" in schema:
        others = _unevaluated(place)
    required = schema.get("required")
    if isinstance(required, list):
        out["required"] = [name for name in cast(list[Any], required) if isinstance(name, str)]
    elif required is not None:
        place.report("required")
    if patterns:
        others = _by_pattern(place, patterns, others)
    if "propertyNames" in schema:
        others = _by_name(place, schema["propertyNames"], others)
    if others is not True:
        out["additionalProperties"] = others
    _counted(place, others)


def _by_pattern(place: Place, patterns: dict[str, Any], others: Schema) -> Schema:
    """Properties by the look of their names; returns what holds for all others."""
    leave, out = place.reading.leave, place.out
    parts: dict[str, Schema] = {}
    for_all: list[Schema] = []
    for expression, part in patterns.items():
        rust = as_rust(expression)
        place.reading.patterns[rust] = None
        where = f"patternProperties/{escaped(expression)}"
        written = place.read(part, where)
        if expression in _EVERY_NAME:
            for_all.append(written)
        elif (
            "additionalProperties" in place.schema
            and len(patterns) == 1
            and written == others
            and _matching(expression, place.mapping("properties")) == set()
        ):
            continue  # the same holds of all others
        elif rust in leave.patterns:
            # names that it may match can be anything the others can, or what it says
            place.report(where)
            if others is not True:
                place.report("additionalProperties")
                others = written if others is False else {"anyOf": [others, written]}
        else:
            parts[rust] = written
    if for_all:
        # what holds for every name leaves no others
        parts = {name: {"allOf": [one, *for_all]} for name, one in parts.items()}
        if "properties" in out:
            out["properties"] = {
                name: {"allOf": [one, *for_all]} for name, one in out["properties"].items()
            }
        others = {"allOf": for_all}
    if leave.overlaps and len(parts) > 1:
        place.report("patternProperties")
        parts = {"|".join(f"(?:{rust})" for rust in parts): {"anyOf": list(parts.values())}}
    if parts:
        out["patternProperties"] = parts
    return others


@dataclass(frozen=True)
class _Names:
    """What names have to be: one of some, or what an expression says in both spellings."""

    some: list[str] | None = None
    rust: str | None = None
    source: str = ""


def _by_name(place: Place, rule: object, others: Schema) -> Schema:
    """Let `propertyNames` hold for all names; returns what holds for those not declared."""
    out = place.out
    target = place.look(cast(Schema, rule)) if isinstance(rule, (dict, bool)) else None
    if target is True:
        return others
    if isinstance(target, dict) and not target.keys() - ANNOTATIONS - {"type"}:
        return others if "string" in names_of(target) else False
    names = _names(target)
    patterns = place.reading.leave.patterns
    if names is None or "patternProperties" in out or names.rust in patterns:
        place.report("propertyNames")
        return others
    declared = cast(dict[str, Schema], out.get("properties", {}))
    if names.some is not None:
        extra = {name: others for name in names.some if name not in declared}
        parts = {name: part if name in names.some else False for name, part in declared.items()}
        out["properties"] = parts | extra
        return False
    admitted = _matching(names.source, declared)
    if admitted is None or (admitted and others is not True):
        place.report("propertyNames")
        return others
    rust = str(names.rust)
    place.reading.patterns[rust] = None
    out["properties"] = {n: part if n in admitted else False for n, part in declared.items()}
    out["patternProperties"] = {rust: others}
    return False


def _names(rule: Schema | None) -> _Names | None:
    """What a schema for names asks for; None where that can't be said."""
    if rule is False:
        return _Names(some=[])
    if not isinstance(rule, dict):
        return None
    keys = rule.keys() - ANNOTATIONS - {"type"}
    values = [rule["const"]] if "const" in rule else rule.get("enum")
    if keys in ({"enum"}, {"const"}) and isinstance(values, list):
        return _Names(some=[name for name in cast(list[Any], values) if isinstance(name, str)])
    if keys == {"pattern"} and isinstance(rule["pattern"], str):
        parts = parts_of(rule["pattern"])
        return _Names(rust=as_rust(parts[0]), source=rule["pattern"]) if len(parts) == 1 else None
    if keys == {"format"}:
        source = FORMATS.get(rule["format"])
        return None if source is None else _Names(rust=source, source=source)
    if keys <= {"minLength", "maxLength"}:
        source = f"^(?s:.{{{rule.get('minLength', 0)},{rule.get('maxLength', '')}}})$"
        return _Names(rust=source, source=source)
    return None


def _unevaluated(place: Place) -> Schema:
    """What holds for properties of which nothing else in the same place speaks."""
    value = place.schema["unevaluatedProperties"]
    if value is True:
        return True
    evaluated: dict[str, None] = {}
    sure = True
    queue: list[object] = [place.schema]
    count = 0
    while queue and count < _MOST_QUEUED:
        count += 1
        target = place.look(cast(Schema, queue.pop()))
        if not isinstance(target, dict):
            continue
        evaluated |= dict.fromkeys(cast(dict[str, Any], target.get("properties", {})))
        elsewhere = {"additionalProperties", "unevaluatedProperties"} & target.keys()
        if target.keys() & _UNSURE or (target is not place.schema and elsewhere):
            sure = False
        if isinstance(ref := target.get("$ref"), str):
            queue.append({"$ref": ref})
        queue += cast(list[object], target.get("allOf", []))
    if not sure or queue:
        place.report("unevaluatedProperties")
        return True
    declared = cast(dict[str, Schema], place.out.get("properties", {}))
    place.out["properties"] = declared | {name: True for name in evaluated if name not in declared}
    return place.read(value, "unevaluatedProperties")


def _counted(place: Place, others: Schema) -> None:
    """Say `minProperties` and `maxProperties` so that the library can hold them."""
    out = place.out
    least, most = out.get("minProperties", 0), out.get("maxProperties")
    names = [name for name, part in out.get("properties", {}).items() if part is not False]
    required = set(out.get("required", []))
    opened = others is not False or "patternProperties" in out
    if least <= len(required):
        out.pop("minProperties", None)
    elif least - len(required) > 1 and opened:
        place.report("minProperties")  # a name may be written twice
    optional = [name for name in names if name not in required]
    if most is not None and not opened and most >= len(names):
        out.pop("maxProperties")
        most = None
    if place.reading.leave.counts and optional:
        for key in ("minProperties", "maxProperties"):
            if out.pop(key, None) is not None:
                place.report(key)
        return
    one_of_many = optional and opened and least == 1 and not required and most is None
    if not one_of_many or len(optional) > _MOST_EITHER:
        return
    out.pop("minProperties")
    options: list[Schema] = [{"type": "object", "required": [name]} for name in optional]
    none = dict.fromkeys(optional, False)
    options.append({"type": "object", "properties": none, "minProperties": 1})
    if "type" not in place.schema or "object" not in types_of(place.schema):
        options.append({"type": [name for name in TYPES if name != "object"]})
    place.more.append({"anyOf": options})


def _matching(expression: str, names: Iterable[str]) -> set[str] | None:
    """Those of the names in which an expression is found; None where Python can't read it."""
    try:
        compiled = re.compile(expression)
    except re.error:
        return None
    return {name for name in names if compiled.search(name)}
