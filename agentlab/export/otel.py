"""Runs as OpenTelemetry spans, after the semantic conventions for generative AI (v0.1.0, which
continue those of semantic-conventions v1.41).

    invoke_agent <agent>            the run, by its agent
    ├── chat <model>                a reply of the model, with its tokens and how it ended
    ├── execute_tool <tool>         a call that a tool worked on, with its id and its error, if any
    │   └── invoke_agent <agent>    the run of an agent that was called as a tool
    └── chat <model>

Ids are made from the run's id, so a run sent twice gives the same spans, and a run that came from
another points to it: a fork by a link, an agent called as a tool by parenthood.
What was said is left out unless asked for, as the conventions want it; with it, each `chat` span
holds the conversation up to there, so its size grows with the square of the run's length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agentlab.agent.transcript import Transcript
from agentlab.backend import Reply
from agentlab.events import (
    LimitReached,
    ModelReplied,
    RunFailed,
    RunFinished,
    RunStarted,
    ToolFinished,
    ToolStarted,
)
from agentlab.export.otel_content import (
    FINISH,
    conversation,
    definitions,
    output,
    system_instructions,
)
from agentlab.export.otel_ids import nanoseconds, own_trace_id, span_id, trace_id
from agentlab.messages import Message, ToolCall, ToolResult, Usage
from agentlab.trace import Trace

Attributes = dict[str, Any]
_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "groq": "groq",
    "local": "llama.cpp",
    "hf": "llama.cpp",
}


@dataclass(frozen=True)
class SpanData:
    """A span before it is given to the SDK. Ids are 16 and 32 lower-case hex digits; times are
    nanoseconds since the epoch."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start: int
    end: int
    kind: Literal["internal", "client"]
    attributes: Mapping[str, Any]
    error: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    """Trace id and span id of each."""


def spans_of(trace: Trace, *, content: bool = False) -> list[SpanData]:
    """The spans of a run, the run's own first.

    Args:
        content: also instructions, messages, arguments, results and the tools' definitions.
    """
    return list(_Spans(trace, content).spans())


