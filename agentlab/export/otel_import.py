"""Runs, made from OpenTelemetry spans after the semantic conventions for generative AI.

Whatever instruments an agent after these conventions (ours do, and so do other frameworks) can be
looked at here: shown, played back, searched, compared, counted, exported for fine-tuning.

    invoke_agent                      a run
    ├── chat                          a reply of the model
    └── execute_tool                  a call and its result

A `chat` span that belongs to no agent makes a run of its trace. What was said is there only if the
spans carry it (`gen_ai.input.messages`, `gen_ai.output.messages`); most frameworks have to be told
to. A run made like this is not one that was logged: no tokens, no grammar, no settings but those
the spans name. It can be gone on from with a model of one's own choice, but not verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from pydantic_core import from_json, to_json

from agentlab.backend import BackendIdentity, Reply, Stop
from agentlab.events import (
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunFinished,
    RunStarted,
    StoredEvent,
    ToolFinished,
    ToolStarted,
)
from agentlab.export.otel_content import FINISH
from agentlab.export.otel_dialects import HANDOFF
from agentlab.export.otel_spans import grouped
from agentlab.export.otel_values import (
    call_of,
    messages_of,
    parts_of,
    plain_id,
    plain_name,
    settings_of,
    tools_of,
)
from agentlab.export.otlp_json import ReadSpan
from agentlab.messages import (
    Message,
    ToolCall,
    ToolErrorKind,
    ToolResult,
    Usage,
)
from agentlab.trace import TraceHeader, trace_path
from agentlab.trace.writing import TraceWriter

_STOP: Mapping[str, Stop] = {
    **{reason: stop for stop, reason in FINISH.items()},
    "stop": "end",
    "tool_calls": "tool_calls",
    "end_turn": "end",
    "tool_use": "tool_calls",
    "max_tokens": "length",
}
_DEFINED = "gen_ai.tool.definitions"
_ERRORS: tuple[str, ...] = get_args(ToolErrorKind)


@dataclass(frozen=True)
class Imported:
    """A run as the spans tell it."""

    header: TraceHeader
    events: tuple[tuple[float, StoredEvent], ...]
    """Each with its time, seconds since the epoch."""

    def write(self, folder: Path) -> Path | None:
        """Write its trace; None where the run is there already.

        Raises:
            TraceError: the folder or the file can't be written.
        """
        path = trace_path(folder, self.header.run)
        if path.exists():
            return None
        writer = TraceWriter(folder, self.header)
        try:
            for at, event in self.events:
                writer.append(event, at=at)
        finally:
            writer.close()
        return path


def runs_of(spans: Sequence[ReadSpan]) -> Iterator[Imported]:
    """The runs that spans tell of, in the order of their beginnings."""
    by_id, parts = grouped(spans)
    runs = [_Run(by_id.get(key) or min(own, key=_start), own) for key, own in parts.items()]
    yield from (run.imported() for run in sorted(runs, key=lambda run: run.whole.start))


@dataclass
class _Run:
    whole: ReadSpan
    """The agent's span; where there is none, the first of its parts."""
    parts: list[ReadSpan]
    events: list[tuple[float, StoredEvent]] = field(default_factory=list[tuple[float, Any]])
    known: int = 0
    """How many turns of the conversation, instructions left out, the events so far make."""
    open: dict[str, ToolCall] = field(default_factory=dict[str, ToolCall])
    """Calls that have no result yet."""
    calls: dict[str, str] = field(default_factory=dict[str, str])
    """The call of each tool's span that does not name one itself."""

    def imported(self) -> Imported:
        whole = self.whole
        chats = sorted((s for s in self.parts if s.operation != "execute_tool"), key=_start)
        tools = sorted((s for s in self.parts if s.operation == "execute_tool"), key=_start)
        last = max([whole.end, *(span.end for span in self.parts)])
        asked = chats[0] if chats else whole
        self.events.append((whole.start, RunStarted(messages=self._opening(asked))))
        for number, chat in enumerate(chats):
            if number:
                self._catch_up(chat)
            until = chats[number + 1].start if number + 1 < len(chats) else float("inf")
            calls = self._replied(chat, [span for span in tools if span.start < until])
            mine = _claimed(calls, tools, until)
            self._name(mine)
            tools = [span for span in tools if span not in mine]
            steps = [step for span in mine for step in self._called(span)]
            self.events.extend(sorted(steps, key=lambda step: step[0]))
        self.events.extend(self._end(whole, last))
        return Imported(header=self._header(whole, asked), events=tuple(self.events))

    def _opening(self, chat: ReadSpan) -> tuple[Message, ...]:
        turns = messages_of(chat.data("gen_ai.input.messages"))
        self.known = len(turns)
        system = parts_of(chat.data("gen_ai.system_instructions"))
        return ((Message(role="system", parts=system),) if system else ()) + turns

    def _catch_up(self, chat: ReadSpan) -> None:
        """What stood in the conversation by then and no span of its own told."""
        later = messages_of(chat.data("gen_ai.input.messages"))
        results = {p.call_id: p for m in later for p in m.parts if isinstance(p, ToolResult)}
        for id in [id for id in self.open if id in results]:
            self.events.append((chat.start, ToolStarted(call=self.open.pop(id))))
            self.events.append((chat.start, ToolFinished(result=results[id])))
        self.open.clear()
        turns = self.known + bool(self.events and isinstance(self.events[-1][1], ToolFinished))
        for message in later[turns:]:
            if message.role in ("user", "system"):
                self.events.append((chat.start, MessageAdded(message=message)))
        self.known = max(turns, len(later))

    def _replied(self, chat: ReadSpan, tools: Sequence[ReadSpan]) -> set[str]:
        """The reply, and the ids of its calls."""
        messages = messages_of(chat.data("gen_ai.output.messages"))
        parts = tuple(part for message in messages for part in message.parts)
        if not messages:  # only that something was said is known, and which calls were made then
            parts = tuple(call_of(span) for span in tools)
        calls = [part for part in parts if isinstance(part, ToolCall)]
        message = Message(role="assistant", parts=parts)
        reasons = chat.attributes.get("gen_ai.response.finish_reasons")
        reason = str(cast(list[Any], reasons)[0]) if isinstance(reasons, list) and reasons else ""
        usage = Usage(
            input_tokens=chat.number("gen_ai.usage.input_tokens"),
            cached_tokens=chat.number("gen_ai.usage.cache_read.input_tokens"),
            output_tokens=chat.number("gen_ai.usage.output_tokens"),
        )
        stop = _STOP.get(reason, "end")
        if stop in ("end", "tool_calls"):
            stop = "tool_calls" if calls else "end"
        self.events.append(
            (chat.end, ModelReplied(reply=Reply(message=message, usage=usage, stop=stop)))
        )
        self.known += 1
        self.open = {call.id: call for call in calls}
        return set(self.open)

    def _name(self, spans: Sequence[ReadSpan]) -> None:
        """Find out which call each span is of, where it does not name one."""
        left = [
            call
            for call in self.open.values()
            if call.id not in {span.text("gen_ai.tool.call.id") for span in spans}
        ]
        for exactly in (True, False):
            for span in spans:
                if span.span_id in self.calls or span.text("gen_ai.tool.call.id"):
                    continue
                tool_call = call_of(span)
                for call in left:
                    if call.name == tool_call.name and (not exactly or _same(call, tool_call)):
                        self.calls[span.span_id] = call.id
                        left.remove(call)
                        break
        for span in spans:
            if left and span.text("gen_ai.tool.name").startswith(HANDOFF):
                # it names whom it handed over to, and not the tool that was called for it
                to = plain_name(span.text("gen_ai.tool.name").removeprefix(HANDOFF))
                call = next((call for call in left if to in plain_name(call.name)), left[-1])
                self.calls[span.span_id] = call.id
                left.remove(call)

    def _called(self, span: ReadSpan) -> Iterator[tuple[float, StoredEvent]]:
        tool_call = call_of(span)
        call = self.open.pop(self.calls.get(span.span_id, tool_call.id), tool_call)
        failed = span.text("error.type") or ("tool_error" if span.error is not None else "")
        error = cast(ToolErrorKind, failed if failed in _ERRORS else "tool_error")
        answer = span.attributes.get("gen_ai.tool.call.result", "")
        result = ToolResult(
            call_id=call.id,
            content=answer if isinstance(answer, str) else to_json(answer).decode(),
            error=error if failed else None,
        )
        if not (failed and span.start == span.end):  # what no tool worked on never began
            yield span.start, ToolStarted(call=call)
        if failed != "broken_off":
            yield span.end, ToolFinished(result=result)

    def _end(self, whole: ReadSpan, last: float) -> Iterator[tuple[float, StoredEvent]]:
        failed = whole.text("error.type")
        if failed == "broken_off":
            return
        if whole.error is not None or failed:
            message = whole.error or failed
            yield last, RunFailed(error=failed or "Error", message=message)
            return
        outcome: Any = whole.text("agentlab.run.outcome") or "completed"
        if outcome not in ("completed", "limit", "paused", "cancelled"):
            outcome = "completed"
        replies = (e.reply for _, e in reversed(self.events) if isinstance(e, ModelReplied))
        answer = next((reply.message.text for reply in replies), "")
        yield last, RunFinished(outcome=outcome, output=answer if outcome == "completed" else None)

    def _header(self, whole: ReadSpan, asked: ReadSpan) -> TraceHeader:
        model = asked.text("gen_ai.response.model") or asked.text("gen_ai.request.model")
        provider = asked.text("gen_ai.provider.name") or asked.text("gen_ai.system")
        labels = {
            key.removeprefix("agentlab.label."): str(value)
            for key, value in whole.attributes.items()
            if key.startswith("agentlab.label.")
        }
        conversation = whole.text("gen_ai.conversation.id")
        details = {"imported": "otel"} | ({"conversation": conversation} if conversation else {})
        place = plain_id(whole.trace_id)[:12] + "-" + plain_id(whole.span_id)
        return TraceHeader(
            run=f"otel-{place}",
            created=whole.start,
            agent=whole.text("gen_ai.agent.name") or "agent",
            # under a scheme that nothing answers to: a stranger's spans choose no server
            backend=BackendIdentity(name=f"imported:{provider}", model=model or "unknown"),
            tools=tuple(tools_of(whole.data(_DEFINED))) or tuple(tools_of(asked.data(_DEFINED))),
            settings=settings_of(asked),
            labels={**labels, **details},
        )


def _claimed(calls: set[str], tools: Sequence[ReadSpan], until: float) -> list[ReadSpan]:
    """The calls' own spans, each once (an id may come again later), and others of that time."""
    claimed: list[ReadSpan] = []
    for span in tools:
        id = span.text("gen_ai.tool.call.id")
        if id in calls or span.start < until:
            calls.discard(id)
            claimed.append(span)
    return claimed


def _same(one: ToolCall, other: ToolCall) -> bool:
    """Whether two calls ask for the same, however they are written."""
    try:
        return bool(from_json(one.arguments) == from_json(other.arguments))
    except ValueError:
        return one.arguments == other.arguments


def _start(span: ReadSpan) -> float:
    return span.start
