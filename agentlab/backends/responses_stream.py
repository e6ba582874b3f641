"""Reads a Responses stream.

    response.output_item.added                       a message, a call or reasoning begins
    response.output_text.delta, response.function_call_arguments.delta, …
    response.output_item.done                        the same, whole
    response.completed | incomplete | failed         the end, and the usage

Events are numbered and items come a second time when they are whole, so an event that is missing
or comes twice is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class ResponsesDecoder:
    """The answer in one stream to what was `asked`."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._draft = draft_for(asked)
        self._number: int | None = None
        self._texts: dict[str, list[str]] = {}
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
        number = event.get("sequence_number")
        if number is not None:
            if self._number is not None:
                if number <= self._number:
                    return ()  # came twice
                self._expect(number == self._number + 1)
            self._number = number
        match event["type"]:
            case "response.output_text.delta":
                self._texts.setdefault(event["item_id"], []).append(event["delta"])
                return self._draft.text(event["delta"])
            case "response.refusal.delta":
                self._refused = True
                return self._draft.text(event["delta"])
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                return self._draft.reasoning(event["delta"])
            case "response.reasoning_summary_part.added" if event.get("summary_index"):
                return self._draft.reasoning("\n\n")
            case "response.function_call_arguments.delta":
                return self._draft.arguments(event["item_id"], event["delta"])
            case "response.output_item.added":
                return self._added(event["item"])
            case "response.output_item.done":
                return self._done(event["item"])
            case "response.completed" | "response.incomplete":
                self._end, self._response = event["type"], event["response"]
            case "response.failed" | "response.cancelled":
                self._fail(event["response"].get("error"))
            case "error":
                self._fail(event)
            case _:
                pass  # progress, and what later versions add
        return ()

    def read(self, body: Any) -> Sequence[Delta]:
        """What a whole answer says, from a server that does not stream."""
        deltas: list[Delta] = []
        for number, item in enumerate(body["output"]):
            named = {"id": f"item_{number}", **item}
            if item["type"] == "reasoning":
                told = [*(item.get("summary") or ()), *(item.get("content") or ())]
                deltas += self._draft.reasoning("\n\n".join(p.get("text", "") for p in told))
            deltas += self._done(named)
        status = body.get("status") or "completed"
        if status in ("failed", "cancelled"):
            self._fail(body.get("error"))
        self._end, self._response = f"response.{status}", body
        return deltas

    def _expect(self, holds: bool) -> None:
        if not holds:
            raise StreamBroken(f"part of {self._asked.preset.name}'s answer was lost on the way")

    def _fail(self, error: dict[str, Any] | None) -> None:
        told = error or {"message": "no reason given"}
        service = Service(name=self._asked.preset.name, model=self._asked.model)
        failure = from_body({"error": {**told, "type": told.get("code")}}, service)
        if failure is not None:
            raise failure

    def _added(self, item: dict[str, Any]) -> Sequence[Delta]:
        if item["type"] != "function_call":
            return ()
        self._expect(self._draft.called(item["id"]) is None)
        self._draft.call(item["id"], item["call_id"], item["name"])
        deltas = self._draft.name_calls()
        return [*deltas, *self._draft.arguments(item["id"], item.get("arguments") or "")]

    def _done(self, item: dict[str, Any]) -> Sequence[Delta]:
        match item["type"]:
            case "function_call":
                deltas: list[Delta] = []
                if self._draft.called(item["id"]) is None:
                    self._draft.call(item["id"], item["call_id"], item["name"])
                    deltas += self._draft.name_calls()
                so_far = self._draft.arguments_so_far(item["id"])
                self._expect(item["arguments"].startswith(so_far))
                rest = item["arguments"][len(so_far) :]
                return [*deltas, *self._draft.arguments(item["id"], rest)]
            case "message":
                pieces = cast(list[dict[str, Any]], item.get("content") or [])
                text = "".join(p["text"] for p in pieces if p["type"] == "output_text")
                so_far = "".join(self._texts.get(item["id"], ()))
                self._expect(text.startswith(so_far))
                return self._draft.text(text[len(so_far) :])
            case "reasoning" if item.get("encrypted_content"):
                kept = {key: item[key] for key in ("type", "id", "summary", "encrypted_content")}
                self._draft.sign(pack(self._asked.preset.name, to_json(kept).decode()))
                return ()
            case _:
                return ()

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
