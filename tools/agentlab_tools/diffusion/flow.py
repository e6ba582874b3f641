"""Noise to picture: the way that is learnt, and how it is gone.

The way is straight, x = (1 - t) noise + t picture, so its direction is picture - noise at every
moment. A net learns the mean of all directions that lead through x (flow matching: Lipman and
colleagues, 2022; rectified flow: Liu and colleagues, 2022). With a prompt left out now and then it
learns the way without one as well, and can be led away from that, beyond the way with one
(classifier-free guidance: Ho and Salimans, 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch  # noqa: TID253 - the file is loaded where a net is
from torch import Tensor  # noqa: TID253

Field: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`net(x, moments, prompts)`, as in `net.py`."""


def surprise(net: Field, pictures: Tensor, prompts: Tensor, dropped: float) -> Tensor:
    """The mean square by which the net's direction is off, at moments and noises of chance.

    Args:
        pictures: as numbers, (n, numbers).
        dropped: in how many of the rows the prompt is left out.
    """
    n = len(pictures)
    t = torch.rand(n, device=pictures.device)
    noise = torch.randn_like(pictures)
    way = t[:, None]
    heard = torch.rand(n, 1, device=pictures.device) >= dropped
    said = net((1 - way) * noise + way * pictures, t, prompts * heard)
    return (said - (pictures - noise)).square().mean()


def guided(net: Field, x: Tensor, t: float, prompts: Tensor, guidance: float) -> Tensor:
    """The direction with a prompt, as many times as `guidance` away from that without one."""
    moments = torch.full((len(x),), t, device=x.device)
    if guidance == 1:
        return net(x, moments, prompts)
    two = net(torch.cat([x, x]), moments.repeat(2), torch.cat([prompts, 0 * prompts]))
    told, untold = two.chunk(2)
    return untold + guidance * (told - untold)


@torch.no_grad()
def drawn(
    net: Field,
    noise: Tensor,
    prompts: Tensor,
    *,
    guidance: float = 2.0,
    steps: int = 20,
    watch: Callable[[Tensor], object] = id,
) -> Tensor:
    """Pictures of noise, as numbers, by the rule of the midpoint: two looks at the net a step.

    Args:
        watch: gets the pictures as they are before each step, and at the end.
    """
    x, far = noise, 1 / steps
    for n in range(steps):
        watch(x)
        middle = x + far / 2 * guided(net, x, n * far, prompts, guidance)
        x = x + far * guided(net, middle, (n + 0.5) * far, prompts, guidance)
    watch(x)
    return x
