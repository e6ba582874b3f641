"""Telling MCP clients that something to read has changed, for as long as one wants to know.

Clients ask in two ways: for one address at a time (`resources/subscribe`, to 2025-11-25), or by a
stream of what they name (`subscriptions/listen`, 2026-07-28). Files are looked at once a second,
and only while somebody waits: that works for every kind of folder, on every system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from agentlab_tools.mcp.shelf import Shelf

if TYPE_CHECKING:
    from mcp import types

_LOOK_AGAIN = 1.0
_MOST = 1024


class Watching:
    """The subscriptions to what is on one shelf.

    Args:
        every: seconds between two looks.
    """

    def __init__(self, shelf: Shelf, every: float = _LOOK_AGAIN) -> None:
        self._shelf = shelf
        self._every = every
        self._wanted: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
        self._heard: dict[object, Callable[[Any], None]] = {}
        self._task: asyncio.Task[None] | None = None

    # one address at a time

    async def subscribe(self, context: Any, asked: types.SubscribeRequestParams) -> Any:
        """Answers `resources/subscribe`."""
        from mcp import types
        from mcp.shared.exceptions import MCPError

        uri = str(asked.uri)
        self._shelf.found(uri)
        subscriptions = self._wanted.setdefault(context.session._connection, {})
        if len(subscriptions) >= _MOST:
            raise MCPError(types.INVALID_PARAMS, f"More than {_MOST} subscriptions are too many")
        subscriptions[uri] = context.session
        self._begin()
        return types.EmptyResult()

    async def unsubscribe(self, context: Any, asked: types.UnsubscribeRequestParams) -> Any:
        """Answers `resources/unsubscribe`."""
        from mcp import types

        self._wanted.get(context.session._connection, {}).pop(str(asked.uri), None)
        return types.EmptyResult()

    # a stream of what a client names

    def subscribe_to_all(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Tell a listener of every change, until what is returned is called."""
        key = object()
        self._heard[key] = listener
        self._begin()
        return lambda: self._heard.pop(key, None) and None

    def listening(self) -> Any:
        """What answers `subscriptions/listen`."""
        from mcp.server.subscriptions import ListenHandler

        bus: Any = _Bus(self)  # it is only listened to; changes are told by `changed`
        return ListenHandler(bus)

    async def changed(self, uri: str) -> None:
        """Tell all who want to know that what stands there has changed."""
        from mcp.server.subscriptions import ResourceUpdated

        for listener in list(self._heard.values()):
            listener(ResourceUpdated(uri=uri))
        for subscriptions in list(self._wanted.values()):
            if uri in subscriptions:
                try:
                    await subscriptions[uri].send_resource_updated(uri)
                except Exception:  # noqa: BLE001 - whoever it was has gone
                    subscriptions.pop(uri, None)

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            marks = self._marks()  # now: what changes before the first look has changed, too
            self._task = asyncio.create_task(self._look(marks), name="files that clients watch")

    async def _look(self, before: dict[str, object]) -> None:
        while self._heard or any(self._wanted.values()):
            await asyncio.sleep(self._every)
            now = self._marks()
            for uri in now:
                if now[uri] != before.get(uri):
                    with suppress(Exception):  # one listener's fault is no other's
                        await self.changed(uri)
            before = now

    def _marks(self) -> dict[str, object]:
        return {one.uri: one.mark() for one in self._shelf.shared if one.mark is not None}


class _Bus:
    """What the SDK's handler hears of changes from."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def subscribe(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        return self._watching.subscribe_to_all(listener)
