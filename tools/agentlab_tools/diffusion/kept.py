"""A net in a file and back, in numbers of 16 bits; and the two that are packed.

`digits.npz` and `emoji.npz` were made by `agentlab train diffusion`; each has its card beside it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from agentlab_tools.diffusion.net import Net

Name: TypeAlias = Literal["digits", "emoji"]


def save(net: Net, path: Path) -> None:
    """Write a net's weights and shape."""
    import numpy as np

    halves = {name: part.cpu().half().numpy() for name, part in net.state_dict().items()}
    with path.open("wb") as file:
        np.savez(file, shape=np.array(json.dumps(net.shape.plain())), **halves)


def load(path: Path) -> Net:
    """The net that `save` wrote, ready to draw."""
    import numpy as np
    import torch

    from agentlab_tools.diffusion.net import Net, Shape

    with np.load(path, allow_pickle=False) as kept:
        net = Net(Shape(**json.loads(str(kept["shape"]))))
        parts = {name: torch.tensor(kept[name]).float() for name in kept.files if name != "shape"}
    net.load_state_dict(parts)
    return net.eval().requires_grad_(False)


@cache
def packed(name: Name) -> Net:
    """One of the two nets that come with AgentLab."""
    return load(Path(__file__).with_name(f"{name}.npz"))
