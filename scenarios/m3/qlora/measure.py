"""The numbers in the lesson, made again, by itself: `python measure.py` in this folder.

python measure.py levels              how far off levels are, and how often each is used
python measure.py bytes               what three published models take
python measure.py left                what rounding leaves of the agent's adapter
python measure.py train qlora         ten steps on orders of a café, served four ways; or lora
"""

from __future__ import annotations

import asyncio
import importlib
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import numpy as np  # noqa: TID253 - a program of its own

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
families, rounding, serving, cafe, cafe_answers = (
    importlib.import_module(name)
    for name in ("qlora.families", "qlora.rounding", "qlora.serving", "lora.cases", "lora.answers")
)
_MATRICES = [f"blk.{n}.{kind}.weight" for n in (3, 15, 27) for kind in ("ffn_up", "attn_output")]


def levels() -> None:
    """Drawn normal weights, in blocks of 64, by four sets of levels."""
    blocks = np.random.default_rng(0).normal(size=(20_000, 64))
    x = (blocks / np.abs(blocks).max(axis=1, keepdims=True)).ravel()
    nf4 = np.array(rounding.levels())
    kinds = {
        "equally often": np.quantile(x, (np.arange(16) + 0.5) / 16),
        "even steps": np.arange(-8, 8) / 8,
        "NF4": nf4,
    }
    for name, known in kinds.items():
        codes: Any = cast(Any, np).searchsorted((known[1:] + known[:-1]) / 2, x)
        off = np.linalg.norm(known[codes] - x) / np.linalg.norm(x)
        used = np.bincount(codes, minlength=16) / len(x)
        print(f"{name}: off by {off:.1%}, used {used.min():.1%} to {used.max():.1%}")


def published() -> None:
    """Bytes of a training at rank 16."""
    for name, config in families.PUBLISHED.items():
        taken = [families.counted(config, recipe, 16) / 1e9 for recipe in families.RECIPES]
        print(f"{name}: lora {taken[0]:.1f} GB, qlora {taken[1]:.1f} GB")


def left() -> None:
    """How much of what the adapter changes is still there when the sum was rounded."""
    base = _read(rounding.locate_base())
    serving.served(serving.Choice("Q4_1", "merged"))
    change = {n: part - base[n] for n, part in _read(serving.whole()).items()}
    for kind in ("Q4_1", "Q4_0"):
        merged, _ = serving.served(serving.Choice(kind, "merged"))
        plain, _ = serving.served(serving.Choice(kind, "beside"))
        after, before = _read(merged), _read(plain.split("+")[0])
        stays = sum(((after[n] - before[n]) * change[n]).sum() for n in change)
        print(f"{kind}: {stays / sum((part**2).sum() for part in change.values()):.0%} left")


def _read(path: Any) -> dict[str, Any]:
    from gguf import dequantize

    from agentlab_tools.train.bridge.gguf_file import open_gguf

    reader: Any = open_gguf(path)
    return {
        one.name: dequantize(one.data, one.tensor_type)
        for one in reader.tensors
        if one.name in _MATRICES
    }


def train(recipe: str) -> None:
    """Ten steps on a café's orders; what they cost, and what is right when it is served."""
    from agentlab_tools.train.bridge.merge import merge
    from agentlab_tools.train.bridge.quantize import quantize
    from agentlab_tools.train.recipe import Work, load_recipe

    space: dict[str, Any] = {}
    exec(cafe_answers.TUNE.solution.code, space)  # noqa: S102 - the lab's own
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        chats = [
            {"messages": [{"role": "user", "content": a}, {"role": "assistant", "content": b}]}
            for a, b in space["pairs"]
        ]
        (place / "d.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in chats))
        how = {"rank": 8, "alpha": 16, "lr": 3e-3, "steps": 10, "rows": 1, "context": 128}
        how |= {"held_out": 0, "data": str(place / "d.jsonl")}
        chosen, begun = load_recipe(recipe), time.process_time()
        chosen.run(chosen.read_settings(how), Work(place / "w", every=math.inf))
        print(f"{recipe}: {time.process_time() - begun:.0f} processor seconds")
        adapter = place / "w" / "artifacts" / "adapter.gguf"
        whole = merge(f"local:smollm2+{adapter}", place / "m.gguf", name="m")
        for kind in ("Q4_1", "Q4_0"):
            base = quantize(rounding.locate_base(), place / f"b-{kind}.gguf", kind)
            merged = quantize(whole, place / f"m-{kind}.gguf", kind)
            for title, name in (("beside", f"{base}+{adapter}"), ("merged", str(merged))):
                print(f"{kind}, {title}: {asyncio.run(_tickets(name))} of 24 tickets")


async def _tickets(name: str) -> int:
    from agentlab.backend import Reply, Settings
    from agentlab.backends import connect
    from agentlab.messages import Message

    model = connect(name, threads=1, n_ctx=512)
    steady = Settings(temperature=0, repeat_penalty=1.0, max_tokens=32)
    right = 0
    for said, ticket in cafe.evening(7):
        async for item in model.stream([Message.user(said)], settings=steady):
            right += isinstance(item, Reply) and item.message.text.strip() == ticket
    await model.aclose()
    return right


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["levels"]:
            levels()
        case ["bytes"]:
            published()
        case ["left"]:
            left()
        case ["train", recipe]:
            train(recipe)
        case _:
            print(__doc__)
