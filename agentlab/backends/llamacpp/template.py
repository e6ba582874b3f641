"""Rendering a conversation as the model was trained to read it.

The chat template in the GGUF's metadata is a Jinja program; it runs in an immutable sandbox. What
it can express is found out by letting it write (see `probe`):

- One that tells of tools and writes calls gets tools, calls and results as it expects them, and the
  model's calls are read in the format it was seen to write.
- One that writes calls and tells of no tools gets our short section on them, in its own format.
- For any other, the section is ours, calls are in the `hermes` format, and results are user turns.

A history that the template refuses, or loses words of, is rewritten where that costs nothing: ids
of nine letters, one call a turn, text and calls in turns of their own, instructions in the middle
as part of what the user says, text as parts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from agentlab.backend import ToolSpec
from agentlab.backends.call_ids import NINE, CallIds
from agentlab.backends.llamacpp import probe
from agentlab.backends.llamacpp.declared import as_declared, as_written, called, described
from agentlab.backends.llamacpp.describe import tool_section
from agentlab.backends.llamacpp.formats import HERMES, Format, detect
from agentlab.backends.llamacpp.jinja import Jinja
from agentlab.backends.llamacpp.turns import (
    Rewriting,
    Turn,
    as_parts,
    forms,
    merged,
    one_call_a_turn,
    rewritings,
)
from agentlab.backends.thoughts import marks_in
from agentlab.errors import ConfigError
from agentlab.messages import Audio, Image, Message, Reasoning, ToolCall, ToolResult

PLAIN = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
"""For base models, which have no template: what was said, as it is."""

_TOOLS = ("tools", "available_tools", "xml_tools", "functions")
"""What templates call the tools; the last takes them as JSON text."""


class Template:
    """A compiled chat template.

    Args:
        source: the Jinja text.
        bos, eos: the texts of those tokens, which templates write themselves.
        ends: texts of all tokens that end a turn.

    Raises:
        ConfigError: the template cannot be compiled.
        MissingExtra: jinja2 is not installed.
    """

    def __init__(
        self, source: str, *, bos: str = "", eos: str = "", ends: Sequence[str] = ()
    ) -> None:
        self._jinja = Jinja(source)
        self._special = {"bos_token": bos, "eos_token": eos}
        self._tools = [name for name in _TOOLS if name in self._jinja.names]
        if len(self._tools) > 1 and "tools" in self._tools:
            self._tools = ["tools"]
        self._as_text = False
        self._shown = probe.Shown(None, False, False, False, True, "it knows no tools")
        self._nine = CallIds(NINE)
        spoken = self._seen(source, [*ends, eos])
        self.has_tools = spoken is not None and self._shown.tells_tools
        """Whether the template tells of the tools itself."""
        self.writes_calls = spoken is not None and self._shown.format is not None
        """Whether it writes past calls itself."""
        self.format: Format = spoken or HERMES
        self.hash = hashlib.sha256(source.encode()).hexdigest()
        self.thoughts = marks_in(source)
        """What thoughts stand between; None where the template knows of none."""
        needs = self._rewritings()
        self._needs = [needed for needed in needs if needed is not as_parts]
        self._parts = as_parts in needs

    @property
    def knows_tools(self) -> bool:
        """Whether the template has to do with tools at all."""
        return self._shown.tells_tools or self.writes_calls

    @property
    def told_by(self) -> str:
        """Who tells the model of its tools and in which format, and why, for people."""
        if self.has_tools:
            return "the template"
        why = self._shown.why or "it tells of no tools"
        format = "" if self.format is HERMES else " in the template's own format"
        return f"agentlab{format} (of the template: {why})"

    def _seen(self, source: str, ends: Sequence[str]) -> Format | None:
        """The format of its calls, after trying it; None where it has none of its own."""
        for as_text in (False, True):

            def write(turns: Sequence[Turn], tools: bool, more: bool) -> str | None:
                try:
                    extra = self._offered([dict(probe.PROBE)] if tools else [])
                    return self._raw([*turns], extra, more)
                except ConfigError:
                    return None

            marks = probe.examine(write, ends=ends, as_text=as_text)
            if not as_text or marks.format is not None:
                self._shown, self._as_text = marks, as_text
            if marks.why != probe.REFUSES:
                break
        if self._shown.format is not None:
            return self._shown.format
        hint = detect(source) if self._shown.tells_tools else None
        if hint is None or self._shown.why == probe.WRITES_NONE:
            return hint  # one that leaves the writing of calls to others may still tell how
        if not self._shown.fits(hint):
            return None
        format = replace(hint, single=hint.single or self._shown.single)
        self._shown = replace(self._shown, format=format)
        return format

    def _rewritings(self) -> tuple[Rewriting, ...]:
        def write(turns: Sequence[Turn]) -> str | None:
            try:
                return self._raw([*turns], {}, False)
            except ConfigError:
                return None

        call = ToolCall(id="a1b2c3d4e", name=probe.PROBE["function"]["name"], arguments="{}")
        past = (
            Message.assistant(call),
            Message.results([ToolResult(call_id=call.id, content="1")]),
        )
        calling = [turn for message in past for turn in self._turns(message, str)]
        return rewritings(write, calling if self.writes_calls else ())

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
        if self._shown.nine:
            messages = self._nine(messages)
        turns = [turn for message in messages for turn in self._turns(message, guard)]
        if tools and self.has_tools:
            plain = [as_declared(tool, guard) for tool in tools]
            offers = [self._offered(told) for told in (plain, described(plain))]
            try:
                return self._written(turns, offers)
            except ConfigError:
                # it may be the tools that it can't tell of: our own section can
                with suppress(ConfigError):
                    return self._written(self._sectioned(turns, tools, guard), [{}])
                raise
        if tools:
            turns = self._sectioned(turns, tools, guard)
        return self._written(turns, [{}])

    def _sectioned(
        self, turns: list[Turn], tools: Sequence[ToolSpec], guard: Callable[[str], str]
    ) -> list[Turn]:
        """With our own section on tools in the instructions."""
        section = tool_section(tools, self.format, guard)
        if turns and turns[0]["role"] == "system":
            first = {**turns[0], "content": f"{turns[0]['content']}\n\n{section}"}
            return [first, *turns[1:]]
        return [{"role": "system", "content": section}, *turns]

    def _written(self, turns: list[Turn], offers: Sequence[dict[str, Any]]) -> str:
        if self.format.single and self.writes_calls:
            turns = one_call_a_turn(turns)
        turns, failure, extra = merged(turns), "", offers[0]
        for needed in self._needs:
            turns = needed(turns)
        for offer in offers:
            for form in forms(turns):
                try:
                    return self._raw(self._parted(form), offer, True)
                except ConfigError as error:
                    failure = failure or str(error)
        for size in range(1, len(turns) + 1):
            try:
                self._raw(self._parted(turns[:size]), extra, True)
            except ConfigError as error:
                role = turns[size - 1]["role"]
                words = " ".join(str(turns[size - 1].get("content") or "").split())[:60]
                failure = f"{error}, at turn {size} ({role}: {words!r})"
                break
        raise ConfigError(failure)

    def _parted(self, turns: list[Turn]) -> list[Turn]:
        return as_parts(turns) if self._parts else turns

    def _offered(self, tools: list[dict[str, Any]]) -> dict[str, Any]:
        if not tools:
            return {}
        extra: dict[str, Any] = dict.fromkeys(self._tools, tools)
        if "functions" in extra:
            extra["functions"] = json.dumps([tool["function"] for tool in tools], indent=4)
        return extra

    def _raw(self, turns: list[Turn], extra: dict[str, Any], more: bool) -> str:
        if "functions" in self._tools:
            extra = {"functions": "[]", "datetime": self._jinja.today("%B %d, %Y"), **extra}
        context = {**self._special, **extra, "add_generation_prompt": more}
        return self._jinja.render(turns, context)

    def _turns(self, message: Message, guard: Callable[[str], str]) -> list[Turn]:
        for part in message.parts:
            if isinstance(part, (Image, Audio)):
                raise ConfigError(f"this model reads text only, not {part.media_type}")
        if message.role == "tool":
            return self._results(message, guard)
        turn: Turn = {"role": message.role, "content": guard(message.text)}
        if message.role != "assistant":
            return [turn]
        thought = "".join(part.text for part in message.parts if isinstance(part, Reasoning))
        if thought:
            turn["reasoning_content"] = guard(thought)
        if not self.writes_calls:
            turn["content"] = as_written(message, self.format, guard)
            return [turn]
        calls = [called(call, guard, as_text=self._as_text) for call in message.tool_calls]
        if self.format.style == "harmony" and calls and thought and not turn["content"]:
            turn["thinking"] = turn["reasoning_content"]
        if not calls:
            return [turn]
        if turn["content"] and not self._shown.text_with_calls:
            # the template would leave out one of the two
            text, turn = turn, {"role": "assistant", "content": ""}
            return [text, *self._calling(turn, calls)]
        return self._calling(turn, calls)

    def _calling(self, turn: Turn, calls: list[Turn]) -> list[Turn]:
        if not self.format.single:
            return [{**turn, "tool_calls": calls}]
        first = {**turn, "tool_calls": calls[:1]}
        more = [{"role": "assistant", "content": "", "tool_calls": [c]} for c in calls[1:]]
        return [first, *more]

    def _results(self, message: Message, guard: Callable[[str], str]) -> list[Turn]:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        if self.has_tools if not self.writes_calls else self._shown.results:
            return [
                {"role": "tool", "tool_call_id": r.call_id, "content": guard(r.content)}
                for r in results
            ]
        return [
            {"role": "user", "content": f"<tool_response>\n{guard(r.content)}\n</tool_response>"}
            for r in results
        ]
