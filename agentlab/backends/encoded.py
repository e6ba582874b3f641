"""The wire form of messages, made once for each.

A conversation only grows, and what is in it never changes, so the bytes a message becomes in a
request are kept for as long as the message itself lives. A step then costs what is new in it, not
the length of the history.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from agentlab.messages import Message


class Encoded:
    """Remembers `encode(message)` by the message's identity.

    Args:
        encode: must depend on nothing but the message.
    """

    def __init__(self, encode: Callable[[Message], bytes]) -> None:
        self._encode = encode
        self._kept: dict[int, tuple[weakref.ref[Message], bytes]] = {}

    def __call__(self, message: Message) -> bytes:
        """The message's bytes."""
        key = id(message)
        entry = self._kept.get(key)
        if entry is not None and entry[0]() is message:
            return entry[1]
        cache, data = self._kept, self._encode(message)

        def forget(_: weakref.ref[Message]) -> None:
            cache.pop(key, None)

        cache[key] = (weakref.ref(message, forget), data)
        return data

    def __len__(self) -> int:
        """How many messages are remembered."""
        return len(self._kept)
