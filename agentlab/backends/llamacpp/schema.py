"""JSON Schema in the words that the grammar library understands, and what they do not say.

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

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from agentlab.backends.llamacpp.opposites import ANNOTATIONS, KINDS, TYPES, apart, names_of, negated
from agentlab.backends.llamacpp.references import References, Schema, escaped
from agentlab.backends.llamacpp.text_rules import FORMATS, FREE_FORMATS, as_rust, parts_of

MOST_PLACES = 8_000
"""Schemas read, with those that stand in several places counted each time."""
MOST_JOINS = 2_000
"""How often the library has to make one schema of two, roughly; each can cost it a millisecond."""
MOST_LOOKS = 20_000
"""Looks at other schemas, to tell them apart or to turn them round."""
_EXACT = 2**53
_LARGEST = 10**18
_SMALLEST = 1e-9
_MOST_ITEMS = 5000
_MOST_LENGTH = 100_000
_MOST_ALTERNATIVES = 64
_MOST_GIVEN = 1024
_MOST_OPPOSITES = 8
_MOST_PLACES_TOGETHER = 200
_MOST_EITHER = 24
_EVERY_NAME = ("", ".*", "^.*", ".*$", "^.*$")
_IN_PLACE = ("$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if")
_COUNTS = {
    **dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties"), _MOST_ITEMS),
    **dict.fromkeys(("minLength", "maxLength"), _MOST_LENGTH),
}


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


class Rewriter:
    """Rewrites one document."""

    def __init__(self, root: Schema, leave: Leave = Leave(), *, undeclared: bool = True) -> None:
        self.unenforced: list[str] = []
        self.patterns: dict[str, None] = {}
        """Every expression met, in the library's spelling."""
        self._root = root
        self._leave = leave
        self._undeclared = undeclared
        self._references = References(root)
        self._names: dict[int, str] = {}
        self._held: list[Any] = []  # so that no id is given twice
        self._waiting: list[tuple[str, Callable[[], Schema]]] = []
        self._places = self._looks = 0
        self._joins = 0

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
            self._report(at)
            return True
        schema = cast(dict[str, Any], given)
        if self._leave.deeper is not None and depth > self._leave.deeper:
            if schema.keys() - ANNOTATIONS:
                self._report(at)
            return True
        parts = self._conjuncts(schema)
        ref = self._ref_of(schema)
        if ref is not None and parts == 1:
            return self._refer(ref, schema, at, depth)
        if parts > 1 and self._refers(schema, 0):
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
        ref = self._ref_of(schema)
        if ref is not None and self._conjuncts(schema) == 1:
            found = self._target(ref, schema, at)
            if found is None:
                return True
            if id(found[0]) in open_:
                return None
            return self._inline(found[0], found[1], depth, open_ | {id(found[0])})
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

    def _refer(self, ref: str, schema: dict[str, Any], at: str, depth: int) -> Schema:
        found = self._target(ref, schema, at)
        if found is None:
            return True
        target, place = found
        # references that only lead on to others, and at last back, say nothing that could be met
        seen = {id(schema)}
        while isinstance(target, dict):
            if id(target) in seen:
                return False
            seen.add(id(target))
            further = self._ref_of(target)
            if further is None or self._conjuncts(target) != 1:
                break
            found = self._target(further, target, place)
            if found is None:
                return True
            target, place = found
        if isinstance(target, bool):
            return target
        body, there = target, place
        return self._named(body, lambda: self._definition(body, there, depth))

    def _definition(self, schema: dict[str, Any], at: str, depth: int) -> Schema:
        many = self._conjuncts(schema) > 1 and self._refers(schema, 0)
        if many and self._leave.beside:
            return self._alone(schema, at, depth)
        return self._body(schema, at, depth, frozenset({id(schema)}), many, False)

    def _alone(self, schema: dict[str, Any], at: str, depth: int) -> Schema:
        """The schema without what refers elsewhere, or of several references the first."""
        kept = {key: value for key, value in schema.items() if key not in _IN_PLACE}
        for key, value in schema.items():
            if key in _IN_PLACE and self._refers({key: value}, 0):
                self._report(f"{at}/{key}")
            elif key in _IN_PLACE:
                kept[key] = value
        return self._body(kept, at, depth, frozenset(), False, False)

    def _ref_of(self, schema: Mapping[str, Any]) -> str | None:
        for key in ("$ref", "$dynamicRef", "$recursiveRef"):
            if isinstance(ref := schema.get(key), str):
                return ref
        return None

    def _target(self, ref: str, schema: dict[str, Any], at: str) -> tuple[Schema, str] | None:
        found = self._references.target(ref, at)
        if found is None or "$ref" not in schema:
            # what a dynamic reference means depends on where it is reached from
            self._report(f"{at}/{next(k for k in schema if k in _IN_PLACE)}")
        return found

    def _look(self, at: str) -> Callable[[Schema], Schema | None]:
        def look(schema: Schema) -> Schema | None:
            self._looks += 1
            if self._looks > MOST_LOOKS:
                raise TooLarge
            for _ in range(16):
                if isinstance(schema, bool):
                    return schema
                ref = self._ref_of(schema)
                if ref is None or schema.keys() - ANNOTATIONS - {"$ref"}:
                    return schema
                found = self._references.target(ref, at)
                if found is None:
                    return None
                schema = found[0]
            return None

        return look

    def _conjuncts(self, schema: dict[str, Any]) -> int:
        """How many things a schema demands at once."""
        count = 0
        plain = False
        for key, value in schema.items():
            if key == "allOf" and isinstance(value, list):
                count += len(cast(list[Any], value))
            elif key in _IN_PLACE or key in ("dependencies", "dependentSchemas"):
                count += 1
            elif not plain and key not in ANNOTATIONS and key in _KNOWN:
                plain = True
                count += 1
        return count

    def _refers(self, schema: object, depth: int) -> bool:
        """Whether a reference stands where the schema itself does."""
        if not isinstance(schema, dict) or depth > 12:
            return False
        mapping = cast(dict[str, Any], schema)
        if self._ref_of(mapping) is not None:
            return True
        for key in ("allOf", "anyOf", "oneOf"):
            parts = mapping.get(key)
            held = cast(list[Any], parts) if isinstance(parts, list) else []
            if any(self._refers(part, depth + 1) for part in held):
                return True
        if any(self._refers(mapping.get(key), depth + 1) for key in ("not", "if", "then", "else")):
            return True
        dependent = mapping.get("dependentSchemas", mapping.get("dependencies"))
        if isinstance(dependent, dict):
            return any(
                self._refers(part, depth + 1) for part in cast(dict[str, Any], dependent).values()
            )
        return False

    # its keywords

    def _body(  # noqa: PLR0915 one case a keyword
        self,
        schema: dict[str, Any],
        at: str,
        depth: int,
        open_: frozenset[int],
        inline: bool,
        part: bool,
    ) -> Schema:
        self._places += 1
        if self._places > MOST_PLACES:
            raise TooLarge
        out: dict[str, Any] = {}
        more: list[Schema] = []
        width = [1]
        beside = part or self._conjuncts(schema) > 1

        def inner(part: object, where: str) -> Schema | None:
            if inline:
                return self._inline(part, where, depth, open_)
            return self._read(part, where, depth, part=beside)

        def options(parts: list[Any], where: str) -> list[Schema]:
            found = (inner(part, f"{where}/{index}") for index, part in enumerate(parts))
            return [part for part in found if part is not None]

        def add(made: Schema | None, where: str) -> None:
            """Ask for what the schema asks for, unless too many alternatives came to be."""
            if made is None:
                return
            wide = width[0] * _width(made)
            if wide > _MOST_GIVEN:
                self._report(where)
                return
            width[0] = wide
            more.append(made)

        def demand(part: Schema, where: str, instead: Schema = True) -> None:
            """Ask for `part`, unless that makes too many alternatives: then for `instead`."""
            wide = width[0] * _width(part)
            if wide > _MOST_ALTERNATIVES:
                self._report(where)
                part = instead
            else:
                width[0] = wide
            if part is not True and (made := inner(part, where)) is not None:
                more.append(made)

        for key, value in schema.items():
            where = f"{at}/{key}"
            if key in ANNOTATIONS or key in ("nullable", "then", "else") or key.startswith("x-"):
                continue
            if key in ("$ref", "$dynamicRef", "$recursiveRef"):
                if (target := inner({key: value}, at)) is not None:
                    more.append(target)
            elif key in ("allOf", "anyOf", "oneOf") and isinstance(value, list):
                parts = cast(list[Any], value)
                if key == "allOf":
                    for index, one in enumerate(parts):
                        add(inner(one, f"{where}/{index}"), f"{where}/{index}")
                elif key == "anyOf":
                    add({"anyOf": options(parts, where)}, where)
                else:
                    exact = self._exclusive(parts, schema, at)
                    instead: Schema = {"anyOf": parts}
                    if exact is parts:
                        more.append({"anyOf": options(parts, where)})
                    else:
                        demand({"anyOf": exact}, where, instead)
            elif key == "not":
                opposite = self._opposite(value, self._types(schema), at)
                if opposite is None:
                    self._report(where)
                else:
                    demand(opposite, where)
            elif key == "if":
                for case in self._conditional(schema, at):
                    demand(case, where)
            elif key in ("dependencies", "dependentRequired", "dependentSchemas"):
                for case in self._dependent(value, where):
                    demand(case, where)
            else:
                self._keyword(key, value, schema, out, more, at, depth)
        self._joins += width[0] * len(more) if len(more) > 1 or out else 0
        if self._joins > MOST_JOINS:
            raise TooLarge
        self._range(out, at)
        self._object(schema, out, more, at, depth)
        if not part and not self._undeclared:
            self._close(schema, out, at)
        made: dict[str, Any] = {**out}
        if len(more) == 1 and not out:
            made = more[0] if isinstance(more[0], dict) else {"allOf": more}
        elif more:
            made["allOf"] = more
        if schema.get("nullable") is True and made:
            made = {"anyOf": [made, {"type": "null"}]}
        return made if made else True

    def _types(self, schema: dict[str, Any]) -> tuple[str, ...]:
        return tuple(name for name in names_of(schema) if name in (*TYPES, "integer")) or TYPES

    def _keyword(  # noqa: PLR0915 one case a keyword
        self,
        key: str,
        value: Any,
        schema: dict[str, Any],
        out: dict[str, Any],
        more: list[Schema],
        at: str,
        depth: int,
    ) -> None:
        """Take one plain keyword over into `out`, or what it comes to into `more`."""
        where = f"{at}/{key}"
        match key:
            case "type":
                known = [n for n in names_of(schema) if n in (*TYPES, "integer")]
                if not known or len(known) < len(names_of(schema)):
                    self._report(where)
                elif value != list(TYPES):
                    out["type"] = value
            case "enum" | "const":
                values: Any = value if key == "enum" else [value]
                if not isinstance(values, list):
                    self._report(where)
                elif any(map(_inexact, cast(list[Any], values))):
                    self._report(where)
                    out["type"] = out.get(
                        "type",
                        ["integer", "number", "string", "boolean", "null", "object", "array"],
                    )
                else:
                    out[key] = value
            case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
                if _bound(value) or isinstance(value, bool):
                    out[key] = value
                else:
                    self._report(where)
            case "multipleOf":
                if _step(value):
                    out[key] = value
                else:
                    self._report(where)
            case (
                "minLength"
                | "maxLength"
                | "minItems"
                | "maxItems"
                | "minProperties"
                | "maxProperties"
            ):
                whole = (
                    not isinstance(value, bool)
                    and isinstance(value, (int, float))
                    and value == int(value)
                )
                beside = (
                    self._leave.lengths
                    and "Length" in key
                    and ("pattern" in schema or "format" in schema)
                )
                if not whole or value < 0 or value > _COUNTS[key] or beside:
                    self._report(where)
                else:
                    out[key] = int(value)
            case "pattern":
                for part in parts_of(value) if isinstance(value, str) else ():
                    self._pattern(part, more, where)
            case "format":
                if value in FORMATS:
                    self._pattern(FORMATS[value], more, where)
                elif value not in FREE_FORMATS:
                    self._report(where)
            case "items" | "prefixItems" | "additionalItems":
                self._items(key, value, schema, out, at, depth)
            case "uniqueItems":
                if value is True and schema.get("maxItems", 2) > 1:
                    self._report(where)
            case "contains":
                if schema.get("minContains") != 0 or "maxContains" in schema:
                    self._report(where)
            case "unevaluatedItems":
                self._unevaluated_items(value, schema, out, at, depth)
            case _ if key in KINDS["object"] or key in ("minContains", "maxContains"):
                pass  # together with the others of its kind
            case _:
                self._report(where)

    def _range(self, out: dict[str, Any], at: str) -> None:
        """Report what the library does not hold of two bounds together."""
        low, open_low = _bound_of(out, "minimum", "exclusiveMinimum", max)
        high, open_high = _bound_of(out, "maximum", "exclusiveMaximum", min)
        if low is None or high is None or out.get("type") == "integer":
            return
        # between two whole numbers, it lets an end that is excluded pass
        if high - low < 1 or math.floor(low) + 1 == math.ceil(high):
            for key, is_open, bound in (
                ("exclusiveMinimum", open_low, low),
                ("exclusiveMaximum", open_high, high),
            ):
                if is_open and float(bound).is_integer():
                    self._report(f"{at}/{key}")

    def _pattern(self, expression: str, more: list[Schema], where: str) -> None:
        rust = as_rust(expression)
        self.patterns[rust] = None
        if rust in self._leave.patterns:
            self._report(where)
        else:
            more.append({"pattern": rust})

    def _items(
        self, key: str, value: Any, schema: dict[str, Any], out: dict[str, Any], at: str, depth: int
    ) -> None:
        firsts = schema.get("prefixItems")
        tuple_of_old = isinstance(schema.get("items"), list) and firsts is None
        where = f"{at}/{key}"
        if isinstance(value, list) and (key == "prefixItems" or (key == "items" and tuple_of_old)):
            parts = cast(list[Any], value)
            out["prefixItems"] = [
                self._read(p, f"{where}/{i}", depth + 1) for i, p in enumerate(parts)
            ]
        elif key == "additionalItems":
            if tuple_of_old:
                out["items"] = self._read(cast(Schema, value), where, depth + 1)
        elif not isinstance(value, (dict, bool)):
            self._report(where)
        else:
            out["items"] = self._read(cast(Schema, value), where, depth + 1)

    def _unevaluated_items(
        self, value: Any, schema: dict[str, Any], out: dict[str, Any], at: str, depth: int
    ) -> None:
        if value is True or "items" in schema:
            return
        if schema.keys() & {*_IN_PLACE, "contains"}:
            self._report(f"{at}/unevaluatedItems")
        else:
            out["items"] = self._read(value, f"{at}/unevaluatedItems", depth + 1)

    # objects

    def _object(
        self, schema: dict[str, Any], out: dict[str, Any], more: list[Schema], at: str, depth: int
    ) -> None:
        """Take over the keywords that speak of properties; they speak of each other."""
        if not KINDS["object"] & schema.keys():
            return

        def read(part: object, where: str) -> Schema:
            return self._read(part, f"{at}/{where}", depth + 1)

        properties = self._mapping(schema, "properties", at)
        patterns = self._mapping(schema, "patternProperties", at)
        if "properties" in schema:
            out["properties"] = {
                name: read(part, f"properties/{escaped(name)}") for name, part in properties.items()
            }
        others: Schema = True
        if "additionalProperties" in schema:
            others = read(schema["additionalProperties"], "additionalProperties")
        elif "unevaluatedProperties" in schema:
            others = self._unevaluated(schema, out, at, depth)
        required = schema.get("required")
        if isinstance(required, list):
            out["required"] = [name for name in cast(list[Any], required) if isinstance(name, str)]
        elif required is not None:
            self._report(f"{at}/required")
        if patterns:
            others = self._by_pattern(patterns, others, out, more, at, depth)
        if "propertyNames" in schema:
            others = self._by_name(schema["propertyNames"], others, out, at)
        if others is not True:
            out["additionalProperties"] = others
        self._at_least_one(schema, out, more, others, at)

    def _mapping(self, schema: dict[str, Any], key: str, at: str) -> dict[str, Any]:
        value = schema.get(key, {})
        if isinstance(value, dict):
            return cast(dict[str, Any], value)
        self._report(f"{at}/{key}")
        return {}

    def _by_pattern(
        self,
        patterns: dict[str, Any],
        others: Schema,
        out: dict[str, Any],
        more: list[Schema],
        at: str,
        depth: int,
    ) -> Schema:
        """Properties by the look of their names; returns what holds for all others."""
        where = f"{at}/patternProperties"
        kept: dict[str, Schema] = {}
        for_all: list[Schema] = []
        for expression, part in patterns.items():
            rust = as_rust(expression)
            self.patterns[rust] = None
            made = self._read(part, f"{where}/{escaped(expression)}", depth + 1)
            if expression in _EVERY_NAME:
                for_all.append(made)
            elif rust in self._leave.patterns:
                # names that it may match can be anything the others can, or what it says
                self._report(f"{where}/{escaped(expression)}")
                if others is not True:
                    self._report(f"{at}/additionalProperties")
                    others = made if others is False else {"anyOf": [others, made]}
            else:
                kept[rust] = made
        if for_all:
            # what holds for every name leaves no others
            kept = {name: {"allOf": [one, *for_all]} for name, one in kept.items()}
            if "properties" in out:
                out["properties"] = {
                    name: {"allOf": [one, *for_all]} for name, one in out["properties"].items()
                }
            others = {"allOf": for_all}
        if self._leave.overlaps and len(kept) > 1:
            self._report(where)
            kept = {"|".join(f"(?:{rust})" for rust in kept): {"anyOf": list(kept.values())}}
        if kept:
            out["patternProperties"] = kept
        return others

    def _by_name(self, rule: object, others: Schema, out: dict[str, Any], at: str) -> Schema:
        """Let `propertyNames` hold for all names that are not declared."""
        where = f"{at}/propertyNames"
        found = self._look(at)(cast(Schema, rule)) if isinstance(rule, (dict, bool)) else None
        if found is True:
            return others
        if isinstance(found, dict) and not found.keys() - ANNOTATIONS - {"type"}:
            return others if "string" in names_of(found) else False
        expression: str | None = None
        source = ""
        names: list[str] | None = None
        if isinstance(found, dict):
            keys = found.keys() - ANNOTATIONS - {"type"}
            values = [found["const"]] if "const" in found else found.get("enum")
            if keys in ({"enum"}, {"const"}) and isinstance(values, list):
                names = [name for name in cast(list[Any], values) if isinstance(name, str)]
            elif keys == {"pattern"} and isinstance(found["pattern"], str):
                parts = parts_of(found["pattern"])
                source = found["pattern"]
                expression = as_rust(parts[0]) if len(parts) == 1 else None
            elif keys == {"format"}:
                source = FORMATS.get(found["format"], "")
                expression = source or None
            elif keys <= {"minLength", "maxLength"}:
                low, high = found.get("minLength", 0), found.get("maxLength", "")
                expression = f"^(?s:.{{{low},{high}}})$"
                source = expression
        if found is False:
            names = []
        usable = "patternProperties" not in out
        if (
            not usable
            or (expression is None and names is None)
            or expression in self._leave.patterns
        ):
            self._report(where)
            return others
        declared = cast(dict[str, Schema], out.get("properties", {}))
        if names is not None:
            extra = {name: others for name in names if name not in declared}
            out["properties"] = {n: p if n in names else False for n, p in declared.items()} | extra
            return False
        admitted = _matching(source, declared)
        if admitted is None or (admitted and others is not True):
            self._report(where)
            return others
        self.patterns[str(expression)] = None
        out["properties"] = {n: p if n in admitted else False for n, p in declared.items()}
        out["patternProperties"] = {str(expression): others}
        return False

    def _unevaluated(
        self, schema: dict[str, Any], out: dict[str, Any], at: str, depth: int
    ) -> Schema:
        """What holds for properties of which nothing else in the same place speaks."""
        value = schema["unevaluatedProperties"]
        if value is True:
            return True
        known: dict[str, None] = {}
        sure = True
        look = self._look(at)
        queue: list[object] = [schema]
        count = 0
        while queue and count < 64:
            count += 1
            found = look(cast(Schema, queue.pop()))
            if not isinstance(found, dict):
                continue
            known |= dict.fromkeys(cast(dict[str, Any], found.get("properties", {})))
            open_ = {"patternProperties", "anyOf", "oneOf", "if", "then", "else", "not"}
            open_ |= {"dependentSchemas", "dependencies", "$dynamicRef", "$recursiveRef"}
            if found.keys() & open_ or (found is not schema and "additionalProperties" in found):
                sure = False
            if found is not schema and "unevaluatedProperties" in found:
                sure = False
            if isinstance(ref := found.get("$ref"), str):
                queue.append({"$ref": ref})
            queue += cast(list[object], found.get("allOf", []))
        if not sure:
            self._report(f"{at}/unevaluatedProperties")
            return True
        declared = cast(dict[str, Schema], out.get("properties", {}))
        out["properties"] = declared | {name: True for name in known if name not in declared}
        return self._read(value, f"{at}/unevaluatedProperties", depth + 1)

    def _at_least_one(
        self,
        schema: dict[str, Any],
        out: dict[str, Any],
        more: list[Schema],
        others: Schema,
        at: str,
    ) -> None:
        """Say `minProperties: 1` of an open object so that the library can hold it."""
        least, most = out.get("minProperties", 0), out.get("maxProperties")
        names = [name for name, part in out.get("properties", {}).items() if part is not False]
        required = set(out.get("required", []))
        if least <= len(required):
            out.pop("minProperties", None)
        elif least - len(required) > 1 and (others is not False or "patternProperties" in out):
            self._report(f"{at}/minProperties")  # a name may be written twice
        optional = [name for name in names if name not in required]
        if (
            most is not None
            and others is False
            and "patternProperties" not in out
            and most >= len(names)
        ):
            out.pop("maxProperties")
            most = None
        if self._leave.counts and optional:
            for key in ("minProperties", "maxProperties"):
                if out.pop(key, None) is not None:
                    self._report(f"{at}/{key}")
            return
        opened = others is not False or "patternProperties" in out
        if not (optional and opened and least == 1 and not required and most is None):
            return
        if len(optional) > _MOST_EITHER:
            return
        out.pop("minProperties")
        none = {"properties": dict.fromkeys(optional, False), "minProperties": 1, "type": "object"}
        others_too: list[Schema] = (
            []
            if "object" in self._types(schema) and "type" in schema
            else [{"type": [name for name in TYPES if name != "object"]}]
        )
        more.append(
            {
                "anyOf": [
                    *({"type": "object", "required": [name]} for name in optional),
                    none,
                    *others_too,
                ]
            }
        )

    def _close(self, schema: dict[str, Any], out: dict[str, Any], at: str) -> None:
        """Admit only what is declared, in this place or by what is demanded with it.

        A schema that speaks of properties means an object, one with properties no others, and a
        tuple ends with its last item. The standard leaves all of that open, and a small model
        that is left a choice goes on and on.
        """
        places = self._in_place(schema, at)
        if not any(part.keys() & {"type", "enum", "const"} for part in places):
            kinds = [k for k, keys in KINDS.items() if any(keys & part.keys() for part in places)]
            if kinds and len(places) < _MOST_PLACES_TOGETHER:
                out["type"] = kinds[0] if len(kinds) == 1 else kinds
        firsts = out.get("prefixItems")
        if firsts and "items" not in out and out.get("minItems", 0) <= len(firsts):
            out["items"] = False
        opened = {"additionalProperties", "unevaluatedProperties"}
        if any(part.keys() & opened for part in places):
            return
        if any("patternProperties" in part for part in places if part is not schema):
            return
        names: dict[str, Schema] = {**out.get("properties", {})}
        for part in places:
            for name in (*self._mapping(part, "properties", at), *_strings(part.get("required"))):
                names.setdefault(name, True)
        # of a tool that takes nothing, it is declared that it takes nothing
        if names or any("properties" in part for part in places):
            out["properties"] = names
            out["additionalProperties"] = False

    def _in_place(self, schema: dict[str, Any], at: str) -> list[dict[str, Any]]:
        """The schema and those that speak of the same value, or may."""
        look = self._look(at)
        found: list[dict[str, Any]] = []
        queue: list[object] = [schema]
        while queue and len(found) < _MOST_PLACES_TOGETHER:
            part = look(cast(Schema, queue.pop(0)))
            if not isinstance(part, dict) or any(part is other for other in found):
                continue
            found.append(part)
            if ((ref := self._ref_of(part)) is not None and part is not schema) or "$ref" in part:
                queue.append({"$ref": part.get("$ref", ref)})
            for key in ("allOf", "anyOf", "oneOf"):
                queue += cast(list[object], part.get(key) or [])
            queue += [part[key] for key in ("if", "then", "else") if key in part]
            for key in ("dependentSchemas", "dependencies"):
                if isinstance(dependent := part.get(key), dict):
                    queue += [
                        p for p in cast(dict[str, Any], dependent).values() if isinstance(p, dict)
                    ]
        return found

    # what is said by alternatives

    def _exclusive(self, parts: list[Any], schema: dict[str, Any], at: str) -> list[Schema]:
        """The alternatives of a `oneOf`, each without what another of them matches too."""
        look = self._look(at)
        if self._leave.opposites:
            self._report(f"{at}/oneOf")
            return cast(list[Schema], parts)
        if all(apart(one, other, look) for one, other in itertools.combinations(parts, 2)):
            return cast(list[Schema], parts)
        made: list[Schema] = []
        sure = True
        for index, part in enumerate(parts):
            others = [
                other
                for place, other in enumerate(parts)
                if place != index and not apart(part, other, look)
            ]
            here = look(part)
            mine = names_of(here) if isinstance(here, dict) else TYPES
            types = [name for name in mine if name in self._types(schema) or name == "integer"]
            opposites = [self._opposite(other, types, at) for other in others]
            if None in opposites or len(opposites) > _MOST_OPPOSITES:
                sure = False
                break
            if opposites:
                made.append({"allOf": [part, *cast(list[Schema], opposites)]})
            else:
                made.append(part)
        if not sure:
            self._report(f"{at}/oneOf")
            return cast(list[Schema], parts)
        return made

    def _opposite(self, part: Schema, types: Sequence[str], at: str) -> Schema | None:
        return None if self._leave.opposites else negated(part, types, self._look(at))

    def _conditional(self, schema: dict[str, Any], at: str) -> list[Schema]:
        then, other = schema.get("then", True), schema.get("else", True)
        if then is True and other is True:
            return []
        condition = schema["if"]
        opposite = self._opposite(condition, self._types(schema), at)
        if opposite is None:
            self._report(f"{at}/if")
            return [{"anyOf": [{"allOf": [condition, then]}, other]}]
        return [{"anyOf": [{"allOf": [condition, then]}, {"allOf": [opposite, other]}]}]

    def _dependent(self, value: Any, where: str) -> list[Schema]:
        if not isinstance(value, dict):
            self._report(where)
            return []
        made: list[Schema] = []
        for name, needs in cast(dict[str, Any], value).items():
            if needs in ([], True) or needs == {}:
                continue
            absent: Schema = {"properties": {name: False}}
            if isinstance(needs, list):
                made.append({"anyOf": [{"required": [name, *needs]}, absent]})
            elif isinstance(needs, str):
                made.append({"anyOf": [{"required": [name, needs]}, absent]})
            else:
                made.append({"anyOf": [{"allOf": [{"required": [name]}, needs]}, absent]})
        if len(made) > 10:
            self._report(where)
            return []
        return made

    def _report(self, where: str) -> None:
        self.unenforced.append(where)


