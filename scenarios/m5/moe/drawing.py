"""Who reads what, as pictures: shares over a training, text by its experts, languages by theirs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from . import net
from .texts import LEARNT, languages, paragraphs, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

COLOURS = (
    "#8dd3c7",
    "#ffd92f",
    "#bebada",
    "#fb8072",
    "#80b1d3",
    "#fdb462",
    "#b3de69",
    "#d9d9d9",
)
"""Light enough to read on, and far from each other."""
_LINE, _LINES = 74, 2


def page(fold: int) -> list[tuple[int, str]]:
    """The beginning of an article that is held back, in each language learnt from."""
    found: list[tuple[int, str]] = []
    for language in range(LEARNT):
        texts = [text for n, text in paragraphs(fold, held=True) if n == language]
        text = next(text for text in texts if len(text) >= _LINE * _LINES)
        found.append((language, text[: _LINE * _LINES]))
    return found


def who_reads(fold: int, weights: Mapping[str, Array], chosen: Array | None) -> bytes:
    """Each character in the colour of the expert that foretold it, as PNG."""
    texts = page(fold)
    experts = net.read(weights, windows(texts), chosen).experts
    figure = _figure(8.6, 5.2)
    ax = figure.add_subplot()
    at = 0
    for n, (language, text) in enumerate(texts):
        mine = experts[at : at + len(text)]
        at += len(text) + 1
        ax.text(-1, 2.6 * n + 0.5, languages()[language], ha="right", va="center", fontsize=9)
        for place, (letter, who) in enumerate(zip(text, mine, strict=True)):
            row, column = divmod(place, _LINE)
            _cell(ax, column, 2.6 * n + row, COLOURS[int(who)], letter)
    for who, colour in enumerate(COLOURS):
        _cell(ax, 9 * who, 2.6 * LEARNT + 0.3, colour, str(who))
        ax.text(9 * who + 1.6, 2.6 * LEARNT + 0.3, f"{(experts == who).mean():.0%}", **_SMALL)
    ax.text(-1, 2.6 * LEARNT + 0.3, "expert", ha="right", va="center", fontsize=9)
    ax.set_xlim(-0.6, _LINE)
    ax.set_ylim(2.6 * LEARNT + 1.2, -0.8)
    ax.axis("off")
    return _png(figure)


def shares(found: Array) -> bytes:
    """What each expert reads of the text, (moments, experts), as the training goes on, as PNG."""
    import numpy as np

    figure = _figure(6.4, 3.0)
    ax = figure.add_subplot()
    steps = np.arange(1, len(found) + 1) * 20
    ax.stackplot(steps, found.T, colors=COLOURS, edgecolor="white", linewidth=0.6)
    ax.set_xlim(steps[0], steps[-1])
    ax.set_ylim(0, 1)
    ax.set_xlabel("step", fontsize=9)
    ax.set_ylabel("share of the windows", fontsize=9)
    ax.set_title("who reads them", fontsize=9)
    return _png(figure)


def kin(known: Array, mine: Array, others: Array, theirs: Array) -> bytes:
    """Which share of each language which expert reads: those learnt from, and others, as PNG.

    The experts stand in the order of the languages that they read most.
    """
    upper = net.table(known, mine)
    lower = net.table(others, theirs - LEARNT, len(languages()) - LEARNT)
    order = sorted(range(net.EXPERTS), key=lambda who: int(upper[:, who].argmax()))
    figure = _figure(7.6, 3.9)
    axes = figure.subplots(1, 2)
    names = languages()
    for ax, part, some, title in (
        (axes[0], upper, names[:LEARNT], "learnt from"),
        (axes[1], lower, names[LEARNT:], "never seen"),
    ):
        ax.imshow(part[:, order], cmap="Greens", vmin=0, vmax=1, aspect="auto")
        for row, shares_ in enumerate(part[:, order]):
            for column, share in enumerate(shares_):
                if share >= 0.1:
                    dark = "white" if share > 0.6 else "black"
                    ax.text(column, row, f"{share:.0%}"[:-1], color=dark, **_MIDDLE)
        ax.set_yticks(range(len(some)), some, fontsize=9)
        ax.set_xticks(range(net.EXPERTS), [str(who) for who in order], fontsize=9)
        ax.set_title(f"{title}: % read by each expert", fontsize=9)
    return _png(figure)


_SMALL: dict[str, Any] = {"va": "center", "fontsize": 8}
_MIDDLE: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8}


def _cell(ax: Any, column: float, row: float, colour: str, letter: str) -> None:
    patch: Any = import_module("matplotlib.patches").Rectangle(
        (column - 0.5, row - 0.5), 1, 1, color=colour, linewidth=0
    )
    ax.add_patch(patch)
    ax.text(column, row + 0.05, letter, family="monospace", **_MIDDLE)


def _figure(width: float, height: float) -> Any:
    return import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, dpi=110)
    return file.getvalue()
