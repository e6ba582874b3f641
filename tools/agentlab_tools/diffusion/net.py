"""The net: a picture with noise, the moment and a prompt in, the direction to the picture out.

A small U-net (Ronneberger and colleagues, 2015) of 16 by 16 places, in which the moment and the
prompt scale and shift every layer's channels (FiLM, Perez and colleagues, 2018), with attention
where it is narrowest. Pictures of 32 points a side go in as 16 by 16 places of 2 by 2 points.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch  # noqa: TID253 - the file is loaded where a net is made
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: N812, TID253

TEXT = 384
"""Numbers of a prompt. All 0 is no prompt."""
_GROUPS = 8
_HEADS = 4
_WAVES = 32


@dataclass(frozen=True)
class Shape:
    """How large a net is.

    Attributes:
        side: points of a picture, in height and in width.
        patch: points of a place, likewise.
        wide: channels where there are most places, and
        deep: where there are a quarter of them.
        told: numbers in which the moment and the prompt are told to each layer.
    """

    side: int = 16
    patch: int = 1
    wide: int = 48
    deep: int = 64
    told: int = 96

    def plain(self) -> dict[str, int]:
        """As it is kept in a file."""
        return asdict(self)


class Block(nn.Module):
    """Two convolutions around what is told, added to what came in."""

    def __init__(self, before: int, after: int, told: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, after)
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.film = nn.Linear(told, 2 * after)
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.film.weight)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Channels `after`, at the same places."""
        scale, shift = self.film(told)[:, :, None, None].chunk(2, dim=1)
        made = self.norm(self.first(F.silu(x))) * (1 + scale) + shift
        return self.skip(x) + self.second(F.silu(made))


class Look(nn.Module):
    """Each place looks at all others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, channels)
        self.asks = nn.Conv2d(channels, 3 * channels, 1)
        self.says = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.says.weight)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        n, channels, high, wide = x.shape
        asked = self.asks(self.norm(x)).view(n, 3, _HEADS, channels // _HEADS, high * wide)
        query, key, value = asked.unbind(1)
        # written out: as one call, it takes twice as long on a processor
        chances = (query.transpose(2, 3) @ key * (channels // _HEADS) ** -0.5).softmax(dim=-1)
        seen = value @ chances.transpose(2, 3)
        return x + self.says(seen.reshape(n, channels, high, wide))


class Net(nn.Module):
    """`net(x, t, prompts)`: the direction from noise (t = 0) to pictures (t = 1), at x.

    Pictures are (n, 3, side, side), shades from -1 to 1; moments (n,); prompts (n, 384).
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        points, wide, deep, told = 3 * shape.patch**2, shape.wide, shape.deep, shape.told
        self.moment = nn.Sequential(nn.Linear(2 * _WAVES, told), nn.SiLU(), nn.Linear(told, told))
        self.prompt = nn.Sequential(nn.Linear(TEXT, told), nn.SiLU(), nn.Linear(told, told))
        self.stem = nn.Conv2d(points, wide, 3, padding=1)
        self.down = nn.ModuleList((Block(wide, wide, told), Block(wide, wide, told)))
        self.narrow = nn.Conv2d(wide, deep, 3, stride=2, padding=1)
        self.inner = nn.ModuleList(Block(deep, deep, told) for _ in range(3))
        self.looks = nn.ModuleList(Look(deep) for _ in range(2))
        self.widen = nn.Conv2d(deep, wide, 1)
        self.up = nn.ModuleList((Block(2 * wide, wide, told), Block(2 * wide, wide, told)))
        self.norm = nn.GroupNorm(_GROUPS, wide)
        self.last = nn.Conv2d(wide, points, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor, prompts: Tensor) -> Tensor:
        """The direction, in the shape of x."""
        told = F.silu(self.moment(_waves(t)) + self.prompt(prompts * TEXT**0.5))
        made = self.stem(F.pixel_unshuffle(x, self.shape.patch))
        kept: list[Tensor] = []
        for block in self.down:
            made = block(made, told)
            kept.append(made)
        made = self.narrow(made)
        for number, block in enumerate(self.inner):
            made = block(made, told)
            if number < len(self.looks):
                made = self.looks[number](made)
        made = F.interpolate(self.widen(made), scale_factor=2)
        for block in self.up:
            made = block(torch.cat([made, kept.pop()], dim=1), told)
        made = self.last(F.silu(self.norm(made)))
        return F.pixel_shuffle(made, self.shape.patch)


def _waves(t: Tensor) -> Tensor:
    """A moment as sines and cosines, from slow to quick."""
    pace = torch.exp(torch.linspace(0, math.log(1000), _WAVES, device=t.device))
    turned = t[:, None] * pace
    return torch.cat([turned.sin(), turned.cos()], dim=1)
