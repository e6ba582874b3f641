'''A learner's answer as TOML that is pleasant to edit: `read_answer` reads it back equal.

instructions = """
Use the calculator."""
tools = ["calculator"]
'''

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from agentlab.display import one_line
from agentlab.labs.answers import AgentAnswer, ForkAnswer, QuizAnswer
from agentlab.labs.values import AgentStep, CodeStep, ForkStep, RunStep

_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def starter_text(step: RunStep) -> str:
    """What an editor holds before the learner has typed anything: a program, or TOML."""
    match step:
        case CodeStep():
            return step.starter.code
        case ForkStep():
            return f"# {one_line(step.title, 200)}\n\n" + answer_text(step.starter)
        case AgentStep():
            tools = ", ".join(step.tools) or "none"
            head = f"# {one_line(step.title, 200)}\n# tools you may give: {tools}\n\n"
            return head + answer_text(step.starter)


def answer_text(answer: AgentAnswer | ForkAnswer | QuizAnswer) -> str:
    """An answer as TOML. What was left at its default is left out, but for the main fields."""
    fields = answer.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
    if isinstance(answer, AgentAnswer):
        main = {"instructions": answer.instructions, "tools": list(answer.tools)}
        fields = {**main, **fields}
    if isinstance(answer, ForkAnswer):
        fields = {"at": answer.at, **fields}
    plain = {k: v for k, v in fields.items() if not _is_table(v)}
    lines = [f"{_key(k)} = {_value(v, multiline=True)}" for k, v in plain.items()]
    for name, table in fields.items():
        if isinstance(table, Mapping):
            lines += _table(f"[{name}]", cast(Mapping[str, Any], table))
        elif name not in plain:
            for item in cast(Sequence[Mapping[str, Any]], table):
                lines += _table(f"[[{name}]]", item)
    return "\n".join(lines) + "\n"


def _table(head: str, items: Mapping[str, Any]) -> list[str]:
    rows = [f"{_key(k)} = {_value(v)}" for k, v in items.items() if v is not None]
    return ["", head, *rows]


def _is_table(value: object) -> bool:
    if isinstance(value, Mapping):
        return True
    items = cast(list[object], value) if isinstance(value, list) else []
    return bool(items) and all(isinstance(item, Mapping) for item in items)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: object, *, multiline: bool = False) -> str:
    match value:
        case str() if multiline and "\n" in value:
            return f'"""\n{_multiline(value)}"""'
        case str():
            return _string(value)
        case bool():
            return "true" if value else "false"
        case Mapping():
            items = cast(Mapping[str, object], value).items()
            inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in items if v is not None)
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return f"[{', '.join(_value(v) for v in cast(Sequence[object], value))}]"
        case _:
            return str(value)


def _string(text: str) -> str:
    # JSON's escapes are TOML's. Characters that can't be seen are written so, too: an editor takes
    # some of them (a next-line character, a line separator) for the end of a line
    return _UNSEEN.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(unseen: re.Match[str]) -> str:
    return f"\\u{ord(unseen[0]):04x}"


def _multiline(text: str) -> str:
    return "\n".join(_string(line)[1:-1] for line in text.split("\n"))
