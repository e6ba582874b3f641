"""A generative adversarial network: two nets against each other, until one draws digits.

The generator makes a picture of noise and of the digit asked for; the discriminator scores how real
a picture looks as that digit. Each learns from the other alone, so a loss says little: what is
drawn is measured instead. The generator that is kept is the mean of its weights over the last
hundred steps, which never played and draws best.

    noise + digit → generator → picture → discriminator → a score for each digit

Goodfellow et al., 2014, arXiv:1406.2661; Mirza and Osindero, 2014, arXiv:1411.1784 (told what to
draw); Yazıcı et al., 2018, arXiv:1806.04498 (the mean of the weights). The nets that the lab
`m4/gan` has to diagnose were made by this: with more turns it collapses.
"""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import Field

from agentlab_tools.digits import POINTS, drawn
from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

KNOWN, FRESH, DIGITS = 3000, 1000, 10
_SHOWN = 10
"""Of each digit, in the sheet."""


class Settings(RecipeSettings):
    """What can be chosen."""

    width: int = Field(128, ge=8)
    """Numbers in each hidden layer of both nets."""
    noise: int = Field(16, ge=1)
    """Numbers drawn for each picture."""
    rows: int = Field(64, ge=1)
    """Pictures to a step."""
    steps: int = Field(4000, ge=1)
    """Turns of the discriminator."""
    turns: int = Field(1, ge=1)
    """Of the generator, to one of the discriminator: with several it collapses."""
    told: bool = True
    """Whether both are told the digit; else the generator draws what it likes."""
    lr: float = Field(3e-3, gt=0)


def train(settings: Settings, work: Work) -> None:
    """Have two nets play against each other."""
    import torch
    from torch.nn.functional import softplus

    from agentlab_tools.train.recipes import steps as s

    work.seed_everything()
    place = s.Place.best("fp32")  # small ones gain nothing from bf16

    # 1. The data: real digits, always the same ones, and others to compare with.
    known, digits, fresh, right = drawn(0, KNOWN, FRESH, "float32")
    x, y = (torch.tensor(part).to(place.device) for part in (known, digits))

    # 2. The two nets; and where they were, if this goes on after a break.
    game = Game(settings, place.device)
    if (last := work.latest()) is not None:
        game.restore(s.load_state(last.folder))

    # 3. They play: the loss that is reported is the generator's.
    for step in work.steps(settings.steps):
        rows = work.batch(step, settings.rows, of=KNOWN)
        real, asked = x[rows], y[rows]
        fake = game.made(asked).detach()
        lost = softplus(-game.scored(real, asked)) + softplus(game.scored(fake, asked))
        against = game.turn("discriminator", lost.mean())
        for _ in range(settings.turns - 1):
            game.turn("generator", softplus(-game.scored(game.made(asked), asked)).mean())
        loss = game.turn("generator", softplus(-game.scored(game.made(asked), asked)).mean())
        s.follow(game.mean, game.generator, 1 - max(0.01, 1 / step))
        work.report(step, loss=loss, lr=settings.lr, discriminator=against)
        if work.due(step):
            work.checkpoint(step, partial(s.save_state, state=game.state()))

    # 4. What came of it: the mean, what it draws, and how good that is.
    net = game.ended()
    asked = torch.arange(DIGITS).repeat(FRESH // DIGITS)
    with torch.no_grad():
        pictures = game.made(asked.to(place.device)).cpu().numpy()
    scores = measured(pictures, asked.numpy(), known, fresh, right)
    work.artifact("generator.npz", lambda path: save(net, path))
    work.artifact("digits.png", lambda path: path.write_bytes(sheet(pictures, fresh, right)))
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))
    weights = sum(part.numel() for part in net.parameters())
    work.artifact("card.md", lambda path: card(weights, scores).write(path, "gan", settings))


