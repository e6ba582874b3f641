"""Spans of other conventions, told in those of OpenTelemetry for generative AI.

    OpenInference      openinference.span.kind = LLM, llm.input_messages.0.message.content = …
    OpenLLMetry        traceloop.span.kind = tool, gen_ai.prompt.0.content = …

What both have in common with ours is a span for each reply and each call; they differ in the names
of their attributes, and in lists, which are flattened into numbered keys. A span that is in ours
already stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from pydantic_core import from_json, to_json

from agentlab.export.otlp_json import ReadSpan

_KINDS = {"LLM": "chat", "TOOL": "execute_tool", "AGENT": "invoke_agent"}
_LOOP_KINDS = {"tool": "execute_tool", "agent": "invoke_agent"}
HANDOFF = "handoff to "
"""What the name of a span begins with that is a call which hands over to another agent."""
_SAMPLING = ("temperature", "top_p", "top_k", "max_tokens", "seed")


def in_our_words(spans: Iterable[ReadSpan]) -> list[ReadSpan]:
    """The spans, each with the attributes of our conventions."""
    return _led([_told(span) for span in spans])


def _led(spans: list[ReadSpan]) -> list[ReadSpan]:
    """The spans, with the outermost one of OpenInference as the agent where it holds replies.

    What it calls an agent may be one node of a graph, entered again at every step.
    """
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    names: dict[tuple[str, str], str] = {}
    for span in sorted(spans, key=lambda span: span.start):
        kind = span.text("openinference.span.kind")
        if kind in ("LLM", "AGENT"):
            top = _outermost(span, by_id)
            named = span.text("agent.name") if kind == "AGENT" else ""
            names[top] = names.get(top) or named
    return [_place(span, names) for span in spans]


def _place(span: ReadSpan, names: Mapping[tuple[str, str], str]) -> ReadSpan:
    kind, key = span.text("openinference.span.kind"), (span.trace_id, span.span_id)
    if key in names and kind in ("CHAIN", "AGENT"):
        return _agent(span, names[key] or span.name)
    if kind == "AGENT":
        return replace(span, attributes={**span.attributes, "gen_ai.operation.name": ""})
    return span


def _agent(span: ReadSpan, name: str) -> ReadSpan:
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    return replace(span, attributes={**span.attributes, **attributes})


def _outermost(span: ReadSpan, by_id: Mapping[tuple[str, str], ReadSpan]) -> tuple[str, str]:
    """The outermost span around one; a tool's span ends the search, for tools may ask agents."""
    seen: set[str] = set()
    while span.span_id not in seen:
        seen.add(span.span_id)
        above = by_id.get((span.trace_id, span.parent_id))
        if above is None or above.text("openinference.span.kind") in ("", "TOOL"):
            break
        span = above
    return span.trace_id, span.span_id


def _told(span: ReadSpan) -> ReadSpan:
    if span.text("openinference.span.kind"):
        return _with(span, _inference(span))
    if "tool_arguments" in span.attributes or "tool_response" in span.attributes:
        # Pydantic AI's second version
        names = {"tool_arguments": "arguments", "tool_response": "result"}
        attributes = {
            f"gen_ai.tool.call.{ours}": span.attributes.get(k) for k, ours in names.items()
        }
        return _with(span, attributes)
    if span.text("traceloop.span.kind") or any(
        key.startswith(("gen_ai.prompt.", "gen_ai.completion.")) for key in span.attributes
    ):
        attributes = _loop(span)
        # what stands under our names may be the framework's whole message
        wrapped = ("gen_ai.tool.call.result", "gen_ai.tool.call.arguments")
        kept = {
            k: v for k, v in span.attributes.items() if not (attributes.get(k) and k in wrapped)
        }
        return _with(replace(span, attributes=kept), attributes)
    return span


def _with(span: ReadSpan, more: Mapping[str, Any]) -> ReadSpan:
    """The span with attributes that it lacks."""
    added = {key: value for key, value in more.items() if value not in (None, "", [])}
    return replace(span, attributes={**added, **span.attributes})


# OpenInference


