"""A net with its latents in a file and back, in numbers of 16 bits; and the one that is packed.

What lies in `emoji` was made by `agentlab train diffusion`; its card says how.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab_tools.diffusion.latents import Latents

if TYPE_CHECKING:
    from agentlab_tools.diffusion.net import Net


_NET = "net/"


@dataclass(frozen=True)
class Kept:
    """What draws: a net, and how its numbers become pictures."""

    net: Net
    latents: Latents

    def save(self, path: Path) -> None:
        """Write it."""
        import numpy as np

        parts: dict[str, Any] = {
            f"{_NET}{name}": part.cpu().half().numpy()
            for name, part in self.net.state_dict().items()
        }
        parts["shape"] = np.array(json.dumps(asdict(self.net.shape)))
        with path.open("wb") as file:
            np.savez_compressed(file, **parts, **self.latents.arrays())

    @classmethod
    def load(cls, path: Path) -> Kept:
        """What `save` wrote, ready to draw."""
        import numpy as np
        import torch

        from agentlab_tools.diffusion.net import Net, Shape

        with np.load(path, allow_pickle=False) as kept:
            parts = {name: kept[name] for name in kept.files}
        net = Net(Shape(**json.loads(str(parts.pop("shape")))))
        weights = {name: parts.pop(name) for name in [*parts] if name.startswith(_NET)}
        net.load_state_dict(
            {name[len(_NET) :]: torch.tensor(part).float() for name, part in weights.items()}
        )
        latents = Latents(**parts)
        return cls(net.eval().requires_grad_(False), latents)


@cache
def packed() -> Kept:
    """The one that comes with AgentLab and draws emoji."""
    return Kept.load(Path(__file__).parent / "emoji" / "net.npz")
