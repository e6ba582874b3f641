"""What the rewriting of one document shares: what it leaves out, looks at and has to report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from agentlab.backends.llamacpp.schema.opposites import ANNOTATIONS, TYPES, names_of
from agentlab.backends.llamacpp.schema.references import References, Schema

MOST_LOOKS = 20_000
"""Looks at other schemas, to tell them apart or to turn them round."""
_MOST_STEPS = 16
IN_PLACE = ("$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if")
"""Keywords whose schemas speak of the same value."""
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


class TooLarge(Exception):
    """The schema is read over and over without an end in sight."""


@dataclass(frozen=True)
class Leave:
    """What to leave out, where the library could not read all of it."""

    patterns: frozenset[str] = frozenset()
    """Expressions it can't read."""
    counts: bool = False
    """`minProperties` and `maxProperties` where some properties may be left out."""
    lengths: bool = False
    """`minLength` and `maxLength` beside a pattern."""
    overlaps: bool = False
    """Which of several `patternProperties` holds where two match one name."""
    opposites: bool = False
    """What only a schema's opposite could say: `not`, `if`, that one alone of `oneOf` holds."""
    beside: bool = False
    """What stands beside a reference."""
    deeper: int | None = None
    """Everything that lies deeper than this."""


@dataclass
class Reading:
    """One document while it is rewritten."""

    references: References
    leave: Leave
    undeclared: bool
    """Whether what the schema leaves open is left open."""
    unenforced: list[str] = field(default_factory=list[str])
    """JSON pointers of what is not held."""
    patterns: dict[str, None] = field(default_factory=dict[str, None])
    """Every expression met, in the library's spelling."""
    looks: int = 0

    def report(self, where: str) -> None:
        """Say that what stands at this pointer is not held."""
        self.unenforced.append(where)

    def look(self, at: str) -> Callable[[Schema], Schema | None]:
        """What bare references that stand at this pointer lead to; other schemas are themselves.

        Raises (when called):
            TooLarge: there was too much to look at.
        """

        def look(schema: Schema) -> Schema | None:
            self.looks += 1
            if self.looks > MOST_LOOKS:
                raise TooLarge
            for _ in range(_MOST_STEPS):
                if isinstance(schema, bool):
                    return schema
                ref = ref_of(schema)
                if ref is None or schema.keys() - ANNOTATIONS - {"$ref"}:
                    return schema
                target = self.references.target(ref, at)
                if target is None:
                    return None
                schema = target[0]
            return None

        return look


@dataclass(frozen=True)
class Place:
    """A schema of the document while its keywords are taken over, one after the other."""

    reading: Reading
    schema: dict[str, Any]
    at: str
    """Its pointer."""
    read: Callable[[object, str], Schema]
    """Rewrites a schema of a part of the value: the schema, and its pointer from here."""
    out: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the keywords come to."""
    more: list[Schema] = field(default_factory=list[Schema])
    """What has to hold besides."""

    def report(self, keyword: str) -> None:
        """Say that this keyword is not held, or what stands at this pointer from here."""
        self.reading.report(f"{self.at}/{keyword}")

    def look(self, schema: Schema) -> Schema | None:
        """See `Reading.look`."""
        return self.reading.look(self.at)(schema)

    def mapping(self, key: str) -> dict[str, Any]:
        """A keyword's value that names schemas; empty where it does not."""
        return mapping_of(self, self.schema, key)


def mapping_of(place: Place, schema: dict[str, Any], key: str) -> dict[str, Any]:
    """The same of another schema that speaks of the same value."""
    value = schema.get(key, {})
    if isinstance(value, dict):
        return cast(dict[str, Any], value)
    place.report(key)
    return {}


def ref_of(schema: Mapping[str, Any]) -> str | None:
    """What a schema refers to, if it does."""
    for key in REFERENCES:
        if isinstance(ref := schema.get(key), str):
            return ref
    return None


def types_of(schema: dict[str, Any]) -> tuple[str, ...]:
    """The types that a schema's `type` admits, as far as they are JSON's."""
    return tuple(name for name in names_of(schema) if name in (*TYPES, "integer")) or TYPES