_KNOWN = frozenset({"type", "enum", "const", "nullable"}).union(*KINDS.values())


def _strings(value: object) -> list[str]:
    names = cast(list[object], value) if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str)]


def _width(schema: Schema) -> int:
    """How many alternatives a schema comes to, as far as it says so itself."""
    if isinstance(schema, bool):
        return 1
    width = math.prod(_width(part) for part in schema.get("allOf", ()))
    return width * (sum(_width(part) for part in schema["anyOf"]) if "anyOf" in schema else 1)


def _matching(expression: str, names: Iterable[str]) -> set[str] | None:
    """Those of the names in which an expression is found; None where Python can't read it."""
    try:
        compiled = re.compile(expression)
    except re.error:
        return None
    return {name for name in names if compiled.search(name)}


def _inexact(value: Any) -> bool:
    """Whether a number in here would come out as another one."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) > _EXACT and (abs(value) >= _LARGEST or int(float(value)) != value)
    if isinstance(value, float):
        return abs(value) >= _LARGEST or 0 < abs(value) < _SMALLEST
    if isinstance(value, list):
        return any(map(_inexact, cast(list[Any], value)))
    if isinstance(value, dict):
        return any(map(_inexact, cast(dict[str, Any], value).values()))
    return False


def _bound(value: Any) -> bool:
    return isinstance(value, (int, float)) and not _inexact(value)


def _bound_of(
    out: Mapping[str, Any], closed: str, opened: str, tighter: Callable[[float, float], float]
) -> tuple[float | None, bool]:
    """A bound, and whether it is excluded; older drafts say the latter by `true`."""
    end, other = out.get(closed), out.get(opened)
    if isinstance(other, bool) or other is None:
        return end, other is True
    if end is None or tighter(end, other) == other:
        return other, True
    return end, False


def _step(value: Any) -> bool:
    """Whether the library reads this step for what it is, by its own reckoning."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        return False
    number, places = float(value), 0
    while number % 1 and places < 20:
        number, places = number * 10, places + 1
    return number < 2**32 and Decimal(int(number)).scaleb(-places) == Decimal(repr(value))