class Game:
    """Both players, their optimizers, and the mean of the generator's weights."""

    def __init__(self, settings: Settings, device: Any) -> None:
        import torch

        self._settings, self._device = settings, device
        self.generator = layers(settings.noise + DIGITS, settings.width, POINTS).to(device)
        self.discriminator = layers(POINTS, settings.width, DIGITS).to(device)
        self.mean = copy.deepcopy(self.generator).requires_grad_(False)
        self._optimizers: dict[str, Any] = {
            name: torch.optim.Adam(net.parameters(), settings.lr, betas=(0.5, 0.99))
            for name, net in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        }

    def made(self, asked: Any) -> Any:
        """Pictures of the digits asked for."""
        import torch
        from torch.nn.functional import one_hot

        noise = torch.randn(len(asked), self._settings.noise).to(self._device)
        wish = one_hot(asked, DIGITS) * float(self._settings.told)
        return self.generator(torch.cat([noise, wish], dim=1)).sigmoid()

    def scored(self, pictures: Any, asked: Any) -> Any:
        """How real pictures look: above 0, rather real."""
        scores = self.discriminator(pictures)
        return scores.gather(1, asked[:, None])[:, 0] if self._settings.told else scores[:, 0]

    def turn(self, name: str, loss: Any) -> float:
        """One player learns from its loss."""
        optimizer = self._optimizers[name]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def ended(self) -> Any:
        """The mean, which draws from now on."""
        if not self._settings.told:  # no digit makes a difference
            self.mean[0].weight[:, self._settings.noise :] = 0
        self.generator.load_state_dict(self.mean.state_dict())
        return self.mean

    def state(self) -> dict[str, Any]:
        """All that is needed to go on."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        nets = {"generator": self.generator, "discriminator": self.discriminator, "mean": self.mean}
        return {**nets, **{f"{name}'s optimizer": o for name, o in self._optimizers.items()}}


def layers(first: int, width: int, last: int) -> Any:
    """Three layers, with leaky ones between."""
    from torch import nn

    return nn.Sequential(
        nn.Linear(first, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, last),
    )


def measured(
    pictures: Array, asked: Array, known: Array, fresh: Array, right: Array
) -> dict[str, float]:
    """How good what is drawn is, in words."""
    from agentlab_tools.digits.measures import measured as found

    scores = found(pictures, asked, known, fresh, right)
    return {
        "read by the judge as the digit asked for": scores["asked"],
        "how far those of a digit are apart, of what real ones are, least digit": scores["varied"],
        "Fréchet distance from 1,000 fresh real digits, in the judge's features": scores["far"],
        "how far the nearest known digit is, of how far it is from real ones": scores["new"],
    }


def save(net: Any, path: Path) -> None:
    """Write a net's weights, in 16 bits."""
    import numpy as np

    with path.open("wb") as file:
        np.savez_compressed(
            file, **{name: part.cpu().half().numpy() for name, part in net.state_dict().items()}
        )


def sheet(pictures: Array, fresh: Array, right: Array) -> bytes:
    """What was drawn, a column a digit, beside real ones, as PNG."""
    import numpy as np

    from agentlab_tools.digits.drawing import beside

    real = [fresh[np.flatnonzero(right == digit)[:_SHOWN]] for digit in range(DIGITS)]
    shown = np.stack(real, axis=1).reshape(-1, POINTS)
    return beside([("drawn", pictures[: len(shown)]), ("real", shown)], DIGITS)


def card(weights: int, scores: dict[str, float]) -> Card:
    """What people should know of the generator."""
    return Card(
        title="A generator of handwritten digits",
        about=(
            f"It draws digits of 14 by 14 points from noise and the digit asked for: three layers, "
            f"{weights:,} weights, the mean of a generator that learnt against a discriminator."
        ),
        data=(
            "3,000 handwritten digits of MNIST (LeCun, Cortes and Burges, from NIST's Special "
            "Databases 1 and 3; packed by Juan Cazala, MIT), made smaller",
        ),
        measured=scores,
        limits="Digits alone, small and in grey. Copies were looked for as in the last row alone.",
        files={
            "generator.npz": "its weights, in 16 bits",
            "digits.png": "what it draws, beside real digits",
            "scores.json": "the numbers",
        },
    )


recipe = Recipe(
    "gan",
    "Train a generator of digits against a discriminator",
    Settings,
    train,
    ("torch", "numpy", "matplotlib"),
)
