"""A layer of a transformer, in which each number looks at itself and at those before it.

The lab m4/music copies this file into its sandbox as it is.
"""

from __future__ import annotations

import torch  # noqa: TID253 - loaded where a net is
from torch import nn  # noqa: TID253
from torch.nn import functional  # noqa: TID253


class Layer(nn.Module):
    """(rows, n, width) becomes (rows, n, width).

    How far back a number lies is all that is said of its place: the farther, the less it counts,
    by another slope in each head (Press, Smith and Lewis, 2021).
    """

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.parts, self.back = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.slopes: torch.Tensor
        self.register_buffer("slopes", 0.5 ** torch.arange(1.0, 2.0 * heads, 2.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What each number has seen, added to what it was."""
        rows, n, width = x.shape
        parts = self.parts(self.norms[0](x)).view(rows, n, 3, self.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        away = torch.arange(n, device=x.device)[:, None] - torch.arange(n, device=x.device)
        bias = (-self.slopes[:, None, None] * away).masked_fill(away < 0, float("-inf"))
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = x + self.back(seen.transpose(1, 2).reshape(rows, n, width))
        return x + self.narrow(functional.relu(self.wide(self.norms[1](x))))
