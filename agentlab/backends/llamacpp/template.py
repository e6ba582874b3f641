"""Rendering a conversation as the model was trained to read it.

The chat template in the GGUF's metadata is a Jinja program; it runs in an immutable sandbox. A
template with a tool section of its own gets the tools, calls and results as it expects them. For
one that has none, this module writes a short tool section into the system message, calls in the
`hermes` format, and results as user turns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, cast

from agentlab.backend import ToolSpec
from agentlab.backends.llamacpp.describe import tool_section
from agentlab.backends.llamacpp.formats import HERMES, Format, detect
from agentlab.errors import ConfigError, MissingExtra
from agentlab.messages import Audio, Image, Message, Reasoning, Text, ToolCall, ToolResult

Turn = dict[str, Any]

PLAIN = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
"""For base models, which have no template: what was said, as it is."""


class Template:
    """A compiled chat template.

    Args:
        source: the Jinja text.
        bos, eos: the texts of those tokens, which templates write themselves.

    Raises:
        ConfigError: the template cannot be compiled.
        MissingExtra: jinja2 is not installed.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        try:
            from jinja2 import TemplateError, meta  # noqa: PLC0415
            from jinja2.ext import loopcontrols  # noqa: PLC0415
            from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtra("jinja2", "local") from error
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.filters["tojson"] = _tojson
        helpers: dict[str, Any] = {"raise_exception": _refuse, "strftime_now": _today}
        environment.globals.update(helpers)
        try:
            self._template = environment.from_string(source)
            names = meta.find_undeclared_variables(environment.parse(source))
        except TemplateError as error:
            raise ConfigError(f"the chat template cannot be compiled: {error}") from error
        self._errors: tuple[type[Exception], ...] = (TemplateError, TypeError, KeyError)
        self._special = {"bos_token": bos, "eos_token": eos}
        spoken = detect(source) if "tools" in names else None
        self.has_tools = spoken is not None
        self.format: Format = spoken or HERMES
        self.hash = hashlib.sha256(source.encode()).hexdigest()
        self.thinks = "<think>" in source

    def render(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], guard: Callable[[str], str]
    ) -> str:
        """The conversation up to where the assistant's next turn begins.

        Args:
            messages: text only.
            tools: described to the model.
            guard: applied to everything that is not the template's own.

        Raises:
            ConfigError: an image or sound, or something else the template cannot express.
        """
        turns = [turn for message in messages for turn in self._turns(message, guard)]
        extra: dict[str, Any] = {}
        if tools and self.has_tools:
            extra["tools"] = [_declared(tool, guard) for tool in tools]
        elif tools:
            section = guard(tool_section(tools, self.format))
            if turns and turns[0]["role"] == "system":
                turns[0]["content"] = f"{turns[0]['content']}\n\n{section}"
            else:
                turns.insert(0, {"role": "system", "content": section})
        return self._written(_merged(turns), extra)

    def _written(self, turns: list[Turn], extra: dict[str, Any]) -> str:
        context = {**self._special, **extra, "add_generation_prompt": True}
        try:
            return self._template.render(messages=turns, **context)
        except self._errors as error:
            if turns and turns[0]["role"] == "system":
                # some templates refuse a system turn: its text then opens the first user turn
                user = {"role": "user", "content": turns[0]["content"]}
                return self._written(_merged([user, *turns[1:]]), extra)
            raise ConfigError(f"the chat template cannot express this: {error}") from error

    def _turns(self, message: Message, guard: Callable[[str], str]) -> list[Turn]:
        for part in message.parts:
            if isinstance(part, (Image, Audio)):
                raise ConfigError(f"this model reads text only, not {part.media_type}")
        if message.role == "tool":
            return self._results(message, guard)
        turn: Turn = {"role": message.role, "content": guard(message.text)}
        if message.role == "assistant":
            if not self.has_tools:
                turn["content"] = guard(_as_written(message, self.format))
            elif message.tool_calls:
                turn["tool_calls"] = [_called(call, guard) for call in message.tool_calls]
            thought = "".join(part.text for part in message.parts if isinstance(part, Reasoning))
            if thought:
                turn["reasoning_content"] = guard(thought)
        return [turn]

    def _results(self, message: Message, guard: Callable[[str], str]) -> list[Turn]:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        if self.has_tools:
            return [
                {"role": "tool", "tool_call_id": r.call_id, "content": guard(r.content)}
                for r in results
            ]
        return [
            {"role": "user", "content": f"<tool_response>\n{guard(r.content)}\n</tool_response>"}
            for r in results
        ]


def _as_written(message: Message, format: Format) -> str:
    """Text and calls in the order, and with the marks, that the model wrote them in."""
    written: list[str] = []
    calls: list[ToolCall] = []
    for part in message.parts:
        match part:
            case ToolCall():
                calls.append(part)
            case Text(text=text):
                written.append(format.write(calls) + text)
                calls = []
            case _:
                pass
    return "".join(written) + format.write(calls)


def _merged(turns: list[Turn]) -> list[Turn]:
    """Neighbouring turns of one speaker as one: some templates insist on taking turns."""
    merged: list[Turn] = []
    for turn in turns:
        last = merged[-1] if merged else None
        if last is not None and last["role"] == turn["role"] and turn["role"] in ("user", "system"):
            merged[-1] = {**last, "content": f"{last['content']}\n{turn['content']}"}
        else:
            merged.append(turn)
    return merged


def _declared(tool: ToolSpec, guard: Callable[[str], str]) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": _guarded(function, guard)}


def _called(call: ToolCall, guard: Callable[[str], str]) -> dict[str, Any]:
    try:
        arguments: Any = json.loads(call.arguments)
    except ValueError:
        arguments = call.arguments
    guarded = _guarded(arguments, guard)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": guard(call.name), "arguments": guarded},
    }


def _guarded(value: Any, guard: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return guard(value)
    if isinstance(value, list):
        return [_guarded(item, guard) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return {guard(key): _guarded(item, guard) for key, item in items}
    return value


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    # Jinja's own escapes for HTML, which no model was trained on
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _today(form: str) -> str:
    # by the day and no finer, so that a prefix stays warm
    return date.today().strftime(form)


def _refuse(message: str) -> None:
    from jinja2 import TemplateError  # noqa: PLC0415

    raise TemplateError(message)
