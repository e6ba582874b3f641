"""Stories of two shots: how they are told, where they begin, and whether a film shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.film.measures import centres, kept, reads
from agentlab_tools.film.moves import FRAMES, MOTIONS, SIDE, Start, film, room
from agentlab_tools.film.painter import Order

from .clips import clear
from .director import Call
from .films import painter
from .scenes import along

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

STORIES, TOLD = 2, 1
"""How many there are, and how many must be told: the agent may misunderstand one."""
LIKE, NEAR = 0.75, 2.0
"""How like its first frame each frame of a story must be, and how near to its way each digit."""
_WORDS = {
    "left": "moves to the left",
    "right": "moves to the right",
    "up": "moves up",
    "down": "moves down",
    "circle": "moves in a circle",
}
_THEN = {
    "left": ("up", "down"),
    "right": ("up", "down"),
    "up": ("left", "right"),
    "down": ("left", "right"),
    "circle": ("left", "right"),
}


@dataclass(frozen=True)
class Story:
    """A digit, how it moves in each shot, and where it starts."""

    digit: int
    motions: tuple[str, ...]
    row: int
    start: Start

    @property
    def requests(self) -> list[str]:
        """What the agent is told, shot by shot."""
        return [f"Shoot a film of a {self.digit} that {_WORDS[one]}." for one in self.motions]

    def way(self) -> Array:
        """Where the digit is to be in each frame, from its place in the first: (15, 2)."""
        return along(self.motions)


def stories(seed: int) -> list[Story]:
    """Two, of different digits and motions."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    begun = rng.sample(sorted(_THEN), STORIES)
    digits = rng.sample(range(10), STORIES)
    return [
        _placed(digit, (one, rng.choice(_THEN[one])), rng)
        for digit, one in zip(digits, begun, strict=True)
    ]


def _placed(digit: int, motions: tuple[str, ...], rng: Random) -> Story:
    """In a hand that is drawn, from a place with room for both shots."""
    import numpy as np

    pictures, names = clear()
    rows: list[int] = np.flatnonzero(names == digit).tolist()
    row, size = rng.choice(rows), 0.9
    made = Story(digit, motions, row, Start(0, 0, size))
    (x0, x1, y0, y1), way = room(pictures[row], size), made.way()
    low, high = way.min(axis=0), way.max(axis=0)
    x = rng.uniform(x0 - low[0], max(x1 - high[0], x0 - low[0]))
    y = rng.uniform(y0 - low[1], max(y1 - high[1], y0 - low[1]))
    return Story(digit, motions, row, Start(x, y, size))


def shot(story: Story, calls: Sequence[Call | None], plan: Sequence[Order], seed: int) -> Array:
    """The film that came of the agent's calls: a shot each, from where the last one ended.

    The first frame shows the digit that was called for, in the hand of the story if it is that one.
    """
    import numpy as np

    pictures, names = clear()
    dice = np.random.default_rng(seed)
    digit = next((call[0] for call in calls if call is not None), story.digit)
    row = story.row if digit == story.digit else int(dice.choice(np.flatnonzero(names == digit)))
    at = np.array([[(story.start.x, story.start.y, story.start.scale)]])
    frames = film(pictures[[row]], at)[0] * 2 - 1
    levels = np.array([0.0] + [1.0] * (FRAMES - 1))
    for call in calls:
        if call is None:
            frames = np.concatenate([frames, *[frames[-1:]] * (FRAMES - 1)])
            continue
        x = dice.normal(size=(1, FRAMES, SIDE, SIDE)).astype(np.float32)
        x[0, 0] = frames[-1]
        told = np.array([call[0]]), np.array([MOTIONS.index(call[1])])
        frames = np.concatenate([frames, painter().draws(x, levels, plan, *told)[0, 1:]])
    return np.clip((frames + 1) / 2, 0, 1)


def unlike(story: Story, frames: Array) -> str | None:
    """In what a film is not the story that was told."""
    import numpy as np

    said = int(reads(frames[:1])[0])
    if said != story.digit:
        return f"it shows a {said}, not a {story.digit}"
    if (least := float(kept(frames).min())) < LIKE:
        return f"the digit does not stay itself: a correlation of {least:.2f} with the first frame"
    seen = centres(frames)[:, :2]
    off = np.abs(seen - seen[0] - story.way()).max(axis=1)
    for number, motion in enumerate(story.motions):
        part = off[number * (FRAMES - 1) + 1 : (number + 1) * (FRAMES - 1) + 1]
        if part.max() > NEAR:
            return f"shot {number + 1}, {motion}: {part.max():.1f} points from its way"
    return None
