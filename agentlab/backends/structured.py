"""Typed output: asked of the service itself, or by way of a tool, or in words.

    native   the service constrains the answer to the schema
    tool     the model must call one more tool, whose arguments are the answer
    prompt   the schema stands in the instructions, and the model is trusted

A service has a list of the ways it can go, best first. Where it refuses one (an older model, a
schema it does not take), the next is taken, and remembered for the requests that follow.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal, TypeAlias, cast

from agentlab.backend import Delta, JsonSchema, Reply, TextDelta, ToolSpec
from agentlab.errors import BadRequest
from agentlab.messages import Message, Text, ToolCall

Mode: TypeAlias = Literal["native", "tool", "prompt"]

ANSWER = "final_answer"
"""The name of the tool whose arguments are the answer, unless a tool of the user's has it."""

_BLAMES_THE_SCHEMA = ("schema", "format", "tool_choice", "structured")
_JSON_BEGINS = ("{", "[", '"', "-", *"0123456789", "true", "false", "null")
_FENCE = re.compile(
    r"^[ \t]*(?:```|~~~)[^\n`]*\n(.*?)(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
"""A code fence; one that the answer ends in need not be closed."""
_OPEN = ("patternProperties", "allOf", "not", "if", "dependentRequired", "prefixItems")


class SchemaUnfit(Exception):
    """Raised while a request is made: this schema can't go this way, another may."""


class Ways:
    """The ways left to ask one service for typed output."""

    def __init__(self, modes: tuple[Mode, ...]) -> None:
        self._modes = modes

    async def ask(
        self, output: JsonSchema | None, ask: Callable[[Mode | None], AsyncGenerator[Delta | Reply]]
    ) -> AsyncGenerator[Delta | Reply]:
        """What `ask(mode)` answers in the first way that the service does not refuse."""
        modes: list[Mode | None] = [None]
        if output is not None:
            unfit = () if output.get("type") == "object" else ("tool",)
            modes = [mode for mode in self._modes if mode not in unfit]
        for mode in modes:
            try:
                async with aclosing(ask(mode)) as answer:
                    unwrapped = answer if mode is None else _unwrapped(answer, mode)
                    async for item in unwrapped:
                        yield item
                return
            except SchemaUnfit:
                continue
            except BadRequest as error:
                complaint = str(error).lower()
                if mode == modes[-1] or not any(word in complaint for word in _BLAMES_THE_SCHEMA):
                    raise
                self._modes = tuple(m for m in self._modes if m != mode)


def schema_name(output: JsonSchema) -> str:
    """A name for the schema, in the letters that services allow."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "_", str(output.get("title", ""))).strip("_")
    return name[:64] or "answer"


def answer_name(tools: Sequence[ToolSpec]) -> str:
    """What the answer's tool is called beside `tools`."""
    taken = {tool.name for tool in tools}
    name, number = ANSWER, 2
    while name in taken:
        name, number = f"{ANSWER}_{number}", number + 1
    return name


def answer_tool(output: JsonSchema, name: str = ANSWER) -> ToolSpec:
    """The tool to call with the answer."""
    return ToolSpec(
        name=name,
        description="Give the final answer. Call this once, when everything else is done.",
        parameters=dict(output),
    )


def in_words(output: JsonSchema) -> str:
    """The instruction that stands in for a constraint."""
    return (
        "When you give your final answer, give it as one JSON value and nothing else: no words "
        f"around it, no code fence. It must match this JSON Schema:\n{json.dumps(output)}"
    )


def instructed(messages: Sequence[Message], words: str) -> Sequence[Message]:
    """The conversation with `words` added to what its first system message says."""
    if not messages or messages[0].role != "system":
        return (Message.system(words), *messages)
    return (Message.system(f"{messages[0].text}\n\n{words}"), *messages[1:])


async def _unwrapped(
    answer: AsyncGenerator[Delta | Reply], mode: Mode
) -> AsyncGenerator[Delta | Reply]:
    """An answer that should be JSON, without what stands around it.

    Servers that take a schema do not all keep to it. Text that does not begin as JSON does is held
    back until it is whole; JSON streams on as it comes.
    """
    held, begun = "", mode == "prompt"
    quiet = mode == "prompt"
    async for item in answer:
        if isinstance(item, TextDelta) and (quiet or not begun):
            held += item.text
            begun = begun or bool(held.strip())
            quiet = quiet or (begun and not held.lstrip().startswith(_JSON_BEGINS))
            if begun and not quiet:
                yield TextDelta(text=held)
                held = ""
        elif isinstance(item, Reply):
            reply = _plain(item) if quiet or not begun else item
            if (quiet or held) and reply.message.text:
                yield TextDelta(text=reply.message.text)
            yield reply
        else:
            yield item


def _plain(reply: Reply) -> Reply:
    """The reply without a code fence around its text."""
    if any(isinstance(part, ToolCall) for part in reply.message.parts):
        return reply  # the text is not the answer
    parts = tuple(
        Text(text=unfenced(part.text)) if isinstance(part, Text) else part
        for part in reply.message.parts
    )
    message = reply.message.model_copy(update={"parts": parts})
    return reply.model_copy(update={"message": message})


def unfenced(text: str) -> str:
    """The JSON in a text that is one code fence, or holds one with words around it."""
    text = text.strip().removeprefix("\ufeff")
    for plain in (text, text.strip("`").removeprefix("json")):
        if _is_json(plain):
            return plain.strip()
    inside = [fenced.strip() for fenced in _FENCE.findall(text)]
    readable = [fenced for fenced in inside if _is_json(fenced)]
    if len(readable) == 1:
        return readable[0]
    if len(inside) == 1 and text.startswith("```"):
        return inside[0]
    return text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def has_open_objects(schema: Any) -> bool:
    """Whether a schema has objects whose names are not all known beforehand."""
    if isinstance(schema, Mapping):
        fields = cast(Mapping[str, Any], schema)
        is_open = fields.get("type") == "object" and (
            not fields.get("properties") or fields.get("additionalProperties")
        )
        return bool(is_open) or any(map(has_open_objects, fields.values()))
    return isinstance(schema, list) and any(map(has_open_objects, cast(list[Any], schema)))


def strict(schema: JsonSchema) -> dict[str, Any] | None:
    """The schema in the strict subset that OpenAI constrains to; None if it does not fit there.

    In that subset every object lists all its properties as required, and has no others.
    """
    try:
        closed = _closed(schema)
    except SchemaUnfit:
        return None
    return cast(dict[str, Any], closed) if schema.get("type") == "object" else None


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in cast(list[Any], node)]
    if not isinstance(node, Mapping):
        return node
    schema = dict(cast(Mapping[str, Any], node))
    if any(key in schema for key in _OPEN):
        raise SchemaUnfit
    if schema.get("type") == "object":
        names = set(schema.get("properties", ()))
        if names != set(schema.get("required", ())) or schema.get("additionalProperties"):
            raise SchemaUnfit
        schema["additionalProperties"] = False
    for key in ("properties", "$defs"):
        if key in schema:
            schema[key] = {name: _closed(inner) for name, inner in schema[key].items()}
    for key in ("items", "anyOf"):
        if key in schema:
            schema[key] = _closed(schema[key])
    return schema
