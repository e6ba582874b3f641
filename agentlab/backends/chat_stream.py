"""Reads a Chat Completions stream.

    {"choices": [{"delta": {"content": "4"}}]}                              text
    {"choices": [{"delta": {"reasoning_content": "Let me see"}}]}           reasoning
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": …, …}]}}]}    a call, in pieces
    {"choices": [{"delta": {}, "finish_reason": "stop"}]}                   the end
    {"choices": [], "usage": {…}}                                           and what it cost

Services differ in small ways, all met here: ids left out, indexes left out or all zero, content in
lists, reasoning under three names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pydantic_core import to_json

from agentlab.backend import Delta, Reply, Stop, TokenInfo
from agentlab.backends.asked import Asked
from agentlab.backends.draft import draft_for
from agentlab.backends.signatures import pack
from agentlab.backends.stops import stop_of
from agentlab.backends.thoughts import Piece, Thoughts, unopened
from agentlab.errors import ConfigError
from agentlab.messages import Message, Part, Reasoning, Text, Usage

_NOTHING: dict[str, Any] = {}


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
        self._keys: dict[int, int] = {}
        self._last_key = -1
        self._call_extras: dict[str, dict[str, Any]] = {}
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
        usage = event.get("usage")
        if usage:
            self._usage = usage
        choices = event.get("choices")
        if not choices:
            return ()
        choice = choices[0]
        if choice.get("index"):
            return ()
        deltas: list[Delta] = []
        delta = choice.get("delta")
        if delta and self._finish is None:
            deltas = self._delta(delta)
        logprobs = choice.get("logprobs")
        if logprobs and logprobs.get("content"):
            self._tokens.extend(map(_token, logprobs["content"]))
        finish = choice.get("finish_reason")
        if finish and self._finish is None:
            deltas += self._released()
            self._finish = str(finish)
            self._stopped_by = choice.get("stop_reason")
        return deltas

    def read(self, body: Any) -> Sequence[Delta]:
        """What a whole answer says, from a server that does not stream."""
        choice = cast(dict[str, Any], body["choices"][0])
        message = cast(dict[str, Any], choice["message"])
        made = cast(list[dict[str, Any]], message.get("tool_calls") or [])
        calls = [{"index": place, **call} for place, call in enumerate(made)]
        told = {**choice, "index": 0, "delta": {**message, "tool_calls": calls}}
        return self.feed({**body, "choices": [told]})

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

    def _released(self) -> list[Delta]:
        """What was held back in case more came."""
        held = self._told(self._thoughts.finish()) if self._thoughts is not None else []
        return [*held, *self._draft.name_calls()]

    def _delta(self, delta: dict[str, Any]) -> list[Delta]:
        deltas: list[Delta] = []
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought:
            deltas += self._draft.reasoning(thought)
        for detail in delta.get("reasoning_details") or ():
            _merge_detail(self._details, detail)
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                deltas += self._text(content)
            else:
                for chunk in content:
                    deltas += self._chunk(chunk)
        refusal = delta.get("refusal")
        if refusal:
            self._refused = True
            deltas += self._draft.text(refusal)
        for call in delta.get("tool_calls") or ():
            deltas += self._call(call)
        return deltas

    def _chunk(self, chunk: dict[str, Any]) -> list[Delta]:
        if chunk["type"] == "thinking":
            pieces = cast(list[dict[str, Any]], chunk["thinking"])
            return self._draft.reasoning("".join(piece.get("text", "") for piece in pieces))
        return self._text(chunk.get("text") or "")

    def _call(self, piece: dict[str, Any]) -> list[Delta]:
        function = piece.get("function") or _NOTHING
        name, id = function.get("name"), piece.get("id")
        index = piece.get("index")
        key = self._keys.get(index, -1) if index is not None else self._last_key
        known = self._draft.called(key)
        deltas: list[Delta] = []
        # an index may be left out or used twice: then a new id, or a name where no id is given,
        # is what begins a new call
        is_new = known is None or (id and id != known) or (name and not id and index is None)
        if is_new and name:
            key = self._last_key = self._last_key + 1
            if index is not None:
                self._keys[index] = key
            id = id or f"call_{self._asked.turn}_{key}"
            # whatever came before this call is whole by now
            deltas += [*self._draft.name_calls(), *self._draft.call(key, id, name)]
        elif known is not None:
            id = known
            if name:
                self._draft.name(key, name)
        extra = piece.get("extra_content")
        if extra and id:
            self._call_extras[id] = {"extra_content": extra}
        arguments = function.get("arguments")
        if arguments:
            text = arguments if isinstance(arguments, str) else to_json(arguments).decode()
            deltas += self._draft.arguments(key, text)
        return deltas

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
        if self._call_extras:
            kept["calls"] = self._call_extras
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


def _token(told: dict[str, Any]) -> TokenInfo:
    """A token as it is told; only local servers tell its id, for others it is -1."""
    return TokenInfo(
        id=told.get("id", -1),
        text=told["token"],
        logprob=told["logprob"],
        top=tuple((top["token"], top["logprob"]) for top in told.get("top_logprobs") or ()),
    )


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
