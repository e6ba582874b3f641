"""Makes `features.npz`: what the image model sees of all emoji when they come twice as large.

    python scenarios/m4/vision/make_features.py          # about a minute, needs onnxruntime

A picture of 32 points is enlarged to 64 (bicubic), so that the same net, with the same weights,
looks at smaller parts of it. `agentlab_tools.emoji` has what it sees of them as they are. Kept in
whole numbers of eight bits, each column with a scale of its own. Nothing is drawn by chance.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own
from numpy.typing import NDArray  # noqa: TID253
from PIL import Image  # noqa: TID253

from agentlab_tools.emoji import PICTURE, SIDE, Encoder, emoji

FILE = Path(__file__).with_name("features.npz")


def enlarged(pictures: NDArray[Any]) -> NDArray[Any]:
    """Pictures (n, 32, 32, 3) as (n, 64, 64, 3)."""
    size = (2 * SIDE, 2 * SIDE)
    return np.stack(
        [
            np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC))
            for one in pictures
        ]
    )


if __name__ == "__main__":
    known = emoji()
    rows = Encoder().features(enlarged(known.pictures.reshape(-1, SIDE, SIDE, 3)))
    scale = np.abs(rows).max(axis=0) / 127 + 1e-12
    whole = (rows / scale).round().astype(np.int8).reshape(2, len(known.names), PICTURE)
    np.savez_compressed(FILE, features=whole, scale=scale.astype(np.float32))
    print(f"{FILE.stat().st_size:,} bytes")
