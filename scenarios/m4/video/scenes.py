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
from agentlab_tools.film.moves import FRAMES, MOTIONS, film, room
from agentlab_tools.film.painter import Order

from .clips import clear, meant
from .films import painter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SHOTS, FILMS, CALLS = 4, 8, 60
"""Sides of a square, films of a scene, and how often the net may be asked for each."""
SHOT = FRAMES - 1
LONG = SHOTS * SHOT + 1
_SQUARE = ("right", "down", "left", "up")


@dataclass(frozen=True)
class Scene:
    """Digits that go round a square: as they should, and as noise behind a first frame.

    Attributes:
        motion: by number, in each shot: (n, 4).
    """

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
def scene(seed: int) -> Scene:
    """Each begins with another side, and half of them go the other way round."""
    import numpy as np

    dice = np.random.default_rng(seed)
    pictures, names = clear()
    rows: list[int] = dice.choice(len(names), FILMS, replace=False).tolist()
    rounds = [_round(n) for n in dice.permutation(FILMS).tolist()]
    at = [_way(pictures[row], motions, dice) for row, motions in zip(rows, rounds, strict=True)]
    truth = film(pictures[rows], np.array(at))
    x = dice.normal(size=truth.shape).astype(np.float32)
    x[:, 0] = truth[:, 0] * 2 - 1
    motion = np.array([[MOTIONS.index(one) for one in motions] for motions in rounds])
    return Scene(truth, x, names[rows], motion)


def _round(number: int) -> tuple[str, ...]:
    """One of eight ways round a square."""
    sides = _SQUARE if number < SHOTS else _SQUARE[::-1]
    return sides[number % SHOTS :] + sides[: number % SHOTS]


def _way(picture: Array, motions: Sequence[str], dice: Any) -> Array:
    """Where a digit is in each frame, and how large, from a place with room for all: (29, 3)."""
    import numpy as np

    size = float(dice.uniform(0.8, 0.95))
    way = along(motions)
    x0, x1, y0, y1 = room(picture, size)
    low, high = way.min(axis=0), way.max(axis=0)
    x = dice.uniform(x0 - low[0], max(x1 - high[0], x0 - low[0]))
    y = dice.uniform(y0 - low[1], max(y1 - high[1], y0 - low[1]))
    return np.column_stack([way + np.array([x, y]), np.full(len(way), size)])


def along(motions: Sequence[str]) -> Array:
    """Where a digit is in each frame of several shots, from its place in the first: (n, 2)."""
    import numpy as np

    parts = [np.zeros((1, 2))]
    for motion in motions:
        parts.append(parts[-1][-1] + meant(motion)[1:])
    return np.concatenate(parts)


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
    """The films that the net makes by a plan, from 0 to 1.

    It is told the motion of the shot of the last frame that it is shown.
    """
    import numpy as np

    x, levels = here.x.copy(), here.levels
    for order in plan:
        side = (order[0] + FRAMES - 2) // SHOT
        painter().obeys(x, levels, order, here.digit, here.motion[:, side])
    return np.clip((x + 1) / 2, 0, 1)


def rated(films: Array, here: Scene) -> dict[str, float]:
    """How like the first frame's digit the last ones are, and how far from where they should be."""
    import numpy as np

    likes = [float(kept(one)[-SHOT:].min()) for one in films]
    far = [float(astray(a, b)[-SHOT:].max()) for a, b in zip(films, here.truth, strict=True)]
    return {"kept": float(np.mean(likes)), "astray": float(np.mean(far))}


KEPT, ASTRAY = 0.85, 1.0
MEASURES = ("calls", "kept", "astray")


def told(found: Mapping[str, float]) -> str:
    """What was measured, in a line."""
    return (
        f"{found['calls']:.0f} calls of the net a film; on the last side, digits correlate with "
        f"their first frame at {found['kept']:.2f}, and are up to {found['astray']:.1f} points off"
    )


def lacking(name: str, found: Mapping[str, float]) -> str | None:
    """What is said of a plan that is not good enough, by one measure."""
    value = found[name]
    if name == "kept" and not value >= KEPT:
        return f"on the last side, digits correlate with the first frame at {value:.2f}, not {KEPT}"
    if name == "astray" and not value <= ASTRAY:
        return f"on the last side, digits are up to {value:.1f} points from where they should be"
    if name == "calls" and not value <= CALLS:
        return f"the net is asked {value:.0f} times, {CALLS} are allowed"
    return None if math.isfinite(value) else "there are points that are no numbers"
