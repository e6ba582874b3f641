"""Recipes run in this process, whole or with a break."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from agentlab_tools.train.errors import Stopped
from agentlab_tools.train.events import JobEvent, Progress
from agentlab_tools.train.recipe import Recipe, Work


def run(
    recipe: Recipe[Any], values: dict[str, Any], folder: Path, *, stop_at: int | None = None
) -> list[Progress]:
    """Run a recipe in this process; the steps it took."""
    steps: list[Progress] = []
    stop = Event()

    def tell(event: JobEvent) -> None:
        if isinstance(event, Progress):
            steps.append(event)
            if event.step == stop_at:
                stop.set()

    settings = recipe.read_settings(values)
    work = Work(folder, tell=tell, stop=stop, every=1e9, seed=settings.seed)
    if stop_at is None:
        recipe.run(settings, work)
    else:
        with pytest.raises(Stopped):
            recipe.run(settings, work)
    return steps


def ends_where_it_would_have(recipe: Recipe[Any], values: dict[str, Any], folder: Path) -> None:
    """Fails unless a run with a break comes to the steps and the scores of one without."""
    whole = run(recipe, values, folder / "whole")
    half = len(whole) // 2
    first = run(recipe, values, folder / "parts", stop_at=half)
    rest = run(recipe, values, folder / "parts")
    assert [step.step for step in (*first, *rest)] == [step.step for step in whole]
    for one, other in zip((*first, *rest), whole, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5, abs=1e-6)
        assert (one.lr, one.tokens) == (other.lr, other.tokens)
    one, other = (
        json.loads((folder / which / "artifacts" / "scores.json").read_text())
        for which in ("whole", "parts")
    )
    assert one == pytest.approx(other, rel=1e-5)
