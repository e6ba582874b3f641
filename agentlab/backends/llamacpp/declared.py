"""Tools, calls and their arguments as chat templates are given them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from agentlab.backend import ToolSpec
from agentlab.backends.llamacpp.formats import Format
from agentlab.messages import Message, Text, ToolCall


def as_written(message: Message, format: Format, guard: Callable[[str], str]) -> str:
    """Text and calls in the order, and with the marks, that the model wrote them in."""
    written: list[str] = []
    calls: list[ToolCall] = []
    for part in message.parts:
        match part:
            case ToolCall():
                calls.append(_guarded_call(part, guard))
            case Text(text=text):
                written.append(format.write(calls) + guard(text))
                calls = []
            case _:
                pass
    return "".join(written) + format.write(calls)


def _guarded_call(call: ToolCall, guard: Callable[[str], str]) -> ToolCall:
    return call.model_copy(update={"name": guard(call.name), "arguments": guard(call.arguments)})


def as_declared(tool: ToolSpec, guard: Callable[[str], str]) -> dict[str, Any]:
    """A tool as OpenAI's API has it, which templates are written for."""
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": _guarded(function, guard)}


def described(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tools whose parameters all have a description, if an empty one: some templates insist."""

    def filled(schema: Any) -> Any:
        if isinstance(schema, list):
            return [filled(item) for item in cast(list[Any], schema)]
        if not isinstance(schema, dict):
            return schema
        members = {key: filled(value) for key, value in cast(dict[str, Any], schema).items()}
        if isinstance(properties := members.get("properties"), dict):
            members["properties"] = {
                name: {"description": "", **value} if isinstance(value, dict) else value
                for name, value in cast(dict[str, Any], properties).items()
            }
        return members

    return [filled(tool) for tool in tools]


def called(call: ToolCall, guard: Callable[[str], str], *, as_text: bool) -> dict[str, Any]:
    """A call as OpenAI's API has it, with its arguments as an object, or as text."""
    try:
        arguments: Any = json.loads(call.arguments)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        # templates go through a mapping, also of a call that was cut off
        arguments = {"malformed": call.arguments}
    guarded = _guarded(arguments, guard)
    function = {
        "name": guard(call.name),
        "arguments": json.dumps(guarded, ensure_ascii=False) if as_text else guarded,
    }
    return {"id": call.id, "type": "function", "function": function}


def _guarded(value: Any, guard: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return guard(value)
    if isinstance(value, list):
        return [_guarded(item, guard) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return {guard(key): _guarded(item, guard) for key, item in items}
    return value
