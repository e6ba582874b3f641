"""Films longer than the net sees at once, drawn by a plan; and how good they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from agentlab.errors import ToolError
from agentlab_tools.film.measures import astray, kept
from agentlab_tools.film.moves import FRAMES, MOTIONS, begin, film, path
from agentlab_tools.film.painter import Order

from .clips import clear
from .films import painter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

LONG, FILMS, CALLS = 24, 8, 80
"""Frames of a film, films of a scene, and how often the net may be asked for each."""
_ENDLESS = ("bounce", "circle")


@dataclass(frozen=True)
class Scene:
    """Digits that bounce or circle: as they should, and as noise behind a first frame."""

    truth: Array
    x: Array
    digit: Array
    motion: Array

    @property
    def levels(self) -> Array:
        """Nothing of the first frame is noise, and all of the others."""
        import numpy as np

        return np.array([0.0] + [1.0] * (self.x.shape[1] - 1))


@lru_cache(maxsize=2)
def scene(seed: int, frames: int = LONG, count: int = FILMS) -> Scene:
    """As many that bounce as that circle."""
    import numpy as np

    dice = np.random.default_rng(seed)
    pictures, names = clear()
    rows = dice.choice(len(names), count, replace=False)
    motions = [_ENDLESS[n % len(_ENDLESS)] for n in range(count)]
    at = [
        path(pictures[row], motion, begin(pictures[row], motion, dice, frames, fresh=1), frames)
        for row, motion in zip(rows, motions, strict=True)
    ]
    truth = film(pictures[rows], np.array(at))
    x = dice.normal(size=truth.shape).astype(np.float32)
    x[:, 0] = truth[:, 0] * 2 - 1
    return Scene(truth, x, names[rows], np.array([MOTIONS.index(one) for one in motions]))


def read_plan(said: object, frames: int) -> list[Order]:
    """The orders of a plan.

    Raises:
        ToolError: they are none.
    """
    try:
        orders = _PLAN.validate_python(said)
    except ValidationError as error:
        where = error.errors()[0]
        text = f"{'.'.join(map(str, where['loc']))}: {where['msg']}"
        raise ToolError(f"orders are (first, eight levels, eight levels): {text}") from error
    if late := [first for first, *_ in orders if first > frames - FRAMES]:
        raise ToolError(f"an order begins at frame {late[0]} of {frames}")
    return [(first, told, after) for first, told, after in orders]


_Levels: TypeAlias = Annotated[
    list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=FRAMES, max_length=FRAMES)
]
_Orders: TypeAlias = Annotated[
    list[tuple[Annotated[int, Field(ge=0)], _Levels, _Levels]], Field(max_length=1000)
]
_PLAN: TypeAdapter[list[tuple[int, list[float], list[float]]]] = TypeAdapter(_Orders)


def shot(plan: Sequence[Order], here: Scene) -> Array:
    """The films that the net makes by a plan, from 0 to 1."""
    import numpy as np

    made = painter().draws(here.x, here.levels, plan, here.digit, here.motion)
    return np.clip((made + 1) / 2, 0, 1)


def rated(films: Array, here: Scene) -> dict[str, float]:
    """How like the first frame's digit the last ones are, and how far from where they should be."""
    likes = [float(kept(one)[-4:].mean()) for one in films]
    far = [float(astray(a, b)[-8:].mean()) for a, b in zip(films, here.truth, strict=True)]
    return {"kept": sum(likes) / len(likes), "astray": sum(far) / len(far)}


KEPT, ASTRAY = 0.8, 1.5
MEASURES = ("calls", "kept", "astray")


def told(found: Mapping[str, float]) -> str:
    """What was measured, in a line."""
    return (
        f"{found['calls']:.0f} calls of the net a film; the last frames' digits correlate with the "
        f"first at {found['kept']:.2f}; in the last third they are {found['astray']:.1f} points off"
    )


def lacking(name: str, found: Mapping[str, float]) -> str | None:
    """What is said of a plan that is not good enough, by one measure."""
    value = found[name]
    if name == "kept" and not value >= KEPT:
        return f"the last frames' digits correlate with the first at {value:.2f}; {KEPT} is needed"
    if name == "astray" and not value <= ASTRAY:
        return f"in the last third, digits are {value:.1f} points from where they should be"
    if name == "calls" and not value <= CALLS:
        return f"the net is asked {value:.0f} times, {CALLS} are allowed"
    return None if math.isfinite(value) else "there are points that are no numbers"
