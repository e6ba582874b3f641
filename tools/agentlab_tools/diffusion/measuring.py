"""How well a net draws, by the strength of its guidance: what others see in its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import torch  # noqa: TID253 - the file is loaded where a net is

from agentlab_tools.diffusion import captions, judges
from agentlab_tools.diffusion.flow import drawn
from agentlab_tools.emoji import emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentlab_tools.diffusion.kept import Kept

    Array: TypeAlias = NDArray[Any]

GUIDED = (0.0, 1.0, 2.0, 4.0)
_EACH = 10
"""Digits drawn for each prompt."""
_NAMES = 300
"""Emoji that are drawn."""
_STEPS = 20


def pictures(
    kept: Kept, vectors: Array, seed: int, *, guidance: float, steps: int = _STEPS
) -> Array:
    """A picture for each prompt's vector, of noise drawn from a seed: (n, 3, side, side)."""
    dice = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(vectors), kept.latents.count, generator=dice)
    prompts = torch.tensor(vectors, dtype=torch.float32)
    made = drawn(kept.net, noise, prompts, guidance=guidance, steps=steps)
    return kept.latents.decode(made.numpy())


def digits_drawn(kept: Kept, seed: int) -> dict[str, float]:
    """How often digit and colour are as asked, where both were shown together and where not."""
    import numpy as np

    asked = np.tile(np.arange(len(captions.prompts())), _EACH)
    digit, colour = asked // len(captions.COLOURS), asked % len(captions.COLOURS)
    unseen = np.array([pair in captions.UNSEEN for pair in zip(digit, colour, strict=True)])
    vectors = captions.as_words(captions.prompts())[asked]
    found: dict[str, float] = {}
    for guidance in GUIDED:
        read, ink = judges.digits_read(pictures(kept, vectors, seed, guidance=guidance))
        good = (read == digit) & (ink == colour)
        found[f"right at guidance {guidance:g}, shown"] = float(good[~unseen].mean())
        found[f"right at guidance {guidance:g}, never shown"] = float(good[unseen].mean())
    return found


def emoji_drawn(kept: Kept, seed: int) -> dict[str, float]:
    """How often the name asked for is the nearest of all, or among the nearest five."""
    import numpy as np

    vectors = emoji().of_names[captions.chosen()]
    asked = np.random.default_rng(seed).permutation(len(vectors))[:_NAMES]
    found: dict[str, float] = {}
    for guidance in GUIDED:
        alike = judges.emoji_read(pictures(kept, vectors[asked], seed, guidance=guidance))
        nearer = (alike > alike[np.arange(len(asked)), asked][:, None]).sum(axis=1)
        found[f"nearest to its name of {len(vectors)} at guidance {guidance:g}"] = float(
            (nearer == 0).mean()
        )
        found[f"among the nearest five at guidance {guidance:g}"] = float((nearer < 5).mean())
    return found
