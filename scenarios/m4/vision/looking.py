"""The steps with pictures: what stands for them comes from inside, and is read and judged here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext

from . import asking, eyes, seen
from .mind import WIDTH
from .seen import Picture, Question
from .sheet import Row, sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Run: TypeAlias = Callable[[Mapping[str, Any], str], Awaitable[Mapping[str, Any]]]
"""Gives arrays and values to the sandbox, runs glue there, and reads what it left."""
DRAWINGS, THINGS = 64, 16
"""Questions on new drawings of known things, and on new things."""
TOLD = 60
"""Pictures that the tool of the last step tells of."""
MOST = 4
"""Vectors that may stand for a picture."""
_MIDDLE = 7
"""Every so many known pictures, their mean stands for none."""
_SHOWN = 6
_LONGEST = 300
_ARTICLES = ("a", "an", "the")


def drawn(seed: int, drawings: int = DRAWINGS, things: int = THINGS) -> list[Question]:
    """Questions on new drawings, and then on new things."""
    split = seen.split(seed)
    return [
        *seen.questions(split.drawings, drawings, seed),
        *seen.questions(split.things, things, seed + 1),
    ]


def numbers(value: object, shape: tuple[int | None, ...], why: str) -> Array:
    """An array of finite numbers of this shape.

    Raises:
        ToolError: it is none.
    """
    import numpy as np

    try:
        made = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        made = np.empty(0)
    fits = len(made.shape) == len(shape) and all(
        want in (None, have) for want, have in zip(shape, made.shape, strict=True)
    )
    if not fits:
        raise ToolError(f"{why}, not {made.shape}")
    if not np.isfinite(made).all():
        raise ToolError(f"{why}: there are numbers that are none")
    return made


async def learnt(run: Run, seed: int, context: ToolContext) -> tuple[str, Mapping[str, Any]]:
    """Have vectors learnt for pictures; the model is asked about pictures that are new."""
    import numpy as np

    split = await asyncio.to_thread(seen.split, seed)
    given = await asyncio.to_thread(split.given)
    asked = drawn(seed)
    known = split.known[::_MIDDLE]
    pictures = np.stack(
        [seen.features()[one.maker, one.thing] for one in (*known, *(q.picture for q in asked))]
    )
    made = await run({**given, "pictures": pictures}, _LEARN)
    why = f"soft must return rows (pictures, 1 to {MOST}, {WIDTH})"
    rows = numbers(made.get("rows"), (len(pictures), None, WIDTH), why)
    if not 1 <= rows.shape[1] <= MOST:
        raise ToolError(f"{why}, not {rows.shape}")
    context.emit(f"the model is asked about {len(asked)} pictures\n")
    own = await asyncio.to_thread(eyes.scores, rows[len(known) :], asked)
    none = await asyncio.to_thread(eyes.scores, rows[: len(known)].mean(axis=0), asked)
    right = np.array([one.right for one in asked])
    picked = (own - none).argmax(axis=1)
    found = {
        "drawings": _share(picked, right, slice(0, DRAWINGS)),
        "things": _share(picked, right, slice(DRAWINGS, None)),
        "blind": _share(none.argmax(axis=1), right, slice(None)),
    }
    some = [*range(_SHOWN // 2), *range(DRAWINGS, DRAWINGS + _SHOWN // 2)]
    _show(context, asked, picked.tolist(), some)
    line = (
        f"new drawings {found['drawings']:.0%}, new things {found['things']:.0%}, "
        f"without the picture {found['blind']:.0%}; chance 20%"
    )
    return line, found


def _share(picked: Array, right: Array, which: slice) -> float:
    return float((picked[which] == right[which]).mean())


async def asked(run: Run, seed: int, context: ToolContext) -> tuple[str, Mapping[str, Any]]:
    """Ask about new drawings in the learner's words, and have it choose by the scores."""
    import numpy as np

    said = await run({}, _WORDS)
    before, after = (str(said.get(name)) for name in ("before", "after"))
    if len(before) + len(after) > _LONGEST:
        raise ToolError(f"BEFORE and AFTER may have {_LONGEST} letters together")
    context.emit(f"the model is asked about {DRAWINGS} pictures\n")
    questions, own, none = await asyncio.to_thread(_by_own_eyes, seed, (DRAWINGS, 0), before, after)
    dice = np.random.default_rng(seed).permutation(len(own))
    made = await run({"own": own[dice], "none": none[dice]}, _CHOOSE)
    why = "choose must return the number of a choice for each picture"
    picked = numbers(made.get("picked"), (len(own),), why).astype(int)
    right = np.array([one.right for one in questions])
    back = np.empty_like(picked)
    back[dice] = picked
    found = {
        "right": float((back == right).mean()),
        "own": float((own.argmax(axis=1) == right).mean()),
        "none": float((none.argmax(axis=1) == right).mean()),
    }
    _show(context, questions, back.tolist(), range(_SHOWN))
    line = (
        f"chosen {found['right']:.0%} right; the likeliest {found['own']:.0%}; "
        f"without the picture {found['none']:.0%}"
    )
    return line, found


