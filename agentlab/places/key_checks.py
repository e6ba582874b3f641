"""Whether the keys that are set work, asked of all services at once and within a bound.

Whatever the network does, `results` returns in time: the asking is done in a thread that nobody
has to wait for.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable, Mapping
from threading import Thread
from typing import TYPE_CHECKING, Any

from agentlab.places.home import environment

if TYPE_CHECKING:
    from agentlab.backends.hosted import KeyCheck
    from agentlab.backends.presets import Preset

PATIENCE = 2.7
"""Seconds from the start until whoever has not answered is not waited for."""


class KeyChecks:
    """Asks every service of `presets` whose key is set; begins at once."""

    def __init__(self, presets: Mapping[str, Preset], patience: float = PATIENCE) -> None:
        env = dict(environment())
        self._asked = {
            name: preset
            for name, preset in presets.items()
            if preset.key_env and env.get(preset.key_env, "").strip()
        }
        self._env = env
        self._found: dict[str, KeyCheck] = {}
        self._failed = ""
        self._until = time.monotonic() + patience
        self._patience = patience
        self._thread = Thread(target=self._ask, name="key-checks", daemon=True)
        if self._asked:
            self._thread.start()

    def results(self) -> dict[str, KeyCheck]:
        """What each service said; one that said nothing in time is `unreachable`."""
        if not self._asked:
            return {}
        self._thread.join(max(0.0, self._until - time.monotonic()))
        answered = dict(self._found)
        return {
            name: answered.get(name) or self._silent(preset) for name, preset in self._asked.items()
        }

    def _silent(self, preset: Preset) -> KeyCheck:
        from agentlab.backends.hosted import KeyCheck

        detail = self._failed or f"no answer within {self._patience:g} seconds"
        return KeyCheck(
            service=preset.name, variable=preset.key_env, status="unreachable", detail=detail
        )

    def _ask(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_Loop) as runner:
                runner.run(self._ask_all(self._asked.items()))
        except Exception as error:  # noqa: BLE001 - told beside the services, not in a thread's traceback
            self._failed = str(error) or type(error).__name__

    async def _ask_all(self, asked: Iterable[tuple[str, Preset]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for name, preset in asked:
                tasks.create_task(self._ask_one(name, preset))

    async def _ask_one(self, name: str, preset: Preset) -> None:
        from agentlab.backends.clients import Options
        from agentlab.backends.hosted import KeyCheck, check_key
        from agentlab.backends.wire import Timeouts
        from agentlab.errors import AgentLabError

        patience = self._patience
        options = Options(timeouts=Timeouts(connect=patience, read=patience, total=patience))
        try:
            self._found[name] = await check_key(preset, env=self._env, options=options)
        except AgentLabError as error:  # the SDK is missing, or the key is no key
            self._found[name] = KeyCheck(
                service=preset.name, variable=preset.key_env, status="refused", detail=str(error)
            )


class _Loop(asyncio.SelectorEventLoop):
    """Looks names up in threads of its own: the usual ones are waited for when Python exits."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        answer: asyncio.Future[Any] = self.create_future()

        def tell(addresses: Any, error: OSError | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(addresses)
            else:
                answer.set_exception(error)

        def look_up() -> None:
            addresses, failed = None, None
            try:
                addresses = socket.getaddrinfo(host, port, **hints)
            except OSError as error:
                failed = error
            if not self.is_closed():
                self.call_soon_threadsafe(tell, addresses, failed)

        Thread(target=look_up, name="look-up", daemon=True).start()
        return await answer
