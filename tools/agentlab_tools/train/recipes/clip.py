"""Two towers, one space: pictures and captions that belong together come to lie together.

Each picture of a batch has to choose its caption among all of the batch, and each caption its
picture. What was never seen is found all the same, as long as its words are near to known ones.

    picture → its tower → a row ┐
                                ├ cosines / temperature → which belongs to which?
    caption → its tower → a row ┘

Radford et al., 2021, arXiv:2103.00020. Captions are read by MiniLM, which stays as it is. Pictures
are seen by a net that was trained on photographs and stays as it is, too, or by one that learns to
see here from nothing, as theirs did with 400 million pairs; there are 3,668.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import Field

from agentlab_tools.emoji import PICTURE, TEXT, emoji
from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Array: TypeAlias = NDArray[Any]

_SHOWN, _BEST = 8, 6


class Settings(RecipeSettings):
    """What can be chosen."""

    sees: Literal["features", "points"] = "features"
    """What a picture is to its tower: what a trained net sees of it, or the points themselves."""
    width: int = Field(128, ge=2)
    """Numbers in a row of the space."""
    temperature: float = Field(0.1, gt=0)
    """What cosines are divided by: small is strict."""
    rows: int = Field(256, ge=2)
    """Pairs to a step: what each has to be told from."""
    steps: int = Field(170, ge=1)
    lr: float = Field(5e-3, gt=0)
    dropped: float = Field(0.3, ge=0, lt=1)
    """Share of the numbers of a pair left out, so that none is learnt by heart."""
    held_out: int = Field(300, ge=10, le=1000)
    """Things, of 1,217, to be found at the end and not to be learnt from."""


def train(settings: Settings, work: Work) -> None:
    """Train two towers on pictures and captions."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    from agentlab_tools.train.recipes import steps as s

    work.seed_everything()
    place = s.Place.best("fp32")  # small ones gain nothing from bf16

    # 1. The data: two makers' pictures, each with the thing's name and with other words for it.
    known = emoji()
    seen = known.features
    if settings.sees == "points":
        seen = known.pictures.transpose(0, 1, 4, 2, 3) / 255 - 0.5
    order = torch.randperm(len(known.names)).numpy()
    new, old = order[: settings.held_out], order[settings.held_out :]
    pictures = torch.tensor(seen, dtype=torch.float32).to(place.device)
    captions = torch.stack([torch.tensor(one) for one in (known.of_names, known.of_words)])
    captions = captions.to(place.device)
    pairs = [(maker, words, thing) for maker in (0, 1) for words in (0, 1) for thing in old]
    work.say(f"{len(pairs):,} pairs of {len(old)} things")

    # 2. The two towers; and where they were, if this goes on after a break.
    towers = torch.nn.ModuleDict(
        {
            "picture": picture_tower(settings),
            "caption": torch.nn.Linear(TEXT, settings.width, bias=False),
        }
    ).to(place.device)
    optimizer: Any = torch.optim.Adam(towers.parameters(), settings.lr, betas=(0.9, 0.99))
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        towers.load_state_dict(state["towers"])
        optimizer.load_state_dict(state["optimizer"])

    # 3. Training: each picks its other among all of the batch, both ways.
    for step in work.steps(settings.steps):
        chosen = [pairs[row] for row in work.batch(step, settings.rows, of=len(pairs))]
        maker, words, thing = (list(column) for column in zip(*chosen, strict=True))
        one = towers["picture"](worn(pictures[maker, thing], settings.dropped))
        other = towers["caption"](worn(captions[words, thing], settings.dropped))
        scores = normalize(one) @ normalize(other).T / settings.temperature
        right = torch.arange(len(chosen)).to(place.device)
        loss: Any = (cross_entropy(scores, right) + cross_entropy(scores.T, right)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        work.report(step, loss=loss.item(), lr=settings.lr)
        if work.due(step):
            state = {"towers": towers.state_dict(), "optimizer": optimizer.state_dict()}
            work.checkpoint(step, partial(s.save_state, state=state))

    # 4. What came of it: how much is found of things that it never saw.
    towers.eval()
    with torch.no_grad():
        rows = [towers["picture"](pictures[maker, new]).cpu().numpy() for maker in (0, 1)]
        told = towers["caption"](captions[0, new]).cpu().numpy()
    scores = shares(rows, told)
    weights = sum(part.numel() for part in towers.parameters())
    work.artifact("towers.safetensors", lambda path: s.save_weights(towers.state_dict(), path))
    work.artifact("found.png", lambda path: path.write_bytes(sheet(rows[0], told, new)))
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))
    work.artifact(
        "card.md", lambda path: card(settings, weights, scores).write(path, "clip", settings)
    )


