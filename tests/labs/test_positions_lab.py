"""m2/positions: slopes that differences agree on, turns that llama.cpp agrees on, plans refused."""

from __future__ import annotations

import io
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.errors import ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

STEP = 1e-6


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m2/positions", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    import importlib

    step = lab.step("lengths")
    assert isinstance(step, CodeStep)
    return importlib.import_module(step.cases.__module__.replace("cases", name))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", ["none", "sinusoid", "learnt", "rotary", "bias"])
def test_nets_have_the_slopes_of_differences(lab: Lab, kind: str, causal: bool):
    nets, rng = part(lab, "nets"), np.random.default_rng(0)
    net = nets.Net(kind, rng, layers=2, heads=2, width=8, causal=causal)
    for name, array in list(net.w.items()):
        if name.startswith("bias"):
            net.w[name] = array + rng.normal(size=array.shape)
    lines, before = nets.draw(rng, 2, 6)
    _, slopes = net.slopes(lines, before, 3)
    for name, array in net.w.items():
        for _ in range(6):
            place = tuple(int(rng.integers(size)) for size in array.shape)
            if name == "places":
                place = (int(rng.integers(3, 9)), place[1])
            was, ends = array[place], list[float]()
            for way in (STEP, -STEP):
                array[place] = was + way
                ends.append(net.slopes(lines, before, 3)[0])
            array[place] = was
            slope = (ends[0] - ends[1]) / (2 * STEP)
            assert slopes[name][place] == pytest.approx(slope, abs=1e-7), name


def test_without_positions_a_line_is_a_bag_unless_places_look_back_only(lab: Lab):
    nets, rng = part(lab, "nets"), np.random.default_rng(1)
    lines, _ = nets.draw(rng, 3, 9)
    order = rng.permutation(9)
    for causal, same in ((False, True), (True, False)):
        net = nets.Net("none", rng, layers=2, causal=causal)
        mixed = net.scores(lines[:, order])
        assert np.allclose(mixed, net.scores(lines)[:, order]) is same


def test_before_the_first_symbol_nothing_is_asked(lab: Lab):
    nets = part(lab, "nets")
    lines, before = nets.draw(np.random.default_rng(2), 5, 7)
    assert (before[:, :2] == -1).all()
    assert (before[:, 2:] == lines[:, 1:-1]).all()
    with pytest.raises(ValueError, match="3 to 32 symbols"):
        nets.fit(nets.Net("none"), np.random.default_rng(0), length=64)


def test_the_judge_turns_as_llama_cpp_does(lab: Lab):
    """After tokens that stand in the cache, too."""
    packaged, places = part(lab, "packaged"), part(lab, "places")
    asked = packaged.asked("The fox ran over the hill and the dog slept.", 5, 4)
    base, pairs = places.setting(packaged.header())
    assert (base, pairs) == (100_000.0, "neighbours")
    for name, heads in (("q", 9), ("k", 3)):
        one = asked[name]
        tokens = one.before.shape[1]
        assert one.before.shape == (heads, tokens, 64)
        wanted = places.rotate(one.before, np.arange(4, 4 + tokens), base, pairs)
        np.testing.assert_allclose(one.after, wanted, atol=1e-4)
        assert np.abs(one.before - one.after).max() > 0.1


def test_reordered_weights_give_the_same_scores_by_halves(lab: Lab):
    places, rng = part(lab, "places"), np.random.default_rng(3)
    x, at = rng.normal(size=(5, 12)), np.arange(7, 12)
    weights = rng.normal(size=(2, 3 * 8, 12))
    found: list[Any] = []
    for pairs in places.PAIRS:
        q, k = (
            places.rotate(
                (x @ (w if pairs == "neighbours" else places.reordered(w, 3)).T)
                .reshape(5, 3, 8)
                .swapaxes(0, 1),
                at,
                500.0,
                pairs,
            )
            for w in weights
        )
        found.append(q @ k.swapaxes(-1, -2))
    np.testing.assert_allclose(found[0], found[1])


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ([[0, 2, 0], [6, 10, -4]], None),
        ([[6, 10, -6]], None),
        ([[0, 2, 0], [6, 10, 0]], "free is place 2"),
        ([[6, 10, -4], [0, 2, 0]], "free is place 0"),
        ([[0, 2, 0], [1, 4, 1]], "not in order"),
        ([[0, 2, 0], [6, 11, -4]], "not in order"),
        ([[0, 7, 0]], "room for 6"),
        ([], "0 tokens are kept"),
        ([[0, 2]], "a list of"),
        ("all", "a list of"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(lab: Lab, plan: Any, why: str | None):
    found = part(lab, "talks").unfit(plan, 10, 6)
    assert found is None if why is None else why in found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "magic"}, "no kind of positions"),
        ({"layers": 9}, "1 to 4 layers"),
        ({"heads": "x"}, "is no Net"),
        ({"base": -1.0}, "are none"),
        ({"q0": np.zeros((3, 3))}, "other shapes"),
        ({"lean": np.full(8, np.nan)}, "are none"),
        ({"out": None}, "is no Net"),
    ],
)
def test_a_net_that_is_none_is_refused_in_one_line(lab: Lab, change: dict[str, Any], says: str):
    tried, nets = part(lab, "tools").tried, part(lab, "nets")
    net = nets.Net("rotary", np.random.default_rng(0))
    made = {"kind": "rotary", "base": 1e4, "causal": False, "layers": 1, "heads": 1}
    assert set(tried(made, net.w, 0)) == {"32", "64", "128"}
    how = {name: change.get(name, value) for name, value in made.items()}
    weights = {name: change.get(name, value) for name, value in net.w.items()}
    with pytest.raises(ToolError, match=says) as raised:
        tried(how, {name: one for name, one in weights.items() if one is not None}, 0)
    assert "\n" not in str(raised.value)


async def test_a_file_of_arrays_that_is_none_is_refused_in_one_line(lab: Lab):
    class Left:
        def __init__(self, data: bytes) -> None:
            self.data = data

        async def read_file(self, name: str, limit: int) -> bytes:
            return self.data

    file = io.BytesIO()
    np.savez(file, one=np.arange(3))
    arrays = part(lab, "tools")._arrays
    assert (await arrays(Left(file.getvalue()), "x.npz"))["one"].tolist() == [0, 1, 2]
    objects = io.BytesIO()
    np.savez(objects, one=np.array([{}], dtype=object))
    for data in (b"", b"no archive", file.getvalue()[:60], objects.getvalue()):
        with pytest.raises(ToolError, match="can't be read") as raised:
            await arrays(Left(data), "x.npz")
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("seed", range(4))
def test_drawn_turns_have_both_pairs_and_a_first_place_that_is_not_0(lab: Lab, seed: int):
    import json

    told = json.loads(part(lab, "cases").turned(Random(seed), 2)[0].input)
    assert {one["pairs"] for one in told["tries"]} == {"neighbours", "halves"}
    assert sum(one["first"] > 0 for one in told["tries"]) == 3
    families = [one["general.architecture"] for one in told["headers"]]
    assert families.count("llama") == 2
    assert len({len(one) for one in told["headers"]}) == 2
