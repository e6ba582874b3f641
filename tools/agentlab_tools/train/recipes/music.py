"""Music: a small transformer reads chorales as numbers and learns to foretell the next one.

It is a language model: what it foretells it can write. Nobody tells it a rule of harmony; those it
keeps, and those it breaks, are counted in what it writes, as they are in Bach.

    four voices → numbers → windows → a transformer → the next number → four voices

Allan and Williams, 2005 (harmonizing chorales by a learnt model); Vaswani et al., 2017,
arXiv:1706.03762; Press, Smith and Lewis, 2021, arXiv:2108.12409 (how far back a number lies). The
chorales are read where music21 is installed; what is learnt from them stays with you.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field

from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work
from agentlab_tools.train.recipes.card import Card
from agentlab_tools.train.recipes.steps import Precision

if TYPE_CHECKING:
    from torch import Tensor

_BARS = 8
"""Of what is written at the end."""


class Settings(RecipeSettings):
    """What can be chosen."""

    width: int = Field(96, ge=8, multiple_of=4)
    """Numbers that stand for a token inside the net."""
    layers: int = Field(2, ge=1)
    seen: int = Field(96, ge=8)
    """Numbers that the net looks back on; a bar has some twenty."""
    rows: int = Field(16, ge=1)
    """Windows to a step."""
    steps: int = Field(400, ge=1)
    lr: float = Field(5e-3, gt=0)
    held_out: int = Field(45, ge=1, le=200)
    """Chorales to foretell at the end and not to learn from; none shares its melody with others."""
    pieces: int = Field(20, ge=1)
    """Pieces to write at the end, by turns in C major and in A minor."""
    temperature: float = Field(0.8, gt=0)
    """In writing: below 1, likely numbers become likelier."""
    precision: Precision = "fp32"
    """Of the matrix products: small ones gain little from bf16."""

    def look(self) -> None:
        """See that the chorales are there.

        Raises:
            MissingExtra: not so.
        """
        from agentlab_tools.chorales.corpus import corpus_folder

        corpus_folder()


def train(settings: Settings, work: Work) -> None:
    """Train a small transformer on chorales, and have it write."""
    import torch
    from torch.nn.functional import cross_entropy

    from agentlab_tools.chorales import data, notes
    from agentlab_tools.chorales.net import Net, written
    from agentlab_tools.train.recipes import steps as s

    work.seed_everything()
    place = s.Place.best(settings.precision)

    # 1. The data: chorales in one line, and the clock beside it.
    learn, held = data.parted(settings.seed, settings.held_out)
    tokens, times = (part.to(place.device) for part in line(learn))
    work.say(f"{len(learn)} chorales, {len(tokens):,} numbers; {len(held)} are held out")

    # 2. The net; and where it was, if this goes on after a break.
    net = Net(settings.width, settings.layers).to(place.device)
    optimizer: Any = torch.optim.AdamW(
        net.parameters(), lr=settings.lr, betas=(0.9, 0.98), weight_decay=0.1
    )
    if (last := work.latest()) is not None:
        state = s.load_state(last.folder)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])

    # 3. Training: windows that begin anywhere.
    window = torch.arange(settings.seen)
    for step in work.steps(settings.steps):
        begins = work.batch(step, settings.rows, of=len(tokens) - settings.seen)
        at = (torch.tensor(begins)[:, None] + window).to(place.device)
        rate = s.set_rate(optimizer, s.cosine(step, settings.steps, settings.lr))
        with place.autocast():
            scores = net(tokens[at], times[at])[:, :-1].flatten(0, 1).float()
            loss: Any = cross_entropy(scores, tokens[at][:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        work.report(step, loss=loss.item(), lr=rate, tokens=at.numel())
        if work.due(step):
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict()}
            work.checkpoint(step, partial(s.save_state, state=state))

    # 4. What came of it: how well it foretells, and what it writes.
    net.eval()
    modes = [bool(number % 2) for number in range(settings.pieces)]
    work.say(f"writing {len(modes)} pieces of {_BARS} bars")
    made = written(
        net, modes, _BARS * data.BAR, seen=settings.seen, temperature=settings.temperature
    )
    pieces = [[cut(voice, _BARS * data.BAR) for voice in notes.read(piece)] for piece in made]
    scores = {
        "nats a number, on chorales held out": foretold(net, held, settings.seen),
        **counted(pieces, modes, "of what it writes"),
        **counted(
            [[*data.at_home()[n].voices] for n in held],
            [data.at_home()[n].minor for n in held],
            "of those held out",
        ),
    }
    weights = sum(part.numel() for part in net.parameters())
    work.artifact("net.safetensors", lambda path: s.save_weights(net.state_dict(), path))
    work.artifact("chorale.wav", lambda path: path.write_bytes(sound(pieces[0])))
    work.artifact("chorale.png", lambda path: path.write_bytes(picture(pieces[0])))
    work.artifact("scores.json", lambda path: path.write_text(json.dumps(scores)))
    work.artifact(
        "card.md", lambda path: card(settings, weights, scores).write(path, "music", settings)
    )


def line(numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Chorales by number, one after another: their numbers, and the clock at each."""
    import torch

    from agentlab_tools.chorales import data, notes

    pieces = [data.numbered()[n] for n in numbers]
    return (
        torch.tensor([token for piece in pieces for token in piece]),
        torch.tensor([time for piece in pieces for time in notes.clock(piece)]),
    )


