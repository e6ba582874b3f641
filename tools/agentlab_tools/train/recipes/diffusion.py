"""Diffusion: a net that draws what a prompt says, from nothing but noise.

A picture is mixed with noise, and the net learns which way the picture lies. Whoever can tell that
at every mixture can walk from noise to a picture. The prompt, read by a model that stays as it is,
is told to every layer; now and then it is left out, so that it can be turned up later.

    pictures + captions → MiniLM's vectors → a small U-net → pictures of noise

Lipman et al., 2022, arXiv:2210.02747 (flow matching); Ho and Salimans, 2022, arXiv:2207.12598
(classifier-free guidance); the nets that the lab `m4/diffusion` draws with were made by this.
"""

from __future__ import annotations

import copy
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from agentlab_tools.diffusion import kept
from agentlab_tools.diffusion.captions import Captioned, digits_in_colours, emoji_with_names
from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.card import Card
from agentlab_tools.train.recipes.steps import Place, Precision

if TYPE_CHECKING:
    from agentlab_tools.diffusion.net import Net, Shape


class Settings(RecipeSettings):
    """What can be chosen."""

    pictures: Literal["digits", "emoji"] = "digits"
    """Digits in six colours, of 16 points a side, or emoji with their names, of 32."""
    wide: int = Field(32, ge=8, multiple_of=8)
    """Channels at the 16 by 16 places."""
    deep: int = Field(64, ge=8, multiple_of=8)
    """Channels at 8 by 8."""
    told: int = Field(96, ge=8)
    """Numbers in which the moment and the prompt are told to each layer."""
    rows: int = Field(64, ge=1)
    """Pictures to a step."""
    steps: int = Field(2500, ge=1)
    lr: float = Field(2e-3, gt=0)
    dropped: float = Field(0.12, ge=0, lt=1)
    """In how many of the rows the prompt is left out."""
    kept: float = Field(0.998, ge=0, lt=1)
    """How much of the mean of the weights stays at each step. The mean is what draws."""
    precision: Precision = "auto"
    """Of the matrix products: bf16 is faster where the hardware has it."""


def train(settings: Settings, work: Work) -> None:
    """Train a net that draws what a prompt says."""
    import torch

    from agentlab_tools.diffusion.flow import surprise
    from agentlab_tools.diffusion.net import Net
    from agentlab_tools.train.recipes import steps as s

    work.seed_everything()
    place = Place.best(settings.precision)

    # 1. The data: pictures, and each caption as the numbers that a text encoder makes of it.
    data = learnt_from(settings)
    pictures, said, vectors = (
        torch.tensor(part).to(place.device) for part in (data.pictures, data.said, data.vectors)
    )
    work.say(f"{len(pictures):,} pictures with {len(data.captions):,} captions")

    # 2. The net, and the mean of its weights over the last steps, which draws better than any.
    net = Net(shape_of(settings)).to(place.device)
    mean = copy.deepcopy(net).requires_grad_(False)
    optimizer: Any = torch.optim.AdamW(net.parameters(), lr=settings.lr, betas=(0.9, 0.99))

    # 3. Where we were, if this goes on after a break.
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        for part, name in ((net, "net"), (mean, "mean"), (optimizer, "optimizer")):
            part.load_state_dict(state[name])

    # 4. Training.
    for step in work.steps(settings.steps):
        rows = work.batch(step, settings.rows, of=len(pictures))
        ways = torch.randint(len(vectors), (len(rows),))
        prompts = vectors[ways.to(place.device), said[rows]]
        rate = s.set_rate(optimizer, s.cosine(step, settings.steps, settings.lr))
        with place.autocast():
            loss = surprise(net, pictures[rows], prompts, settings.dropped)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        follow(mean, net, min(settings.kept, step / (step + 9)))
        work.report(step, loss=loss.item(), lr=rate)
        if work.due(step):
            parts = {"net": net, "mean": mean, "optimizer": optimizer}
            state = {name: part.state_dict() for name, part in parts.items()}
            work.checkpoint(step, partial(s.save_state, state=state))

    # 5. What came of it: the net as it is kept, and what others see in what it draws.
    path = work.artifact("net.npz", lambda path: kept.save(mean, path))
    work.say("drawing, to measure it")
    scores = measured(settings, kept.load(path))
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))
    work.artifact(
        "card.md", lambda path: card(settings, mean, scores).write(path, "diffusion", settings)
    )