def _inference(span: ReadSpan) -> dict[str, Any]:
    kind = span.text("openinference.span.kind").upper()
    operation = _KINDS.get(kind)
    if operation is None:
        return {}
    attributes: dict[str, Any] = {"gen_ai.operation.name": operation}
    if operation == "execute_tool":
        answer, id = _answer(span.attributes.get("output.value"))
        if span.name.startswith(HANDOFF) and not span.text("tool.name"):
            # openai-agents names the agents here, and what the model reads is made of it
            attributes |= {"gen_ai.tool.call.result": to_json({"assistant": answer}).decode()}
            return attributes | {"gen_ai.tool.name": span.name}
        return attributes | {
            "gen_ai.tool.name": span.text("tool.name") or span.name,
            "gen_ai.tool.call.id": span.text("tool_call.id") or span.text("tool.id") or id,
            "gen_ai.tool.call.arguments": _arguments(
                _found(span, "input.value", "tool.parameters", "tool_call.function.arguments")
            ),
            "gen_ai.tool.call.result": answer,
        }
    if operation == "invoke_agent":
        return attributes | {"gen_ai.agent.name": span.text("agent.name") or span.name}
    given = _mapping(span.data("llm.invocation_parameters"))
    return attributes | {
        "gen_ai.request.model": span.text("llm.model_name") or str(given.get("model", "")),
        "gen_ai.provider.name": span.text("llm.provider") or span.text("llm.system"),
        "gen_ai.input.messages": list(map(_message, _numbered(span, "llm.input_messages"))),
        "gen_ai.output.messages": list(map(_message, _numbered(span, "llm.output_messages"))),
        "gen_ai.tool.definitions": [_tool(raw) for raw in _numbered(span, "llm.tools")],
        "gen_ai.usage.input_tokens": span.attributes.get("llm.token_count.prompt"),
        "gen_ai.usage.output_tokens": span.attributes.get("llm.token_count.completion"),
        "gen_ai.usage.cache_read.input_tokens": span.attributes.get(
            "llm.token_count.prompt_details.cache_read"
        ),
        "gen_ai.response.finish_reasons": _reasons(span),
        **{f"gen_ai.request.{name}": given.get(name) for name in _SAMPLING},
    }


def _message(raw: Mapping[str, Any]) -> dict[str, Any]:
    """`message.role`, `message.content` and so on as a message of ours."""
    fields = _mapping(raw.get("message"))
    role = str(fields.get("role") or "user")
    role = {"developer": "system", "human": "user", "ai": "assistant", "function": "tool"}.get(
        role, role
    )
    content = fields.get("content")
    answer = fields.get("tool_call_id")
    if role == "tool" or answer:
        words = content if isinstance(content, str) else _texts(fields)
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": answer or "", "response": words}],
        }
    parts: list[dict[str, Any]] = []
    if isinstance(content, str) and content and content != _texts(fields):
        parts.append({"type": "text", "content": content})
    parts += [_part(_mapping(item.get("message_content"))) for item in _listed(fields, "contents")]
    for item in _listed(fields, "tool_calls"):
        call = _mapping(item.get("tool_call"))
        function = _mapping(call.get("function"))
        parts.append(
            {
                "type": "tool_call",
                "id": call.get("id") or "",
                "name": function.get("name") or "",
                "arguments": function.get("arguments") or "{}",
            }
        )
    return {"role": role, "parts": parts}


def _part(raw: Mapping[str, Any]) -> dict[str, Any]:
    if raw.get("text") is not None:
        kind = "reasoning" if raw.get("type") == "reasoning" else "text"
        return {"type": kind, "content": raw["text"]}
    image = _mapping(_mapping(raw.get("image")).get("image"))
    return {"type": raw.get("type") or "unknown", "uri": image.get("url") or ""}


def _texts(fields: Mapping[str, Any]) -> str:
    pieces = (_mapping(i.get("message_content")).get("text") for i in _listed(fields, "contents"))
    return "".join(str(piece) for piece in pieces if piece)


def _tool(raw: Mapping[str, Any]) -> dict[str, Any]:
    tool = _mapping(raw.get("tool"))
    schema = tool.get("json_schema")
    declared = _mapping(_parsed(schema) if isinstance(schema, str) else schema)
    function = _mapping(declared.get("function")) or declared
    return {
        "name": tool.get("name") or function.get("name") or "",
        "description": tool.get("description") or function.get("description") or "",
        "parameters": function.get("parameters") or function.get("input_schema") or {},
    }


def _reasons(span: ReadSpan) -> list[str]:
    """Why the reply ended: an attribute of late, else what the raw answer says."""
    finish = span.text("llm.finish_reason")
    if finish:
        return [finish]
    answer = _mapping(span.data("output.value"))
    choices = _listed_raw(answer.get("choices"))
    reason = _mapping(choices[0]).get("finish_reason") if choices else answer.get("stop_reason")
    return [reason] if isinstance(reason, str) else []


# OpenLLMetry


