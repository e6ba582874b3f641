"""One document, rewritten: its references, and what a schema demands at once.

    rewritten = Rewriter(schema)
    rewritten.whole()        a schema of plain keywords, references only to `#/$defs/…`
    rewritten.unenforced     ["/properties/a/uniqueItems", …]

The rewritten schema admits every value that the given one admits, whatever is reported. It admits
others only where a keyword is reported, by its JSON pointer.

The library holds types, bounds, patterns, properties, items, `anyOf` and `allOf`. The rest is said
in those: `oneOf`, `not`, `if` and dependencies as alternatives, formats as patterns, tuples of
older drafts, OpenAPI's `nullable`. A reference that stands beside other keywords is replaced by
what it points to, for the library can't join a schema that it is still reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from agentlab.backends.llamacpp.schema import keywords, objects
from agentlab.backends.llamacpp.schema.closing import close
from agentlab.backends.llamacpp.schema.demands import Demands
from agentlab.backends.llamacpp.schema.implied import needed
from agentlab.backends.llamacpp.schema.opposites import ANNOTATIONS, KINDS
from agentlab.backends.llamacpp.schema.reading import (
    IN_PLACE,
    REFERENCES,
    Leave,
    Place,
    Reading,
    TooLarge,
    ref_of,
)
from agentlab.backends.llamacpp.schema.references import References, Schema

MOST_PLACES = 8_000
"""Schemas read, with those that stand in several places counted each time."""
MOST_JOINS = 2_000
"""How often the library has to make one schema of two, roughly; each can cost it a millisecond."""
_DEEPEST_REFERENCE = 12
_KNOWN = frozenset({"type", "enum", "const", "nullable"}).union(*KINDS.values())


class Rewriter:
    """Rewrites one document."""

    def __init__(self, root: Schema, leave: Leave, *, undeclared: bool = True) -> None:
        self._root = root
        self._leave = leave
        self._reading = Reading(References(root), leave, undeclared)
        self._names: dict[int, str] = {}
        self._held: list[Any] = []  # so that no id is given twice
        self._waiting: list[tuple[str, Callable[[], Schema]]] = []
        self._places = self._joins = 0

    @property
    def unenforced(self) -> list[str]:
        """JSON pointers of what the rewritten schema does not hold, so far."""
        return self._reading.unenforced

    @property
    def patterns(self) -> dict[str, None]:
        """Every expression met, in the library's spelling."""
        return self._reading.patterns

    def whole(self) -> dict[str, Any]:
        """The document, rewritten.

        Raises:
            TooLarge: see there.
        """
        root = self._read(self._root, "", 0)
        defs: dict[str, Schema] = {}
        while self._waiting:
            name, read = self._waiting.pop()
            defs[name] = read()
        whole: dict[str, Any] = {"allOf": [root]} if isinstance(root, bool) else root
        if defs:
            # what stands under the root's own name is there too, so a name can't be taken
            whole = {**whole, "$defs": defs}
        return whole

    # one schema

    def _read(self, given: object, at: str, depth: int, *, part: bool = False) -> Schema:
        """A schema; `part`: what stands in the same place is demanded as well."""
        if isinstance(given, bool):
            return given
        if not isinstance(given, dict):
            self._reading.report(at)
            return True
        schema = cast(dict[str, Any], given)
        if self._leave.deeper is not None and depth > self._leave.deeper:
            if schema.keys() - ANNOTATIONS:
                self._reading.report(at)
            return True
        parts = _conjuncts(schema)
        ref = ref_of(schema)
        if ref is not None and parts == 1:
            return self._refer(ref, schema, at, depth)
        if parts > 1 and _refers(schema, 0):
            if self._leave.beside:
                return self._alone(schema, at, depth)
            return self._named(
                schema, lambda: self._body(schema, at, depth, frozenset(), True, part)
            )
        return self._body(schema, at, depth, frozenset(), False, part)

    def _inline(self, given: object, at: str, depth: int, open_: frozenset[int]) -> Schema | None:
        """A schema with its references replaced; None where it leads back to itself."""
        if not isinstance(given, dict):
            return self._read(given, at, depth, part=True)
        schema = cast(dict[str, Any], given)
        ref = ref_of(schema)
        if ref is not None and _conjuncts(schema) == 1:
            target = self._target(ref, schema, at)
            if target is None:
                return True
            if id(target[0]) in open_:
                return None
            return self._inline(target[0], target[1], depth, open_ | {id(target[0])})
        if self._leave.deeper is not None and depth > self._leave.deeper:
            return self._read(schema, at, depth, part=True)
        return self._body(schema, at, depth, open_, True, True)

    def _named(self, schema: dict[str, Any], read: Callable[[], Schema]) -> Schema:
        name = self._names.get(id(schema))
        if name is None:
            name = self._names[id(schema)] = f"d{len(self._names)}"
            self._held.append(schema)
            self._waiting.append((name, read))
        return {"$ref": f"#/$defs/{name}"}

    # references

    def _refer(self, ref: str, schema: dict[str, Any], at: str, depth: int) -> Schema:
        resolved = self._target(ref, schema, at)
        if resolved is None:
            return True
        target, place = resolved
        # references that only lead on to others, and at last back, say nothing that could be met
        seen = {id(schema)}
        while isinstance(target, dict):
            if id(target) in seen:
                return False
            seen.add(id(target))
            further = ref_of(target)
            if further is None or _conjuncts(target) != 1:
                break
            resolved = self._target(further, target, place)
            if resolved is None:
                return True
            target, place = resolved
        if isinstance(target, bool):
            return target
        body, there = target, place
        return self._named(body, lambda: self._definition(body, there, depth))

    def _definition(self, schema: dict[str, Any], at: str, depth: int) -> Schema:
        many = _conjuncts(schema) > 1 and _refers(schema, 0)
        if many and self._leave.beside:
            return self._alone(schema, at, depth)
        return self._body(schema, at, depth, frozenset({id(schema)}), many, False)

    def _alone(self, schema: dict[str, Any], at: str, depth: int) -> Schema:
        """The schema without what refers elsewhere."""
        rest = {key: value for key, value in schema.items() if key not in IN_PLACE}
        for key, value in schema.items():
            if key in IN_PLACE and _refers({key: value}, 0):
                self._reading.report(f"{at}/{key}")
            elif key in IN_PLACE:
                rest[key] = value
        return self._body(rest, at, depth, frozenset(), False, False)

    def _target(self, ref: str, schema: dict[str, Any], at: str) -> tuple[Schema, str] | None:
        target = self._reading.references.target(ref, at)
        if target is None or "$ref" not in schema:
            # what a dynamic reference means depends on where it is reached from
            self._reading.report(f"{at}/{next(k for k in schema if k in IN_PLACE)}")
        return target

    # its keywords

    def _body(
        self,
        schema: dict[str, Any],
        at: str,
        depth: int,
        open_: frozenset[int],
        inline: bool,
        part: bool,
    ) -> Schema:
        """All that one schema says.

        Args:
            open_: the schemas that are being read, where references are replaced.
            inline: whether references in the same place are replaced by what they point to.
            part: see `_read`.
        """
        self._places += 1
        if self._places > MOST_PLACES:
            raise TooLarge
        place = Place(
            self._reading,
            schema,
            at,
            lambda one, where: self._read(one, f"{at}/{where}", depth + 1),
        )
        beside = part or _conjuncts(schema) > 1

        def inner(one: object, where: str) -> Schema | None:
            if inline:
                return self._inline(one, where, depth, open_)
            return self._read(one, where, depth, part=beside)

        demands = Demands(place, inner)
        for key, value in schema.items():
            if key in ANNOTATIONS or key in ("nullable", "then", "else") or key.startswith("x-"):
                continue
            if key in REFERENCES:
                demands.take(inner({key: value}, at))
            elif not demands.combined(key, value):
                keywords.take(place, key, value)
        out, asked = place.out, len(needed(place.more))
        self._joins += demands.width * asked if asked > 1 or out else 0
        if self._joins > MOST_JOINS:
            raise TooLarge
        keywords.hold_range(place)
        objects.take(place)
        if not part and not self._reading.undeclared:
            close(place)
        body: dict[str, Any] = {}
        parts = needed([out, *place.more] if out else place.more)
        if len(parts) == 1 and isinstance(parts[0], dict):
            body = parts[0]
        elif parts:
            body = {**out} if parts[0] is out else {}
            body["allOf"] = parts[1:] if parts[0] is out else parts
        if schema.get("nullable") is True and body:
            body = {"anyOf": [body, {"type": "null"}]}
        return body if body else True


