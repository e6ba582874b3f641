"""JSON Schema to grammar: what a model may write, character by character.

    compiled = compile_schema({"type": "object", "properties": {"city": {"type": "string"}}})
    compiled.schema       the schema, as the grammar library is given it
    compiled.unenforced   ("/properties/city/contentLanguage", …) what it does not hold

The grammars are llguidance's. What is ours is which schema it is given (`schema`), and to know what
it does not hold. Promised: every text that the grammar admits is JSON that validates against the
schema, but for the keywords listed as unenforced (by JSON pointer); and every value that validates
can be written, in one spelling: Python's `json.dumps` spacing, properties in the order in which
they are declared, whole numbers without a fraction, numbers between bounds without an exponent.

Three things are not held: the names of undeclared properties may repeat, and may spell a declared
name with escapes; and a number without bounds may have an exponent that no float holds.
Keywords beside a `$ref` hold in every draft, though those before 2019 ignore them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from agentlab.backends.llamacpp.guide import check
from agentlab.backends.llamacpp.schema.reading import Leave, TooLarge
from agentlab.backends.llamacpp.schema.references import Schema
from agentlab.backends.llamacpp.schema.rewriter import Rewriter
from agentlab.errors import ConfigError

_SPELLING = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}
_MOST_DEAD = 16
_DEAD = re.compile(r"Unsatisfiable schema[^\n]*\n\s*while processing [^\n]*#/\$defs/(\w+)")


@dataclass(frozen=True)
class Compiled:
    """A grammar, and what of the schema it does not hold."""

    schema: Mapping[str, Any]
    """What the library makes the grammar of."""
    unenforced: tuple[str, ...] = ()
    """JSON pointers of keywords that the grammar does not enforce, in order of meeting them."""

    @property
    def grammar(self) -> str:
        """The grammar of these texts alone."""
        return composed("start: @answer\n", {"answer": self.schema})


def compile_schema(schema: Mapping[str, Any] | bool, *, undeclared: bool = False) -> Compiled:
    """The grammar of the JSON texts that match `schema`.

    What the library can't hold, or not within reason, is left out and listed.

    Args:
        schema: of any draft from 4 on.
        undeclared: whether what the schema leaves open is left open: properties that it does not
            declare beside those it does, items after a tuple's last, other types where only
            keywords tell which is meant.

    Raises:
        ConfigError: no finite value can match the schema.
    """
    root: Schema = schema if isinstance(schema, bool) else dict(schema)
    leave: Leave | None = Leave()
    while leave is not None:
        rewriter = Rewriter(root, leave, undeclared=undeclared)
        try:
            whole = rewriter.whole()
        except (TooLarge, RecursionError):
            leave = _shallower(leave)
            continue
        if not _ends(whole):
            raise ConfigError("no value can match the schema: a required part of it can never end")
        whole["x-guidance"] = _SPELLING
        error = check(json.dumps({"grammars": [{"json_schema": whole}]}))
        for _ in range(_MOST_DEAD):
            dead = _DEAD.search(error or "")
            if dead is None or whole["$defs"].get(dead[1], False) is False:
                break
            # the library takes what a reference points to for required, though it may be optional
            whole["$defs"][dead[1]] = False
            error = check(json.dumps({"grammars": [{"json_schema": whole}]}))
        if error is None:
            return Compiled(whole, tuple(dict.fromkeys(rewriter.unenforced)))
        if "Unsatisfiable" in error:
            raise ConfigError(f"no value can match the schema: {_reason(error)}")
        leave = _less(leave, error, rewriter)
    # nothing of it is left but that it is JSON, and of its type
    kind = root.get("type") if isinstance(root, dict) else None
    anything: dict[str, Any] = {"type": "object"} if kind == "object" else {}
    return Compiled({**anything, "x-guidance": _SPELLING}, ("",))


def composed(rules: str, schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """A grammar in which rules speak of schemas by name, as in `start: "<tool_call>" @tool0`."""
    # text that can't be otherwise may still be cut into tokens as the model likes
    rules = f'%llguidance {{"no_forcing": true}}\n{rules}'
    grammars: list[Mapping[str, Any]] = [{"lark_grammar": rules}]
    grammars += [{"name": name, "json_schema": schema} for name, schema in schemas.items()]
    return json.dumps({"grammars": grammars})


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
    if "min/maxProperties" in error and not leave.counts:
        return replace(leave, counts=True)
    if "disjoint" in error and not leave.overlaps:
        return replace(leave, overlaps=True)
    if "circular" in error and not leave.beside:
        return replace(leave, beside=True)
    return _shallower(leave)


_DEPTHS = (6, 3, 1, 0)


def _shallower(leave: Leave) -> Leave | None:
    if not leave.opposites:
        return replace(leave, opposites=True)
    if not leave.beside:
        return replace(leave, beside=True)
    depth = next((d for d in _DEPTHS if leave.deeper is None or d < leave.deeper), None)
    return None if depth is None else replace(leave, deeper=depth)


@lru_cache(maxsize=2048)
def _readable(rust: str) -> bool:
    part = {"type": "object", "patternProperties": {rust: {"type": "string", "pattern": rust}}}
    error = check(json.dumps({"grammars": [{"json_schema": part}]}))
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
        if "object" in kinds:
            properties = schema.get("properties", {})
            others = schema.get("additionalProperties", True)
            names = schema.get("required", ())
            if all(ends(properties.get(name, others)) for name in names):
                return True
        if "array" in kinds:
            least, firsts = schema.get("minItems", 0), schema.get("prefixItems", ())
            items = schema.get("items", True)
            if all(
                ends(firsts[i]) if i < len(firsts) else ends(items) for i in range(min(least, 64))
            ):
                return True
        return not kinds

    while True:
        more = {name for name, part in defs.items() if name not in known and ends(part)}
        if not more:
            break
        known |= more
    return ends({key: value for key, value in whole.items() if key != "$defs"})
