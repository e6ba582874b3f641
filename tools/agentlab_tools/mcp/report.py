"""What a tool says while it works, told to the MCP client that called it."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import suppress
from typing import Any

_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_MOST = 1000
_LONGEST = 4000


class Reporter:
    """Tells one call's progress and log messages, in the order they come, for as long as it lasts.

    Args:
        context: the SDK's context of the request.
        level: log messages below this are not sent.
    """

    def __init__(self, context: Any, name: str, level: str) -> None:
        self._session = context.session
        self._request = context.request_id
        self._name = name
        self._level = _LEVELS.index(level)
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue()
        self._count = 0

    async def __aenter__(self) -> Reporter:
        self._task = asyncio.create_task(self._tell())
        return self

    async def __aexit__(self, *_how: object) -> None:
        self._loop.call_soon(self._waiting.put_nowait, None)  # after what threads have handed in
        try:
            await self._task
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    def emit(self, text: str) -> None:
        """Show text while the tool works. May be called from any thread."""
        self._put("info", text)

    def failed(self, text: str) -> None:
        """Say that the call has failed."""
        self._put("warning", text)

    def _put(self, level: str, text: str) -> None:
        with suppress(RuntimeError):  # a thread that outlived its call, and the program's loop
            self._loop.call_soon_threadsafe(self._waiting.put_nowait, (level, text[:_LONGEST]))

    async def _tell(self) -> None:
        while (notice := await self._waiting.get()) is not None:
            level, text = notice
            self._count += 1
            if self._count > _MOST or not text.strip():
                continue
            with suppress(Exception):  # nobody listens any more; the call goes on
                if level == "info":
                    await self._session.report_progress(float(self._count), message=text.strip())
                if _LEVELS.index(level) >= self._level:
                    await self._log(level, text.strip())

    async def _log(self, level: str, text: str) -> None:
        with warnings.catch_warnings():  # clients of before 2026 have no other way
            warnings.simplefilter("ignore")
            sending = self._session.send_log_message(
                level=level, data=text, logger=self._name, related_request_id=self._request
            )
        await sending