def _loop(span: ReadSpan) -> dict[str, Any]:
    kind = span.text("traceloop.span.kind")
    named = span.text("traceloop.entity.name") or span.name
    if kind in _LOOP_KINDS:
        attributes: dict[str, Any] = {"gen_ai.operation.name": _LOOP_KINDS[kind]}
        if kind == "agent":
            return attributes | {"gen_ai.agent.name": named}
        answer, id = _answer(span.text("traceloop.entity.output"))
        return attributes | {
            "gen_ai.tool.name": named.removesuffix(".tool"),
            "gen_ai.tool.call.id": id,
            "gen_ai.tool.call.arguments": _arguments(span.text("traceloop.entity.input")),
            "gen_ai.tool.call.result": answer,
        }
    prompts = _numbered(span, "gen_ai.prompt")
    answers = _numbered(span, "gen_ai.completion")
    if not prompts and not answers:
        return {}
    reasons = [raw.get("finish_reason") for raw in answers]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": list(map(_loop_message, prompts)),
        "gen_ai.output.messages": [_loop_message({"role": "assistant", **raw}) for raw in answers],
        "gen_ai.response.finish_reasons": [r for r in reasons if isinstance(r, str)],
        "gen_ai.usage.input_tokens": span.attributes.get("gen_ai.usage.prompt_tokens"),
        "gen_ai.usage.output_tokens": span.attributes.get("gen_ai.usage.completion_tokens"),
        "gen_ai.tool.definitions": [
            {
                "name": raw.get("name"),
                "description": raw.get("description"),
                "parameters": _parsed(raw.get("parameters")),
            }
            for raw in _numbered(span, "llm.request.functions")
        ],
    }


def _loop_message(raw: Mapping[str, Any]) -> dict[str, Any]:
    role = str(raw.get("role") or "user")
    content = raw.get("content")
    words = content if isinstance(content, str) else ""
    if role == "tool" or raw.get("tool_call_id"):
        id = raw.get("tool_call_id") or ""
        answer = {"type": "tool_call_response", "id": id, "response": words}
        return {"role": "tool", "parts": [answer]}
    parts: list[dict[str, Any]] = [{"type": "text", "content": words}] if words else []
    for call in _listed(raw, "tool_calls"):
        parts.append(
            {
                "type": "tool_call",
                "id": call.get("id") or "",
                "name": call.get("name") or "",
                "arguments": call.get("arguments") or "{}",
            }
        )
    return {"role": role, "parts": parts}


# both


def _arguments(raw: object) -> str:
    """A tool's arguments out of what stands around them: names of a framework's own."""
    parsed = _parsed(raw) if isinstance(raw, str) else raw
    if isinstance(parsed, str):
        parsed = _parsed(parsed)
    fields = _mapping(parsed)
    for key in ("inputs", "tool_input", "input", "input_str", "kwargs"):
        inner = fields.get(key)
        inner = _parsed(inner) if isinstance(inner, str) else inner
        if isinstance(inner, dict) and (key != "input" or len(fields) <= 2):
            return to_json(inner).decode()
    if isinstance(parsed, dict):
        return to_json(parsed).decode()
    literal = _python(raw) if isinstance(raw, str) else None
    return to_json(literal).decode() if literal is not None else str(raw or "{}")


def _python(text: str) -> dict[str, Any] | None:
    """A mapping as Python prints it, which some frameworks hand on."""
    import ast

    try:
        value: Any = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def _answer(raw: object) -> tuple[str, str]:
    """A tool's answer, and its call's id, out of the message that a framework wrapped it in."""
    if not isinstance(raw, str):
        return ("" if raw is None else to_json(raw).decode()), ""
    answer = _mapping(_parsed(raw))
    for key in ("output", "outputs", "data", "kwargs"):
        inner = answer.get(key)
        if isinstance(inner, str):
            return inner, ""
        if isinstance(inner, dict) and "content" not in answer:
            answer = cast(Mapping[str, Any], inner)
    content, id = answer.get("content"), answer.get("tool_call_id")
    if not isinstance(content, str) or answer.get("type") != "tool":
        return raw, ""
    return content, id if isinstance(id, str) else ""


def _found(span: ReadSpan, *keys: str) -> object:
    return next((span.attributes[key] for key in keys if span.attributes.get(key)), "{}")


def _numbered(span: ReadSpan, prefix: str) -> list[Mapping[str, Any]]:
    """A flattened list, as a list again: `prefix.0.a.b` is `[{"a": {"b": …}}]`."""
    tree: dict[str, Any] = {}
    start = prefix + "."
    for key, value in span.attributes.items():
        if key.startswith(start):
            steps = key[len(start) :].split(".")
            place = tree
            for step in steps[:-1]:
                inner: Any = place.setdefault(step, {})
                if not isinstance(inner, dict):
                    break
                place = cast(dict[str, Any], inner)
            else:
                place[steps[-1]] = value
    return [_mapping(item) for item in _in_order(tree)]


def _listed(fields: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """A list within a flattened one, with its own numbers."""
    return [_mapping(item) for item in _in_order(_mapping(fields.get(key)))]


def _in_order(tree: Mapping[str, Any]) -> Iterator[Any]:
    numbers = sorted((int(step), step) for step in tree if re.fullmatch(r"[0-9]{1,6}", step))
    return (tree[step] for _, step in numbers)


def _listed_raw(raw: object) -> Sequence[Any]:
    return cast(list[Any], raw) if isinstance(raw, list) else []


def _mapping(raw: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], raw) if isinstance(raw, dict) else {}


def _parsed(raw: object) -> Any:
    try:
        return from_json(raw) if isinstance(raw, str) else raw
    except ValueError:
        return None
