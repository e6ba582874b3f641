"""Experts that are lent: code in the sandbox asks one by a file, and the host counts the rows."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab_tools.execute import Sandbox, WorkspaceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_WAIT = 0.002
_LARGEST = 1_000_000
_MOST = 400
"""Times that experts may be asked for one answer."""

Expert: TypeAlias = "Callable[[Array], Array]"


@dataclass
class Lender:
    """Answers what the code of one sandbox asks.

    Attributes:
        experts: those of the task at hand, by number.
        calls: who was asked, and the rows, in order.
        served: how many were answered, in all tasks together.
    """

    sandbox: Sandbox
    experts: list[Expert] = field(default_factory=list[Any])
    calls: list[tuple[int, Array]] = field(default_factory=list[tuple[int, Any]])
    served: int = 0

    async def during(self, experts: list[Expert], run: Callable[[], Any]) -> Any:
        """What `run` returns, while these experts answer.

        Raises:
            ToolError: it did not end well.
        """
        self.experts, self.calls = experts, []
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
            data = await self.sandbox.read_file(f"ask-{number}.npz", limit=_LARGEST)
        except WorkspaceError:
            return
        self.served = number
        await self.sandbox.write_file(f"answer-{number}.part", self._answered(data))
        await self.sandbox.write_file(f"answer-{number}.there", "")

    def _answered(self, data: bytes) -> bytes:
        import numpy as np

        file = io.BytesIO()
        try:
            number, rows = asked(data, len(self.experts))
            if len(self.calls) >= _MOST:
                raise ToolError("experts were asked too often")
            self.calls.append((number, rows))
            np.savez(file, out=self.experts[number](rows))
        except ToolError as error:
            np.savez(file, error=np.array(str(error)))
        return file.getvalue()


def asked(data: bytes, count: int) -> tuple[int, Array]:
    """Who is asked, and about which rows.

    Raises:
        ToolError: it makes no sense.
    """
    import numpy as np

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as made:
            who, rows = made["number"], np.asarray(made["rows"], dtype=float)
            number = int(who)
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        raise ToolError(f"expert can't read it: {type(error).__name__}") from error
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ToolError(f"expert takes rows (n, width), not {rows.shape}")
    if not 0 <= number < count:
        raise ToolError(f"there is no expert {number}; there are 0 to {count - 1}")
    return number, rows
