"""Kinds of things, the words for them, and requests for pictures, with what fits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.emoji import emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

KINDS: Mapping[str, Sequence[str]] = {
    "mammal": ("animal-mammal",),
    "bird": ("animal-bird",),
    "insect": ("animal-bug",),
    "flower": ("plant-flower",),
    "fruit": ("food-fruit",),
    "vegetable": ("food-vegetable",),
    "drink": ("drink",),
    "building": ("place-building",),
    "vehicle": ("transport-ground",),
    "clothing": ("clothing",),
    "musical instrument": ("musical-instrument",),
    "tool": ("tool",),
    "face": (
        *("face-smiling", "face-concerned", "face-affection"),
        *("face-neutral-skeptical", "face-negative"),
    ),
    "hand": ("hand-fingers-open", "hand-fingers-partial", "hand-single-finger", "hands"),
    "sport": ("sport",),
}
"""A word for each of 15, and Unicode's own kinds that it stands for."""
PROMPTS = ("{}", "a {}", "a picture of a {}", "many {}s", "emoji of a {}")
_ANIMALS = (
    *("animal-mammal", "animal-bird", "animal-bug", "animal-marine", "animal-reptile"),
    "animal-amphibian",
)
_VEHICLES = ("transport-ground", "transport-air", "transport-water")
_FACES = (
    *KINDS["face"],
    *("face-tongue", "face-hand", "face-sleepy", "face-unwell", "face-hat", "face-glasses"),
    *("face-costume", "cat-face", "monkey-face"),
)
_GROUPS: Mapping[str, Sequence[str]] = {
    "animals": _ANIMALS,
    "vehicles": _VEHICLES,
    "faces": _FACES,
    "birds": KINDS["bird"],
    "insects": KINDS["insect"],
    "sea animals": ("animal-marine",),
    "aircraft": ("transport-air",),
    "boats": ("transport-water",),
    "cats": ("cat-face",),
    "buildings": ("place-building",),
    "hands": KINDS["hand"],
}


@dataclass(frozen=True)
class Request:
    """What is asked for, and what must not be among it ("" for nothing)."""

    wanted: str
    unwanted: str = ""

    def question(self) -> str:
        """As an agent is asked."""
        return f"Find pictures of {self.wanted}{f', but no {self.unwanted}' * bool(self.unwanted)}."

    def fits(self, things: Array) -> tuple[Array, Array]:
        """Which of these things are as wanted, and which must not be among them."""
        import numpy as np

        kinds = emoji().kinds[things]
        bad = np.isin(kinds, _GROUPS.get(self.unwanted, ()))
        return np.isin(kinds, _GROUPS[self.wanted]) & ~bad, bad


REQUESTS: tuple[Request, ...] = (
    Request("animals", "birds"),
    Request("animals", "insects"),
    Request("animals", "sea animals"),
    Request("vehicles", "aircraft"),
    Request("vehicles", "boats"),
    Request("faces", "cats"),
    Request("vehicles"),
    Request("animals"),
)


def kind_of(things: Array) -> Array:
    """The number of each thing's kind in `KINDS`, -1 where it is of none."""
    import numpy as np

    said = emoji().kinds[things]
    made = np.full(len(said), -1)
    for number, group in enumerate(KINDS.values()):
        made[np.isin(said, group)] = number
    return made
