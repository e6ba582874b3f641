"""m1/cnn: the judge's maps are PyTorch's, its theory of moving is what nets do, and scenes hold."""

from __future__ import annotations

import json
import sys
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from draws import holds_on_any_draw

from agentlab.backends.scripted import Scripted
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

MODEL = Scripted(["never asked"])


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m1/cnn", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return sys.modules[steps[0].cases.__module__.replace("cases", name)]


@pytest.fixture
def engine(lab: Lab) -> dict[str, Any]:
    """What the sandbox has as `engine.py`."""
    space: dict[str, Any] = {}
    exec(part(lab, "tools").ENGINE.read_text(encoding="utf-8"), space)
    return space


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_the_judges_maps_those_of_the_sandbox_and_those_of_pytorch_agree(
    lab: Lab, engine: dict[str, Any], stride: int, padding: int
):
    torch: Any = pytest.importorskip("torch")
    net, dice = part(lab, "net"), np.random.default_rng(0)
    x, filters = dice.normal(size=(2, 3, 9, 7)), dice.normal(size=(4, 3, 2, 3))
    wanted = torch.nn.functional.conv2d(
        torch.tensor(x), torch.tensor(filters), stride=stride, padding=padding
    ).numpy()
    np.testing.assert_allclose(net.conv2d(x, filters, stride, padding), wanted, atol=1e-9)
    np.testing.assert_allclose(engine["conv2d"](x, filters, stride, padding), wanted, atol=1e-9)
    wanted = torch.nn.functional.max_pool2d(torch.tensor(x - 5), 3, stride).numpy()
    np.testing.assert_array_equal(net.max_pool(x - 5, 3, stride), wanted)
    np.testing.assert_array_equal(engine["max_pool"](x - 5, 3, stride), wanted)


def test_all_that_maps_hold_fits_into_what_a_sandbox_shows(
    lab: Lab, engine: dict[str, Any], capsys: pytest.CaptureFixture[str]
):
    """An answer is cut at 20,000 characters, and no judge can read one that was cut."""
    for case in part(lab, "cases").maps(Random(0), 20):
        exec(case.input, dict(engine))
        printed = capsys.readouterr().out
        assert len(printed) < 15_000
        assert (
            part(lab, "judging").misfit("convolved", "how")(json.loads(printed), case.expect)
            is None
        )


def test_the_slopes_of_the_engine_are_those_of_differences(engine: dict[str, Any]):
    dice, value = np.random.default_rng(0), engine["Value"]
    x, y = dice.normal(size=(5, 6, 6)), np.array([0, 2, 1, 1, 0])
    shapes = ((4, 3, 3), (4,), (4, 3), (3,))
    arrays = [dice.normal(size=shape) for shape in shapes]
    arrays[1] -= 6  # so that some of the peaks are below 0

    def loss(arrays: list[Any]) -> tuple[Any, list[Any]]:
        parts = [value(array) for array in arrays]
        best = (engine["peaks"](x, parts[0], padding=1) + parts[1]).relu()
        return (best @ parts[2] + parts[3]).surprise(y), parts

    made, parts = loss(arrays)
    made.backward()
    for number, array in enumerate(arrays):
        for at in np.ndindex(array.shape):
            ends: list[float] = []
            for by in (1e-6, -1e-6):
                moved = [other.copy() for other in arrays]
                moved[number][at] += by
                ends.append(float(loss(moved)[0].data))
            assert abs(parts[number].grad[at] - (ends[0] - ends[1]) / 2e-6) < 1e-6


def test_how_a_net_moves_is_told_from_how_it_is_made(lab: Lab):
    moves = part(lab, "net").moves
    for made, how in (
        (["conv 3 1 0"], (1, 0)),
        (["conv 5 1 2", "relu", "conv 3 1 1"], (1, 3)),
        (["conv 3 1 1", "pool 2 2"], (2, 1)),
        (["conv 3 1 0", "pool 2 2", "pool 2 2"], (4, 0)),
        (["conv 3 3 1"], (3, 1)),
        (["conv 3 1 1", "peak"], (0, 0)),
        (["conv 3 1 1", "mean"], (0, 0)),
        (["conv 3 1 0", "pool 2 2", "mean"], None),
        (["conv 3 1 1", "weigh"], None),
        (["dense"], None),
    ):
        assert moves(made, 24) == how, made
    assert moves(["conv 3 1 1"] * 7, 14)[1] == 14  # the edge is everywhere


def test_every_draw_has_nets_of_all_kinds_and_no_two_alike_in_shape_alone(lab: Lab):
    (case,) = part(lab, "cases").black_boxes(Random(1), 1)
    answers = [how for _, how in case.expect]
    assert answers.count(None) == 3
    assert answers.count((0, 0)) == 2
    assert len({how for how in answers if how and how[0] > 0}) >= 5


def test_digits_move_whole_and_each_kind_of_shift_has_all_of_them(lab: Lab):
    net, tools = part(lab, "net"), part(lab, "tools")
    _, _, fresh, _ = net.drawn(3, 100, 40)
    still = tools.moved(fresh)[:40]
    np.testing.assert_array_equal(still[:, 2:16, 2:16], fresh)
    moved = tools.moved(fresh).reshape(3, 40, -1)
    np.testing.assert_allclose(moved.sum(axis=2), np.tile(fresh.sum(axis=(1, 2)), (3, 1)))
    first, *_ = tools.SHIFTS["moved by 2"]
    np.testing.assert_array_equal(
        moved[2, 0].reshape(18, 18), np.roll(still[0], first, axis=(0, 1))
    )
    assert all(max(map(abs, way)) == 2 for way in tools.SHIFTS["moved by 2"])


