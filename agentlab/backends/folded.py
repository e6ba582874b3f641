"""Schemas of arguments for services that take only a plain object at the top.

    {"oneOf": [{"properties": {"id": …}, "required": ["id"]},
               {"properties": {"name": …}, "required": ["name"]}]}

becomes an object with both properties, neither required, and the forms are told in words. What the
service can no longer hold a model to is checked when the tool is called, as ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from agentlab.backend import JsonSchema

FOLDED = ("oneOf", "anyOf", "allOf", "not", "enum", "const", "if", "then", "else", "$ref")
"""Keywords that services refuse at the top of a schema."""
_DEEPEST = 16
_MOST_WORDS = 2000


def fold(schema: JsonSchema) -> tuple[dict[str, Any], str]:
    """The schema as one plain object, and words for what it lost; they are empty if nothing was."""
    if schema.get("type") == "object" and not set(FOLDED) & schema.keys():
        return dict(schema), ""
    copy = dict(schema)
    merged = _merged(copy, copy, 0)
    rest = {key: value for key, value in copy.items() if key not in (*FOLDED, *merged)}
    folded = {**rest, **merged, "type": "object"}
    lost = {key: copy[key] for key in FOLDED if key in copy and key not in ("$ref", "allOf")}
    if not lost:
        return folded, ""
    return folded, f"The arguments must match: {json.dumps(lost, ensure_ascii=False)[:_MOST_WORDS]}"


def _merged(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """`properties`, `required` and `additionalProperties` of a schema with all its branches."""
    properties = dict(_mapping(schema.get("properties")))
    required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
    open_to = schema.get("additionalProperties")
    if depth < _DEEPEST:
        all_of = [b for key in ("allOf",) for b in _list(schema.get(key))]
        if "$ref" in schema:
            all_of.append(_target(schema["$ref"], root))
        for branch in all_of:
            part = _merged(_mapping(branch), root, depth + 1)
            _join(properties, part["properties"], "allOf")
            required += part.get("required", [])
        for key in ("oneOf", "anyOf"):
            parts = [_merged(_mapping(b), root, depth + 1) for b in _list(schema.get(key))]
            for part in parts:
                _join(properties, part["properties"], "anyOf")
            if parts:
                # only what every form asks for can be asked for by all of them
                first, *others = (cast(list[str], part.get("required", [])) for part in parts)
                required += [name for name in first if all(name in other for other in others)]
        for key in ("then", "else"):
            _join(properties, _merged(_mapping(schema.get(key)), root, depth + 1)["properties"], "")
    merged: dict[str, Any] = {"properties": properties}
    if required:
        merged["required"] = list(dict.fromkeys(required))
    branches = set(FOLDED) & schema.keys()
    if open_to is not None and not (open_to is False and branches):
        merged["additionalProperties"] = open_to
    return merged


def _join(properties: dict[str, Any], more: Mapping[str, Any], how: str) -> None:
    """Add properties; where both sides declare one differently, both stand under `how`."""
    for name, schema in more.items():
        declared = properties.get(name)
        if declared is None or declared == schema:
            properties[name] = schema
            continue
        key = how or "anyOf"
        known = _mapping(declared)
        options = [*_list(known[key])] if list(known) == [key] else [declared]
        if schema not in options:
            properties[name] = {key: [*options, schema]}


def _target(ref: object, root: Mapping[str, Any]) -> Mapping[str, Any]:
    place: Any = root
    if not isinstance(ref, str) or not ref.startswith("#"):
        return {}
    for step in ref.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        place = _mapping(place).get(name)
    return _mapping(place)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []
