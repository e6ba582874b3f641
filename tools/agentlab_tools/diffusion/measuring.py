"""How well a net draws, by the strength of its guidance: what others see in its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import torch  # noqa: TID253 - the file is loaded where a net is

from agentlab_tools.diffusion import captions, judges
from agentlab_tools.diffusion.flow import drawn
from agentlab_tools.emoji import emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentlab_tools.diffusion.net import Net

    Array: TypeAlias = NDArray[Any]

GUIDED = (0.0, 1.0, 2.0, 4.0)
_EACH = 4
"""Digits drawn for each prompt."""
_NAMES = 200
"""Emoji that are drawn."""
_STEPS = 10
_BATCH = 60


def pictures(
    net: Net, vectors: Array, seed: int, *, guidance: float, steps: int = _STEPS
) -> Array:
    """A picture for each prompt's vector, of noise drawn from a seed: (n, 3, side, side)."""
    import numpy as np

    place = next(net.parameters()).device
    dice = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(vectors), 3, net.shape.side, net.shape.side, generator=dice)
    prompts = torch.tensor(vectors, dtype=torch.float32)
    parts = [
        drawn(
            net,
            noise[at : at + _BATCH].to(place),
            prompts[at : at + _BATCH].to(place),
            guidance=guidance,
            steps=steps,
        )
        for at in range(0, len(vectors), _BATCH)
    ]
    return np.concatenate([part.cpu().numpy() for part in parts])


def digits_drawn(net: Net, seed: int) -> dict[str, float]:
    """How often digit and colour are as asked, where both were shown together and where not."""
    import numpy as np

    asked = np.tile(np.arange(len(captions.prompts())), _EACH)
    digit, colour = asked // len(captions.COLOURS), asked % len(captions.COLOURS)
    unseen = np.array([pair in captions.UNSEEN for pair in zip(digit, colour, strict=True)])
    vectors = captions.embed()(captions.prompts())[asked]
    found: dict[str, float] = {}
    for guidance in GUIDED:
        read, ink = judges.digits_read(pictures(net, vectors, seed, guidance=guidance))
        good = (read == digit) & (ink == colour)
        found[f"right at guidance {guidance:g}, shown"] = float(good[~unseen].mean())
        found[f"right at guidance {guidance:g}, never shown"] = float(good[unseen].mean())
    return found


def emoji_drawn(net: Net, seed: int) -> dict[str, float]:
    """How often the name asked for is the nearest of all, or among the nearest five."""
    import numpy as np

    known = emoji()
    asked = np.random.default_rng(seed).permutation(len(known.names))[:_NAMES]
    found: dict[str, float] = {}
    for guidance in GUIDED:
        alike = judges.emoji_read(pictures(net, known.of_names[asked], seed, guidance=guidance))
        nearer = (alike > alike[np.arange(len(asked)), asked][:, None]).sum(axis=1)
        found[f"nearest to its name of {len(known.names):,} at guidance {guidance:g}"] = float(
            (nearer == 0).mean()
        )
        found[f"among the nearest five at guidance {guidance:g}"] = float((nearer < 5).mean())
    return found