def test_a_scene_has_its_digit_untouched_and_scraps_elsewhere(lab: Lab):
    net = part(lab, "net")
    _, _, fresh, _ = net.drawn(0, 100, 200)
    scenes, places = net.scenes(fresh[:100], fresh[100:], 7)
    for scene, digit, (top, left) in zip(scenes, fresh[:100], places, strict=True):
        np.testing.assert_array_equal(scene[top : top + 14, left : left + 14], digit)
    assert scenes.sum() > 2 * fresh[:100].sum()
    assert len(set(places)) > 80
    assert net.corner(0, 0) == "top left"
    assert net.corner(12, 10) == "bottom left"


@pytest.mark.parametrize("seed", range(5))
def test_the_agent_is_asked_about_digits_well_in_a_quarter_and_never_beside_another(
    lab: Lab, seed: int
):
    net, tools = part(lab, "net"), part(lab, "tools")
    x, _, fresh, _ = net.drawn(seed, tools.KNOWN, tools.FRESH)
    scenes, places = net.scenes(fresh[: tools.SCENES], fresh[tools.SCENES :], seed)
    asked = net.clearest(scenes, places, x[:500])
    assert sorted(asked) == [n for n, at in enumerate(places) if min(abs(p - 11) for p in at) > 4]
    spoilt = next(n for n in asked if places[n][0] < 7)  # the clearest of those at the top
    left = places[spoilt][1]
    scenes[spoilt, 22:, left : left + 14] = next(one for one in x if one.sum() > 30)
    assert spoilt in asked[: len(tools.NAMES)]
    assert spoilt not in net.clearest(scenes, places, x[:500])[: len(asked) // 2]


def test_a_filter_answers_most_to_what_looks_like_it(lab: Lab):
    net = part(lab, "net")
    pictures = np.zeros((2, 6, 6))
    pictures[0, 1:4, 1], pictures[1, 4, 2:5] = 1, 1
    stroke = np.array([[[0, 1, 0]] * 3, [[0] * 3, [1] * 3, [0] * 3]], dtype=float) - 0.4
    upright, flat = net.strongest(stroke, pictures)
    assert upright[:, 1].all()
    assert flat[1].all()
    assert upright.sum() == flat.sum() == 3


def test_what_is_drawn_of_a_reader_is_never_a_reason_to_fail(lab: Lab):
    beside, pictures = part(lab, "tools")._beside, np.zeros((3, 18, 18))
    for said in (7, [[1, 2]], [[[float("nan")]]], [["a"]], [[[1.0] * 30] * 30]):
        assert beside(said, pictures).startswith("(reader.filters")
    assert "what each answers to most" in beside([[[1.0, -1.0]]], pictures)


def test_answers_that_are_no_whole_numbers_are_refused_in_a_line(lab: Lab):
    whole = part(lab, "tools")._whole
    assert whole([[1, 2.0, 3]], (1, 3), "why").tolist() == [[1, 2, 3]]
    for said in (
        [[1, 2]],
        [[1, 2, 2.5]],
        [[1, 2, float("nan")]],
        None,
        [["a", 1, 2]],
        [[1], [2, 3]],
    ):
        with pytest.raises(Exception, match="why") as raised:
            whole(said, (1, 3), "why")
        assert "\n" not in str(raised.value)


async def test_an_agent_that_says_less_than_was_there_is_not_right(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    reader = part(lab, "reader")
    known = {
        ("A", "7 at the top left"): "The digit is 7 at the top left.",
        ("B", "3 at the top left"): "The digit is 3.",
    }
    monkeypatch.setattr(reader, "_answered", known)
    scenes = [("7 at the top left", "7 at the top left"), ("3 at the top left",) * 2]
    assert [one["right"] for one in await reader.asked(scenes)] == [True, False]


def test_three_digits_misread_of_six_are_forgiven_and_four_are_not(lab: Lab):
    judging = part(lab, "judging")
    right = {"asked": "Where?", "there": "7 at the top left", "said": "7 at", "right": True}
    wrong = {**right, "said": "It is 1 at the top left.", "right": False}
    assert judging.misled({"agent": [right] * 3 + [wrong] * 3}, None) is None
    why = judging.misled({"agent": [right] * 2 + [wrong] * 4}, None)
    assert "2 of 6 told right" in why
    assert "It is 1 at the top left." in why
    assert "not asked" in judging.misled({"agent": []}, None)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_what_is_found_holds_on_any_draw(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """The model is not asked, which takes a minute: it repeats what was found, as proofs see."""

    async def repeated(_: object, name: str, read: str) -> str:
        return f"The digit in picture {name} is {read}."

    reader = part(lab, "reader")
    monkeypatch.setattr(reader, "connect", lambda *_, **__: MODEL)
    monkeypatch.setattr(reader, "_answer", repeated)
    monkeypatch.setattr(reader, "_answered", {})
    await holds_on_any_draw(lab, "find")
