"""Everything one row of a timeline holds, as text to read: nothing in it is taken for markup."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import from_json, to_json
from textual.content import Content

from agentlab.backend import Reply
from agentlab.display import safe
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    HandedOff,
    LimitReached,
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunFinished,
    RunStarted,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from agentlab.messages import Artifact, Message, Part, ToolCall, ToolResult
from agentlab_tui.fold import Row

MOST = 20_000
"""Characters of one text that are shown."""

Piece = Content | tuple[str, str]


def detail_of(row: Row) -> Content:
    """What is shown beside the timeline."""
    record = row.record
    when = datetime.fromtimestamp(record.at).strftime("%Y-%m-%d %H:%M:%S")
    head = f"{_title(row)}\n"
    took = "" if row.took is None else f" · +{row.took:.3f} s"
    place = f"record {record.seq} · {row.at:.3f} s{took} · {when}\n\n"
    pieces = _message(row.message) if row.message else _event(row)
    return Content.assemble((head, f"bold {row.style}"), (place, "$quiet"), *pieces)


def arguments_text(call: ToolCall) -> str:
    """A call's arguments, one a line; as they stand where they are no JSON object."""
    try:
        return to_json(from_json(call.arguments or "{}"), indent=2).decode()
    except ValueError:
        return call.arguments


def clip(text: str) -> str:
    """Safe to show, and not longer than a screen can bear."""
    if len(text) <= MOST:
        return safe(text)
    return f"{safe(text[:MOST])}\n… {len(text) - MOST:,} more characters: agentlab show RUN --full"


def _title(row: Row) -> str:
    if row.message:
        words = {"system": "Instructions", "user": "User", "assistant": "Model", "tool": "Tool"}
        return words[row.message.role]
    return row.record.event.kind.replace("_", " ").capitalize()


def _event(row: Row) -> list[Piece]:
    match row.record.event:
        case ModelReplied(reply=reply):
            return [*_message(reply.message), *_spent(reply)]
        case ToolStarted(call=call) | ApprovalAsked(call=call):
            return _call(call)
        case ToolFinished(result=result):
            return _result(result)
        case MessageAdded(message=message):
            return _message(message)
        case ApprovalGiven(verdict=verdict, reason=reason):
            return [(verdict, "bold"), (clip(f"\n{reason}"), "")]
        case HandedOff(agent=agent, instructions=instructions):
            return [(clip(agent), "bold"), (clip(f"\n\n{instructions}"), "")]
        case LimitReached(limit=limit, allowed=allowed):
            return [(f"{limit}: {allowed:g} allowed", "$warning")]
        case RunFinished(outcome=outcome, output=output):
            text = output if isinstance(output, str) else to_json(output, indent=2).decode()
            return [(f"{outcome}\n\n", "bold"), (clip(text), "")]
        case RunFailed(error=error, message=message):
            return [(clip(f"{error}\n\n"), "bold $error"), (clip(message), "")]
        case UnknownEvent(data=data):
            return [(clip(to_json(data, indent=2, fallback=str).decode()), "")]
        case RunStarted():
            return []
        case _:
            return [("The run went on after a pause or a crash.", "")]


def _message(message: Message) -> list[Piece]:
    return [piece for part in message.parts for piece in _part(part)]


def _part(part: Part) -> list[Piece]:
    match part.kind:
        case "text":
            return [(clip(part.text) + "\n", "")]
        case "reasoning":
            return [("thinks\n", "$quiet"), (clip(part.text) + "\n", "italic")]
        case "tool_call":
            return _call(part)
        case "tool_result":
            return _result(part)
        case "image" | "audio":
            return [(f"[{part.kind}, {part.blob.size:,} bytes]\n", "$quiet")]


def _call(call: ToolCall) -> list[Piece]:
    return [
        (f"→ {safe(call.name)}", "bold $accent"),
        (f"  {safe(call.id)}\n", "$quiet"),
        (clip(arguments_text(call)) + "\n", ""),
    ]


def _result(result: ToolResult) -> list[Piece]:
    head: Piece = (f"{result.error}\n", "bold $error") if result.error else ("", "")
    files = [_file(artifact) for artifact in result.artifacts]
    return [head, (clip(result.content) + "\n", ""), *files]


def _file(artifact: Artifact) -> Piece:
    about = f"{artifact.media_type}, {artifact.blob.size:,} bytes"
    return safe(f"+ {artifact.name} ({about})\n"), "$quiet"


def _spent(reply: Reply) -> list[Piece]:
    usage = reply.usage
    rows = [
        ("tokens in", f"{usage.input_tokens:,}, of which {usage.cached_tokens:,} cached"),
        ("tokens out", f"{usage.output_tokens:,}"),
        ("stopped", reply.stop),
    ]
    return [Content("\n"), *((f"{name:<11}{value}\n", "$quiet") for name, value in rows)]
