"""The grammar of calls in formats whose marks were read off a template.

Where arguments are one JSON object, they are compiled as any schema. Where each stands between
marks, text is text: anything up to the closing mark, without escapes; other values are JSON. What
such a grammar can't hold of a schema is listed as unenforced, as everywhere.

Rules are written in the grammar library's language, in which `@name` is a schema by that name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from agentlab.backends.folded import FOLDED, fold
from agentlab.backends.llamacpp.formats import (
    ID,
    INDEX,
    QUOTE,
    SLOTS,
    Format,
    Pair,
    fill,
    split_slots,
)
from agentlab.backends.llamacpp.grammar import compile_schema, json_text
from agentlab.backends.llamacpp.kinds import kinds_of

_SLOT_RULES: Mapping[str, str] = {ID: "/[0-9A-Za-z]{9}/", INDEX: "/[0-9]{1,3}/"}
_TEXT_KEYWORDS = ("pattern", "format", "minLength", "maxLength")
_DEEPEST = 6
ANYTHING = r"/[^\x00]*/"


@dataclass
class Arguments:
    """A call's arguments as a rule, with the rules and schemas that it speaks of."""

    rule: str
    rules: dict[str, str] = field(default_factory=dict[str, str])
    schemas: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    unenforced: tuple[str, ...] = ()


def literal(text: str) -> str:
    """Text that stands there as it is."""
    return json.dumps(text, ensure_ascii=False)


def one_of(options: Sequence[str]) -> str:
    """Any of some rules."""
    return options[0] if len(options) == 1 else f"({' | '.join(options)})"


def head_of(format: Format, name: str, before: str, written: str) -> str:
    """What stands before a call's arguments; `before` opens the call, `written` stands already."""
    if not format.marks:
        return literal((before + format.head(name)).removeprefix(written))
    called = json_text(name)[1:-1] if format.style == "object" else name
    marks = format.marks.replace(SLOTS[0], called)
    if format.style == "harmony":
        channel = [f"{called} <|constrain|>json<|message|>"]
        channel.append(f"{called}<|channel|>commentary json<|message|>")
        lead = before if not written else ""
        return one_of([literal(lead + option) for option in channel])
    return _with_slots((before + marks).removeprefix(written))


def tail_of(format: Format) -> str:
    """What stands after a call's arguments, to its end. An id there may be left out."""
    if ID not in format.tail:
        return literal(format.tail + format.close)
    return f"{one_of([literal('}'), _with_slots(format.tail)])} {literal(format.close)}"


def _with_slots(text: str) -> str:
    pieces = (_SLOT_RULES.get(piece) or literal(piece) for piece in split_slots(text))
    return f"({' '.join(pieces)})"


def arguments_of(
    format: Format, schema: Mapping[str, Any], prefix: str, *, undeclared: bool
) -> Arguments:
    """The rule of a call's arguments.

    Args:
        prefix: of the names of rules and schemas: lower-case letters and digits.

    Raises:
        ConfigError: nothing can match the schema.
    """
    if format.style in ("object", "named", "harmony", "recipient"):
        compiled = compile_schema(schema, undeclared=undeclared)
        return Arguments(f"@{prefix}", {}, {prefix: compiled.schema}, compiled.unenforced)
    return _Marked(format, schema, prefix, undeclared).made()


