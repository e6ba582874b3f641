"""Of schemas that all have to hold, those that another does not already imply.

A type that refers to another and says its type again, as generators of schemas write it, is the
other; the library would join the two part by part, and what they refer to in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from agentlab.backends.llamacpp.schema.opposites import TYPES
from agentlab.backends.llamacpp.schema.references import Schema

_MOST_COMPARED = 8


def needed(parts: Sequence[Schema]) -> list[Schema]:
    """The parts, without those that hold wherever another of them holds.

    Many parts are returned as they are: to compare each with each would take long.
    """
    if len(parts) > _MOST_COMPARED:
        return [part for part in parts if part is not True]
    restricting: list[Schema] = []
    for part in parts:
        if part is True or any(_implies(other, part) for other in restricting):
            continue
        restricting = [other for other in restricting if not _implies(part, other)]
        restricting.append(part)
    return restricting


def _implies(one: Schema, other: Schema) -> bool:
    """Whether it is plain that what matches `one` matches `other`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is False or other is True
    if not _types(one) <= _types(other):
        return False
    if not set(_names(other)) <= set(_names(one)):
        return False
    # what `additionalProperties` and `items` mean depends on what stands beside them
    beside = {**other}
    for group in (
        ("properties", "patternProperties", "additionalProperties"),
        ("prefixItems", "items"),
    ):
        if any(key in other for key in group):
            beside |= {key: one[key] for key in group if key in one}
    keywords = beside.keys() - {"type", "required"}
    return all(key in other and key in one and one[key] == other[key] for key in keywords)


def _types(schema: Mapping[str, Any]) -> set[str]:
    declared = schema.get("type", TYPES)
    names = {declared} if isinstance(declared, str) else set(cast("Sequence[str]", declared))
    return names | {"integer"} if "number" in names else names


def _names(schema: Mapping[str, Any]) -> Sequence[str]:
    return cast("Sequence[str]", schema.get("required", ()))
