"""Runs as chat-format JSONL: the bridge from traces to a training set.

    {"messages": [{"role": "user", "content": "What is 6 * 7?"},
                  {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", …}]},
                  {"role": "tool", "tool_call_id": "call_1", "content": "42"},
                  {"role": "assistant", "content": "42"}],
     "tools": [{"type": "function", "function": {"name": "calculator", …}}]}

Errored branches are left out: a call that failed and was mended by a later one that succeeded, the
reply that made it, and an answer that did not fit its type and was given again. What failed and was
never mended stays, or the answer would seem to come from nowhere. Runs that did not complete, and
runs that were handed to another agent (whose tools a trace does not hold), have no line.

Two styles: `openai`, the format of OpenAI's fine-tuning API (arguments as JSON text, `weight: 0` on
turns that the model was shown and did not say), and `hf`, what chat templates on the Hugging Face
hub take (arguments as an object, `reasoning_content` where there was reasoning).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from pydantic_core import from_json, to_json

from agentlab.agent.transcript import Transcript
from agentlab.backend import ToolSpec
from agentlab.events import HandedOff, MessageAdded, RunFinished, RunStarted
from agentlab.messages import Audio, Image, Message, Reasoning, Text, ToolCall, ToolResult
from agentlab.trace import Trace

Style: TypeAlias = Literal["openai", "hf"]
Per: TypeAlias = Literal["run", "reply"]
Json: TypeAlias = dict[str, Any]


class NotAnExample(Exception):
    """A run that a model should not be trained on, and why."""


@dataclass(frozen=True)
class Turn:
    """A message, and whether the model of this run said it."""

    message: Message
    own: bool = False


def lines(trace: Trace, *, style: Style = "openai", per: Per = "run") -> Iterator[str]:
    """The lines of JSON of a run: one, or one for each reply, ending with it.

    Raises:
        NotAnExample: the run has none.
        TraceError: an image of the conversation is gone or was changed.
    """
    dialogue = turns(trace)
    ends = (
        [n for n, turn in enumerate(dialogue, 1) if turn.own] if per == "reply" else [len(dialogue)]
    )
    tools = [_tool(spec) for spec in trace.header.tools]
    for end in ends:
        messages = [message for turn in dialogue[:end] for message in _messages(turn, style)]
        line: Json = {"messages": messages}
        if tools:
            line["tools"] = tools
        yield to_json(line).decode()


def turns(trace: Trace) -> list[Turn]:
    """The conversation of a run without its errored branches.

    Raises:
        NotAnExample: the run did not complete, was handed over, or never said anything.
    """
    events = trace.events
    end = next((event for event in reversed(events) if isinstance(event, RunFinished)), None)
    if end is None or end is not events[-1] or end.outcome != "completed":
        raise NotAnExample("it did not complete")
    if any(isinstance(event, HandedOff) for event in events):
        raise NotAnExample("it was handed to another agent, whose tools a trace does not hold")
    if any(event.kind == "unknown" for event in events):
        raise NotAnExample("it has events this version does not know")
    own_opening = sum(len(e.messages) for e in events if isinstance(e, RunStarted))
    messages = Transcript.of(event for event in events if event.kind != "unknown").messages
    asked_again = {id(e.message) for e in events if isinstance(e, MessageAdded)}
    opening = [Turn(message) for message in messages[:own_opening]]
    rest = _without_repairs(messages[own_opening:], asked_again)
    dialogue = [*opening, *(Turn(m, own=m.role == "assistant") for m in _without_mended(rest))]
    if not dialogue or not dialogue[-1].own:
        raise NotAnExample("its last word is not the model's")
    return dialogue


def _without_repairs(messages: Sequence[Message], asked_again: set[int]) -> list[Message]:
    """Without answers that did not fit, and what was said about them."""
    whole: list[Message] = []
    for message in messages:
        if id(message) in asked_again:
            if whole and whole[-1].role == "assistant":
                whole.pop()
            continue
        whole.append(message)
    return whole


def _without_mended(messages: Sequence[Message]) -> list[Message]:
    """Without calls that failed and were mended, and replies that made only such calls."""
    # Ids are told apart within one reply only, so a call is known by the place of its reply as well
    outcomes: list[tuple[int, ToolCall, ToolResult]] = []
    for place, message in enumerate(messages):
        calls = {call.id: call for call in messages[place - 1].tool_calls} if place else {}
        results = (part for part in message.parts if isinstance(part, ToolResult))
        outcomes += [(place - 1, calls[r.call_id], r) for r in results if r.call_id in calls]
    worked = [(place, call.name) for place, call, result in outcomes if result.error is None]
    gone = {
        (place, failed.id)
        for place, failed, result in outcomes
        if result.error is not None
        and any(
            later > place and (name == failed.name or result.error == "unknown_tool")
            for later, name in worked
        )
    }
    whole: list[Message] = []
    for place, message in enumerate(messages):
        reply = place if message.role == "assistant" else place - 1
        parts = tuple(part for part in message.parts if (reply, _id(part)) not in gone)
        if len(parts) == len(message.parts):
            whole.append(message)
        elif any(isinstance(part, ToolCall | ToolResult) for part in parts):
            whole.append(message.model_copy(update={"parts": parts}))
    return whole


def _id(part: object) -> str | None:
    if isinstance(part, ToolCall):
        return part.id
    return part.call_id if isinstance(part, ToolResult) else None


def _messages(turn: Turn, style: Style) -> Iterator[Json]:
    message = turn.message
    if message.role == "tool":
        for part in message.parts:
            if isinstance(part, ToolResult):
                yield {"role": "tool", "tool_call_id": part.call_id, "content": part.content}
        return
    if message.role != "assistant":
        yield {"role": message.role, "content": _content(message)}
        return
    assistant: Json = {"role": "assistant", "content": message.text}
    thought = "".join(part.text for part in message.parts if isinstance(part, Reasoning))
    if style == "hf" and thought:
        assistant["reasoning_content"] = thought
    if message.tool_calls:
        if style == "openai" and not message.text:
            assistant["content"] = None
        assistant["tool_calls"] = [_call(call, style) for call in message.tool_calls]
    if style == "openai" and not turn.own:
        assistant["weight"] = 0
    yield assistant


def _content(message: Message) -> str | list[Json]:
    if all(isinstance(part, Text) for part in message.parts):
        return message.text
    content: list[Json] = []
    for part in message.parts:
        match part:
            case Text(text=text):
                content.append({"type": "text", "text": text})
            case Image(media_type=media_type, blob=blob):
                url = f"data:{media_type};base64,{base64.b64encode(blob.read()).decode()}"
                content.append({"type": "image_url", "image_url": {"url": url}})
            case Audio(media_type=media_type, blob=blob):
                data = base64.b64encode(blob.read()).decode()
                format = "wav" if "wav" in media_type else "mp3"
                content.append(
                    {"type": "input_audio", "input_audio": {"data": data, "format": format}}
                )
            case _:
                pass
    return content


def _call(call: ToolCall, style: Style) -> Json:
    arguments: Any = call.arguments
    if style == "hf":
        try:
            arguments = from_json(call.arguments or "{}")
        except ValueError:
            raise NotAnExample(f"call {call.id} has arguments that are not JSON") from None
        if not isinstance(arguments, dict):
            raise NotAnExample(f"call {call.id} has arguments that are not an object")
    function: Json = {"name": call.name, "arguments": cast(object, arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _tool(spec: ToolSpec) -> Json:
    return {"type": "function", "function": spec.model_dump(mode="json")}
