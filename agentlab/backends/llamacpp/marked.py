"""The grammar of calls in formats whose marks were read off a template.

Where arguments are one JSON object, they are compiled as any schema. Where each stands between
marks, text is text: anything up to the closing mark, without escapes; other values are JSON. What
such a grammar can't hold of a schema is listed as unenforced, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from agentlab.backends.llamacpp.gbnf import (
    EMPTY,
    SURROGATES,
    Chars,
    Grammar,
    Lit,
    Node,
    Ref,
    Rep,
    alt,
    chars,
    complement,
    maybe,
    seq,
    union,
)
from agentlab.backends.llamacpp.grammar import Compiled, compile_schema, json_text
from agentlab.backends.llamacpp.native import kinds_of

_ALPHANUMERIC = Chars(chars("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
_NODES: Mapping[str, Node] = {
    ID: Rep(_ALPHANUMERIC, 9, 9),
    INDEX: Rep(Chars(chars("0123456789")), 1, 3),
}
_TEXT_KEYWORDS = ("pattern", "format", "minLength", "maxLength")


def head_of(format: Format, name: str, before: str, written: str) -> Node:
    """What stands before a call's arguments; `before` opens the call, `written` stands already."""
    if not format.marks:
        return Lit((before + format.head(name)).removeprefix(written))
    called = json_text(name)[1:-1] if format.style == "object" else name
    marks = format.marks.replace(SLOTS[0], called)
    if format.style == "harmony":
        channel = [f"{called} <|constrain|>json<|message|>"]
        channel.append(f"{called}<|channel|>commentary json<|message|>")
        lead = before.removeprefix(written) if not written else ""
        return seq(Lit(lead), alt([Lit(option) for option in channel]))
    text = (before + marks).removeprefix(written)
    return seq(*(_NODES.get(piece, Lit(piece)) for piece in split_slots(text)))


def addressed(calls: Node) -> Node:
    """Text or calls, in a format where each says first whom it is for."""
    anything = Rep(Chars(complement(SURROGATES_AND_NUL)), 0, None)
    return alt([seq(Lit("all\n"), anything), calls])


def tail_of(format: Format) -> Node:
    """What stands after a call's arguments. An id there may be left out."""
    if ID not in format.tail:
        return Lit(format.tail)
    return alt([Lit("}"), seq(*(_NODES.get(p, Lit(p)) for p in split_slots(format.tail)))])


def compile_arguments(format: Format, schema: Mapping[str, Any], prefix: str) -> Compiled:
    """The grammar of a call's arguments.

    Raises:
        ConfigError: nothing can match the schema.
    """
    if format.style in ("object", "named", "harmony", "recipient"):
        return compile_schema(schema, prefix=prefix)
    return _Marked(format, schema, prefix).compiled()


