"""Two towers trained inside and tried on new things outside; and pictures named by words alone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext
from agentlab_tools.emoji import MAKERS, TEXT, emoji, finding
from agentlab_tools.emoji.sheet import Row, sheet
from agentlab_tools.knowledge.embed import open_embedder

from . import kinds, space

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Run: TypeAlias = Callable[[Mapping[str, "Array"], str], Awaitable[Mapping[str, "Array"]]]
WORDS = 4
"""Words of a learner's own that are searched for."""
_WIDEST = 1024
_LONGEST = 60
_SHOWN, _BEST = 6, 8


@cache
def embed() -> Callable[[list[str]], Array]:
    """MiniLM, on one thread."""
    return open_embedder(threads=1).embed


def numbers(said: Array | None, shape: tuple[int | None, ...], why: str) -> Array:
    """What was sent out, if it is numbers in that shape; None in it is any length.

    Raises:
        ToolError: it is not.
    """
    import numpy as np

    try:
        made = np.asarray(said, dtype=float)
    except (TypeError, ValueError):
        raise ToolError(why) from None
    fits = len(made.shape) == len(shape) and all(
        wanted in (None, given) for wanted, given in zip(shape, made.shape, strict=True)
    )
    if not fits or not np.isfinite(made).all():
        raise ToolError(f"{why}; it returned the shape {made.shape}" if not fits else f"{why}: nan")
    return made


async def train(run: Run, seed: int, context: ToolContext | None) -> tuple[str, Mapping[str, Any]]:
    """Let towers learn from pairs, and look for new things by their names."""
    import numpy as np

    from .towers import unit

    known, drawn = emoji(), space.pairs(seed)
    rng, new = np.random.default_rng(seed), drawn.new
    pictures = known.features[:, new].reshape(-1, known.features.shape[-1])
    shuffled, mixed = rng.permutation(len(pictures)), rng.permutation(len(new))
    given = {"x": drawn.x, "y": drawn.y}
    given |= {"pictures": pictures[shuffled], "captions": known.of_names[new][mixed]}
    made = await run(given, _TRAIN)
    seen = numbers(made.get("seen"), (len(pictures), None), "see must return a row a picture")
    told = numbers(made.get("told"), (len(new), seen.shape[1]), "read must return rows as wide")
    if not 1 <= seen.shape[1] <= _WIDEST:
        raise ToolError(f"a row of the space has 1 to {_WIDEST} numbers, not {seen.shape[1]}")
    if not (seen.any(axis=1).all() and told.any(axis=1).all()):
        raise ToolError("there are rows of zeros among them, which point nowhere")
    flat = min(float(rows.std(axis=0).max()) for rows in (seen, told)) < 1e-6
    seen[shuffled], told[mixed] = seen.copy(), told.copy()
    seen = seen.reshape(len(MAKERS), len(new), -1)
    shares = [[finding.found(one, told, within) for one in seen] for within in (1, 5, 10)]
    first, five, ten = (float(np.mean(share)) for share in shares)
    if context is not None:
        scores = unit(told) @ unit(seen[0]).T
        rows = [_found(str(known.names[new[n]]), scores[n], new, n) for n in range(_SHOWN)]
        rows += await _own(run, _words_of(made), seen[0], new)
        context.attach("found.png", sheet(rows), "image/png")
    line = f"found first: {first:.1%}, among 5: {five:.1%}, among 10: {ten:.1%} of {len(new)} new"
    found = {"recall": five, "first": first, "new": len(new), "flat": flat}
    return line, found


def _found(words: str, scores: Array, new: Array, right: int | None, below: str = "") -> Row:
    """A row of a sheet: the best, the right one framed."""
    best = (-scores).argsort(kind="stable")[:_BEST].tolist()
    if right is not None:
        below = f"place {int((scores > scores[right]).sum()) + 1} of {len(scores)}"
    framed = [place for place, at in enumerate(best) if at == right]
    return Row(words, [emoji().pictures[0, new[at]] for at in best], framed, below)


