"""Reads a Responses stream.

    response.output_item.added                       a message, a call or reasoning begins
    response.output_text.delta, response.function_call_arguments.delta, …
    response.output_item.done                        the same, whole
    response.completed | incomplete | failed         the end, and the usage

Events are numbered and items come a second time when they are whole, so an event that is missing
or comes twice is found out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast

from pydantic_core import to_json

from agentlab.backend import Delta, Reply, Stop
from agentlab.backends.asked import Asked
from agentlab.backends.draft import draft_for
from agentlab.backends.failures import Service, from_body
from agentlab.backends.signatures import pack
from agentlab.backends.stops import stop_of
from agentlab.errors import BackendError, StreamBroken
from agentlab.messages import Message, Usage

_NOTHING: dict[str, Any] = {}
_KEPT = ("type", "id", "summary", "encrypted_content")
"""What of reasoning is sent back."""


class ResponsesDecoder:
    """The answer in one stream to what was `asked`."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._draft = draft_for(asked)
        self._number: int | None = None
        self._is_numbered = True
        self._texts: dict[Hashable, list[str]] = {}
        self._thoughts: set[Hashable] = set()
        self._places: dict[int | None, Hashable] = {}
        self._end: str | None = None
        self._response: dict[str, Any] = _NOTHING
        self._refused = False

    @property
    def whole(self) -> bool:
        """Whether the service said that it is done, and how."""
        return self._end is not None

    def feed(self, event: Any) -> Sequence[Delta]:
        """What the event adds.

        Raises:
            StreamBroken: an event is missing, or what came in pieces is not what came whole.
            BackendError: the service says that it failed.
        """
        if self._came_before(event.get("sequence_number")):
            return ()
        match event.get("type"):
            case "response.output_text.delta":
                text = event["delta"] or ""
                self._texts.setdefault(_key(event), []).append(text)
                return self._draft.text(text)
            case "response.refusal.delta":
                self._refused = True
                self._texts.setdefault(_key(event), []).append(event["delta"])
                return self._draft.text(event["delta"])
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._thoughts.add(_key(event))
                return self._draft.reasoning(event["delta"])
            case "response.reasoning_summary_part.added" if event.get("summary_index"):
                return self._draft.reasoning("\n\n")
            case "response.function_call_arguments.delta":
                return self._draft.arguments(self._call_of(event), event["delta"])
            case "response.output_item.added":
                return self._added(event)
            case "response.output_item.done":
                return self._done(event)
            case "response.completed" | "response.incomplete":
                self._end, self._response = event["type"], event["response"]
                if self._draft.is_empty:  # some say nothing before they have said all
                    return self._items(event["response"].get("output"))
            case "response.failed" | "response.cancelled":
                self._fail(event["response"].get("error"))
            case "error":
                self._fail(event)
            case _:
                pass  # progress, and what later versions add
        return ()

    def read(self, body: Any) -> Sequence[Delta]:
        """What a whole answer says, from a server that does not stream."""
        deltas = self._items(body["output"])
        status = body.get("status") or "completed"
        if status in ("failed", "cancelled"):
            self._fail(body.get("error"))
        self._end, self._response = f"response.{status}", body
        return deltas

    def _items(self, items: Any) -> list[Delta]:
        """What items say that come without the events that would tell of them."""
        return [
            delta
            for place, item in enumerate(items or ())
            for delta in self._done({"output_index": place, "item": item})
        ]

    def _came_before(self, number: int | None) -> bool:
        """Whether an event comes a second time, told by its number.

        Raises:
            StreamBroken: one is missing.
        """
        if number is None or not self._is_numbered:
            return False
        last, self._number = self._number, number
        if last is None:
            return False
        if number == last == 0:
            self._is_numbered = False  # some write the same number on every event
            return False
        if number <= last:
            self._number = last
            return True
        self._expect(number == last + 1)
        return False

    def finish(self, marked: bool) -> Sequence[Delta]:
        """What was held back in case more came."""
        return self._draft.finish()

    def _expect(self, holds: bool) -> None:
        if not holds:
            raise StreamBroken(f"part of {self._asked.preset.name}'s answer was lost on the way")

    def _fail(self, error: dict[str, Any] | None) -> None:
        reason = error or {"message": "no reason given"}
        service = Service(name=self._asked.preset.name, model=self._asked.model)
        failure = from_body({"error": {**reason, "type": reason.get("code")}}, service)
        if failure is not None:
            raise failure

    def _call_of(self, event: dict[str, Any]) -> Hashable:
        """The key of a call: its item's id, or its place where ids are missing or change."""
        key, place = _key(event), event.get("output_index")
        return key if self._draft.called(key) is not None else self._places.get(place, key)

    def _added(self, event: dict[str, Any]) -> list[Delta]:
        item = event["item"]
        if item["type"] != "function_call":
            return []
        key = _key(event)
        self._expect(self._draft.called(key) is None)
        self._places[event.get("output_index")] = key
        deltas = self._draft.call(key, item["call_id"], item["name"])
        deltas += self._draft.name_calls()
        return [*deltas, *self._draft.arguments(key, _arguments(item))]

    def _done(self, event: dict[str, Any]) -> list[Delta]:
        item, key = event["item"], _key(event)
        match item["type"]:
            case "function_call":
                key = self._call_of(event)
                begun = self._draft.called(key) is not None
                deltas = [] if begun else self._added(event)
                whole, so_far = _arguments(item), self._draft.arguments_so_far(key)
                self._expect(whole.startswith(so_far))
                return [*deltas, *self._draft.arguments(key, whole[len(so_far) :])]
            case "message":
                pieces = cast(list[dict[str, Any]], item.get("content") or [])
                self._refused = self._refused or any(p["type"] == "refusal" for p in pieces)
                text = "".join(p.get("text") or p.get("refusal") or "" for p in pieces)
                so_far = "".join(self._texts.get(key, ()))
                self._expect(text.startswith(so_far))
                return self._draft.text(text[len(so_far) :])
            case "reasoning":
                parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
                thought = "" if key in self._thoughts else _joined(parts)
                deltas = self._draft.reasoning(thought)
                if item.get("encrypted_content"):
                    signed = {name: item[name] for name in _KEPT}
                    self._draft.sign(pack(self._asked.preset.name, to_json(signed).decode()))
                return deltas
            case _:
                return []

    def reply(self) -> Reply:
        """The answer."""
        message = Message(role="assistant", parts=self._draft.parts())
        return Reply(message=message, usage=self._cost(), stop=self._stop())

    def _stop(self) -> Stop:
        if self._end == "response.incomplete":
            details = self._response.get("incomplete_details") or _NOTHING
            preset = self._asked.preset
            stop = stop_of(details.get("reason") or "length", preset.name, preset.stops)
            return "length" if stop in ("end", "tool_calls") else stop
        if self._end != "response.completed":
            raise BackendError(
                f"{self._asked.preset.name} calls its answer "
                f"{str(self._end).removeprefix('response.')}, so it may be incomplete"
            )
        if self._refused:
            return "filtered"
        if self._draft.stopped:
            return "stop_sequence"
        allowed = self._asked.settings.max_tokens
        used = (self._response.get("usage") or _NOTHING).get("output_tokens") or 0
        if allowed is not None and used >= allowed:
            return "length"  # llama.cpp's server calls an answer it cut off completed
        return "tool_calls" if self._draft.has_calls else "end"

    def _cost(self) -> Usage:
        used = self._response.get("usage") or _NOTHING
        details = used.get("input_tokens_details") or _NOTHING
        return self._asked.usage(
            input_tokens=used.get("input_tokens") or 0,
            output_tokens=used.get("output_tokens") or 0,
            cached_tokens=details.get("cached_tokens") or 0,
        )


def _key(event: dict[str, Any]) -> Hashable:
    """How the event's item is referred to: by its id, or by its place where it has none."""
    own = event.get("item_id") or event.get("item", _NOTHING).get("id")
    return own or event.get("output_index")


def _arguments(item: dict[str, Any]) -> str:
    arguments = item.get("arguments") or ""
    return arguments if isinstance(arguments, str) else to_json(arguments).decode()


def _joined(parts: Sequence[dict[str, Any]]) -> str:
    return "\n\n".join(part.get("text", "") for part in parts)
