"""Calls from code in a sandbox to its host, by files: the code asks, waits, and reads the answer.

    calls = HostCalls(sandbox, answer)                 # answer(data) -> data, on the host
    code = f"{calls.inside}print(call_host(b'six by seven'))"
    await calls.during(lambda: sandbox.run_python(code))

The code has neither what answers nor the count of what was asked. `ask-1.npz` is answered by
`answer-1.npz`, and so on; both are whole when they are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from agentlab_tools.execute.files import WorkspaceError
from agentlab_tools.execute.sandbox import Sandbox

T = TypeVar("T")

_WAIT = 0.003


@dataclass
class HostCalls:
    """Answers what the code of one sandbox asks.

    Attributes:
        answer: what is asked, in bytes, to its answer. An error that it raises ends `during`.
        ending: of the files' names.
        largest: bytes that a question may have; `call_host` raises ValueError for one with more.
        served: how many were answered.
    """

    sandbox: Sandbox
    answer: Callable[[bytes], Awaitable[bytes]]
    ending: str = ".npz"
    largest: int = 1_000_000
    served: int = 0

    @property
    def inside(self) -> str:
        """Python that defines `call_host(data)`, in bytes, for code that is run from now on."""
        return _INSIDE.format(
            first=self.served + 1, ending=self.ending, wait=_WAIT, largest=self.largest
        )

    async def during(self, run: Callable[[], Awaitable[T]]) -> T:
        """What `run` returns; meanwhile, what its code asks is answered."""
        cell = asyncio.ensure_future(run())
        try:
            while not cell.done():
                await asyncio.wait((cell,), timeout=_WAIT)
                await self._serve()
            return await cell
        finally:
            cell.cancel()

    async def _serve(self) -> None:
        number = self.served + 1
        try:
            asked = await self.sandbox.read_file(f"ask-{number}{self.ending}", limit=self.largest)
        except WorkspaceError:
            return
        self.served = number
        answer = await self.answer(asked)
        await self.sandbox.write_file(f"answer-{number}{self.ending}", answer)


_INSIDE = """import itertools as _itertools, os as _os, time as _time
_host_calls = _itertools.count({first})
def call_host(data):
    if len(data) > {largest}:
        raise ValueError(f"{{len(data):,}} bytes are too many to ask with: at most {largest:,}")
    number = next(_host_calls)
    with open(f"ask-{{number}}.part", "wb") as file:
        file.write(data)
    _os.replace(f"ask-{{number}}.part", f"ask-{{number}}{ending}")
    while not _os.path.exists(f"answer-{{number}}{ending}"):
        _time.sleep({wait})
    with open(f"answer-{{number}}{ending}", "rb") as file:
        return file.read()
"""
