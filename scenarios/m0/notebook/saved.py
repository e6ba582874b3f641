"""Saved notebooks: some say what they do, and some say what a kernel did that is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

Made = tuple[list[tuple[str, str]], int | None]
"""Source and stored output of each cell of code, and which of them is the first to break."""


@dataclass(frozen=True)
class Saved:
    """A notebook as a file has it, the files it needs, and the cell that breaks first."""

    kind: str
    notebook: dict[str, Any]
    files: dict[str, str]
    breaks: int | None


def _sound(a: int, b: int) -> Made:
    return [
        ("import csv", ""),
        ('rows = list(csv.DictReader(open("sales.csv")))\nprint(len(rows))', "2\n"),
        ('total = sum(int(row["sold"]) for row in rows)\nprint(total)', f"{a + b}\n"),
    ], None


def _deleted(a: int, b: int) -> Made:
    return [
        (f"price = {a}", ""),
        ("print(price * (1 + rate))", f"{a * (1 + b)}\n"),
    ], 1


def _below(a: int, b: int) -> Made:
    return [
        (f"line = '{{\"sold\": {a}}}'", ""),
        ('print(json.loads(line)["sold"])', f"{a}\n"),
        (f"import json\nprint({b})", f"{b}\n"),
    ], 1


def _doubled(a: int, b: int) -> Made:
    return [
        ("sold = []\nprint(len(sold))", "0\n"),
        (f"sold += [{a}, {b}]\nprint(sum(sold))", f"{2 * (a + b)}\n"),
        ("print(len(sold))", "4\n"),
    ], 1


def _edited(a: int, b: int) -> Made:
    return [
        (f"rate = {a}", ""),
        (f"print(rate * {b})", f"{(a + 1) * b}\n"),
    ], 1


def _left_behind(a: int, b: int) -> Made:
    return [
        ('rate = int(open("rate.txt").read())\nprint(rate)', f"{a}\n"),
        (f"print(rate * {b})", f"{a * b}\n"),
        (f'open("rate.txt", "w").write("{a}")\nprint("saved")', "saved\n"),
    ], 0


def _second_time(a: int, b: int) -> Made:
    return [
        (f"sold = {a}", ""),
        ("try:\n    bonus\nexcept NameError:\n    bonus = 0\nprint(sold + bonus)", f"{a + b}\n"),
        (f"bonus = {b}", ""),
    ], 1


def _not_imported(a: int, b: int) -> Made:
    return [
        (f"text = io.StringIO('{a}')", ""),
        (f"print(os.path.join('{b}', text.read()))", f"{b}/{a}\n"),
    ], 0


def _of_another(a: int, b: int) -> Made:
    return [
        (f"number = {b}\nprint(number)", f"{b}\n"),
        ("print(len(rows) * number)", f"{2 * b}\n"),
    ], 1


KINDS: dict[str, Callable[[int, int], Made]] = {
    "sound": _sound,
    "sound, run out of order": _sound,
    "a cell was deleted": _deleted,
    "an import further down": _below,
    "a cell was run twice": _doubled,
    "a cell was edited after it ran": _edited,
    "a file was left behind": _left_behind,
    "works the second time": _second_time,
    "a name of its reader's": _not_imported,
    "a name of another notebook": _of_another,
}
IN_ORDER = ("sound", "a cell was edited after it ran", "a name of its reader's")


def saved(rng: Random, kind: str) -> Saved:
    """A notebook of this kind, with a heading in front."""
    a, b = rng.randint(2, 40), rng.randint(41, 90)
    made, breaks = KINDS[kind](a, b)
    counts = list(range(1, len(made) + 1))
    if kind not in IN_ORDER:
        counts = sorted(rng.sample(range(4, 40), len(made)), reverse=True)
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": "# What was sold", "id": "head"}
    ]
    for number, ((source, output), count) in enumerate(zip(made, counts, strict=True)):
        stream = {"output_type": "stream", "name": "stdout", "text": output}
        cells.append(
            {
                "cell_type": "code",
                "execution_count": count,
                "id": f"cell-{number}",
                "metadata": {},
                "outputs": [stream] if output else [],
                "source": source,
            }
        )
    notebook: dict[str, Any] = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    files = {"sales.csv": f"tool,sold\nlamp,{a}\nchair,{b}\n"}
    return Saved(kind, notebook, files, None if breaks is None else breaks + 1)
