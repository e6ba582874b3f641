"""A row's turns, however people write them, as messages: checked, and refused with the reason.

OpenAI's `{"role": …, "content": …}` and ShareGPT's `{"from": "human", "value": …}` are read alike.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias, cast

from agentlab.backends.llamacpp.grammar import json_text
from agentlab.messages import Message, Part, Text, ToolCall, ToolResult

Json: TypeAlias = dict[str, Any]

_SHARED = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "system": "system",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
    "function_call": "function_call",
}
_ROLES = ("system", "user", "assistant", "tool")


class BadTurn(Exception):
    """What is wrong with a turn, to be said with where it stands."""


def parsed(value: Any) -> Any:
    """JSON where it is kept as text; None where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def turns_of(value: Any) -> list[Json]:
    """A list of turns in OpenAI's form.

    Raises:
        BadTurn: it is no list of turns.
    """
    if not isinstance(value, list) or not value:
        raise BadTurn("there is no list of messages")
    return [_turn(one, number) for number, one in enumerate(cast(list[Any], value), 1)]


def _turn(value: Any, number: int) -> Json:
    if not isinstance(value, dict):
        raise BadTurn(f"message {number} is no object with role and content")
    turn = cast(Json, value)
    if "role" in turn or "from" not in turn:
        return turn
    role = _SHARED.get(str(turn["from"]).lower())
    if role is None:
        raise BadTurn(f"message {number} is from {str(turn['from'])[:40]!r}, who is nobody known")
    if role == "function_call":
        call = parsed(turn.get("value"))
        calls = cast(list[Any], call if isinstance(call, list) else [call])
        if not all(isinstance(one, dict) and "name" in one for one in calls):
            raise BadTurn(f"message {number} is no call with name and arguments")
        return {"role": "assistant", "content": None, "tool_calls": calls}
    return {**turn, "role": role, "content": turn.get("value")}


def message_of(turn: Json, number: int) -> Message:
    """A message of a turn.

    Raises:
        BadTurn: a field is missing or of the wrong kind.
    """
    role = turn.get("role")
    if role == "developer":
        role = "system"
    if role not in _ROLES:
        problem = "has no role" if role is None else f"has the role {str(role)[:40]!r}"
        raise BadTurn(f"message {number} {problem}: it is one of {', '.join(_ROLES)}")
    content = _content(turn.get("content"), f"message {number} ({role})")
    if role == "tool":
        result = ToolResult(call_id=str(turn.get("tool_call_id") or ""), content=content or "")
        return Message(role="tool", parts=(result,))
    calls = turn.get("tool_calls") or ()
    if content is None and not calls:
        raise BadTurn(f"message {number} ({role}) has no content")
    parts: list[Part] = [Text(text=content)] if content else []
    try:
        parts += [_call(call) for call in calls]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadTurn(f"message {number} ({role}) has a call without name or arguments") from None
    return Message(role=role, parts=tuple(parts))


def _content(content: Any, where: str) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        texts: list[Any] = [
            part.get("text") if isinstance(part, dict) else part  # pyright: ignore[reportUnknownMemberType] checked below
            for part in cast(list[Any], content)
        ]
        if all(isinstance(text, str) for text in texts):
            return "".join(texts)
    raise BadTurn(f"{where} has content that is no text")


def _call(call: Json) -> ToolCall:
    function = call.get("function", call)
    arguments = function.get("arguments", "{}")
    text = arguments if isinstance(arguments, str) else json_text(arguments)
    return ToolCall(id=call.get("id") or "", name=function["name"], arguments=text)
