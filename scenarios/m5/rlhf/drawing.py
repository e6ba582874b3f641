"""Pieces as pictures and sound, and a run as curves."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentlab.tooling import ToolContext
from agentlab_tools.chorales.roll import roll
from agentlab_tools.chorales.sound import wav

from . import ear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_QUARTER = 4
_COLOURS = ("#d55e00", "#999999", "#0072b2")


def voices(piece: Array) -> list[list[tuple[int | None, int]]]:
    """Four voices of quarters."""
    return [[(int(pitch), _QUARTER) for pitch in line] for line in piece.T]


async def played(context: ToolContext, name: str, pieces: Array, title: str) -> None:
    """The piece in the middle, by the ear, as a picture and as sound."""
    points = ear.points(pieces)
    at = int(points.argsort()[len(pieces) // 2])
    said = f"{title}: the piece in the middle, {points[at]:+.1f} points"
    heard = voices(pieces[at])
    context.attach(f"{name}.png", await asyncio.to_thread(roll, heard, said), "image/png")
    context.attach(f"{name}.wav", await asyncio.to_thread(wav, heard), "audio/wav")


def curves(run: Mapping[str, Any], chosen: int) -> bytes:
    """A run's reward, what other reward models say, and the ear: all from where they began."""
    figure: Any = import_module("matplotlib.figure").Figure(figsize=(7, 3.4), layout="constrained")
    ax = figure.add_subplot()
    steps = range(len(run["ear"]))
    for number in range(len(run["others"][0])):
        line = [one[number] - run["others"][0][number] for one in run["others"]]
        name = "three, of other votes" if number == 0 else None
        ax.plot(steps, line, color=_COLOURS[1], linewidth=1.2, label=name)
    ax.plot(
        steps,
        [one - run["reward"][0] for one in run["reward"]],
        color=_COLOURS[0],
        linewidth=2,
        label="the reward model it follows",
    )
    ax.plot(
        steps,
        [one - run["ear"][0] for one in run["ear"]],
        color=_COLOURS[2],
        linewidth=2,
        label="the ear",
    )
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.axvline(chosen, color="0.3", linewidth=1, linestyle="--", label="where you stop")
    ax.set_xlim(0, len(steps) - 1)
    ax.set_xlabel("step")
    ax.set_ylabel("points more than at first")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    return file.getvalue()
