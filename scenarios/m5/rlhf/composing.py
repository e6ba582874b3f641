"""The composer outside of the sandbox: its weights, what it writes, and how likely that was.

What a program says of its composer is not asked: its weights are read, and the pieces are drawn
here.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab_tools.chorales import Chorale, data
from agentlab_tools.execute import Sandbox, SandboxLimits, printed_by
from agentlab_tools.execute.quick_torch import QUICK_TORCH
from agentlab_tools.made_once import made_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
    Weights: TypeAlias = Mapping[str, Array]

LOW, SIZE, LENGTH, BACK = 36, 46, 64, 16
CHORDS, ROUNDS = 16, 600
"""Chords of a piece; rounds of the training on Bach's."""
_HERE = Path(__file__).parent
COMPOSER = (_HERE / "composer.txt").read_text(encoding="utf-8")
REWARD = (_HERE / "reward.txt").read_text(encoding="utf-8")
LARGEST = 4_000_000
SHAPES = {
    "notes.weight": (SIZE + 1, 16),
    "place.weight": (LENGTH, 160),
    "one.weight": (160, 16 * BACK),
    "one.bias": (160,),
    "two.weight": (160, 160),
    "two.bias": (160,),
    "out.weight": (SIZE, 160),
    "out.bias": (SIZE,),
}


def write(weights: Weights, n: int, dice: Any) -> tuple[Array, Array]:
    """New pieces (n, 16, 4), and the log-probability (n, 64) of each of their notes."""
    import numpy as np

    pieces = np.full((n, BACK + LENGTH), SIZE)
    said = np.zeros((n, LENGTH))
    for at in range(LENGTH):
        scores = _at(weights, pieces[:, at : at + BACK], at)
        drawn = (scores + dice.gumbel(size=scores.shape)).argmax(axis=1)
        pieces[:, BACK + at] = drawn
        said[:, at] = scores[np.arange(n), drawn]
    return pieces[:, BACK:].reshape(n, CHORDS, 4) + LOW, said


def likely(weights: Weights, pieces: Array) -> Array:
    """The log-probability (n, 64) of each note of pieces."""
    import numpy as np

    numbers = pieces.reshape(len(pieces), LENGTH) - LOW
    seen = np.concatenate([np.full((len(pieces), BACK), SIZE), numbers], axis=1)
    rows = np.arange(len(pieces))
    said = [_at(weights, seen[:, at : at + BACK], at)[rows, numbers[:, at]] for at in range(LENGTH)]
    return np.stack(said, axis=1)


def _at(weights: Weights, seen: Array, place: int) -> Array:
    import numpy as np

    x = weights["notes.weight"][seen].reshape(len(seen), -1)
    x = x @ weights["one.weight"].T + weights["one.bias"] + weights["place.weight"][place]
    x = np.maximum(x, 0)
    x = x + np.maximum(x @ weights["two.weight"].T + weights["two.bias"], 0)
    scores = x @ weights["out.weight"].T + weights["out.bias"]
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def read(kept: bytes) -> dict[str, Array]:
    """Weights from a file that came out of a sandbox.

    Raises:
        ToolError: they are none of a composer.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(kept)) as packed:
            if sum(one.file_size for one in packed.infolist()) > LARGEST:
                raise ValueError("it unpacks to more than any composer has")
        with np.load(io.BytesIO(kept), allow_pickle=False) as file:
            found = {name: np.asarray(file[name], dtype=float) for name in SHAPES}
    except Exception as error:  # a file that was made to do harm fails in many ways
        raise ToolError("train must return a Composer: its weights can't be read") from error
    for name, shape in SHAPES.items():
        if found[name].shape != shape or not np.isfinite(found[name]).all():
            raise ToolError(f"its {name} must be {shape}, and all numbers finite")
    return found


def phrases() -> Array:
    """Four bars up to each fermata of the chorales in major, at home in C: (n, 16, 4)."""
    import numpy as np

    return np.array([piece for one in data.at_home() if not one.minor for piece in _phrases(one)])


def _phrases(one: Chorale) -> list[list[list[int]]]:
    heard = [[pitch for pitch, lasts in voice for _ in range(lasts)] for voice in one.voices]
    beats = [*zip(*(voice[one.pickup % 4 :: 4] for voice in heard), strict=True)]
    found: list[list[list[int]]] = []
    for at, odd in (divmod(fermata - one.pickup % 4, 4) for fermata in one.fermatas):
        some = beats[max(0, at - CHORDS + 1) : at + 1]
        inside = all(p is not None and LOW <= p < LOW + SIZE for chord in some for p in chord)
        if not odd and len(some) == CHORDS and inside:
            found.append([[pitch or 0 for pitch in chord] for chord in some])
    return found


async def weights() -> bytes:
    """Those of the composer as Bach taught it.

    It is trained once, in some ten seconds, and kept in `cache` in AGENTLAB_HOME.
    """
    pieces = await asyncio.to_thread(lambda: phrases().tolist())
    told = f"{COMPOSER}{_LEARN}{ROUNDS}{json.dumps(pieces)}"
    return await made_once("m5-rlhf.npz", told, lambda: _trained(pieces))


async def _trained(pieces: list[Any]) -> bytes:
    limits = SandboxLimits(timeout=600, threads=1)
    async with Sandbox.open(packages=("torch", "numpy"), limits=limits, spare=False) as opened:
        await opened.write_file("composer.py", COMPOSER)
        await opened.write_file("given.json", json.dumps(pieces))
        await printed_by(opened, QUICK_TORCH)
        await printed_by(opened, _LEARN.format(rounds=ROUNDS))
        return await opened.read_file("made.npz", limit=LARGEST)


_LEARN = """import json, numpy, torch
from composer import Composer, numbers
torch.manual_seed(0)
pieces = numbers(json.load(open("given.json")))
net = Composer()
adam = torch.optim.AdamW(net.parameters(), weight_decay=0.05)
for n in range({rounds}):
    for group in adam.param_groups:
        group["lr"] = 0.003 * min(1, (n + 1) / 50, 2 * ({rounds} - n) / {rounds})
    some = pieces[torch.randint(len(pieces), (32,))]
    loss = -net(some).gather(2, some[..., None]).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
numpy.savez("made.npz", **{{name: part.numpy() for name, part in net.state_dict().items()}})"""