class _Marked:
    def __init__(self, format: Format, schema: Mapping[str, Any], prefix: str) -> None:
        self._format, self._root, self._prefix = format, schema, prefix
        self._rules: dict[str, Node] = {}
        self._marks: dict[str, int] = {}
        self._unenforced = [f"/{key}" for key in FOLDED if key in schema and key != "$ref"]
        self._folded, _ = fold(schema)

    def compiled(self) -> Compiled:
        properties = cast(dict[str, Any], self._folded.get("properties", {}))
        required = cast(list[str], self._folded.get("required", []))
        properties |= {name: True for name in required if name not in properties}
        options = ("minProperties", "maxProperties", "dependentRequired", "propertyNames")
        self._unenforced += [f"/{key}" for key in options if key in self._root]
        pairs = [
            (self._pair(name, part, f"/properties/{name}"), name in required)
            for name, part in properties.items()
        ]
        name = f"{self._prefix}root"
        between = {"python": ", ", "gemma": ","}.get(self._format.style, "")
        self._rules[name] = _in_order(pairs, between) if pairs else EMPTY
        return Compiled(Grammar(self._rules, name), tuple(dict.fromkeys(self._unenforced)))

    def _pair(self, name: str, schema: Any, path: str) -> Node:
        match self._format.style:
            case "python":
                return seq(Lit(f"{name}="), self._python(schema, path))
            case "gemma":
                return seq(Lit(f"{name}:"), self._gemma(schema, path, 0))
            case _:
                assert self._format.pair is not None
                return self._tagged(self._format.pair, name, schema, path)

    def _tagged(self, pair: Pair, name: str, schema: Any, path: str) -> Node:
        end = fill(pair.end, key=name)
        kinds = kinds_of(schema, self._root)
        other = pair.after_other or pair.after
        options: list[Node] = []
        words = self._words(schema, kinds)
        if words is not None:
            options = [
                Lit(pair.before + name + pair.after + word + end)
                if isinstance(word, str)
                else Lit(pair.before + name + other + json_text(word) + end)
                for word in words
            ]
        elif "string" in kinds:
            self._missed(schema, path)
            text = self._until(end.strip() or "\n")
            options = [seq(Lit(pair.before + name + pair.after), text)]
            if kinds == {"string", "null"}:
                options.append(Lit(pair.before + name + other + "null" + end))
        if not options or (kinds - {"string", "null"} and words is None):
            value = self._json(self._without_text(schema, kinds), path)
            options.append(seq(Lit(pair.before + name + other), value, Lit(end)))
        return alt(options)

    @staticmethod
    def _without_text(schema: Any, kinds: set[str]) -> Any:
        if "string" not in kinds or not isinstance(schema, dict):
            return schema
        return {"type": sorted(kinds - {"string"})}

    @staticmethod
    def _words(schema: Any, kinds: set[str]) -> list[Any] | None:
        """The values of an enumeration that has text in it."""
        told = cast(dict[str, Any], schema) if isinstance(schema, dict) else {}
        values: list[Any] | None = told.get("enum") or (
            [told["const"]] if "const" in told else None
        )
        if values is None or "string" not in kinds:
            return None
        kept = [v for v in values if not (isinstance(v, str) and "\n" in v)]
        return kept or None

    def _missed(self, schema: Any, path: str) -> None:
        told = cast(dict[str, Any], schema) if isinstance(schema, dict) else {}
        self._unenforced += [f"{path}/{key}" for key in _TEXT_KEYWORDS if key in told]

    def _python(self, schema: Any, path: str) -> Node:
        kinds = kinds_of(schema, self._root)
        if kinds == {"boolean"}:
            return alt([Lit("True"), Lit("False")])
        return self._json(schema, path)

    def _gemma(self, schema: Any, path: str, depth: int) -> Node:
        told = cast(dict[str, Any], schema) if isinstance(schema, dict) else {}
        kinds = kinds_of(schema, self._root)
        words = self._words(schema, kinds)
        if words is not None:
            quoted = [QUOTE + w + QUOTE if isinstance(w, str) else json_text(w) for w in words]
            return alt([Lit(word) for word in quoted])
        options: list[Node] = []
        if "string" in kinds:
            self._missed(schema, path)
            options.append(seq(Lit(QUOTE), self._until(QUOTE)))
        plain = kinds - {"string", "array", "object"}
        if plain:
            part: Any = {"type": sorted(plain)} if plain != kinds else told
            options.append(self._json(part, path))
        if "array" in kinds and depth < 6:
            item = self._gemma(told.get("items", True), f"{path}/items", depth + 1)
            many = seq(item, Rep(seq(Lit(","), item), 0, None))
            bounds = ("minItems", "maxItems", "uniqueItems", "prefixItems", "contains")
            self._unenforced += [f"{path}/{key}" for key in bounds if key in told]
            options.append(seq(Lit("["), maybe(many), Lit("]")))
        if "object" in kinds and depth < 6 and told.get("properties"):
            required = cast(list[str], told.get("required", []))
            pairs = [
                (
                    seq(Lit(f"{key}:"), self._gemma(part, f"{path}/properties/{key}", depth + 1)),
                    key in required,
                )
                for key, part in cast(dict[str, Any], told["properties"]).items()
            ]
            options.append(seq(Lit("{"), _in_order(pairs, ","), Lit("}")))
        if options:
            return alt(options)
        self._unenforced.append(path)
        return self._any_gemma()

    def _any_gemma(self) -> Node:
        name = f"{self._prefix}gany"
        if name not in self._rules:
            self._rules[name] = EMPTY  # holds the place: the rule refers to itself
            key = Rep(_ALPHANUMERIC, 1, None)
            pair = seq(key, Lit(":"), Ref(name))
            many: Callable[[Node], Node] = lambda item: maybe(  # noqa: E731
                seq(item, Rep(seq(Lit(","), item), 0, None))
            )
            self._rules[name] = alt(
                [
                    seq(Lit(QUOTE), self._until(QUOTE)),
                    seq(Lit("{"), many(pair), Lit("}")),
                    seq(Lit("["), many(Ref(name)), Lit("]")),
                    self._json({"type": ["number", "boolean", "null"]}, ""),
                ]
            )
        return Ref(name)

    def _json(self, schema: Any, path: str) -> Node:
        shared = {key: self._root[key] for key in ("$defs", "definitions") if key in self._root}
        told = cast(dict[str, Any], schema) | shared if isinstance(schema, dict) else schema
        made = compile_schema(told, prefix=f"{self._prefix}{len(self._rules)}v-")
        self._rules |= made.grammar.rules
        self._unenforced += [path + pointer for pointer in made.unenforced]
        return Ref(made.grammar.root)

    def _until(self, mark: str) -> Node:
        """Any text that does not hold `mark`, and then the mark.

        One rule for each beginning of the mark that was read: what Knuth, Morris and Pratt do.
        """
        base = f"{self._prefix}u{self._marks.setdefault(mark, len(self._marks))}-"
        if base + "0" in self._rules:
            return Ref(base + "0")
        letters = sorted(set(mark))
        others = Chars(complement(union(chars(mark), SURROGATES_AND_NUL)))
        for place in range(len(mark)):
            options: list[Node] = [seq(others, Ref(base + "0"))]
            for letter in letters:
                read = _longest(mark[:place] + letter, mark)
                if read == len(mark):
                    options.append(Lit(letter))
                else:
                    options.append(seq(Lit(letter), Ref(f"{base}{read}")))
            self._rules[f"{base}{place}"] = alt(options)
        return Ref(base + "0")


SURROGATES_AND_NUL = union((SURROGATES,), ((0, 0),))


def _longest(text: str, mark: str) -> int:
    """How much of the mark's beginning the text ends in."""
    return next(n for n in range(len(text), -1, -1) if text.endswith(mark[:n]))


def _in_order(pairs: list[tuple[Node, bool]], between: str) -> Node:
    """Pairs in their order; those that need not be there may be left out."""
    if not between:
        return seq(*(node if must else maybe(node) for node, must in pairs))

    def rest(place: int) -> Node:
        """The pairs from `place` on, each behind a separator."""
        return seq(
            *(
                part if must else maybe(part)
                for node, must in pairs[place:]
                for part in [seq(Lit(between), node)]
            )
        )

    options: list[Node] = []
    for place, (node, must) in enumerate(pairs):
        options.append(seq(node, rest(place + 1)))
        if must:
            return alt(options)
    return maybe(alt(options))