class _Spans:
    def __init__(self, trace: Trace, content: bool) -> None:
        header = trace.header
        self._trace = trace
        self._header = header
        self._content = content
        self._trace_id = trace_id(header, trace.path.parent)
        self._root = span_id(header.run, "run")
        self._names: set[str] = set()

    def spans(self) -> Iterator[SpanData]:
        inner = list(self._inner())
        yield self._run_span(inner)
        yield from inner

    def _inner(self) -> Iterator[SpanData]:
        state = Transcript()
        before = nanoseconds(self._header.created)
        begun: dict[str, tuple[ToolCall, int]] = {}
        for record in self._trace.records:
            at = max(nanoseconds(record.at), before)
            event = record.event
            match event:
                case ModelReplied(reply=reply):
                    yield self._chat_span(reply, record.seq, (before, at), state.messages)
                case ToolStarted(call=call):
                    begun[call.id] = (call, at)
                case ToolFinished(result=result):
                    call, since = begun.pop(result.call_id, (state.calls.get(result.call_id), at))
                    yield self._tool_span(call, result, (since, at))
                case _:
                    pass
            if event.kind != "unknown":
                state.apply(event)
            before = at
        for call, since in begun.values():
            yield self._tool_span(call, None, (since, before))

    def _run_span(self, inner: Sequence[SpanData]) -> SpanData:
        header, events = self._header, self._trace.events
        usage = sum((e.reply.usage for e in events if isinstance(e, ModelReplied)), Usage())
        end = events[-1] if events else None
        attributes: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": header.agent,
            "gen_ai.conversation.id": header.run,
            "gen_ai.output.type": "text" if header.output is None else "json",
            **self._model(),
            **_tokens(usage),
            **{f"agentlab.label.{key}": value for key, value in header.labels.items()},
        }
        if usage.cost is not None:
            attributes["agentlab.cost.usd"] = usage.cost
        if isinstance(end, RunFinished):
            attributes["agentlab.run.outcome"] = end.outcome
        for event in events:
            if isinstance(event, LimitReached):
                attributes["agentlab.run.limit"] = event.limit
        if isinstance(end, RunFailed):
            attributes["error.type"] = end.error
        elif end is None or end.kind != "run_finished":
            attributes["error.type"] = "broken_off"
        if self._content:
            attributes |= self._said()
        last = max((nanoseconds(r.at) for r in self._trace.records), default=0)
        start = nanoseconds(header.created)
        parent = header.parent
        called = parent is not None and parent.call_id is not None
        return SpanData(
            name=f"invoke_agent {header.agent}",
            trace_id=self._trace_id,
            span_id=self._root,
            parent_id=span_id(parent.run, "tool", parent.call_id) if parent and called else None,
            start=start,
            end=max([start, last, *(span.end for span in inner)]),
            kind="internal",
            attributes=attributes,
            error=end.message if isinstance(end, RunFailed) else attributes.get("error.type"),
            links=((own_trace_id(parent.run), span_id(parent.run, "run")),)
            if parent and not called
            else (),
        )

    def _said(self) -> Attributes:
        state = Transcript.of(event for event in self._trace.events if event.kind != "unknown")
        opening = [m for e in self._trace.events if isinstance(e, RunStarted) for m in e.messages]
        replies = [e.reply for e in self._trace.events if isinstance(e, ModelReplied)]
        attributes: Attributes = {
            "gen_ai.system_instructions": system_instructions(opening),
            "gen_ai.input.messages": conversation(
                state.messages[:-1] if replies else state.messages
            ),
            "gen_ai.tool.definitions": definitions(self._header.tools),
        }
        if replies:
            attributes["gen_ai.output.messages"] = output(replies[-1])
        return attributes

    def _chat_span(
        self, reply: Reply, seq: int, time: tuple[int, int], asked: Sequence[Message]
    ) -> SpanData:
        model = self._header.backend.model
        attributes: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.conversation.id": self._header.run,
            "gen_ai.response.model": model,
            "gen_ai.response.finish_reasons": (FINISH[reply.stop],),
            "gen_ai.request.stream": True,
            **self._model(),
            **self._settings(),
            **_tokens(reply.usage),
        }
        if self._content:
            attributes["gen_ai.system_instructions"] = system_instructions(asked)
            attributes["gen_ai.input.messages"] = conversation(asked)
            attributes["gen_ai.output.messages"] = output(reply)
        return SpanData(
            name=f"chat {model}",
            trace_id=self._trace_id,
            span_id=self._new_span_id("chat", str(seq)),
            parent_id=self._root,
            start=time[0],
            end=time[1],
            kind="internal" if self._local else "client",
            attributes=attributes,
        )

    def _tool_span(
        self, call: ToolCall | None, result: ToolResult | None, time: tuple[int, int]
    ) -> SpanData:
        id = call.id if call else result.call_id if result else ""
        name = call.name if call else "unknown"
        error = result.error if result else "broken_off"
        attributes: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": id,
            "gen_ai.agent.name": self._header.agent,
        }
        about = {spec.name: spec.description for spec in self._header.tools}
        if name in about:
            attributes["gen_ai.tool.description"] = about[name]
        if error:
            attributes["error.type"] = error
        if self._content:
            if call:
                attributes["gen_ai.tool.call.arguments"] = call.arguments
            if result:
                attributes["gen_ai.tool.call.result"] = result.content
        return SpanData(
            name=f"execute_tool {name}",
            trace_id=self._trace_id,
            span_id=self._new_span_id("tool", id),
            parent_id=self._root,
            start=time[0],
            end=time[1],
            kind="internal",
            attributes=attributes,
            error=error,
        )

    def _new_span_id(self, *key: str) -> str:
        """Of a run's own spans; a call id that comes again gets another span."""
        name = span_id(self._header.run, *key)
        again = 1
        while name in self._names:
            again += 1
            name = span_id(self._header.run, *key, str(again))
        self._names.add(name)
        return name

    @property
    def _local(self) -> bool:
        return "gguf_sha256" in self._header.backend.details

    def _model(self) -> Attributes:
        scheme = self._header.backend.name.partition(":")[0]
        provider = "llama.cpp" if self._local else _PROVIDERS.get(scheme, scheme)
        return {
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": self._header.backend.model,
        }

    def _settings(self) -> Attributes:
        settings = self._header.settings
        asked: Attributes = {
            "gen_ai.request.temperature": settings.temperature,
            "gen_ai.request.top_p": settings.top_p,
            "gen_ai.request.top_k": settings.top_k,
            "gen_ai.request.max_tokens": settings.max_tokens,
            "gen_ai.request.seed": settings.seed,
            "gen_ai.request.stop_sequences": settings.stop or None,
        }
        return {key: value for key, value in asked.items() if value is not None}


def _tokens(usage: Usage) -> Attributes:
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
    }
