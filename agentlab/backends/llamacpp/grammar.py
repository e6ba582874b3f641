"""JSON Schema to grammar: what a model may write, character by character.

    compiled = compile_schema({"type": "object", "properties": {"city": {"type": "string"}}})
    compiled.grammar.text       GBNF for llama.cpp
    compiled.unenforced         ("/properties/city/contentLanguage", …) what it could not hold

Promise: every text the grammar admits is JSON that validates against the schema, but for the
keywords listed as unenforced (by JSON pointer). Not promised: the reverse. A grammar admits *one*
way of writing (Python's `json.dumps` spacing, declared order of properties, no needless escapes, no
extra properties unless the schema asks for them, integers up to 16 digits), which is what keeps a
weak model from wandering.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from agentlab.backends.llamacpp import digits, gbnf
from agentlab.backends.llamacpp.brackets import key_but, listed, pairs_of
from agentlab.backends.llamacpp.gbnf import EMPTY, Grammar, Lit, Node, Ref, Rep, alt, maybe, seq
from agentlab.backends.llamacpp.pattern import (
    ANY_CHAR,
    MOST_REPEATS,
    Unsupported,
    pattern,
)
from agentlab.backends.llamacpp.schema import (
    COMBINATORS,
    KEYWORDS,
    Plain,
    Schema,
    Schemas,
    bounds,
    essential,
    literals,
    types_of,
)
from agentlab.errors import ConfigError

_DATE = (
    "([12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)"
    "|(0[13578]|1[02])-31)"
    # and the leap days: of years that 4 divides and 100 does not, and of those that 400 does
    "|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|2[048])00)-02-29)"
)
_TIME = (
    "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
FORMATS: Mapping[str, str] = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}$",
    "uuid": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    "ipv4": f"^{_OCTET}(\\.{_OCTET}){{3}}$",
    "email": "^[a-zA-Z0-9]+([._+'-][a-zA-Z0-9]+)*@[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
    "(\\.[a-zA-Z]{2,12}){1,3}$",
}
"""The values of `format` that are enforced, as regular expressions."""

_MOST_MULTIPLES = 256
_DEEPEST = 64
_QUOTE = Lit('"')
_COMMA = Lit(", ")


@dataclass(frozen=True)
class Compiled:
    """A grammar, and what of the schema it does not hold."""

    grammar: Grammar
    unenforced: tuple[str, ...] = ()
    """JSON pointers of keywords that the grammar does not enforce, in order of meeting them."""


def compile_schema(schema: Mapping[str, Any] | bool, *, prefix: str = "") -> Compiled:
    """The grammar of the JSON texts that match `schema`; its rules' names start with `prefix`.

    Raises:
        ConfigError: no finite value can match the schema.
    """
    compiler = _Compiler(schema if isinstance(schema, bool) else dict(schema), prefix)
    root = compiler.value(compiler.root, "")
    name = f"{prefix}root"
    grammar = Grammar({name: root, **compiler.rules} if root is not None else {}, name)
    alive = grammar.productive()
    if name not in alive:
        raise ConfigError("no value can match the schema: a required part of it can never end")
    rules = {key: _pruned(node, alive) for key, node in grammar.rules.items() if key in alive}
    return Compiled(Grammar(rules, name), tuple(dict.fromkeys(compiler.unenforced)))


def json_text(value: Any) -> str:
    """JSON as the grammar spells it."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no UTF-8
        return json.dumps(value)
    return text


def _spelled(value: Any) -> Node:
    """A value, with each character as it is or escaped: no vocabulary has all of them."""
    text = json_text(value)
    plain_and_not = re.findall(r"[\x00-\x7f]+|[^\x00-\x7f]", text)
    return seq(
        *(
            Lit(piece) if piece.isascii() else alt([Lit(piece), Lit(json.dumps(piece)[1:-1])])
            for piece in plain_and_not
        )
    )


def _pruned(node: Node, alive: frozenset[str]) -> Node:
    """The node without the branches that never end."""
    match node:
        case gbnf.Alt(options):
            return alt(_pruned(option, alive) for option in options if _lives(option, alive))
        case gbnf.Seq(items):
            return seq(*(_pruned(item, alive) for item in items))
        case Rep(item, least, most):
            return Rep(_pruned(item, alive), least, most) if _lives(item, alive) else EMPTY
        case _:
            return node


def _lives(node: Node, alive: frozenset[str]) -> bool:
    match node:
        case Ref(name):
            return name in alive
        case gbnf.Alt(options):
            return any(_lives(option, alive) for option in options)
        case gbnf.Seq(items):
            return all(_lives(item, alive) for item in items)
        case Rep(item, least):
            return least == 0 or _lives(item, alive)
        case _:
            return True