def foretold(net: Any, held: Sequence[int], seen: int) -> float:
    """-log p of each next number of some chorales, averaged, in nats."""
    import torch
    from torch.nn.functional import cross_entropy

    place = next(net.parameters()).device
    tokens, times = (part.to(place) for part in line(held))
    lost = 0.0
    with torch.no_grad():
        for at in range(0, len(tokens) - 1, seen):
            ahead = tokens[at + 1 : at + 1 + seen]
            scores = net(tokens[None, at : at + len(ahead)], times[None, at : at + len(ahead)])
            lost += float(cross_entropy(scores[0], ahead, reduction="sum"))
    return lost / (len(tokens) - 1)


def cut(voice: Sequence[tuple[int | None, int]], length: int) -> list[tuple[int | None, int]]:
    """The first so many sixteenths of a voice."""
    kept: list[tuple[int | None, int]] = []
    for pitch, lasts in voice:
        if length > 0:
            kept.append((pitch, min(lasts, length)))
            length -= lasts
    return kept


def counted(pieces: Sequence[Any], modes: Sequence[bool], whose: str) -> dict[str, float]:
    """How pieces in C major or A minor keep to the rules of the style."""
    from agentlab_tools.chorales import heard, rules
    from agentlab_tools.chorales.data import BAR

    bars = sum(lasts for piece in pieces for _, lasts in piece[0]) / BAR
    keys = [
        heard.in_key(piece, 9 if minor else 0, minor)
        for piece, minor in zip(pieces, modes, strict=True)
    ]
    wrong = sum(len(rules.parallels(piece)) for piece in pieces)
    return {
        f"parallel fifths and octaves in 100 bars {whose}": 100 * wrong / max(bars, 1),
        f"share of notes in the key {whose}": sum(keys) / len(keys),
        f"share of moves by step {whose}": heard.by_step(*pieces),
    }


def sound(voices: Sequence[Any]) -> bytes:
    """Four voices as WAV."""
    from agentlab_tools.chorales.sound import wav

    return wav(voices)


def picture(voices: Sequence[Any]) -> bytes:
    """Four voices as a piano roll, as PNG."""
    from agentlab_tools.chorales.roll import roll

    return roll(voices, "Written by the net")


def card(settings: Settings, weights: int, scores: dict[str, float]) -> Card:
    """What people should know of the net."""
    return Card(
        title="A small transformer that writes chorales",
        about=(
            f"It foretells the next number of a chorale in four voices, in C major or A minor: "
            f"{settings.layers} layers, {weights:,} weights, looking back on {settings.seen} "
            "numbers (`agentlab_tools.chorales.notes` says what they stand for)."
        ),
        data=(
            "chorales by Bach in common time, from music21's corpus, where they are encoded by "
            "Margaret Greentree and used by permission: what is made of them is for yourself",
        ),
        measured=scores,
        limits=(
            "It knows no plan longer than what it looks back on: cadences come, but no form. The "
            "rules of counterpoint are broken more often than Bach does."
        ),
        files={
            "net.safetensors": "its weights, in 32 bits",
            "chorale.wav, chorale.png": "the first piece it wrote",
            "scores.json": "the numbers",
        },
    )


recipe = Recipe(
    "music",
    "Train a small transformer that writes chorales",
    Settings,
    train,
    ("torch", "numpy", "safetensors", "matplotlib"),
)
