"""Diffusion: a net that draws what a prompt says, from nothing but noise.

A picture is mixed with noise, and the net learns which way the picture lies. Whoever can tell that
at every mixture can walk from noise to a picture. The prompt, read by a model that stays as it is,
is told to every layer; now and then it is left out, so that it can be turned up later.

    pictures → few numbers, captions → vectors → a small net → numbers out of noise → pictures

Lipman et al., 2022, arXiv:2210.02747 (flow matching); Ho and Salimans, 2022, arXiv:2207.12598
(classifier-free guidance); the nets that the lab `m4/diffusion` draws with were made by this.
"""

from __future__ import annotations

import copy
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from agentlab_tools.diffusion.captions import Captioned, digits_in_colours, emoji_with_names
from agentlab_tools.diffusion.kept import Kept
from agentlab_tools.diffusion.latents import Latents
from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.card import Card
from agentlab_tools.train.recipes.steps import Place

if TYPE_CHECKING:
    pass

NAME = "diffusion"


class Settings(RecipeSettings):
    """What can be chosen."""

    pictures: Literal["digits", "emoji"] = "digits"
    """Digits in six colours, of 14 points a side, or emoji with their names, of 32."""
    numbers: int = Field(64, ge=1)
    """Numbers that stand for a picture inside."""
    evened: float = Field(0.5, ge=0, le=1)
    """How far they are made to differ alike: by 1 all do, by 0 as the pictures do."""
    wide: int = Field(256, ge=8)
    """Numbers between two layers of the net."""
    layers: int = Field(3, ge=1)
    told: int = Field(0, ge=0)
    """Numbers in which moment and prompt scale and shift what layers see; at 0, they are added."""
    rows: int = Field(256, ge=1)
    """Pictures to a step."""
    steps: int = Field(4000, ge=1)
    lr: float = Field(3e-3, gt=0)
    dropped: float = Field(0.12, ge=0, lt=1)
    """In how many of the rows the prompt is left out."""
    stays: float = Field(0.995, ge=0, lt=1)
    """How much of the mean of the weights stays at each step. The mean is what draws."""


def train(settings: Settings, work: Work) -> None:
    """Train a net that draws what a prompt says."""
    import torch

    from agentlab_tools.diffusion.flow import surprise
    from agentlab_tools.diffusion.net import Net, Shape
    from agentlab_tools.train.recipes import steps as s

    work.seed_everything()
    place = Place.best("fp32")

    # 1. The data: pictures as numbers, and each caption as the numbers a text encoder makes of it.
    data = learnt_from(settings)
    latents = latents_of(settings, data, work)
    numbers, said, vectors = (
        torch.tensor(part).to(place.device)
        for part in (latents.encode(data.pictures), data.said, data.vectors)
    )
    work.say(f"{len(numbers):,} pictures with {len(data.captions):,} captions")

    # 2. The net, and the mean of its weights over the last steps, which draws better than any.
    shape = Shape(
        latents.count, data.vectors.shape[-1], settings.wide, settings.layers, settings.told
    )
    net = Net(shape).to(place.device)
    mean = copy.deepcopy(net).requires_grad_(False)
    optimizer: Any = torch.optim.AdamW(net.parameters(), lr=settings.lr, betas=(0.9, 0.99))

    # 3. Where we were, if this goes on after a break.
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        for part, name in ((net, "net"), (mean, "mean"), (optimizer, "optimizer")):
            part.load_state_dict(state[name])

    # 4. Training.
    for step in work.steps(settings.steps):
        rows = work.batch(step, settings.rows, of=len(numbers))
        ways = torch.randint(len(vectors), (len(rows),)).to(place.device)
        rate = s.set_rate(optimizer, s.cosine(step, settings.steps, settings.lr))
        loss: Any = surprise(net, numbers[rows], vectors[ways, said[rows]], settings.dropped)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        s.follow(mean, net, min(settings.stays, step / (step + 9)))
        work.report(step, loss=loss.item(), lr=rate)
        if work.due(step):
            parts = {"net": net, "mean": mean, "optimizer": optimizer}
            state = {name: part.state_dict() for name, part in parts.items()}
            work.checkpoint(step, partial(s.save_state, state=state))

    # 5. What came of it: the net as it is kept, and what others see in what it draws.
    path = work.artifact("net.npz", Kept(mean, latents).save)
    work.say("drawing, to measure it")
    scores = measured(settings, Kept.load(path))
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))
    work.artifact("card.md", lambda path: card(settings, scores).write(path, NAME, settings))


def learnt_from(settings: Settings) -> Captioned:
    """What a net with these settings learns from."""
    if settings.pictures == "emoji":
        return emoji_with_names()
    return digits_in_colours(settings.seed, fold=3)


def latents_of(settings: Settings, data: Captioned, work: Work) -> Latents:
    """How pictures become numbers: found once, and kept, for it comes out otherwise elsewhere."""
    saved = work.folder / "artifacts" / "latents.npz"
    if not saved.is_file():
        found = Latents.of(data.pictures, settings.numbers, evened=settings.evened)
        work.artifact(saved.name, found.save)
    return Latents.load(saved)


def measured(settings: Settings, kept: Kept) -> dict[str, float]:
    """What is drawn for prompts, by the strength of the guidance, as others see it."""
    from agentlab_tools.diffusion.measuring import digits_drawn, emoji_drawn

    return (emoji_drawn if settings.pictures == "emoji" else digits_drawn)(kept, settings.seed)


def card(settings: Settings, scores: dict[str, float]) -> Card:
    """What people should know of the net."""
    emoji = settings.pictures == "emoji"
    return Card(
        title=f"A small text-to-picture net: {'emoji' if emoji else 'digits in colours'}",
        about=(
            "It draws from noise, guided by MiniLM's vector of a prompt. A picture of "
            f"{'32 by 32' if emoji else '14 by 14'} points is {settings.numbers} numbers, along "
            "the principal axes of all; the net learnt the directions of straight ways from noise "
            "to those numbers (flow matching), with the prompt left out in "
            f"{settings.dropped:.0%} of the rows."
        ),
        data=_EMOJI if emoji else _DIGITS,
        measured=scores,
        limits=_OF_EMOJI if emoji else _OF_DIGITS,
        files={
            "net.npz": "weights in 16 bits, and the axes in 8",
            "scores.json": "what was measured, with all digits",
        },
    )


_MINILM = "prompts are read by all-MiniLM-L6-v2 (Apache-2.0), which stays as it is"
_DIGITS = (
    "4,000 handwritten digits of MNIST (LeCun, Cortes and Burges, from NIST's Special Databases 1 "
    "and 3; packed by Juan Cazala, MIT), in six colours, with captions such as `a red seven`; 12 "
    "of the 60 captions are never shown",
    _MINILM,
)
_EMOJI = (
    "465 animals, plants, dishes, faces, hearts and kinds of weather: emoji by Noto (Google, "
    "Apache-2.0) and Twemoji (Twitter and others, CC-BY 4.0), packed in emoji-datasource 16 (Cal "
    "Henderson, MIT), with names and other words of emojilib (Mu-An Chiou, MIT)",
    _MINILM,
)
_OF_DIGITS = "Single digits in the six colours that it was shown; other words come out by luck."
_OF_EMOJI = (
    "It knows each emoji from two pictures, and draws much from memory: what it draws of a name "
    "may come near to a picture that it learnt from, under that picture's licence. What has no "
    "emoji comes out as a mixture of some."
)

recipe = Recipe(
    NAME,
    "Train a net that draws what a prompt says",
    Settings,
    train,
    ("torch", "numpy", "onnxruntime"),
)
