"""Workers on a Ray cluster, each with a model of its own or a line to one, and what to do for them.

`interviewers` and `provers` have them ask samples and prove answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from agentlab.errors import AgentLabError, ConfigError
from agentlab_tools.cluster.joined import ClusterError

T = TypeVar("T")

TRIES = 3
"""How many workers may be lost over one thing, or in starting one."""
_PATIENCE = 10.0
"""Seconds without room for a worker before people are told what is waited for."""


@dataclass(frozen=True)
class Size:
    """How many workers there are, how many things each does at once, and what it takes up."""

    workers: int
    slots: int
    processors: int = 1
    """Of each worker."""

    @classmethod
    def of(cls, nodes: Sequence[int], *, threads: int | None, concurrency: int | None) -> Size:
        """The size for a cluster.

        Args:
            nodes: the processors of each node.
            threads: of a model that runs in the worker, which then does one thing at a time.
            concurrency: how much may be done at once, if anybody said so.
        """
        slots = 4 if threads is None else 1
        each = min(threads or 1, max([1, *nodes]))
        room = max(1, sum(processors // each for processors in nodes))
        if concurrency is None:
            return cls(room, slots, each)
        workers = min(concurrency, room)
        return cls(workers, 1 if slots == 1 else -(-concurrency // workers), each)


class WorkersLost(ClusterError):
    """One worker after the other was lost over the same thing."""


class Workers:
    """Actors of one kind on a cluster, for as long as it is entered.

    One that is lost, with its node or alone, is replaced, and what it was at is done again by
    whichever is free. Their class has a method `ready()`, which returns why it can't do its work,
    or None.
    """

    def __init__(
        self,
        ray: Any,
        kind: type,
        sent: Sequence[Any],
        size: Size,
        say: Callable[[str], object],
    ) -> None:
        """Take a joined cluster (`ray`).

        Args:
            sent: the arguments of `kind`.
            say: is told of workers that were lost or are waited for.
        """
        self._ray, self._size, self._say = ray, size, say
        self._actors = ray.remote(kind)
        self._sent = [ray.put(one) for one in sent]
        self._lost: type[Exception] = ray.exceptions.RayActorError
        self._free: asyncio.Queue[_Worker | AgentLabError] = asyncio.Queue()
        self._openings: set[asyncio.Task[None]] = set()
        self._open = 0
        self._waiting_said = False

    @property
    def size(self) -> int:
        """How much is done at once."""
        return self._size.workers * self._size.slots

    async def __aenter__(self) -> Self:
        for _ in range(self._size.workers):
            self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        for opening in self._openings:
            opening.cancel()
        await asyncio.gather(*self._openings, return_exceptions=True)

    async def all_ready(self) -> None:
        """Wait until no worker is being started any more."""
        while self._openings:
            await asyncio.wait(set(self._openings))

    async def do(self, method: str, *arguments: Any) -> Any:
        """What a method of a free worker's actor returns.

        Raises:
            ConfigError: a node can't do what is asked of it.
            WorkersLost: one worker after the other was lost over it.
            ClusterError: there are no workers left.
        """
        why = ""
        for _ in range(TRIES):
            worker = await self._next()
            try:
                returned = await _of(getattr(worker.actor, method).remote(*arguments))
            except self._lost as error:
                why = type(error).__name__
                self._replace(worker, why)
                continue
            self._free.put_nowait(worker)
            return returned
        raise WorkersLost(f"{TRIES} workers were lost over it ({why})")

    async def _next(self) -> _Worker:
        while True:
            free = await self._free.get()
            if isinstance(free, AgentLabError):
                self._free.put_nowait(free)  # for whoever else waits
                raise free
            if not free.lost:
                return free

    def _replace(self, worker: _Worker, why: str) -> None:
        """Start another worker for one that was lost. It may have been at several things."""
        if worker.lost:
            return
        worker.lost = True
        self._open -= 1
        self._ray.kill(worker.actor)  # one that is only out of reach would hold its processor
        self._say(f"a worker was lost ({why}); what it was at is done again")
        self._begin()

    def _begin(self) -> None:
        opening = asyncio.create_task(self._started())
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)

    async def _started(self) -> None:
        """Start a worker, and give it work once its models are open."""
        options = {"num_cpus": self._size.processors, "max_concurrency": self._size.slots + 1}
        why = ""
        for _ in range(TRIES):
            actor = self._actors.options(**options).remote(*self._sent)
            try:
                problem = await self._ready(actor)
            except self._lost as error:
                why = type(error).__name__
                continue
            if problem is not None:
                self._free.put_nowait(ConfigError(problem))
                return
            self._open += 1
            worker = _Worker(actor)
            for _ in range(self._size.slots):
                self._free.put_nowait(worker)
            return
        if self._open == 0 and len(self._openings) == 1:
            ended = f"no worker can be started: {TRIES} were lost as they opened the model ({why})"
            self._free.put_nowait(ClusterError(ended))

    async def _ready(self, actor: Any) -> str | None:
        opening = asyncio.create_task(_of(actor.ready.remote()))
        done, _ = await asyncio.wait({opening}, timeout=_PATIENCE)
        if not done and not self._waiting_said:
            self._waiting_said = True
            self._say("waiting for room on the cluster for all workers")
        return await opening


@dataclass(eq=False)
class _Worker:
    """An actor whose models are open; with a place in the queue for each thing it does at once."""

    actor: Any
    lost: bool = False


async def _of(reference: Awaitable[T]) -> T:
    return await reference