class _Marked:
    def __init__(
        self, format: Format, schema: Mapping[str, Any], prefix: str, undeclared: bool
    ) -> None:
        self._format, self._root, self._prefix = format, schema, prefix
        self._undeclared = undeclared
        self._rules: dict[str, str] = {}
        self._schemas: dict[str, Mapping[str, Any]] = {}
        self._marks: dict[str, str] = {}
        self._unenforced = [f"/{key}" for key in FOLDED if key in schema and key != "$ref"]
        self._folded, _ = fold(schema)

    def made(self) -> Arguments:
        properties = cast(dict[str, Any], self._folded.get("properties", {}))
        required = cast(list[str], self._folded.get("required", []))
        properties |= {name: True for name in required if name not in properties}
        options = ("minProperties", "maxProperties", "dependentRequired", "propertyNames")
        self._unenforced += [f"/{key}" for key in options if key in self._root]
        pairs = [
            (self._pair(name, part, f"/properties/{name}"), name in required)
            for name, part in properties.items()
        ]
        between = {"python": ", ", "gemma": ","}.get(self._format.style, "")
        rule = _in_order(pairs, between) if pairs else '""'
        unenforced = tuple(dict.fromkeys(self._unenforced))
        return Arguments(rule, self._rules, self._schemas, unenforced)

    def _pair(self, name: str, schema: Any, path: str) -> str:
        match self._format.style:
            case "python":
                return f"{literal(f'{name}=')} {self._python(schema, path)}"
            case "gemma":
                return f"{literal(f'{name}:')} {self._gemma(schema, path, 0)}"
            case _:
                assert self._format.pair is not None
                return self._tagged(self._format.pair, name, schema, path)

    def _tagged(self, pair: Pair, name: str, schema: Any, path: str) -> str:
        end = fill(pair.end, key=name)
        kinds = kinds_of(schema, self._root)
        lead, other = pair.before + name + pair.after, pair.before + name
        other += pair.after_other or pair.after
        words = self._words(schema, kinds)
        if words is not None:
            texts = [lead + w if isinstance(w, str) else other + json_text(w) for w in words]
            return one_of([literal(text + end) for text in texts])
        if "string" not in kinds:
            return f"({literal(other)} {self._json(schema, path)} {literal(end)})"
        self._missed(schema, path)
        options = [f"({literal(lead)} {self._until(end.strip() or chr(10))})"]
        if other != lead:  # else whatever stands there may be text
            if "null" in kinds:
                options.append(literal(other + "null" + end))
            if rest := sorted(kinds - {"string", "null"}):
                options.append(
                    f"({literal(other)} {self._json({'type': rest}, path)} {literal(end)})"
                )
        return one_of(options)

    @staticmethod
    def _words(schema: Any, kinds: set[str]) -> list[Any] | None:
        """The values of an enumeration that has text in it."""
        keywords = cast(dict[str, Any], schema) if isinstance(schema, dict) else {}
        values: list[Any] | None = keywords.get("enum") or (
            [keywords["const"]] if "const" in keywords else None
        )
        if values is None or "string" not in kinds:
            return None
        in_a_line = [v for v in values if not (isinstance(v, str) and "\n" in v)]
        return in_a_line or None

    def _missed(self, schema: Any, path: str) -> None:
        keywords = cast(dict[str, Any], schema) if isinstance(schema, dict) else {}
        self._unenforced += [f"{path}/{key}" for key in _TEXT_KEYWORDS if key in keywords]

    def _python(self, schema: Any, path: str) -> str:
        kinds = kinds_of(schema, self._root)
        if kinds == {"boolean"}:
            return '("True" | "False")'
        return self._json(schema, path)

    def _gemma(self, schema: Any, path: str, depth: int) -> str:
        keywords = cast(dict[str, Any], schema) if isinstance(schema, dict) else {}
        kinds = kinds_of(schema, self._root)
        words = self._words(schema, kinds)
        if words is not None:
            quoted = [QUOTE + w + QUOTE if isinstance(w, str) else json_text(w) for w in words]
            return one_of([literal(word) for word in quoted])
        options: list[str] = []
        if "string" in kinds:
            self._missed(schema, path)
            options.append(f"({literal(QUOTE)} {self._until(QUOTE)})")
        plain = kinds - {"string", "array", "object"}
        if plain:
            part: Any = {"type": sorted(plain)} if plain != kinds else keywords
            options.append(self._json(part, path))
        if "array" in kinds and depth < _DEEPEST:
            item = self._gemma(keywords.get("items", True), f"{path}/items", depth + 1)
            bounds = ("minItems", "maxItems", "uniqueItems", "prefixItems", "contains")
            self._unenforced += [f"{path}/{key}" for key in bounds if key in keywords]
            options.append(_listed("[", item, "]"))
        if "object" in kinds and depth < _DEEPEST and keywords.get("properties"):
            required = cast(list[str], keywords.get("required", []))
            pairs = [
                (
                    f"{literal(f'{key}:')} "
                    + self._gemma(part, f"{path}/properties/{key}", depth + 1),
                    key in required,
                )
                for key, part in cast(dict[str, Any], keywords["properties"]).items()
            ]
            options.append(f'("{{" {_in_order(pairs, ",")} "}}")')
        if options:
            return one_of(options)
        self._unenforced.append(path)
        return self._any_gemma()

    def _any_gemma(self) -> str:
        name = f"{self._prefix}any"
        if name not in self._rules:
            self._rules[name] = ""  # holds the place: the rule refers to itself
            self._rules[name] = one_of(
                [
                    f"({literal(QUOTE)} {self._until(QUOTE)})",
                    _listed("{", f'/[0-9A-Za-z]+/ ":" {name}', "}"),
                    _listed("[", name, "]"),
                    self._json({"type": ["number", "boolean", "null"]}, ""),
                ]
            )
        return name

    def _json(self, schema: Any, path: str) -> str:
        shared = {key: self._root[key] for key in ("$defs", "definitions") if key in self._root}
        keywords = cast(dict[str, Any], schema) | shared if isinstance(schema, dict) else schema
        grammar = compile_schema(keywords, undeclared=self._undeclared)
        name = f"{self._prefix}v{len(self._schemas)}"
        self._schemas[name] = grammar.schema
        self._unenforced += [path + pointer for pointer in grammar.unenforced]
        return f"@{name}"

    def _until(self, mark: str) -> str:
        """Any text that does not hold `mark`, and then the mark."""
        if mark not in self._marks:
            name = self._marks[mark] = f"{self._prefix}u{len(self._marks)}"
            # as short as it can be: it ends with the first mark
            escaped = re.escape(mark).replace("/", r"\/").replace("\n", r"\n")
            self._rules[f"{name}[lazy]"] = rf"/[^\x00]*{escaped}/"
        return self._marks[mark]


def _listed(opening: str, item: str, closing: str) -> str:
    return f'({literal(opening)} ({item} ("," {item})*)? {literal(closing)})'


def _in_order(pairs: Sequence[tuple[str, bool]], between: str) -> str:
    """Pairs in their order; those that need not be there may be left out."""
    if not between:
        return " ".join(f"({rule})" if must else f"({rule})?" for rule, must in pairs)
    options: list[str] = []
    for place, (rule, must) in enumerate(pairs):
        rest = " ".join(
            f"({literal(between)} {part}){'' if always else '?'}"
            for part, always in pairs[place + 1 :]
        )
        options.append(f"({rule} {rest})")
        if must:
            return one_of(options)
    return f"({one_of(options)})?"
