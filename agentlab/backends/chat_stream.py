"""Reads a Chat Completions stream.

    {"choices": [{"delta": {"content": "4"}}]}                              text
    {"choices": [{"delta": {"reasoning_content": "Let me see"}}]}           reasoning
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": …, …}]}}]}    a call, in pieces
    {"choices": [{"delta": {}, "finish_reason": "stop"}]}                   the end
    {"choices": [], "usage": {…}}                                           and what it cost

Services differ in small ways, all met here: a whole message in place of deltas, content in lists,
reasoning under three names, the reason for the end with every piece or before the last one, usage
in four places. How calls are told apart is `ChatCalls`' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pydantic_core import to_json

from agentlab.backend import Delta, Reply, Stop, TokenInfo
from agentlab.backends.asked import Asked
from agentlab.backends.chat_calls import ChatCalls, calls_in, numbered
from agentlab.backends.draft import draft_for
from agentlab.backends.logprobs import tokens_in
from agentlab.backends.signatures import pack
from agentlab.backends.stops import stop_of, unsaid
from agentlab.backends.thoughts import Piece, Thoughts, unopened
from agentlab.errors import ConfigError
from agentlab.messages import Message, Part, Reasoning, Text, Usage

_NOTHING: dict[str, Any] = {}
_NO_REASON = ("null", "None", "none")
"""What some say while there is no reason yet."""


class ChatDecoder:
    """The answer in one stream to what was `asked`."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._draft = draft_for(asked)
        self._finish: str | None = None
        self._stopped_by: object = None
        self._refused = False
        self._thoughts = Thoughts() if asked.preset.think_tags else None
        self._said_text = False
        self._usage: dict[str, Any] = _NOTHING
        self._tokens: list[TokenInfo] = []
        self._calls = ChatCalls(self._draft, asked.turn)
        self._choice: int | str | None = None
        self._details: list[dict[str, Any]] = []
        self._last_event: Any = None

    @property
    def whole(self) -> bool:
        """Whether the service said why it stopped."""
        return self._finish is not None

    def feed(self, event: Any) -> Sequence[Delta]:
        """What the event adds."""
        if "obfuscation" in event:
            # padding is random, so an event that comes twice came twice by mistake
            if event == self._last_event:
                return ()
            self._last_event = event
        choice = self._mine(event.get("choices") or ())
        usage = event.get("usage") or choice.get("usage")
        if not usage and "x_groq" in event:
            usage = (event["x_groq"] or _NOTHING).get("usage")
        if usage:
            self._usage = usage
        deltas: list[Delta] = []
        delta = choice.get("delta") or self._delta_of(choice)
        if delta:
            deltas = self._delta(delta)
        logprobs = choice.get("logprobs")
        if logprobs:
            self._tokens.extend(tokens_in(logprobs))
        finish = choice.get("finish_reason")
        # some give the word with every piece, so the first is not always the last
        if finish and finish not in _NO_REASON and self._finish in (None, "stop"):
            self._finish = str(finish)
            self._stopped_by = choice.get("stop_reason")
        return deltas

    def _mine(self, choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The one choice that is read: the first of the first event that has any."""
        if len(choices) == 1 and choices[0].get("index") == self._choice:
            return choices[0]
        for choice in sorted(choices, key=_number):
            if self._choice is None:
                self._choice = choice.get("index", 0)
            if _number(choice) == str(self._choice or 0):
                return choice
        return _NOTHING

    def _delta_of(self, choice: dict[str, Any]) -> dict[str, Any] | None:
        """What a choice without a delta says."""
        if choice.get("message") and self._draft.is_empty:
            # what comes whole may come once more at the end, when all of it is known
            return numbered(choice["message"])
        return {"content": choice["text"]} if choice.get("text") else None

    def read(self, body: Any) -> Sequence[Delta]:
        """What a whole answer says, from a server that does not stream."""
        choice = body["choices"][0]
        if not choice.get("message") and "text" not in choice:
            raise KeyError("message")
        return self.feed(body)

    def finish(self, marked: bool) -> Sequence[Delta]:
        """What was held back in case more came."""
        if self._finish is None and marked:
            if "" not in self._asked.preset.stops:
                raise unsaid(self._asked.preset.name)
            self._finish = ""
        deltas = self._told(self._thoughts.finish()) if self._thoughts is not None else []
        return [*deltas, *self._draft.finish()]

    def _text(self, text: str) -> list[Delta]:
        self._said_text = True
        if self._thoughts is None:
            return self._draft.text(text)
        return self._told(self._thoughts.feed(text))

    def _told(self, pieces: Sequence[Piece]) -> list[Delta]:
        deltas: list[Delta] = []
        for kind, text in pieces:
            deltas += self._draft.reasoning(text) if kind == "thought" else self._draft.text(text)
        return deltas

    def _delta(self, delta: dict[str, Any]) -> list[Delta]:
        deltas: list[Delta] = []
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought:
            deltas += self._draft.reasoning(_plain(thought))
        for detail in delta.get("reasoning_details") or ():
            _merge_detail(self._details, detail)
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                deltas += self._text(content)
            else:
                for chunk in cast(list[Any], content if isinstance(content, list) else [content]):
                    deltas += self._chunk(chunk)
        refusal = delta.get("refusal")
        if refusal:
            self._refused = True
            deltas += self._draft.text(refusal)
        if "tool_calls" in delta or "function_call" in delta:
            for call in calls_in(delta):
                deltas += self._calls.feed(call)
        return deltas

    def _chunk(self, chunk: str | dict[str, Any]) -> list[Delta]:
        if isinstance(chunk, str):
            return self._text(chunk)
        if chunk["type"] == "thinking":
            return self._draft.reasoning(_plain(chunk["thinking"]))
        return self._text(chunk.get("text") or "")

    def reply(self) -> Reply:
        """The answer."""
        stop = self._stop()
        preset = self._asked.preset
        if self._asked.settings.logprobs and self._said_text and not self._tokens:
            raise ConfigError(
                f"{preset.name} was asked for log-probabilities and sent none: leave logprobs out"
            )
        parts = self._draft.parts()
        if preset.think_tags:
            parts = _thought_first(parts)
        message = Message(role="assistant", parts=self._signed(parts))
        return Reply(message=message, usage=self._cost(), stop=stop, tokens=tuple(self._tokens))

    def _stop(self) -> Stop:
        stop = stop_of(self._finish or "", self._asked.preset.name, self._asked.preset.stops)
        if self._refused:
            return "filtered"
        if self._draft.stopped:
            return "stop_sequence"
        if stop == "tool_calls":
            stop = self._draft.stop_of_calls
        elif stop == "end" and self._draft.has_calls:
            stop = "tool_calls"
        if stop == "end" and self._stopped_by in self._asked.settings.stop:
            return "stop_sequence"
        return stop

    def _signed(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts, with what the service wants back."""
        kept: dict[str, Any] = {}
        if self._calls.extras:
            kept["calls"] = self._calls.extras
        if self._details:
            kept["message"] = {"reasoning_details": self._details}
        if not kept:
            return parts
        signature = pack(self._asked.preset.name, to_json(kept).decode())
        for place, part in enumerate(parts):
            if isinstance(part, Reasoning):
                signed = part.model_copy(update={"signature": signature})
                return (*parts[:place], signed, *parts[place + 1 :])
        return (Reasoning(text="", signature=signature), *parts)

    def _cost(self) -> Usage:
        used = self._usage
        if not used:
            return Usage()
        tokens_in = used.get("prompt_tokens") or 0
        tokens_out = used.get("completion_tokens") or 0
        details = used.get("prompt_tokens_details") or _NOTHING
        cached = details.get("cached_tokens") or used.get("prompt_cache_hit_tokens") or 0
        return self._asked.usage(
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            cached_tokens=cached,
            charged=used.get("cost"),
        )


def _thought_first(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts, with a thought taken out of a text whose opening mark stood in the prompt."""
    if not parts or not isinstance(parts[0], Text):
        return parts
    halves = unopened(parts[0].text)
    if halves is None:
        return parts
    thought, text = halves
    rest = (Text(text=text),) if text else ()
    return (*((Reasoning(text=thought),) if thought.strip() else ()), *rest, *parts[1:])


def _number(choice: dict[str, Any]) -> str:
    return str(choice.get("index") or 0)


def _plain(thought: Any) -> str:
    """A thought that may come in parts."""
    if isinstance(thought, str):
        return thought
    return "".join(part if isinstance(part, str) else part.get("text", "") for part in thought)


def _merge_detail(details: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Put a piece of OpenRouter's `reasoning_details` to the one it goes on with."""
    last = details[-1] if details else None
    if (
        last is None
        or last.get("type") != piece.get("type")
        or last.get("index") != piece.get("index")
    ):
        details.append(dict(piece))
        return
    for name, value in piece.items():
        if name in ("text", "summary", "data") and value and last.get(name):
            last[name] += value
        elif value is not None:
            last[name] = value