class _Compiler:
    def __init__(self, root: Schema, prefix: str) -> None:
        self.root = root
        self.rules: dict[str, Node] = {}
        self.unenforced: list[str] = []
        self._schemas = Schemas(root, self.unenforced.append)
        self._prefix = prefix
        self._names: dict[str, str] = {}
        self._count = 0
        # schemas entered since the last bracket: meeting one again would loop without a character
        self._open: tuple[str, ...] = ()
        self._depth = 0

    def value(self, schema: Schema, path: str) -> Node | None:
        """The rule for a schema; None where nothing can match it."""
        if isinstance(schema, bool):
            return self._any() if schema else None
        schema = essential(schema)
        if not schema:
            return self._any()
        key = json.dumps(schema, sort_keys=True, default=str)
        if key in self._open:
            return None
        if key in self._names:
            return Ref(self._names[key])
        if self._depth == _DEEPEST:
            self.unenforced.append(f"{path}/$ref")
            return self._any()
        name = self._names[key] = self._name()
        self._depth += 1
        self._open = (*self._open, key)
        node = self._body(schema, path)
        self._open = self._open[:-1]
        self._depth -= 1
        # a place is kept even for what can't match, so that references to it die in pruning
        self.rules[name] = gbnf.Chars(()) if node is None else node
        return None if node is None else Ref(name)

    def _name(self) -> str:
        self._count += 1
        return f"{self._prefix}r{self._count}"

    def _rule(self, node: Node) -> Node:
        name = self._name()
        self.rules[name] = node
        return Ref(name)

    def _inside(self, schema: Schema, path: str) -> Node | None:
        """A schema inside brackets, where coming back to an open schema is fine."""
        held, self._open = self._open, ()
        node = self.value(schema, path)
        self._open = held
        return node

    def _body(self, schema: Plain, path: str) -> Node | None:
        if schema.keys() == {"$ref"}:
            return self.value(self._schemas.target(schema["$ref"], path), schema["$ref"])
        if schema.keys() == {"anyOf"}:
            options = [
                self.value(option, f"{path}/anyOf/{index}")
                for index, option in enumerate(schema["anyOf"])
            ]
            found = [option for option in options if option is not None]
            return alt(found) if found else None
        if schema.keys() & set(COMBINATORS):
            plain = self._schemas.alternatives(schema, path)
        else:
            plain = [schema]
        found = [node for one in plain if (node := self._plain(one, path)) is not None]
        return alt(found) if found else None

    def _plain(self, schema: Plain, path: str) -> Node | None:
        nullable = schema.get("nullable") is True
        schema = {key: value for key, value in schema.items() if key != "nullable"}
        values = literals(schema, path, self.unenforced.append)
        options: list[Node] = []
        known = {"type", "enum", "const"}.union(*KEYWORDS.values())
        self.unenforced += [f"{path}/{key}" for key in schema if key not in known]
        if values is not None:
            options += [_spelled(value) for value in values]
        elif not schema.keys() & known:
            options.append(self._any())
        else:
            for kind in types_of(schema):
                node = self._typed(kind, schema, path)
                options += [] if node is None else [node]
        if nullable:
            options.append(Lit("null"))
        return alt(options) if options else None

    def _typed(self, kind: str, schema: Plain, path: str) -> Node | None:
        match kind:
            case "object":
                return self._object(schema, path)
            case "array":
                return self._array(schema, path)
            case "string":
                return self._string(schema, path)
            case "integer" | "number":
                return self._number(kind, schema, path)
            case "boolean":
                return alt([Lit("true"), Lit("false")])
            case "null":
                return Lit("null")
            case _:
                self.unenforced.append(f"{path}/type")
                return self._any()

    def _any(self) -> Node:
        name = f"{self._prefix}any"
        if name not in self.rules:
            pair = seq(_QUOTE, Rep(ANY_CHAR, 0, None), Lit('": '), Ref(name))
            many = [seq(item, Rep(seq(_COMMA, item), 0, None)) for item in (pair, Ref(name))]
            string = seq(_QUOTE, Rep(ANY_CHAR, 0, None), _QUOTE)
            number = cast(Node, digits.decimal(None, None))
            self.rules[name] = alt(
                [
                    seq(Lit("{"), maybe(many[0]), Lit("}")),
                    seq(Lit("["), maybe(many[1]), Lit("]")),
                    string,
                    number,
                    Lit("true"),
                    Lit("false"),
                    Lit("null"),
                ]
            )
        return Ref(name)

    def _string(self, schema: Plain, path: str) -> Node | None:
        expression = schema.get("pattern")
        if expression is None and "format" in schema:
            expression = FORMATS.get(schema["format"])
            if expression is None:
                self.unenforced.append(f"{path}/format")
        elif "format" in schema:
            self.unenforced.append(f"{path}/format")
        if expression is not None:
            try:
                inside = pattern(expression)
            except Unsupported:
                self.unenforced.append(f"{path}/pattern")
            else:
                lengths = ("minLength", "maxLength")
                self.unenforced += [f"{path}/{key}" for key in lengths if key in schema]
                return seq(_QUOTE, inside, _QUOTE)
        least, most = self._limits(schema, path, "minLength", "maxLength")
        if most is not None and least > most:
            return None
        return seq(_QUOTE, Rep(ANY_CHAR, least, most), _QUOTE)

    def _limits(self, schema: Plain, path: str, low: str, high: str) -> tuple[int, int | None]:
        least, most = int(schema.get(low, 0)), schema.get(high)
        if least > MOST_REPEATS:
            self.unenforced.append(f"{path}/{low}")
            least = 0
        if most is not None and most > MOST_REPEATS:
            self.unenforced.append(f"{path}/{high}")
            most = None
        return least, None if most is None else int(most)

    def _number(self, kind: str, schema: Plain, path: str) -> Node | None:
        low, high, open_low, open_high = bounds(schema)
        step = schema.get("multipleOf")
        if kind == "number":
            if step is not None:
                self.unenforced.append(f"{path}/multipleOf")
            return digits.decimal(low, high, open_low=open_low, open_high=open_high)
        first = None if low is None else math.ceil(low) + (open_low and float(low).is_integer())
        last = None if high is None else math.floor(high) - (open_high and float(high).is_integer())
        if step is not None and (not float(step).is_integer() or step != 1):
            if first is not None and last is not None and float(step).is_integer():
                whole = int(step)
                multiples = range(-(-first // whole) * whole, last + 1, whole)
                if len(multiples) <= _MOST_MULTIPLES:
                    return alt([Lit(str(n)) for n in multiples]) if multiples else None
            self.unenforced.append(f"{path}/multipleOf")
        return digits.integer(first, last)

    def _array(self, schema: Plain, path: str) -> Node | None:
        items: Any = schema.get("items", True)
        first = cast(list[Schema], schema.get("prefixItems", []))
        if isinstance(items, list):  # before draft 2020-12
            first, items = cast(list[Schema], items), schema.get("additionalItems", True)
        least, most = self._limits(schema, path, "minItems", "maxItems")
        # a tuple ends with its last item, unless the schema wants more
        if first and "items" not in schema and "additionalItems" not in schema:
            most = max(least, len(first)) if most is None else most
        self.unenforced += [
            f"{path}/{key}"
            for key in ("contains", "minContains", "maxContains", "unevaluatedItems")
            if key in schema
        ]
        if schema.get("uniqueItems") and (most is None or most > 1):
            self.unenforced.append(f"{path}/uniqueItems")
        if most is not None and least > most:
            return None
        firsts = [self._inside(s, f"{path}/prefixItems/{i}") for i, s in enumerate(first)]
        rest = self._inside(cast(Schema, items), f"{path}/items")
        return listed(firsts, rest, least, most)

    def _object(self, schema: Plain, path: str) -> Node | None:
        properties = cast(dict[str, Schema], schema.get("properties", {}))
        required = cast(list[str], schema.get("required", []))
        others = cast(Schema, schema.get("additionalProperties", not properties))
        properties = properties | {n: others for n in required if n not in properties}
        self.unenforced += [
            f"{path}/{key}"
            for key in KEYWORDS["object"] & schema.keys()
            if key.startswith(("pattern", "propertyN", "dependent", "unevaluated"))
        ]
        if "additionalProperties" not in schema:
            # names that are required but not declared may be anything
            properties |= {n: True for n in required if n not in schema.get("properties", {})}
        pairs: list[tuple[Node, bool]] = []
        for name, part in properties.items():
            node = self._inside(part, f"{path}/properties/{name}")
            if node is not None:
                pairs.append((seq(_spelled(name), Lit(": "), node), name in required))
            elif name in required:
                return None
        extra = self._inside(others, f"{path}/additionalProperties")
        least, most = self._limits(schema, path, "minProperties", "maxProperties")
        if most is not None and most < max(least, sum(must for _, must in pairs)):
            return None
        if extra is not None:
            extra = seq(_QUOTE, key_but(properties), Lit('": '), extra)
        count = None if most is None else most - len(pairs)
        if count is not None and (count < 0 or (extra is not None and pairs)):
            self.unenforced.append(f"{path}/maxProperties")
            count = None
        needed = sum(must for _, must in pairs)
        # names may repeat, so two extra pairs may be one property
        if least > max(needed, 0) and not (least == 1 and not pairs and extra is not None):
            self.unenforced.append(f"{path}/minProperties")
            least = 0
        return seq(Lit("{"), pairs_of(pairs, extra, least, count, self._rule), Lit("}"))
