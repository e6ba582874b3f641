"""JSON Schema to grammar: what a model may write, character by character.

    compiled = compile_schema({"type": "object", "properties": {"city": {"type": "string"}}})
    compiled.rule         the right side of a rule in the grammar library's language
    compiled.unenforced   ("/properties/city/contentLanguage", …) what it does not hold

The grammars are llguidance's. What is ours is which schema it is given (`schema`), and to know what
it does not hold. Promised: every text that the grammar admits is JSON that validates against the
schema, but for the keywords listed as unenforced (by JSON pointer); and every value that validates
can be written, in one spelling: Python's `json.dumps` spacing, properties in the order in which they
are declared, numbers without needless zeros or exponents.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from agentlab.backends.llamacpp.guide import check
from agentlab.backends.llamacpp.references import Schema
from agentlab.backends.llamacpp.schema import Leave, Rewriter, TooLarge
from agentlab.errors import ConfigError

_SPELLING = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}
_PATIENCE = 1.0
"""Seconds after which nothing is tried any more but to leave out what lies deep."""


@dataclass(frozen=True)
class Compiled:
    """A rule, and what of the schema it does not hold."""

    rule: str
    unenforced: tuple[str, ...] = ()
    """JSON pointers of keywords that the grammar does not enforce, in order of meeting them."""

    @property
    def grammar(self) -> str:
        """The rule as a grammar of its own."""
        return f"start: {self.rule}\n"


def compile_schema(schema: Mapping[str, Any] | bool) -> Compiled:
    """The rule for the JSON texts that match `schema`.

    What the library can't hold, or not within reason, is left out and listed.

    Raises:
        ConfigError: no finite value can match the schema.
    """
    root: Schema = schema if isinstance(schema, bool) else dict(schema)
    start = time.perf_counter()
    leave: Leave | None = Leave()
    while leave is not None:
        rewriter = Rewriter(root, leave)
        try:
            made = rewriter.whole()
        except (TooLarge, RecursionError):
            leave = _shallower(leave, beside=True)
            continue
        if not _ends(made):
            raise ConfigError("no value can match the schema: a required part of it can never end")
        rule = f"%json {json.dumps({**made, 'x-guidance': _SPELLING})}"
        error, warnings = check(f"start: {rule}\n")
        if error is None:
            left_out = rewriter.counted if any("Properties" in line for line in warnings) else []
            return Compiled(rule, tuple(dict.fromkeys([*rewriter.unenforced, *left_out])))
        if "Unsatisfiable" in error:
            raise ConfigError(f"no value can match the schema: {_reason(error)}")
        late = time.perf_counter() - start > _PATIENCE
        leave = _shallower(leave) if late else _less(leave, error, rewriter)
    raise ConfigError("the schema can't be read")


def json_text(value: Any) -> str:
    """JSON as the grammar spells it."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no UTF-8
        return json.dumps(value)
    return text


def _less(leave: Leave, error: str, rewriter: Rewriter) -> Leave | None:
    """What to leave out after such an error."""
    unread = frozenset(rust for rust in rewriter.patterns if not _readable(rust))
    if unread - leave.patterns:
        return replace(leave, patterns=leave.patterns | unread)
    if "if regex is empty" in error and not leave.lengths:
        return replace(leave, lengths=True)
    if "disjoint" in error and not leave.overlaps:
        return replace(leave, overlaps=True)
    if "circular" in error and not leave.beside:
        return replace(leave, beside=True)
    return _shallower(leave)


_DEPTHS = (12, 6, 4, 3, 2, 1, 0)


def _shallower(leave: Leave, *, beside: bool = False) -> Leave | None:
    if beside and not leave.beside:
        return replace(leave, beside=True)
    depth = next((d for d in _DEPTHS if leave.deeper is None or d < leave.deeper), None)
    return None if depth is None else replace(leave, deeper=depth)


@lru_cache(maxsize=2048)
def _readable(rust: str) -> bool:
    rule = json.dumps({"type": "object", "patternProperties": {rust: {"type": "string", "pattern": rust}}})
    error, _ = check(f"start: %json {rule}\n")
    return error is None or "Unsatisfiable" in error


def _reason(error: str) -> str:
    line = next(line for line in error.splitlines() if "Unsatisfiable" in line)
    return line.split("Unsatisfiable schema:", 1)[-1].strip()[:120]


def _ends(whole: Mapping[str, Any]) -> bool:
    """Whether some finite value can match. Only what refers back to itself has to be looked at."""
    defs: Mapping[str, Schema] = whole.get("$defs", {})
    if not defs:
        return True
    known: set[str] = set()

    def ends(schema: Any) -> bool:
        if isinstance(schema, bool):
            return schema
        if (ref := schema.get("$ref")) is not None and ref[8:] not in known:
            return False
        if not all(map(ends, schema.get("allOf", ()))):
            return False
        if "anyOf" in schema and not any(map(ends, schema["anyOf"])):
            return False
        kinds = schema.get("type", ())
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not set(kinds) <= {"object", "array"}:
            return True
        if "object" in kinds or (not kinds and False):
            properties = schema.get("properties", {})
            others = schema.get("additionalProperties", True)
            names = schema.get("required", ())
            if all(ends(properties.get(name, others)) for name in names):
                return True
        if "array" in kinds:
            least, firsts = schema.get("minItems", 0), schema.get("prefixItems", ())
            items = schema.get("items", True)
            if all(ends(firsts[i]) if i < len(firsts) else ends(items) for i in range(min(least, 64))):
                return True
        return not kinds

    while True:
        more = {name for name, part in defs.items() if name not in known and ends(part)}
        if not more:
            break
        known |= more
    return ends({key: value for key, value in whole.items() if key != "$defs"})
