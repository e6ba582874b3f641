"""What programs in the sandbox import, on this side of it: for `measure.py` and `make_runs.py`."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from . import composing, ear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Look: TypeAlias = Callable[[int, Any], None]


@dataclass(frozen=True)
class Box:
    """The two files as modules, and the composer as Bach taught it."""

    torch: Any
    composer: Any
    rewards: Any
    base: dict[str, Array]

    def pairs(self, n: int, seed: int) -> tuple[Array, Array, Array]:
        """Pieces by twos, and whether a listener preferred the first."""
        import numpy as np

        dice = np.random.default_rng(seed)
        first, second = (composing.write(self.base, n, dice)[0] for _ in range(2))
        return first, second, ear.preferred(first, second, dice)

    def reward(self, n: int, seed: int) -> Any:
        """A reward model that learnt from so many comparisons."""
        self.torch.manual_seed(seed)
        model = self.rewards.fit(*self.pairs(n, seed))
        return model.requires_grad_(False)

    def scored(self, model: Any, pieces: Array) -> float:
        """The mean of what it gives them."""
        return float(model(self.composer.numbers(pieces)).mean())

    def drawn(self, net: Any, n: int, seed: int) -> tuple[Array, float]:
        """Pieces of a composer, and how far it is from what it was, in nats a piece."""
        import numpy as np

        weights = {name: one.numpy().astype(float) for name, one in net.state_dict().items()}
        pieces, said = composing.write(weights, n, np.random.default_rng(seed))
        return pieces, float((said - composing.likely(self.base, pieces)).sum(axis=1).mean())

    def follow(
        self,
        score: Any,
        beta: float,
        steps: int,
        look: Look,
        *,
        n: int = 128,
        lr: float = 1e-3,
        passes: int = 2,
    ) -> Any:
        """The solution of `optimise`, looked at before each step and after the last."""
        torch, net, before = self.torch, self.composer.load(), self.composer.load()
        adam = torch.optim.Adam(net.parameters(), lr=lr)
        for step in range(steps):
            look(step, net)
            pieces = net.write(n)
            with torch.no_grad():
                rewards, was = score(pieces), before(pieces)
                old = net(pieces).gather(2, pieces[..., None])[..., 0]
            lead = (rewards - rewards.mean())[:, None]
            for some in [part for _ in range(passes) for part in torch.randperm(n).split(64)]:
                now = net(pieces[some])
                ratio = (now.gather(2, pieces[some][..., None])[..., 0] - old[some]).exp()
                gain = torch.minimum(ratio * lead[some], ratio.clamp(0.8, 1.2) * lead[some])
                leash = (now.exp() * (now - was[some])).sum(dim=-1)
                loss = (beta * leash - gain).mean()
                adam.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                adam.step()
        look(steps, net)
        return net


def opened(seed: int) -> Box:
    """The files in a folder of their own, and PyTorch on one thread."""
    weights = asyncio.run(composing.weights())
    folder = Path(tempfile.mkdtemp())
    (folder / "composer.py").write_text(composing.COMPOSER, encoding="utf-8")
    (folder / "reward.py").write_text(composing.REWARD, encoding="utf-8")
    (folder / "composer.npz").write_bytes(weights)
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    composer, rewards = map(importlib.import_module, ("composer", "reward"))
    return Box(torch, composer, rewards, composing.read(weights))