def learnt_from(settings: Settings) -> Captioned:
    """What a net with these settings learns from."""
    if settings.pictures == "emoji":
        return emoji_with_names()
    return digits_in_colours(settings.seed, fold=3)


def shape_of(settings: Settings) -> Shape:
    """The shape of the net."""
    from agentlab_tools.diffusion.net import Shape

    side, patch = (32, 2) if settings.pictures == "emoji" else (16, 1)
    return Shape(side, patch, settings.wide, settings.deep, settings.told)


def follow(mean: Net, net: Net, stays: float) -> None:
    """Move a mean of weights on towards the weights."""
    import torch

    with torch.no_grad():
        for old, new in zip(mean.parameters(), net.parameters(), strict=True):
            old.lerp_(new, 1 - stays)


def measured(settings: Settings, net: Net) -> dict[str, float]:
    """What is drawn for every prompt, by the strength of the guidance, as others see it."""
    from agentlab_tools.diffusion.measuring import digits_drawn, emoji_drawn

    return (emoji_drawn if settings.pictures == "emoji" else digits_drawn)(net, settings.seed)


def card(settings: Settings, net: Net, scores: dict[str, float]) -> Card:
    """What people should know of the net."""
    emoji = settings.pictures == "emoji"
    weights = sum(part.numel() for part in net.parameters())
    side = net.shape.side
    return Card(
        title=f"A small text-to-picture net: {'emoji' if emoji else 'digits in colours'}",
        about=(
            f"It draws pictures of {side} by {side} points from noise, guided by MiniLM's vector "
            f"of a prompt: a U-net of {weights:,} weights that learnt directions along straight "
            f"ways from noise to picture (flow matching), with the prompt left out in "
            f"{settings.dropped:.0%} of the rows. Training takes about a tenth of a second a step "
            "on one thread of a processor."
        ),
        data=_EMOJI if emoji else _DIGITS,
        measured=scores,
        limits=_OF_EMOJI if emoji else _OF_DIGITS,
        files={"net.npz": "its weights, in 16 bits, and its shape", "scores.json": "the numbers"},
    )


_MINILM = "prompts are read by all-MiniLM-L6-v2 (Apache-2.0), which stays as it is"
_DIGITS = (
    "4,000 handwritten digits of MNIST (LeCun, Cortes and Burges, from NIST's Special Databases 1 "
    "and 3; packed by Juan Cazala, MIT), in six colours, with captions such as `a red seven`; 12 "
    "of the 60 captions are never shown",
    _MINILM,
)
_EMOJI = (
    "1,217 emoji by Noto (Google, Apache-2.0) and Twemoji (Twitter and others, CC-BY 4.0), as "
    "packed in emoji-datasource 16 (Cal Henderson, MIT), with names and other words of emojilib "
    "(Mu-An Chiou, MIT)",
    _MINILM,
)
_OF_DIGITS = "Single digits in the six colours that it was shown; other words come out by luck."
_OF_EMOJI = (
    "It knows each emoji from two pictures, and draws much from memory: what it draws of a name "
    "may come near to a picture that it learnt from, under that picture's licence. What has no "
    "emoji comes out as a mixture of some."
)

recipe = Recipe(
    "diffusion",
    "Train a net that draws what a prompt says",
    Settings,
    train,
    ("torch", "numpy", "onnxruntime"),
)
