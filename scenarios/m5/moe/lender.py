"""Experts that are lent: code in the sandbox asks one of the host, which counts the rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab_tools.execute import Sandbox
from agentlab_tools.execute.host_calls import HostCalls

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_MOST = 400
"""Times that experts may be asked for one answer."""

Expert: TypeAlias = "Callable[[Array], Array]"


@dataclass
class Lender:
    """Experts that are asked from within one sandbox.

    Attributes:
        experts: those of the task at hand, by number.
        calls: who was asked, and the rows, in order.
    """

    sandbox: Sandbox
    experts: list[Expert] = field(default_factory=list[Any])
    calls: list[tuple[int, Array]] = field(default_factory=list[tuple[int, Any]])

    def __post_init__(self) -> None:
        self._host = HostCalls(self.sandbox, self._answer)

    @property
    def inside(self) -> str:
        """What code that asks experts begins with."""
        return self._host.inside

    async def during(self, experts: list[Expert], run: Callable[[], Any]) -> Any:
        """What `run` returns, while these experts answer.

        Raises:
            ToolError: it did not end well.
        """
        self.experts, self.calls = experts, []
        return await self._host.during(run)

    async def _answer(self, data: bytes) -> bytes:
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
