"""Reads a Messages stream.

    message_start                                          usage so far
    content_block_start → content_block_delta* → content_block_stop     one block after the other
    message_delta                                          why it stopped, and the usage
    message_stop

Blocks are numbered, so one that is missing or comes twice is found out. Deltas are not: a delta
that a proxy repeats can't be told from one the model meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from agentlab.backend import Delta, Reply, Stop
from agentlab.backends.asked import Asked
from agentlab.backends.draft import draft_for
from agentlab.backends.signatures import pack
from agentlab.backends.stops import stop_of, unsaid
from agentlab.errors import StreamBroken
from agentlab.messages import Message, Usage

SIGNED = "signed:"
"""What a signature begins with when it belongs to thoughts that can be read."""
REDACTED = "redacted:"
"""What it begins with when it is the thoughts themselves, encrypted."""


class MessagesDecoder:
    """The answer in one stream to what was `asked`."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._draft = draft_for(asked)
        self._usage: dict[str, int] = {}
        self._stop_reason: str | None = None
        self._begun = False
        self._blocks = 0
        self._open: str | None = None
        self._marked = False

    @property
    def whole(self) -> bool:
        """Whether the service said why it stopped, with every block closed."""
        return self._stop_reason is not None and self._open is None

    def feed(self, event: Any) -> Sequence[Delta]:
        """What the event adds.

        Raises:
            StreamBroken: a block is missing, or comes twice.
        """
        match event.get("type"):
            case "content_block_delta":
                self._expect(event["index"] == self._blocks - 1 and self._open is not None)
                return self._delta(event["index"], event["delta"])
            case "content_block_start":
                self._expect(event["index"] == self._blocks and self._open is None and self._begun)
                self._blocks += 1
                self._open = event["content_block"]["type"]
                return self._start(event["index"], event["content_block"])
            case "content_block_stop":
                self._expect(event["index"] == self._blocks - 1 and self._open is not None)
                self._open = None
            case "message_start":
                self._expect(not self._begun)
                self._begun = True
                self._count(event["message"].get("usage"))
            case "message_delta":
                self._count(event.get("usage"))
                delta: Any = event.get("delta") or {}
                self._stop_reason = delta.get("stop_reason") or self._stop_reason
            case "message_stop":
                self._marked = True
            case _:
                pass  # pings, and what later versions add
        return ()

    def read(self, body: Any) -> Sequence[Delta]:
        """What a whole answer says, from a server that does not stream."""
        deltas = [*self.feed({"type": "message_start", "message": body})]
        for index, block in enumerate(body["content"]):
            bare = block
            if block["type"] == "thinking":
                bare = {**block, "thinking": block.get("thinking") or ""}
            deltas += self.feed(
                {"type": "content_block_start", "index": index, "content_block": bare}
            )
            deltas += self.feed({"type": "content_block_stop", "index": index})
        deltas += self.feed({"type": "message_delta", "delta": body, "usage": body.get("usage")})
        return deltas

    def finish(self, marked: bool) -> Sequence[Delta]:
        """What was held back in case more came."""
        if self._stop_reason is None and (marked or self._marked) and self._open is None:
            if "" not in self._asked.preset.stops:
                raise unsaid(self._asked.preset.name)
            self._stop_reason = ""
        return self._draft.finish()

    def _expect(self, holds: bool) -> None:
        if not holds:
            name = self._asked.preset.name
            raise StreamBroken(f"the blocks of {name}'s answer came out of order")

    def _start(self, index: int, block: dict[str, Any]) -> Sequence[Delta]:
        match block["type"]:
            case "text":
                return self._draft.text(block.get("text") or "")
            case "thinking":
                deltas = self._draft.reasoning(block.get("thinking") or "")
                if block.get("signature"):
                    self._sign(SIGNED + block["signature"])
                return deltas
            case "redacted_thinking":
                self._sign(REDACTED + block["data"])
                return ()
            case "tool_use":
                id = block.get("id") or f"call_{self._asked.turn}_{index}"
                deltas = self._draft.call(index, id, block["name"])
                deltas += self._draft.name_calls()
                input = block.get("input") or ""
                arguments = input if isinstance(input, str) else to_json(input).decode()
                return [*deltas, *self._draft.arguments(index, arguments)]
            case _:
                return ()

    def _delta(self, index: int, delta: dict[str, Any]) -> Sequence[Delta]:
        match delta["type"]:
            case "text_delta":
                return self._draft.text(delta["text"] or "")
            case "thinking_delta":
                return self._draft.reasoning(delta["thinking"] or "")
            case "input_json_delta" if self._open == "tool_use":
                return self._draft.arguments(index, delta["partial_json"] or "")
            case "signature_delta" if delta.get("signature"):
                self._sign(SIGNED + delta["signature"])
                return ()
            case _:
                return ()

    def _sign(self, signature: str) -> None:
        self._draft.sign(pack(self._asked.preset.name, signature))

    def _count(self, usage: dict[str, Any] | None) -> None:
        # counts are totals so far, so a later one replaces an earlier one
        self._usage.update({k: v for k, v in (usage or {}).items() if isinstance(v, int)})

    def reply(self) -> Reply:
        """The answer."""
        stop = stop_of(self._stop_reason or "", self._asked.preset.name, self._asked.preset.stops)
        if self._draft.stopped:
            return self._replied("stop_sequence")
        if stop == "tool_calls":
            stop = self._draft.stop_of_calls
        elif stop == "end" and self._draft.has_calls:
            stop = "tool_calls"
        return self._replied(stop)

    def _replied(self, stop: Stop) -> Reply:
        message = Message(role="assistant", parts=self._draft.parts())
        return Reply(message=message, usage=self._cost(), stop=stop)

    def _cost(self) -> Usage:
        used = self._usage.get
        read, written = used("cache_read_input_tokens", 0), used("cache_creation_input_tokens", 0)
        return self._asked.usage(
            # this protocol counts the cached input apart
            input_tokens=used("input_tokens", 0) + read + written,
            output_tokens=used("output_tokens", 0),
            cached_tokens=read,
            cache_write_tokens=written,
        )