def picture_tower(settings: Settings) -> Any:
    """From what a picture is to its tower, to a row of the space."""
    from torch import nn

    if settings.sees == "features":
        scaled = nn.BatchNorm1d(PICTURE, affine=False)  # some features are always large
        return nn.Sequential(scaled, nn.Linear(PICTURE, settings.width, bias=False))
    wide = (3, 32, 64, 128)
    layers: list[Any] = []
    for channels, more in pairwise(wide):
        layers += [
            nn.Conv2d(channels, more, 3, stride=2, padding=1),
            nn.GroupNorm(8, more),
            nn.SiLU(),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(wide[-1] * 16, settings.width))


def worn(rows: Tensor, share: float) -> Tensor:
    """Some of the numbers left out of each row; of points, whole pictures are kept."""
    import torch
    from torch.nn.functional import dropout

    if rows.ndim == 2:
        return dropout(rows, share)
    down, right = (int(torch.randint(-2, 3, ())) for _ in "xy")
    moved = torch.roll(rows, (down, right), (2, 3))
    return moved.flip(3) if torch.rand(()) < 0.5 else moved


def shares(pictures: Sequence[Array], captions: Array) -> dict[str, float]:
    """How often what belongs together is found, mean of both makers' pictures and both ways."""
    import numpy as np

    from agentlab_tools.emoji.finding import found

    return {
        f"among the first {best} of {len(captions)} new things": float(
            np.mean([found(one, captions, best) for one in pictures])
        )
        for best in (1, 5, 10)
    }


def sheet(pictures: Array, captions: Array, new: Array) -> bytes:
    """What is found of some names, the right one framed, as PNG."""
    from agentlab_tools.emoji.sheet import Row, sheet

    known = emoji()
    lengths = [(rows**2).sum(axis=1, keepdims=True) ** 0.5 for rows in (captions, pictures)]
    scores = (captions / lengths[0]) @ (pictures / lengths[1]).T
    rows: list[Row] = []
    for asked in range(min(_SHOWN, len(new))):
        best = scores[asked].argsort()[::-1][:_BEST].tolist()
        right = [best.index(asked)] if asked in best else []
        shown = [known.pictures[0][new[at]] for at in best]
        rows.append(Row(str(known.names[new[asked]]), shown, right))
    return sheet(rows)


def card(settings: Settings, weights: int, scores: dict[str, float]) -> Card:
    """What people should know of the towers."""
    sees = {
        "features": "192 numbers that EfficientNet-Lite0 sees in a picture (`emoji.Encoder`)",
        "points": "pictures of 32 by 32 points, in shades from -0.5 to 0.5",
    }
    return Card(
        title="Two towers for emoji and words",
        about=(
            f"One takes {sees[settings.sees]}, the other MiniLM's vector of a text, and both give "
            f"rows of {settings.width} numbers: the smaller the angle, the better they belong "
            f"together. {weights:,} weights were learnt."
        ),
        data=(
            "1,217 emoji by Noto (Google, Apache-2.0) and Twemoji (Twitter and others, CC-BY 4.0), "
            "as packed in emoji-datasource 16 (Cal Henderson, MIT), less those held out; names and "
            "other words of emojilib (Mu-An Chiou, MIT)",
            "pictures are seen by EfficientNet-Lite0 (Tan and Le, Apache-2.0), and texts are read "
            "by all-MiniLM-L6-v2 (Apache-2.0); both stay as they are",
        ),
        measured=scores,
        limits=(
            "Small pictures of single things on white. What words say of number, place or absence "
            "is all but lost, and so is what has no emoji."
        ),
        files={
            "towers.safetensors": "the weights of both, in 32 bits",
            "found.png": "what it finds for names of things that it never saw",
            "scores.json": "the numbers",
        },
    )


recipe = Recipe(
    "clip",
    "Train two towers, one for pictures and one for words",
    Settings,
    train,
    ("torch", "numpy", "safetensors", "PIL"),
)
