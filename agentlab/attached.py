"""The pictures, sounds and files that events and messages hold beside their words."""

from __future__ import annotations

from collections.abc import Iterator

from agentlab.events import (
    Event,
    MessageAdded,
    ModelReplied,
    RunStarted,
    ToolFinished,
    UnknownEvent,
)
from agentlab.messages import Artifact, Message


def attached_to(event: Event | UnknownEvent) -> Iterator[Artifact]:
    """All that an event holds, in order."""
    match event:
        case RunStarted(messages=messages):
            for message in messages:
                yield from attached_in(message)
        case ModelReplied(reply=reply):
            yield from attached_in(reply.message)
        case MessageAdded(message=message):
            yield from attached_in(message)
        case ToolFinished(result=result):
            yield from result.artifacts
        case _:
            pass


def attached_in(message: Message) -> Iterator[Artifact]:
    """The pictures and sounds of a message, and what tools made whose results it holds."""
    for part in message.parts:
        match part.kind:
            case "image" | "audio":
                name = "picture" if part.kind == "image" else "sound"
                yield Artifact(name=name, media_type=part.media_type, blob=part.blob)
            case "tool_result":
                yield from part.artifacts
            case _:
                pass
