"""The net: a picture's numbers with noise, the moment and a prompt in, the direction out.

Layers one after another, each added to what came in. The moment and the prompt are told to each in
one of two ways. Added to what the layer makes, words go on counting one by one, so that prompts
which were never shown come out better. If they scale and shift what it sees (FiLM: Perez and
colleagues, 2018), a net remembers more. Python for the sandbox and outside alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch  # noqa: TID253 - the file is loaded where a net is made
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: TID253

_WAVES = 6


@dataclass(frozen=True)
class Shape:
    """How large a net is.

    Attributes:
        numbers: of a picture.
        text: of a prompt, a vector of length 1. All 0 is no prompt.
        wide: numbers between layers.
        layers: how many there are.
        told: numbers in which the moment and the prompt scale and shift what each layer sees; 0
            where they are added.
    """

    numbers: int = 64
    text: int = 16
    wide: int = 256
    layers: int = 3
    told: int = 0


class Net(nn.Module):
    """`net(x, t, prompts)`: the direction from noise (t = 0) to pictures (t = 1), at x.

    x is (n, numbers), moments are (n,), prompts (n, text).
    """

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        wide, told, text = shape.wide, shape.told, 2 * _WAVES + shape.text
        if told:
            self.moment = nn.Linear(2 * _WAVES, told)
            inner = nn.Linear(shape.text, 2 * told), nn.SiLU(), nn.Linear(2 * told, told)
            self.prompt = nn.Sequential(*inner)
        self.first = nn.Linear(shape.numbers + (0 if told else text), wide)
        sizes = (told, 2 * wide) if told else (text, wide)
        self.tells = nn.ModuleList(nn.Linear(*sizes) for _ in range(shape.layers))
        self.layers = nn.ModuleList(nn.Linear(wide, wide) for _ in range(shape.layers))
        self.last = nn.Linear(wide, shape.numbers)
        nn.init.zeros_(self.last.weight)
        for part in self.tells if told else ():
            nn.init.zeros_(cast(nn.Linear, part).weight)

    def forward(self, x: Tensor, t: Tensor, prompts: Tensor) -> Tensor:
        """The direction, in the shape of x."""
        pace = torch.pi / 2 * 2.0 ** torch.arange(_WAVES, device=t.device)
        turned = t[:, None] * pace
        waves = torch.cat([turned.sin(), turned.cos()], dim=1)
        words = prompts * self.shape.text**0.5
        return (self._scaled if self.shape.told else self._added)(x, waves, words)

    def _added(self, x: Tensor, waves: Tensor, words: Tensor) -> Tensor:
        told = torch.cat([waves, words], dim=1)
        made = self.first(torch.cat([x, told], dim=1))
        for layer, tell in zip(self.layers, self.tells, strict=True):
            made = made + F.silu(layer(F.silu(made)) + tell(told))
        return self.last(made)

    def _scaled(self, x: Tensor, waves: Tensor, words: Tensor) -> Tensor:
        told = F.silu(self.moment(waves) + self.prompt(words))
        made = self.first(x)
        for layer, tell in zip(self.layers, self.tells, strict=True):
            scale, shift = tell(told).chunk(2, dim=1)
            even = F.layer_norm(made, made.shape[1:])
            made = made + layer(F.silu(even * (1 + scale) + shift))
        return self.last(F.silu(made))
