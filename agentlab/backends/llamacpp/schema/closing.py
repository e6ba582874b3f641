"""Only what is declared, where the standard leaves more open and nothing asks for it."""

from __future__ import annotations

from typing import Any, cast

from agentlab.backends.llamacpp.schema.opposites import KINDS
from agentlab.backends.llamacpp.schema.reading import Place, mapping_of, ref_of
from agentlab.backends.llamacpp.schema.references import Schema

_MOST_PLACES = 200
_OPEN = frozenset({"additionalProperties", "unevaluatedProperties"})


def close(place: Place) -> None:
    """Admit only what is declared, in this place or by what is demanded with it.

    A schema that speaks of properties means an object, one with properties no others, and a
    tuple ends with its last item. The standard leaves all of that open, and a small model
    that is left a choice goes on and on.
    """
    out = place.out
    parts = _in_place(place)
    if not any(part.keys() & {"type", "enum", "const"} for part in parts):
        kinds = [kind for kind, keys in KINDS.items() if any(keys & part.keys() for part in parts)]
        if kinds and len(parts) < _MOST_PLACES:
            out["type"] = kinds[0] if len(kinds) == 1 else kinds
    firsts = out.get("prefixItems")
    if firsts and "items" not in out and out.get("minItems", 0) <= len(firsts):
        out["items"] = False
    if any(part.keys() & _OPEN for part in parts):
        return
    if any("patternProperties" in part for part in parts if part is not place.schema):
        return
    names: dict[str, Schema] = {**out.get("properties", {})}
    for part in parts:
        for name in (*mapping_of(place, part, "properties"), *_strings(part.get("required"))):
            names.setdefault(name, True)
    # of a tool that takes nothing, it is declared that it takes nothing
    if names or any("properties" in part for part in parts):
        out["properties"] = names
        out["additionalProperties"] = False


def _in_place(place: Place) -> list[dict[str, Any]]:
    """The schema and those that speak of the same value, or may."""
    applied: list[dict[str, Any]] = []
    queue: list[object] = [place.schema]
    while queue and len(applied) < _MOST_PLACES:
        part = place.look(cast(Schema, queue.pop(0)))
        if not isinstance(part, dict) or any(part is other for other in applied):
            continue
        applied.append(part)
        if ((ref := ref_of(part)) is not None and part is not place.schema) or "$ref" in part:
            queue.append({"$ref": part.get("$ref", ref)})
        for key in ("allOf", "anyOf", "oneOf"):
            queue += cast(list[object], part.get(key) or [])
        queue += [part[key] for key in ("if", "then", "else") if key in part]
        for key in ("dependentSchemas", "dependencies"):
            if isinstance(needs := part.get(key), dict):
                schemas = cast(dict[str, Any], needs).values()
                queue += [one for one in schemas if isinstance(one, dict)]
    return applied


def _strings(value: object) -> list[str]:
    names = cast(list[object], value) if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str)]
