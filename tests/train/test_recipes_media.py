"""Recipes of pictures and sound: they learn, go on after a break, and say how good what came is."""

from __future__ import annotations

import json
import math
import wave
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from recipe_runs import ends_where_it_would_have, run

from agentlab_tools.train.recipe import load_recipe

SMALL: dict[str, dict[str, Any]] = {
    "gan": {"steps": 20, "width": 16, "rows": 8},
    "clip": {"steps": 8, "rows": 16, "width": 16},
    "video": {"steps": 6, "rows": 4, "tried": 6},
    "music": {"steps": 6, "rows": 2, "width": 16, "layers": 1, "seen": 24, "pieces": 2},
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def corpus() -> None:
    from agentlab.errors import MissingExtra
    from agentlab_tools.chorales.corpus import corpus_folder

    try:
        corpus_folder()
    except MissingExtra as error:
        pytest.skip(str(error))


def scores_of(folder: Path) -> dict[str, float]:
    return json.loads((folder / "artifacts" / "scores.json").read_text())


@pytest.mark.parametrize("name", SMALL)
def test_a_recipe_that_was_interrupted_ends_where_it_would_have(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if name == "music":
        request.getfixturevalue("corpus")
    ends_where_it_would_have(load_recipe(name), SMALL[name], tmp_path)
    made = {path.name for path in (tmp_path / "whole" / "artifacts").iterdir()}
    told = (tmp_path / "whole" / "artifacts" / "card.md").read_text()
    assert made >= {"card.md", "scores.json"}
    for file in made - {"card.md"}:
        assert file in told, "the card names it"
    for measure in scores_of(tmp_path / "whole"):
        assert f"| {measure} |" in told


def test_the_generator_draws_what_is_asked_and_one_with_more_turns_collapses(
    tmp_path: Path,
) -> None:
    recipe = load_recipe("gan")
    run(recipe, {"steps": 800}, tmp_path / "fair")
    run(recipe, {"steps": 150, "turns": 5}, tmp_path / "unfair")
    fair, unfair = (list(scores_of(tmp_path / name).values()) for name in ("fair", "unfair"))
    (asked, varied, far, new), (_, alike, off, _) = fair, unfair
    assert asked > 0.8
    assert varied > 0.5 > 3 * alike
    assert far < 40 < off
    assert new > 0.7


def test_a_generator_that_is_not_told_draws_the_same_for_every_digit(tmp_path: Path) -> None:
    import numpy as np

    run(load_recipe("gan"), {**SMALL["gan"], "told": False}, tmp_path)
    with np.load(tmp_path / "artifacts" / "generator.npz") as kept:
        assert not kept["0.weight"][:, 16:].any()
        assert kept["0.weight"][:, :16].all()


@pytest.mark.parametrize("sees", ["features", "points"])
def test_towers_find_things_that_they_never_saw(sees: str, tmp_path: Path) -> None:
    recipe = load_recipe("clip")
    many = {"sees": sees, "steps": 60, "rows": 128}
    run(recipe, many, tmp_path / "learnt")
    run(recipe, {**many, "steps": 1, "lr": 1e-9}, tmp_path / "not")
    learnt, not_learnt = (scores_of(tmp_path / name) for name in ("learnt", "not"))
    five = "among the first 5 of 300 new things"
    assert learnt[five] > 0.1 > 3 * not_learnt[five]


@pytest.mark.usefixtures("corpus")
def test_the_composer_foretells_and_writes_four_voices(tmp_path: Path) -> None:
    from agentlab_tools.chorales.notes import SIZE

    recipe = load_recipe("music")
    few = {"steps": 60, "width": 48, "rows": 8, "seen": 48, "pieces": 2}
    steps = run(recipe, few, tmp_path)
    scores = scores_of(tmp_path)
    assert steps[0].loss is not None
    assert steps[0].loss > 0.8 * math.log(SIZE)
    assert scores["nats a number, on chorales held out"] < 2.8
    assert scores["share of notes in the key of those held out"] > 0.9
    assert scores["parallel fifths and octaves in 100 bars of those held out"] < 5
    with wave.open(str(tmp_path / "artifacts" / "chorale.wav")) as sound:
        assert sound.getnframes() / sound.getframerate() > 8


def test_the_net_for_clips_learns_to_move_what_it_is_given(tmp_path: Path) -> None:
    recipe = load_recipe("video")
    run(recipe, {"steps": 80, "rows": 8, "tried": 30}, tmp_path / "learnt")
    run(recipe, {"steps": 1, "lr": 1e-9, "tried": 30}, tmp_path / "not")
    learnt, not_learnt = (scores_of(tmp_path / name) for name in ("learnt", "not"))
    error = "a first frame, 1 moments: squared error, of that of a still picture"
    assert learnt[error] < 0.65 < 0.8 < not_learnt[error]
