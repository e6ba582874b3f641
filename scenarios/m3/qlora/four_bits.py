"""NF4 in PyTorch, for the learner's layer: packed(weights) and unpacked(codes, scales, shape).

A scale of 16 bits for each 64 weights, which is 4.25 bits a weight.
"""

from __future__ import annotations

from statistics import NormalDist

import torch  # noqa: TID253 - it runs in the sandbox only

BLOCK = 64
_EDGE = 0.9677083
_quantile = NormalDist().inv_cdf
_ABOVE = [_quantile(0.5 + (_EDGE - 0.5) * n / 8) for n in range(9)]
_BELOW = [-_quantile(0.5 + (_EDGE - 0.5) * n / 7) for n in range(1, 8)]
LEVELS = torch.tensor(sorted(_BELOW + _ABOVE)) / _ABOVE[-1]


def packed(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(codes, two in each byte; scales in float16, one for each block)."""
    blocks = weights.detach().float().reshape(-1, BLOCK)
    scales = blocks.abs().amax(dim=1, keepdim=True).clamp(min=1e-6).half()
    codes = torch.bucketize(blocks / scales, (LEVELS[1:] + LEVELS[:-1]) / 2)
    codes = codes.flatten().to(torch.uint8)
    return codes[0::2] << 4 | codes[1::2], scales


def unpacked(codes: torch.Tensor, scales: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The weights again in bfloat16, each at its level."""
    both = torch.stack([codes >> 4, codes & 15], dim=1).int()
    return (LEVELS[both].reshape(-1, BLOCK) * scales).reshape(shape).bfloat16()
