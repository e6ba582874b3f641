"""What the learner's wiring is tried on, and what is wrong with what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

KINDS = ("gpt", "bert", "t5")
WORDS = 40
CLOSE = 1e-3
"""How far a score may be off."""


def given(seed: int) -> dict[str, Array]:
    """Four texts for each net: the first two differ in their last word, the others are padded.

    `source` is what the encoder of `t5` reads, and its first two differ in their first word.
    """
    import numpy as np

    dice = np.random.default_rng(seed)
    texts, source = (dice.integers(1, WORDS, size=(4, n)) for n in (6, 7))
    texts[1], source[1] = texts[0], source[0]
    texts[1, -1] = 1 + texts[0, -1] % (WORDS - 1)
    source[1, 0] = 1 + source[0, 0] % (WORDS - 1)
    texts[2, 4:], texts[3, 2:], source[2, 5:], source[3, 3:] = 0, 0, 0, 0
    return {"ids": texts, "source": source, "same": np.repeat(texts[:1], 4, axis=0)}


def inner_of(value: object) -> dict[str, int]:
    """How wide each net's hidden layers are.

    Raises:
        ToolError: it does not say so.
    """
    match value:
        case {"gpt": int(one), "bert": int(two), "t5": int(three)}:
            inner: dict[str, int] = dict(zip(KINDS, (one, two, three), strict=True))
            if all(8 <= n <= 512 for n in inner.values()):
                return inner
        case _:
            pass
    raise ToolError("INNER must give a whole number from 8 to 512 for gpt, for bert and for t5")


def sizes(inner: Mapping[str, int]) -> dict[str, int]:
    """How many numbers each net learns."""
    from .forward import BLOCKS
    from .nets import Net, size

    return {kind: size(Net(WORDS, *BLOCKS[kind], inner[kind])) for kind in KINDS}


def wanted(seed: int, inner: Mapping[str, int]) -> dict[str, Array]:
    """The scores of the judge's own wiring, as `INSIDE` names them."""
    import torch

    from . import forward
    from .nets import Net

    arrays = {name: torch.tensor(part) for name, part in given(seed).items()}
    made: dict[str, Array] = {}
    with cast(Any, torch.random).fork_rng(), torch.no_grad():
        for kind in KINDS:
            cast(Any, torch).manual_seed(seed)
            net = Net(WORDS, *forward.BLOCKS[kind], inner[kind])
            if kind == "t5":
                made["t5"] = forward.t5(net, arrays["source"], arrays["ids"]).numpy()
                made["t5 same"] = forward.t5(net, arrays["source"], arrays["same"]).numpy()
            else:
                made[kind] = getattr(forward, kind)(net, arrays["ids"]).numpy()
    return made


def complaint(kind: str, made: Mapping[str, Array], right: Mapping[str, Array], ids: Array) -> Any:
    """What is wrong with the scores of a net, in words; None if nothing is."""
    import numpy as np

    for name in [name for name in right if name.split()[0] == kind]:
        if made[name].shape != right[name].shape:
            return f"the shape is {made[name].shape}, not {right[name].shape}"
        if not np.isfinite(made[name][:, :2]).all():
            return "there are scores that are no numbers: some word may look at nothing"
    says = _seen(kind, made)
    words = ids[..., None] != 0
    for name in right if says is None else ():
        if name.split()[0] != kind:
            continue
        off = np.where(words | (name == "t5 same"), np.abs(made[name] - right[name]), 0)
        by_text = off.max(axis=(1, 2))
        if by_text[:2].max() > CLOSE:
            return f"its scores are off by {by_text[:2].max():.2g}"
        if not by_text[2:].max() <= CLOSE:
            return "padding changes the scores of words"
    return says


def _seen(kind: str, made: Mapping[str, Array]) -> str | None:
    """What a net sees that it must not, or the other way round."""
    import numpy as np

    first, second = made[kind][:2]
    before = float(np.abs(first[:-1] - second[:-1]).max())
    if kind == "bert":
        return None if before > CLOSE else "a word does not see those after it"
    if kind == "gpt":
        return None if before <= CLOSE else "a word sees those after it"
    one, two = made["t5 same"][:2]
    if float(np.abs(one - two).max()) <= CLOSE:
        return "what is written does not depend on what was read"
    third, fourth = made["t5 same"][0], made["t5"][0]
    return None if _alike([third, fourth]) else "it writes the same text in two ways"


def _alike(rows: Sequence[Array]) -> bool:
    import numpy as np

    return float(np.abs(rows[0] - rows[1]).max()) <= CLOSE


INSIDE = """import json, numpy, torch
from nets import Net
torch.set_num_threads(1)
with numpy.load('given.npz') as _kept:
    _given = {{_name: torch.tensor(_kept[_name]) for _name in _kept}}
_made = {{}}
with torch.no_grad():
    for _kind, _blocks in {blocks}.items():
        torch.manual_seed({seed})
        _net = Net({words}, *_blocks, INNER[_kind])
        if _kind == 't5':
            _made['t5'] = t5(_net, _given['source'], _given['ids'])
            _made['t5 same'] = t5(_net, _given['source'], _given['same'])
        else:
            _made[_kind] = {{'gpt': gpt, 'bert': bert}}[_kind](_net, _given['ids'])
numpy.savez('made.npz', **{{_name: _part.numpy() for _name, _part in _made.items()}})
print(json.dumps(dict(inner=INNER)))"""
"""What runs in the sandbox after the learner's program."""
