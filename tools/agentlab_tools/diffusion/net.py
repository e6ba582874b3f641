"""The net: a picture's numbers with noise, the moment and a prompt in, the direction out.

Layers one after another, each added to what came in; the moment and the prompt scale and shift
what each layer sees (FiLM: Perez and colleagues, 2018). Python for the sandbox and outside alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253 - the file is loaded where a net is made
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: N812, TID253

_WAVES = 6


@dataclass(frozen=True)
class Shape:
    """How large a net is.

    Attributes:
        numbers: of a picture.
        text: of a prompt, a vector of length 1. All 0 is no prompt.
        wide: numbers between layers.
        layers: how many there are.
        told: numbers in which the moment and the prompt are told to each layer.
    """

    numbers: int = 64
    text: int = 16
    wide: int = 256
    layers: int = 3
    told: int = 64


class Net(nn.Module):
    """`net(x, t, prompts)`: the direction from noise (t = 0) to pictures (t = 1), at x.

    x is (n, numbers), moments are (n,), prompts (n, text).
    """

    def __init__(self, shape: Shape = Shape()) -> None:  # noqa: B008 - it is frozen
        super().__init__()
        self.shape = shape
        wide, told = shape.wide, 2 * _WAVES + shape.text
        self.first = nn.Linear(shape.numbers + told, wide)
        self.layers = nn.ModuleList(nn.Linear(wide, wide) for _ in range(shape.layers))
        self.told = nn.ModuleList(nn.Linear(told, wide) for _ in range(shape.layers))
        self.last = nn.Linear(wide, shape.numbers)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor, prompts: Tensor) -> Tensor:
        """The direction, in the shape of x."""
        pace = torch.pi / 2 * 2.0 ** torch.arange(_WAVES, device=t.device)
        turned = t[:, None] * pace
        prompt = prompts * self.shape.text**0.5
        told = torch.cat([turned.sin(), turned.cos(), prompt], dim=1)
        made = self.first(torch.cat([x, told], dim=1))
        for layer, tell in zip(self.layers, self.told):  # noqa: B905 - there are as many
            made = made + F.silu(layer(F.silu(made)) + tell(told))
        return self.last(made)