def _words_of(made: Mapping[str, Array]) -> list[str]:
    """The learner's own words, where its program has some."""
    try:
        said = json.loads(bytes(made["words"].astype("uint8")).decode())
    except (KeyError, ValueError, AttributeError, RecursionError):
        return []
    return [str(one)[:_LONGEST] for one in said[:WORDS]] if isinstance(said, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


async def _own(run: Run, words: Sequence[str], seen: Array, new: Array) -> list[Row]:
    if not words:
        return []
    from .towers import unit

    made = await run({"texts": embed()(list(words))}, "_made['told'] = _read(_given['texts'])")
    told = numbers(made.get("told"), (len(words), seen.shape[1]), "read must return rows as wide")
    scores = unit(told + 1e-12) @ unit(seen).T
    return [
        _found(text, one, new, None, "your words") for text, one in zip(words, scores, strict=True)
    ]


@cache
def _prompted() -> Array:
    """The words for kinds in every prompt, (kinds, prompts, 384)."""
    texts = [prompt.format(word) for word in kinds.KINDS for prompt in kinds.PROMPTS]
    return embed()(texts).reshape(len(kinds.KINDS), len(kinds.PROMPTS), TEXT)


async def name(run: Run, seed: int, context: ToolContext | None) -> tuple[str, Mapping[str, Any]]:
    """Have new pictures named by one of 15 words, with no labelled picture."""
    import numpy as np

    known, (made_space, new) = emoji(), space.learnt(seed)
    things = new[kinds.kind_of(new) >= 0]
    pictures = np.concatenate([known.features[maker][things] for maker in (0, 1)])
    right = np.tile(kinds.kind_of(things), 2)
    given = {"pictures": pictures, "texts": _prompted(), **made_space.arrays()}
    given["temperature"] = np.array(space.TEMPERATURE)
    made = await run(given, _NAME)
    why = "name must return the number of a word for each picture, and how sure it is"
    said = numbers(made.get("said"), (len(pictures),), why).astype(int)
    sure = numbers(made.get("sure"), (len(pictures),), why)
    if ((said < 0) | (said >= len(kinds.KINDS))).any() or ((sure < 0) | (sure > 1)).any():
        raise ToolError(f"{why}: 0 to {len(kinds.KINDS) - 1}, and 0 to 1")
    if context is not None:
        context.attach("named.png", _sorted(things, said, sure, right), "image/png")
    found = {"right": float((said == right).mean()), "sure": float(sure.mean())}
    line = f"{found['right']:.1%} of {len(right)} right, {found['sure']:.1%} sure on average"
    return line, found


def _sorted(things: Array, said: Array, sure: Array, right: Array) -> bytes:
    """A sheet of the surest of each word; what is right has a frame."""
    rows: list[Row] = []
    for number, word in enumerate(kinds.KINDS):
        best = [n for n in (-sure).argsort(kind="stable").tolist() if said[n] == number][:_BEST]
        looks = [emoji().pictures[n // len(things), things[n % len(things)]] for n in best]
        fit = [place for place, n in enumerate(best) if right[n] == number]
        rows.append(Row(word, looks, fit, f"{int((said == number).sum())} pictures"))
    return sheet(rows)


_TRAIN = """_see, _read = train(_given['x'], _given['y'])
_made['seen'], _made['told'] = _see(_given['pictures']), _read(_given['captions'])
_made['words'] = numpy.frombuffer(json.dumps(globals().get('WORDS', [])).encode(), dtype='uint8')"""
_NAME = """_said, _sure = name(_given['pictures'], _given['texts'],
    lambda x: (x - _given['p0']) @ _given['p'], lambda y: (y - _given['q0']) @ _given['q'],
    float(_given['temperature']))
_made['said'], _made['sure'] = numpy.asarray(_said), numpy.asarray(_sure)"""