@lru_cache(maxsize=16)
def _by_own_eyes(
    seed: int, count: tuple[int, int], before: str, after: str
) -> tuple[list[Question], Array, Array]:
    """Questions, and the scores of their choices with each picture, and with none in particular."""
    questions, soft = drawn(seed, *count), eyes.learnt(seed)
    rows = eyes.rows_of(soft, [one.picture for one in questions])
    middle = eyes.rows_of(soft, seen.split(seed).known[::_MIDDLE]).mean(axis=0)
    own = eyes.scores(rows, questions, before, after)
    return questions, own, eyes.scores(middle, questions, before, after)


async def told_by_an_agent(
    run: Run, seed: int, context: ToolContext
) -> tuple[str, Mapping[str, Any]]:
    """Have the learner's function put into words what is seen; then an agent asks it."""
    import numpy as np

    half = TOLD // 2
    questions, own, none = await asyncio.to_thread(
        _by_own_eyes, seed, (half, half), eyes.BEFORE, eyes.AFTER
    )
    names = [one.names() for one in questions]
    order = np.random.default_rng(seed).permutation(len(own)).tolist()
    given: dict[str, Any] = {
        "own": own[order],
        "none": none[order],
        "names": [names[n] for n in order],
    }
    said = (await run(given, _TELL)).get("told")
    if not isinstance(said, list) or len(said) != len(questions):  # pyright: ignore[reportUnknownArgumentType]
        raise ToolError("tell must return a text for each picture")
    told = dict(zip(order, (str(one)[:120] for one in said), strict=True))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    found: list[dict[str, Any]] = []
    for number, one in enumerate(questions):
        heard = mentioned(told[number], names[number])
        far = float(np.diff(np.sort(own[number] - none[number])[-2:])[0])
        right = names[number][one.right]
        found.append({"right": right, "told": told[number], "heard": heard, "far": far})
    some = [0, 1, half, half + 1]
    context.emit(f"the agent is asked about {len(some)} pictures\n")
    answers = await asking.asked([n + 1 for n in some], {n + 1: text for n, text in told.items()})
    agent = [
        {
            "asked": one.question,
            "number": one.number,
            "looked": list(one.looked),
            "told": told[one.number - 1],
            "heard": mentioned(one.said, names[one.number - 1]),
            "said": one.said,
        }
        for one in answers
    ]
    captions = [
        Row(
            _picture(questions[n].picture),
            answer.question,
            answer.said,
            found[n]["right"],
            found[n]["right"] in one["heard"],
        )
        for n, answer, one in zip(some, answers, agent, strict=True)
    ]
    context.attach("asked.png", sheet(captions), "image/png")
    lines = [f"{one['asked']} {one['said']}" for one in agent]
    return "\n".join(lines), {"told": found, "agent": agent}


def mentioned(text: str, names: Sequence[str]) -> list[str]:
    """Which of the names stand in a text as whole words, a longer one before those within it.

    Commas and articles count for nothing: an agent makes "face with a monocle" of the name.
    """
    left, found = _plain(text), list[str]()
    for name in sorted(names, key=lambda one: -len(one)):
        if (sought := _plain(name)) in left:
            found.append(name)
            left = left.replace(sought, "  ")
    return found


def _plain(text: str) -> str:
    """Words in small letters, each with a space on either side."""
    words = [one for one in re.findall(r"\w+", text.lower()) if one not in _ARTICLES]
    return f" {' '.join(words)} "


def _picture(one: Picture) -> Array:
    return seen.emoji().pictures[one.maker, one.thing]


def _show(
    context: ToolContext, asked: Sequence[Question], picked: Sequence[int], some: Sequence[int]
) -> None:
    rows: list[Row] = []
    for n in some:
        names, one = asked[n].names(), asked[n]
        said = names[picked[n]] if 0 <= picked[n] < len(names) else "nothing"
        right, question = names[one.right], f"{', '.join(names)}?"
        rows.append(Row(_picture(one.picture), question, said, right, said == right))
    context.attach("answers.png", sheet(rows), "image/png")


_LEARN = """_names = ('x', 'y', 'z', 'words', 'tokens', 'names')
_soft = learn(**{_name: _given[_name] for _name in _names})
_made['rows'] = _numpy.asarray(_soft(_given['pictures']), dtype=_numpy.float32)"""
_WORDS = "_left['before'], _left['after'] = str(BEFORE), str(AFTER)"
_CHOOSE = "_made['picked'] = _numpy.asarray(choose(_given['own'], _given['none']))"
_TELL = """_left['told'] = [str(tell(_one.copy(), _other.copy(), list(_names)))
    for _one, _other, _names in zip(_given['own'], _given['none'], _given['names'])]"""
