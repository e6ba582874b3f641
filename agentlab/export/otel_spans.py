"""Which spans make one run: the parts of each agent, each told once.

Frameworks nest spans in their own ways: a client below a framework tells of the same reply again,
and a workflow, its graph and its agent may be three spans around one conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from pydantic_core import to_json

from agentlab.export.otel_dialects import in_our_words
from agentlab.export.otel_values import messages_of
from agentlab.export.otlp_json import ReadSpan
from agentlab.messages import ToolCall

Key: TypeAlias = tuple[str, str]
"""A trace's id, and a span's: no span's for what lies in no agent."""

_REPLIES = ("chat", "text_completion", "generate_content")
"""Spans of a reply."""


def grouped(spans: Sequence[ReadSpan]) -> tuple[dict[Key, ReadSpan], dict[Key, list[ReadSpan]]]:
    """All spans by their key, and the replies and calls of each run by its agent's key."""
    by_id = {(span.trace_id, span.span_id): span for span in in_our_words(spans)}
    spoken = [s for s in by_id.values() if s.operation in _REPLIES or s.operation == "execute_tool"]
    again = _repeats(spoken, by_id)
    for inner, outer in again.items():
        by_id[outer] = _with(by_id[outer], by_id[inner])
    parts: dict[Key, list[ReadSpan]] = {
        key: [] for key, span in by_id.items() if span.operation == "invoke_agent"
    }
    below: dict[Key, list[ReadSpan]] = {}
    for key in parts:
        below.setdefault((by_id[key].trace_id, by_id[key].parent_id), []).append(by_id[key])
    for key in map(_key, spoken):
        if key not in again:
            parts.setdefault(_owner(by_id[key], by_id, below), []).append(by_id[key])
    _join(parts, by_id)
    return by_id, parts


def _repeats(told: Sequence[ReadSpan], by_id: Mapping[Key, ReadSpan]) -> dict[Key, Key]:
    """Spans that tell again of what another tells, and that one: their keys.

    A framework and the client below it may both be instrumented.
    """
    repeats: dict[Key, Key] = {}
    strays: list[ReadSpan] = []
    for span in told:
        above = _told_by(span, by_id)
        if above is not None:
            repeats[_key(span)] = _key(above)
        elif span.operation in _REPLIES and (span.trace_id, span.parent_id) not in by_id:
            strays.append(span)
    # a framework that opens no context leaves its client's spans in traces of their own
    strays = [span for span in strays if span.attributes.get("gen_ai.output.messages")]
    alike: dict[bytes, list[ReadSpan]] = {}
    for span in told if strays else ():
        if span.operation in _REPLIES:
            alike.setdefault(_said(span), []).append(span)
    for span in strays:
        # the same question may be asked many times at once: those spans have one name
        around = [o for o in alike[_said(span)] if o.name != span.name and _within(span, o)]
        if around:
            repeats[_key(span)] = _key(min(around, key=lambda other: other.end - other.start))
    return repeats


def _told_by(span: ReadSpan, by_id: Mapping[Key, ReadSpan]) -> ReadSpan | None:
    """The reply, or the call, that a span lies in and tells of again."""
    is_reply = span.operation in _REPLIES
    for above in _around(span, by_id):
        if above.operation in _REPLIES:
            return above if is_reply else None
        if above.operation == "execute_tool":
            same = above.text("gen_ai.tool.name") == span.text("gen_ai.tool.name")
            return above if same and not is_reply else None
        if above.operation == "invoke_agent":
            return None
    return None


def _said(span: ReadSpan) -> bytes:
    """What a reply said and what it cost, in a form that two tellings of it share."""
    parts = [part for m in messages_of(span.data("gen_ai.output.messages")) for part in m.parts]
    messages = [
        (part.name, part.id) if isinstance(part, ToolCall) else getattr(part, "text", "")
        for part in parts
    ]
    used = [span.number(f"gen_ai.usage.{kind}_tokens") for kind in ("input", "output")]
    return to_json([messages, used])


def _within(inner: ReadSpan, outer: ReadSpan) -> bool:
    """Whether one took place while the other did."""
    return outer.start <= inner.start and inner.end <= outer.end


def _with(span: ReadSpan, inner: ReadSpan) -> ReadSpan:
    """The span with what only the one within it tells: tools, settings, instructions."""
    more = {key: value for key, value in inner.attributes.items() if key.startswith("gen_ai.")}
    return replace(span, attributes={**more, **span.attributes})


def _key(span: ReadSpan) -> Key:
    return span.trace_id, span.span_id


def _join(parts: dict[Key, list[ReadSpan]], by_id: Mapping[Key, ReadSpan]) -> None:
    """Make one run of agents around each other, where the outer one has nothing of its own.

    Some frameworks tell of a workflow, its graph and its agent in three spans. An agent that a tool
    asks is a run of its own.
    """
    for key in sorted(parts, key=lambda key: by_id[key].start if key in by_id else 0.0):
        for above in _around(by_id[key], by_id) if key in by_id else ():
            outer = (above.trace_id, above.span_id)
            if above.operation == "execute_tool":
                break
            if outer in parts and not any(s.operation in _REPLIES for s in parts[outer]):
                parts[outer] += parts.pop(key)
                break


def _around(span: ReadSpan, by_id: Mapping[Key, ReadSpan]) -> Iterator[ReadSpan]:
    """The spans around one, from the inside out."""
    seen: set[str] = {span.span_id}
    above = by_id.get((span.trace_id, span.parent_id))
    while above is not None and above.span_id not in seen:
        yield above
        seen.add(above.span_id)
        above = by_id.get((above.trace_id, above.parent_id))


def _owner(
    span: ReadSpan, by_id: Mapping[Key, ReadSpan], below: Mapping[Key, Sequence[ReadSpan]]
) -> Key:
    """The agent's span that this one lies in; else its trace.

    A reply within a tool is not its caller's. It belongs to the agent that the tool asked, whose
    span may only lie beside it; else it is a run of the tool's own. `below` has the agents right
    below each span.
    """
    for above in _around(span, by_id):
        if above.operation == "invoke_agent":
            return _key(above)
        if above.operation == "execute_tool":
            chats = [other for other in below.get(_key(above), ()) if _within(span, other)]
            if chats:
                return _key(max(chats, key=lambda other: other.start))
            if span.operation in _REPLIES:
                return _key(above)
    return span.trace_id, ""
