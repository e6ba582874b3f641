"""A net that is lent: code in the sandbox asks by a file which way to go, and the host counts."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab_tools.diffusion import captions
from agentlab_tools.diffusion.kept import packed
from agentlab_tools.execute import Sandbox
from agentlab_tools.execute.host_calls import HostCalls

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_LARGEST = 4_000_000
_KEPT = 8
_MOST = 64
"""Pictures, and letters of a prompt, at most."""


@dataclass(frozen=True)
class Task:
    """What is to be drawn.

    Attributes:
        noise: (n, numbers).
        prompts: n of them.
        looks: how often the net may be asked, for all pictures at once.
    """

    noise: Array
    prompts: list[str]
    guidance: float
    looks: int


def exact(task: Task, steps: int = 100) -> Array:
    """Where the ways lead, as good as exactly: by the classical rule of fourth order."""
    return walked(task, steps, order=4)


def walked(task: Task, steps: int, order: int = 1) -> Array:
    """Where so many steps lead, by Euler's rule (order 1), the midpoint's (2) or the fourth's."""
    import torch

    from agentlab_tools.diffusion.flow import guided

    x = torch.tensor(task.noise, dtype=torch.float32)
    prompts = torch.tensor(captions.embed()(task.prompts), dtype=torch.float32)

    def way(x: Any, t: float) -> Any:
        return guided(packed().net, x, t, prompts, task.guidance)

    far = 1 / steps
    with torch.no_grad():
        for n in range(steps):
            t = n * far
            one = way(x, t)
            if order == 1:
                x = x + far * one
                continue
            two = way(x + far / 2 * one, t + far / 2)
            if order == 2:
                x = x + far * two
                continue
            three = way(x + far / 2 * two, t + far / 2)
            four = way(x + far * three, t + far)
            x = x + far / 6 * (one + 2 * two + 2 * three + four)
    return x.numpy()


def looked(x: Array, t: float, prompts: list[str] | None) -> Array:
    """What the net says of x at t, with prompts or without."""
    import torch

    kept = packed()
    n = len(x)
    told = torch.zeros(n, kept.net.shape.text)
    if prompts is not None:
        told = torch.tensor(captions.embed()(prompts), dtype=torch.float32)
    with torch.no_grad():
        made = kept.net(torch.tensor(x, dtype=torch.float32), torch.full((n,), t), told)
    return made.numpy()


@dataclass
class Lender:
    """Looks at the net that are asked for from within one sandbox.

    Attributes:
        left: looks that are left of a task, and
        refused: whether there was one more.
        ways: when the net was asked with prompts, and the first few pictures as they were then.
    """

    sandbox: Sandbox
    left: int = 0
    refused: bool = False
    ways: list[tuple[float, Array]] = field(default_factory=list[Any])

    def __post_init__(self) -> None:
        answer = partial(asyncio.to_thread, self._answered)
        self._host = HostCalls(self.sandbox, answer, largest=_LARGEST)

    @property
    def inside(self) -> str:
        """What code that looks begins with."""
        return f"{self._host.inside}{_INSIDE}"

    async def during(self, looks: int, run: Callable[[], Any]) -> Any:
        """What `run` returns; meanwhile, so many looks are answered.

        Raises:
            ToolError: it did not end well.
        """
        self.left, self.refused, self.ways = looks, False, []
        return await self._host.during(run)

    def _answered(self, data: bytes) -> bytes:
        import numpy as np

        file = io.BytesIO()
        if self.left < 1:
            self.refused = True
            np.savez(file, error=np.array("all looks are taken"))
            return file.getvalue()
        self.left -= 1
        try:
            x, t, prompts = _asked(data)
            np.savez(file, way=looked(x, t, prompts))
            if prompts is not None:
                self.ways.append((t, x[:_KEPT]))
        except ToolError as error:
            np.savez(file, error=np.array(str(error)))
        return file.getvalue()


def _asked(data: bytes) -> tuple[Array, float, list[str] | None]:
    """What is asked: x, t, and prompts.

    Raises:
        ToolError: it makes no sense.
    """
    import numpy as np

    count = packed().latents.count
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as made:
            x, t = np.asarray(made["x"], dtype=float), float(made["t"])
            prompts: Any = json.loads(bytes(made["prompts"].astype("uint8")).decode())
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        raise ToolError(f"look can't read it: {type(error).__name__}") from error
    if x.ndim != 2 or x.shape[1] != count or not 1 <= len(x) <= _MOST:
        raise ToolError(f"look takes x (n, {count}), not {x.shape}")
    if not (np.isfinite(x).all() and 0 <= t <= 1):
        raise ToolError("look takes numbers that are finite, and t from 0 to 1")
    if prompts is None:
        return x, t, None
    if not isinstance(prompts, list) or len(prompts) != len(x):  # pyright: ignore[reportUnknownArgumentType]
        raise ToolError("look takes a prompt for each row of x, or None")
    return x, t, [str(one)[:_MOST] for one in prompts]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


_INSIDE = """
import io
def look(x, t, prompts=None):
    told = numpy.frombuffer(json.dumps(prompts and list(prompts)).encode(), dtype="uint8")
    file = io.BytesIO()
    numpy.savez(file, x=numpy.asarray(x, dtype=float), t=numpy.float64(t), prompts=told)
    with numpy.load(io.BytesIO(call_host(file.getvalue()))) as made:
        if "error" in made.files:
            raise ValueError(str(made["error"]))
        return made["way"]
"""
