"""Which spans make one run: the parts of each agent, each told once.

Frameworks nest spans in their own ways: a client below a framework tells of the same reply again,
and a workflow, its graph and its agent may be three spans around one conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from agentlab.export.otel_dialects import in_our_words
from agentlab.export.otlp_json import ReadSpan

Key: TypeAlias = tuple[str, str]
"""A trace's id, and a span's: no span's for what lies in no agent."""

_REPLIES = ("chat", "text_completion", "generate_content")
"""Spans of a reply."""


def grouped(spans: Sequence[ReadSpan]) -> tuple[dict[Key, ReadSpan], dict[Key, list[ReadSpan]]]:
    """All spans by their key, and the replies and calls of each run by its agent's key."""
    spans = in_our_words(spans)
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    parts: dict[Key, list[ReadSpan]] = {
        key: [] for key, span in by_id.items() if span.operation == "invoke_agent"
    }
    for span in spans:
        told = span.operation in _REPLIES or span.operation == "execute_tool"
        if told and not _repeated(span, by_id):
            parts.setdefault(_owner(span, by_id), []).append(span)
    _join(parts, by_id)
    return by_id, parts


def _repeated(span: ReadSpan, by_id: Mapping[Key, ReadSpan]) -> bool:
    """Whether a span tells again of the reply, or the call, whose span it lies in.

    A framework and the client below it may both be instrumented.
    """
    is_reply = span.operation in _REPLIES
    for above in _around(span, by_id):
        if above.operation in _REPLIES:
            return is_reply
        if above.operation == "execute_tool":
            same = above.text("gen_ai.tool.name") == span.text("gen_ai.tool.name")
            return not is_reply and same
        if above.operation == "invoke_agent":
            return False
    return False


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


def _owner(span: ReadSpan, by_id: Mapping[Key, ReadSpan]) -> Key:
    """The agent's span that this one lies in; else its trace."""
    for above in _around(span, by_id):
        if above.operation == "invoke_agent":
            return above.trace_id, above.span_id
    return span.trace_id, ""
