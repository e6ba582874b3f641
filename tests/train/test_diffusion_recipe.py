"""The recipe `diffusion`: it learns, goes on after a break, and what comes of it draws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from recipe_runs import ends_where_it_would_have, run

from agentlab_tools.diffusion import captions, judges
from agentlab_tools.diffusion.kept import Kept, packed
from agentlab_tools.diffusion.latents import Latents
from agentlab_tools.diffusion.measuring import pictures
from agentlab_tools.train.recipe import load_recipe

QUICK = {"numbers": 8, "wide": 16, "layers": 1, "rows": 32, "steps": 8}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.mark.parametrize("more", [{}, {"pictures": "emoji", "told": 8}])
def test_interrupted_it_ends_where_it_would_have(tmp_path: Path, more: dict[str, Any]):
    ends_where_it_would_have(load_recipe("diffusion"), {**QUICK, **more}, tmp_path)
    one, other = (
        Kept.load(tmp_path / name / "artifacts" / "net.npz") for name in ("whole", "parts")
    )
    for a, b in zip(one.net.parameters(), other.net.parameters(), strict=True):
        assert np.allclose(a.numpy(), b.numpy(), atol=1e-4)


@pytest.mark.slow
def test_it_learns_and_its_card_tells_how(tmp_path: Path):
    steps = run(load_recipe("diffusion"), {"steps": 300}, tmp_path)
    assert (steps[-1].loss or 9) < 0.85 * (steps[0].loss or 0)
    made = tmp_path / "artifacts"
    scores = json.loads((made / "scores.json").read_text())
    assert scores["right at guidance 2, shown"] > 0.7
    assert scores["right at guidance 0, shown"] < 0.2
    card = (made / "card.md").read_text()
    assert "agentlab train diffusion -s steps=300" in card
    assert "MNIST" in card
    assert f"| right at guidance 2, shown | {scores['right at guidance 2, shown']:.3g} |" in card


def test_it_is_known_by_name_and_says_what_it_needs():
    recipe = load_recipe("diffusion")
    assert recipe.name == "diffusion"
    assert "torch" in recipe.needs


def test_numbers_bring_back_the_picture_that_they_stand_for(tmp_path: Path):
    data = captions.digits_in_colours(0)
    latents = Latents.of(data.pictures, 588)
    back = latents.decode(latents.encode(data.pictures[:50]))
    assert np.abs(back - data.pictures[:50]).mean() < 0.02
    few = Latents.of(data.pictures, 64)
    rough = few.decode(few.encode(data.pictures[:50]))
    assert 0.02 < np.abs(rough - data.pictures[:50]).mean() < 0.15
    numbers = few.encode(data.pictures)
    assert (numbers**2).mean() == pytest.approx(1, abs=0.05)
    few.save(tmp_path / "latents.npz")
    again = Latents.load(tmp_path / "latents.npz")
    assert np.array_equal(again.encode(data.pictures[:5]), few.encode(data.pictures[:5]))


def test_the_judge_reads_digits_and_their_colours():
    data = captions.digits_in_colours(3)
    digit, colour = judges.digits_read(data.pictures)
    assert (digit == data.said // 6).mean() > 0.96
    assert (colour == data.said % 6).mean() > 0.99


def test_words_are_counted_whatever_stands_around_them():
    one, other, none = captions.as_words(["a red seven", "seven red things", "nothing"])
    assert np.array_equal(one, other)
    assert one.sum() == pytest.approx(2**0.5)
    assert not none.any()
    assert captions.caption(7, 0) == "a red seven"
    assert captions.caption(8, 1) == "an orange eight"


def test_the_packed_net_draws_what_is_asked_for_and_else_anything():
    names = ["lion", "sunflower", "pizza", "red heart"]
    vectors = captions.embed()([name for name in names for _ in range(6)])
    known = captions.emoji_with_names().captions
    right = np.repeat([known.index(name) for name in names], 6)
    within: dict[float, float] = {}
    for guidance in (0.0, 3.0):
        alike = judges.emoji_read(pictures(packed(), vectors, 0, guidance=guidance))
        nearer = (alike > alike[np.arange(24), right][:, None]).sum(axis=1)
        within[guidance] = float((nearer < 5).mean())
    assert within[3.0] > 0.8
    assert within[0.0] < 0.2
