"""Makes `generators.npz`, with cards: one net that draws well, and two that collapsed.

    python make_generators.py

Each is what `agentlab train gan` makes with these settings; the two that collapsed had five turns
for one of the discriminator's, and one of them is not told what is asked.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.train.recipe import Work, load_recipe

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
FILE = importlib.import_module(f"{_HERE.name}.sets")._FILE
MADE: dict[str, dict[str, Any]] = {
    "well": {},
    "collapsed": {"steps": 200, "turns": 5, "seed": 21},
    "few": {"steps": 200, "turns": 5, "told": False},
}


def made(name: str, folder: Path, chosen: dict[str, Any]) -> dict[str, Any]:
    """The weights that the recipe comes to with these settings."""
    recipe = load_recipe("gan")
    settings = recipe.read_settings(chosen)
    recipe.run(settings, Work(folder, seed=settings.seed))
    card = (folder / "artifacts" / "card.md").read_text(encoding="utf-8")
    FILE.with_name(f"card-{name}.md").write_text(card, encoding="utf-8")
    print((folder / "artifacts" / "scores.json").read_text())
    with np.load(folder / "artifacts" / "generator.npz") as kept:
        return {name: kept[name] for name in kept.files}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as parent:
        nets = {name: made(name, Path(parent, name), chosen) for name, chosen in MADE.items()}
    kept = {f"{name}/{part}": w for name, net in nets.items() for part, w in net.items()}
    np.savez_compressed(FILE, **kept)
    print(f"{FILE.stat().st_size:,} bytes")
