"""What a schema demands besides its plain keywords, while there are not too many alternatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

from agentlab.backends.llamacpp.schema import alternatives
from agentlab.backends.llamacpp.schema.reading import Place, types_of
from agentlab.backends.llamacpp.schema.references import Schema

_MOST_ALTERNATIVES = 64
_MOST_GIVEN = 1024


class Demands:
    """The demands of one schema; they end in `place.more`."""

    def __init__(self, place: Place, inner: Callable[[object, str], Schema | None]) -> None:
        self._place, self._inner = place, inner
        self.width = 1
        """How many alternatives it comes to, those of each demand times those of the others."""

    def combined(self, key: str, value: Any) -> bool:
        """Take over a keyword that puts schemas together; whether it is one."""
        place, where = self._place, f"{self._place.at}/{key}"
        if key == "allOf" and isinstance(value, list):
            for index, one in enumerate(cast(list[Any], value)):
                self._add(self._inner(one, f"{where}/{index}"), f"{key}/{index}")
        elif key == "anyOf" and isinstance(value, list):
            self._add({"anyOf": self._options(cast(list[Any], value), where)}, key)
        elif key == "oneOf" and isinstance(value, list):
            parts = cast(list[Any], value)
            exact = alternatives.exclusive(place, parts)
            if exact is parts:
                self.take({"anyOf": self._options(parts, where)})
            else:
                self._demand({"anyOf": exact}, key, {"anyOf": parts})
        elif key == "not":
            opposite = alternatives.opposite(place, value, types_of(place.schema))
            if opposite is None:
                place.report(key)
            else:
                self._demand(opposite, key)
        elif key == "if":
            for case in alternatives.conditional(place):
                self._demand(case, key)
        elif key in ("dependencies", "dependentRequired", "dependentSchemas"):
            for case in alternatives.dependent(place, key, value):
                self._demand(case, key)
        else:
            return False
        return True

    def take(self, schema: Schema | None) -> None:
        """Ask for this, whatever it comes to."""
        if schema is not None:
            self._place.more.append(schema)

    def _options(self, parts: list[Any], where: str) -> list[Schema]:
        demands = (self._inner(part, f"{where}/{index}") for index, part in enumerate(parts))
        return [part for part in demands if part is not None]

    def _add(self, schema: Schema | None, key: str) -> None:
        """Ask for what the schema asks for, unless too many alternatives came to be."""
        if schema is None:
            return
        wide = self.width * _width(schema)
        if wide > _MOST_GIVEN:
            self._place.report(key)
            return
        self.width = wide
        self.take(schema)

    def _demand(self, part: Schema, key: str, instead: Schema = True) -> None:
        """Ask for `part`, unless that makes too many alternatives: then for `instead`."""
        wide = self.width * _width(part)
        if wide > _MOST_ALTERNATIVES:
            self._place.report(key)
            part = instead
        else:
            self.width = wide
        if part is not True:
            self.take(self._inner(part, f"{self._place.at}/{key}"))


def _width(schema: Schema) -> int:
    """How many alternatives a schema comes to, as far as it says so itself."""
    if isinstance(schema, bool):
        return 1
    width = math.prod(_width(part) for part in schema.get("allOf", ()))
    return width * (sum(_width(part) for part in schema["anyOf"]) if "anyOf" in schema else 1)
