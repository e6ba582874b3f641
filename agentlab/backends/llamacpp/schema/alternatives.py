"""`oneOf`, `if` and dependencies, said as alternatives of which some have to hold."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, cast

from agentlab.backends.llamacpp.schema.opposites import TYPES, apart, names_of, negated
from agentlab.backends.llamacpp.schema.reading import Place, types_of
from agentlab.backends.llamacpp.schema.references import Schema

_MOST_OPPOSITES = 8
_MOST_DEPENDENCIES = 10


def opposite(place: Place, part: Schema, types: Sequence[str]) -> Schema | None:
    """A schema for values of these types that `part` refuses; None where there is no telling."""
    return None if place.reading.leave.opposites else negated(part, types, place.look)


def exclusive(place: Place, parts: list[Any]) -> list[Schema]:
    """The alternatives of a `oneOf`, each without what another of them matches too.

    They are returned as they are where no value can match two of them, or where that they exclude
    each other can't be said, which is reported.
    """
    options = cast(list[Schema], parts)
    if place.reading.leave.opposites:
        place.report("oneOf")
        return options
    if all(apart(one, other, place.look) for one, other in itertools.combinations(options, 2)):
        return options
    branches: list[Schema] = []
    for index, part in enumerate(options):
        others = [
            other
            for position, other in enumerate(options)
            if position != index and not apart(part, other, place.look)
        ]
        here = place.look(part)
        mine = names_of(here) if isinstance(here, dict) else TYPES
        types = [name for name in mine if name in types_of(place.schema) or name == "integer"]
        opposites = [opposite(place, other, types) for other in others]
        if None in opposites or len(opposites) > _MOST_OPPOSITES:
            place.report("oneOf")
            return options
        branches.append({"allOf": [part, *cast(list[Schema], opposites)]} if opposites else part)
    return branches


def conditional(place: Place) -> list[Schema]:
    """What `if`, `then` and `else` come to; reported where the opposite can't be said."""
    then, other = place.schema.get("then", True), place.schema.get("else", True)
    if then is True and other is True:
        return []
    condition = place.schema["if"]
    otherwise = opposite(place, condition, types_of(place.schema))
    if otherwise is None:
        place.report("if")
        return [{"anyOf": [{"allOf": [condition, then]}, other]}]
    return [{"anyOf": [{"allOf": [condition, then]}, {"allOf": [otherwise, other]}]}]


def dependent(place: Place, key: str, value: Any) -> list[Schema]:
    """What has to hold where a property is there, in the words of any draft."""
    if not isinstance(value, dict):
        place.report(key)
        return []
    options: list[Schema] = []
    for name, needs in cast(dict[str, Any], value).items():
        if needs in ([], True) or needs == {}:
            continue
        absent: Schema = {"properties": {name: False}}
        if isinstance(needs, list):
            options.append({"anyOf": [{"required": [name, *needs]}, absent]})
        elif isinstance(needs, str):
            options.append({"anyOf": [{"required": [name, needs]}, absent]})
        else:
            options.append({"anyOf": [{"allOf": [{"required": [name]}, needs]}, absent]})
    if len(options) > _MOST_DEPENDENCIES:
        place.report(key)
        return []
    return options
