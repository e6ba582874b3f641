"""The net outside of the sandbox: from its weights alone, what it says of texts held back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError

from .texts import LEARNT, LETTERS, SEEN, Windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

WIDTH, EXPERTS, HIDDEN, STEPS = 64, 8, 64, 600
_LETTER = 12
_CLOSE = 1e-4
SHAPES = {
    "letter.weight": (len(LETTERS), _LETTER),
    "look.weight": (WIDTH, SEEN * _LETTER),
    "look.bias": (WIDTH,),
    "before.weight": (WIDTH,),
    "before.bias": (WIDTH,),
    "after.weight": (WIDTH,),
    "after.bias": (WIDTH,),
    "gate": (EXPERTS, WIDTH),
    "up": (EXPERTS, WIDTH, HIDDEN),
    "bias": (EXPERTS, HIDDEN),
    "down": (EXPERTS, HIDDEN, WIDTH),
    "say.weight": (len(LETTERS), WIDTH),
    "say.bias": (len(LETTERS),),
}
"""No more than these numbers come out of a training, so it can't have cost more a character."""


@dataclass(frozen=True)
class Read:
    """What a net made of windows.

    Attributes:
        nats: (n,), -log p of what came.
        experts: (n,), who read each.
    """

    nats: Array
    experts: Array

    @property
    def loss(self) -> float:
        """In nats a character."""
        return float(self.nats.mean())

    def shares(self) -> Array:
        """How much each expert read."""
        import numpy as np

        return np.bincount(self.experts, minlength=EXPERTS) / len(self.experts)


def weights(made: Mapping[str, Array]) -> dict[str, Array]:
    """The net's weights, out of what a training left.

    Raises:
        ToolError: they are others.
    """
    import numpy as np

    found: dict[str, Array] = {}
    for name, shape in SHAPES.items():
        part = made.get(name)
        if part is None or part.shape != shape:
            raise ToolError(f"the net's {name} is not {shape} any more")
        found[name] = part.astype("float64")
        if not np.isfinite(found[name]).all():
            raise ToolError(f"the net's {name} has numbers that are none: its training went astray")
    return found


def read(net: Mapping[str, Array], windows: Windows, chosen: Array | None = None) -> Read:
    """What it says of windows, each read by one expert.

    Args:
        chosen: who reads each; None leaves it to the gate, whose chance then scales the output.
    """
    import numpy as np

    x = net["letter.weight"][windows.seen].reshape(len(windows.seen), -1)
    x = x @ net["look.weight"].T + net["look.bias"]
    rows = _normed(x, net["before.weight"], net["before.bias"])
    chances = np.exp(_log_softmax(rows @ net["gate"].T))
    experts = chances.argmax(axis=1) if chosen is None else chosen
    y = outputs(net, rows, experts)
    if chosen is None:
        y = y * chances[np.arange(len(y)), experts][:, None]
    said = _normed(x + y, net["after.weight"], net["after.bias"])
    said = _log_softmax(said @ net["say.weight"].T + net["say.bias"])
    return Read(-said[np.arange(len(said)), windows.then], experts)


def outputs(net: Mapping[str, Array], rows: Array, experts: Array) -> Array:
    """What each row's own expert makes of it."""
    import numpy as np

    made = np.zeros_like(rows)
    for number in range(len(net["up"])):
        mine = experts == number
        inner = np.maximum(rows[mine] @ net["up"][number] + net["bias"][number], 0)
        made[mine] = inner @ net["down"][number]
    return made


def layer(parts: Mapping[str, Array]) -> Array:
    """A layer of experts by itself: the likeliest reads a row, and its chance scales the output."""
    import numpy as np

    chances = np.exp(_log_softmax(parts["x"] @ parts["gate"].T))
    experts = chances.argmax(axis=1)
    return outputs(parts, parts["x"], experts) * chances.max(axis=1)[:, None]


def another(said: Sequence[Array | None], tried: Sequence[Mapping[str, Array]]) -> str | None:
    """What is wrong with what a layer made of its rows, each time; None if nothing is."""
    import numpy as np

    for y, parts in zip(said, tried, strict=True):
        due = layer(parts)
        if y is None or y.shape != due.shape:
            return f"y is {None if y is None else y.shape}, not {due.shape}"
        far = np.abs(y - due).max(axis=1)
        if not far.max() <= _CLOSE:
            row = int(far.argmax())
            return f"row {row} begins with {y[row, 0]:.4g}, and it should with {due[row, 0]:.4g}"
    return None


def layers(seed: int, count: int) -> list[dict[str, Array]]:
    """Layers of numbers drawn by chance, in which not every expert is chosen."""
    import numpy as np

    dice = np.random.default_rng(seed)
    made: list[dict[str, Array]] = []
    for rows in dice.integers(5, 40, count):
        width, hidden, experts = (int(n) for n in dice.integers(4, 9, 3))
        shapes = {
            "x": (rows, width),
            "gate": (experts, width),
            "up": (experts, width, hidden),
            "bias": (experts, hidden),
            "down": (experts, hidden, width),
        }
        made.append({k: dice.normal(size=v).astype("float32") for k, v in shapes.items()})
    return made


def told(experts: Array, kinds: Array) -> float:
    """How many bits the expert tells of the kind: 0 if nothing, 3 for one of eight."""
    import numpy as np

    both = np.zeros((EXPERTS, int(kinds.max()) + 1))
    np.add.at(both, (experts, kinds), 1)
    both /= both.sum()
    alone = both.sum(axis=1, keepdims=True) @ both.sum(axis=0, keepdims=True)
    there = both > 0
    return float((both[there] * np.log2(both[there] / alone[there])).sum())


def table(experts: Array, kinds: Array, count: int = LEARNT) -> Array:
    """Of each kind, the share that each expert read: (kinds, experts)."""
    import numpy as np

    both = np.zeros((count, EXPERTS))
    np.add.at(both, (kinds, experts), 1)
    return both / both.sum(axis=1, keepdims=True)


def _normed(x: Array, weight: Array, bias: Array) -> Array:
    import numpy as np

    far = x - x.mean(axis=1, keepdims=True)
    return far / np.sqrt((far**2).mean(axis=1, keepdims=True) + 1e-5) * weight + bias


def _log_softmax(x: Array) -> Array:
    import numpy as np

    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))
