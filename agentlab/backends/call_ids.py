"""Call ids and names as the service that is asked takes them, whoever made them.

    ids = CallIds("[a-zA-Z0-9]{9}")
    ids(messages)        the same messages, with ids of nine characters

Services spell ids differently (`functions.add:0`, `call_Q1Ju…`, nine characters at Mistral), and
refuse a history that is not in their own spelling or has an id twice. So ids that do not fit are
changed on the way out, a call and its result alike; the trace keeps what was said. The same
messages always become the same ones, so bytes that were sent once are sent so again.
"""

from __future__ import annotations

import hashlib
import re
import string
import weakref
from collections.abc import Sequence

from agentlab.messages import Message, Part, ToolCall, ToolResult

ANY = ".+"
"""What an id must look like where a service does not say."""
NINE = "[a-zA-Z0-9]{9}"
"""Mistral's ids."""
_LETTERS = string.digits + string.ascii_letters
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class CallIds:
    """Gives the calls of a conversation ids that match `pattern`, each another one."""

    def __init__(self, pattern: str = ANY) -> None:
        self._fits = re.compile(pattern, re.DOTALL).fullmatch
        self._made: dict[int, tuple[weakref.ref[Message], tuple[Part, ...], Message]] = {}
        self.originals: dict[str, str] = {}
        """What ids that were changed had been."""

    def __call__(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The conversation; a message in which nothing changes stays the very same value."""
        taken: set[str] = set()
        now: dict[str, str] = {}
        renamed: list[Message] = []
        for message in messages:
            if message.role not in ("assistant", "tool"):
                renamed.append(message)
                continue
            parts = tuple(self._part(part, taken, now) for part in message.parts)
            same = all(new is old for new, old in zip(parts, message.parts, strict=True))
            renamed.append(message if same else self._changed(message, parts))
        return renamed

    def _part(self, part: Part, taken: set[str], now: dict[str, str]) -> Part:
        match part:
            case ToolCall(id=id, name=name):
                new = now[id] = self._new(id, taken)
                taken.add(new)
                if new != id:
                    self.originals[new] = id
                legal = name if _NAME.fullmatch(name) else _letters(name)[:64] or "malformed"
                if (new, legal) == (id, name):
                    return part
                return part.model_copy(update={"id": new, "name": legal})
            case ToolResult(call_id=id):
                new = now.get(id) or self._new(id, set())
                return part if new == id else part.model_copy(update={"call_id": new})
            case _:
                return part

    def _new(self, id: str, taken: set[str]) -> str:
        for candidate in (id, _letters(id)):
            if candidate and candidate not in taken and self._fits(candidate):
                return candidate
        number = 0
        while (new := _nine(f"{id}#{number}")) in taken:
            number += 1
        return new

    def _changed(self, message: Message, parts: tuple[Part, ...]) -> Message:
        entry = self._made.get(id(message))
        if entry is not None and entry[0]() is message and entry[1] == parts:
            return entry[2]
        changed, made, key = message.model_copy(update={"parts": parts}), self._made, id(message)

        def forget(_: weakref.ref[Message]) -> None:
            made.pop(key, None)

        made[key] = (weakref.ref(message, forget), parts, changed)
        return changed


def _letters(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", text).strip("_")


def _nine(text: str) -> str:
    """Nine letters and digits, which every service takes; the same for the same text."""
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])
    id = ""
    for _ in range(9):
        number, place = divmod(number, len(_LETTERS))
        id += _LETTERS[place]
    return id
