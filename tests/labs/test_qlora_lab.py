"""m3/qlora: its NF4 is the recipe's, its bytes are those of a running job, a cheat is seen."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.errors import ToolError
from agentlab.labs import Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m3/qlora", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    return sys.modules[lab.equip.__module__.removesuffix("tools") + name]


def test_the_judge_rounds_as_the_recipe_does(lab: Lab):
    torch = pytest.importorskip("torch")
    from agentlab_tools.train.recipes import qlora

    rounding = part(lab, "rounding")
    np.testing.assert_allclose(rounding.levels(), qlora.levels(), atol=1e-12)
    weights = np.random.default_rng(0).normal(size=(8, 192)).astype(np.float32)
    theirs = qlora.unpacked(*qlora.packed(torch.tensor(weights)), (8, 192)).numpy()
    # their scales are in float16, so that a weight halfway between two levels may go to either
    assert np.mean(np.abs(rounding.rounded(weights) - theirs) > 1e-2) < 0.01


def test_blocks_count_alike_whatever_stands_in_others(lab: Lab):
    rounding = part(lab, "rounding")
    weights = np.ones((1, 128), np.float32)
    weights[0, 64:] = 1000
    made = weights.copy()
    made[0, :64] = 0
    assert rounding.error(made, weights) == pytest.approx(0.5**0.5)


def test_bytes_are_those_of_the_arrays_that_crossed(lab: Lab):
    rounding, tools = part(lab, "rounding"), part(lab, "tools")
    weights = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    given = rounding.Try("drawn", weights)
    found = tools.measured(given, {"w": weights}, weights)
    assert found["bytes"] == weights.nbytes + 1
    assert found["error"] == 0
    judging = part(lab, "judging")
    assert "bits a weight" in judging.heavy({"tries": [found]}, None)
    assert judging.far_off({"tries": [found]}, None) is None
    for made in (None, weights[:1], np.full_like(weights, np.nan)):
        assert judging.far_off({"tries": [tools.measured(given, {}, made)]}, None)


def test_slopes_are_those_of_the_definition(lab: Lab):
    torch = pytest.importorskip("torch")
    layers, rounding = part(lab, "layers"), part(lab, "rounding")
    given = layers.drawn(4)
    dice = np.random.default_rng(2)
    a = dice.normal(size=(given.rank, given.width))
    b = dice.normal(size=(given.out, given.rank))
    right = layers.wanted(given, {"a": a, "b": b})
    parts: dict[str, Any] = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in {"x": given.arrays["x"], "a": a, "b": b}.items()
    }
    frozen = torch.tensor(rounding.rounded(given.arrays["w"]))
    scale = given.alpha / given.rank
    made = parts["x"] @ frozen.T + scale * (parts["x"] @ parts["a"].T @ parts["b"].T)
    made.backward(torch.tensor(given.arrays["g"], dtype=torch.float64))
    np.testing.assert_allclose(right["made"], made.detach().numpy(), atol=1e-3)
    for name, of in (("back", "x"), ("a_slope", "a"), ("b_slope", "b")):
        np.testing.assert_allclose(right[name], parts[of].grad.numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("recipe", ["lora", "qlora"])
def test_what_is_counted_beforehand_is_what_a_job_takes(lab: Lab, recipe: str):
    """To the byte: nothing that was rounded stays alive beside what it became."""
    for needed in ("torch", "transformers", "peft", "llama_cpp"):
        pytest.importorskip(needed)
    families = part(lab, "families")
    settings = {"model": "hf:FOLDER", "rank": 8}
    ran = families.tried("phi3", 5, recipe, settings, lambda _: None)
    assert ran["taken"] == families.counted(families.small("phi3", 5), recipe, 8)
    assert ran["apart"] < part(lab, "judging").APART
    assert ran["losses"][-1] < ran["losses"][0]


def test_one_family_has_room_for_a_lora_and_the_others_have_not(lab: Lab):
    for needed in ("torch", "transformers", "peft"):
        pytest.importorskip(needed)
    families = part(lab, "families")
    for seed in (3, 4):
        right = [families.right_recipe(kind, seed) for kind in families.KINDS]
        assert sorted(right) == ["lora", "qlora", "qlora"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ('base = "Q9"\nadapter = "beside"', "base is one of"),
        ('base = "Q4_0"', "adapter is"),
        ("base = ", "is not Python"),
        ('base = open("x").read()\nadapter = "beside"', "base is one of"),
    ],
)
def test_lines_that_name_nothing_there_is_are_refused(lab: Lab, code: str, says: str):
    with pytest.raises(ToolError, match=says):
        part(lab, "serving").choice(code)
