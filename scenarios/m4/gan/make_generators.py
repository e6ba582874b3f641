"""Makes `generators.npz`: one net that draws well, and two that collapsed, for `sets.py`.

    python make_generators.py

The first is played as the solution of the last step is, for longer. Of the others, the generator
has five turns for one of the discriminator's; and one of the two is not told what is asked.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: TID253 - a program of its own

torch: Any = importlib.import_module("torch")
_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
games, sets = (importlib.import_module(f"{_HERE.name}.{name}") for name in ("games", "sets"))
WIDTH = 128


def trained(text: str, seed: int) -> Any:
    """The net that a program of the lab makes of the kept digits."""
    film = types.ModuleType("film")
    film.__dict__["frame"] = id
    sys.modules["film"] = film
    space: dict[str, Any] = {}
    exec(text.replace("256", str(WIDTH)), space)  # noqa: S102 - the lab's own
    x, y, *_ = sets.digits()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    return space["train"](torch.tensor(x), torch.tensor(y))


if __name__ == "__main__":
    deaf = "return discriminator(pictures)[:, 0]"
    untold = games._game(rounds=200, turns=5, scored=deaf)
    nets = {
        "well": trained(games._game(rounds=4000), 0),
        "collapsed": trained(games._game(rounds=200, turns=5), 2),
        "few": trained(untold.replace("F.one_hot(digits, 10)", "0 * F.one_hot(digits, 10)"), 0),
    }
    kept = {
        f"{name}/{part}": weights.detach().numpy().astype(np.float16)
        for name, net in nets.items()
        for part, weights in net.state_dict().items()
    }
    np.savez_compressed(sets._FILE, **kept)
    print(f"{sets._FILE.stat().st_size:,} bytes")