def _conjuncts(schema: dict[str, Any]) -> int:
    """How many things a schema demands at once."""
    count = 0
    plain = False
    for key, value in schema.items():
        if key == "allOf" and isinstance(value, list):
            count += len(cast(list[Any], value))
        elif key in IN_PLACE or key in ("dependencies", "dependentSchemas"):
            count += 1
        elif not plain and key not in ANNOTATIONS and key in _KNOWN:
            plain = True
            count += 1
    return count


def _refers(schema: object, depth: int) -> bool:
    """Whether a reference stands where the schema itself does."""
    if not isinstance(schema, dict) or depth > _DEEPEST_REFERENCE:
        return False
    mapping = cast(dict[str, Any], schema)
    if ref_of(mapping) is not None:
        return True
    for key in ("allOf", "anyOf", "oneOf"):
        parts = mapping.get(key)
        members = cast(list[Any], parts) if isinstance(parts, list) else []
        if any(_refers(part, depth + 1) for part in members):
            return True
    if any(_refers(mapping.get(key), depth + 1) for key in ("not", "if", "then", "else")):
        return True
    needs = mapping.get("dependentSchemas", mapping.get("dependencies"))
    if isinstance(needs, dict):
        return any(_refers(part, depth + 1) for part in cast(dict[str, Any], needs).values())
    return False
