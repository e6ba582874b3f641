"""A notebook written as text: `# %%` begins a cell, `# %% parameters` the one that is set anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARK = re.compile(r"^# %%[^\S\n]*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """A cell of code; `mark` is what stands behind its `# %%`."""

    source: str
    mark: str = ""


def cells_in(text: str) -> tuple[Cell, ...]:
    """The cells of code, in order; text before the first mark is a cell, too."""
    first, *rest = _MARK.split(text)
    marks = ("", *rest[::2])
    sources = (first, *rest[1::2])
    return tuple(
        Cell(source.strip(), mark.strip())
        for mark, source in zip(marks, sources, strict=True)
        if source.strip() and "[markdown]" not in mark
    )


def below_parameters(cells: Sequence[Cell]) -> tuple[Cell, ...] | None:
    """The cells below the one of the parameters; None if there isn't exactly one such cell."""
    at = [number for number, cell in enumerate(cells) if cell.mark == "parameters"]
    return tuple(cells[at[0] + 1 :]) if len(at) == 1 else None
