"""Tells the tool calls of one Chat Completions answer apart.

A piece of a call has an index, an id and a name, each of which services leave out, repeat or use
twice. What can be relied on: the pieces of one call come with one index, where they have any; a
name and a new id, or a name with arguments after arguments that are whole, begin another call.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from agentlab.backend import Delta
from agentlab.backends.draft import Draft

_NOTHING: dict[str, Any] = {}


class ChatCalls:
    """Puts the pieces of calls into the draft.

    Args:
        draft: of the answer.
        turn: makes ids where the service has none; see `Asked.turn`.
    """

    def __init__(self, draft: Draft, turn: int) -> None:
        self._draft = draft
        self._turn = turn
        self._keys: dict[Hashable, int] = {}
        self._last = -1
        self._ids: dict[int, str] = {}
        """The id under which the service knows a call."""
        self._early: dict[Hashable, str] = {}
        """Ids that came before the name of their call."""
        self.extras: dict[str, dict[str, Any]] = {}
        """What a service wants back with a call, by the call's id."""

    def feed(self, piece: dict[str, Any]) -> list[Delta]:
        """What a piece of a call adds.

        Raises:
            StreamBroken: it goes on with a call that never began.
        """
        function = piece.get("function") or _NOTHING
        name, id, index = function.get("name"), piece.get("id"), piece.get("index")
        fragment = function.get("arguments")
        arguments = (
            fragment
            if isinstance(fragment, str)
            else to_json(fragment).decode()
            if fragment
            else ""
        )
        key = self._keys.get(index, -1) if index is not None else self._last
        deltas: list[Delta] = []
        if name and self._is_new(key, id, index, arguments):
            key = self._last = self._last + 1
            if index is not None:
                self._keys[index] = key
            id = id or self._early.pop(index, None) or f"call_{self._turn}_{key}"
            self._ids[key] = id
            # whatever came before this call is whole by now
            deltas += [*self._draft.name_calls(), *self._draft.call(key, id, name)]
        elif name:
            self._draft.name(key, name)
        elif id and self._draft.called(key) is None:
            self._early[index] = id
        extra = piece.get("extra_content")
        if extra and (own := self._draft.called(key)):
            self.extras[own] = {"extra_content": extra}
        return [*deltas, *self._draft.arguments(key, arguments)] if arguments else deltas

    def _is_new(self, key: int, id: str | None, index: Hashable, arguments: str) -> bool:
        """Whether a piece with a name begins a call."""
        if self._draft.called(key) is None or (id and id != self._ids[key]):
            return True
        if id:
            return False
        return index is None or bool(arguments and _whole(self._draft.arguments_so_far(key)))


def _whole(arguments: str) -> bool:
    try:
        return isinstance(from_json(arguments), dict)
    except ValueError:
        return False


def calls_in(delta: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """The pieces of calls in a delta, also one by itself, and those of the older protocol."""
    calls: Any = delta.get("tool_calls")
    if calls:
        return [calls] if isinstance(calls, dict) else calls  # pyright: ignore[reportUnknownVariableType]
    old = delta.get("function_call")
    return [{"index": "function_call", "function": old}] if old else ()


def numbered(message: dict[str, Any]) -> dict[str, Any]:
    """A whole message as one delta: its calls are whole, so each is a call of its own."""
    calls = calls_in(message)
    return {**message, "tool_calls": [{**call, "index": i} for i, call in enumerate(calls)]}
