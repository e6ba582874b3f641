"""m4/gan: losses, distances and illnesses are told as they are, and what is drawn is measured."""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from graded import failed

from agentlab.backends.scripted import Scripted
from agentlab.errors import MissingExtra, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab.messages import Message, ToolCall
from agentlab_tools.digits import digits, drawing, judge
from agentlab_tools.digits.measures import apart, distances, variety


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m4/gan", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


def test_the_judge_reads_digits_that_it_never_saw(lab: Lab):
    pictures, right = digits()
    chances = judge.read(pictures)
    assert np.allclose(chances.sum(axis=1), 1)
    assert (chances.argmax(axis=1) == right).mean() > 0.97


def test_the_expected_slopes_are_those_of_the_losses(lab: Lab):
    torch: Any = pytest.importorskip("torch")
    soft = torch.nn.functional.softplus
    rng = np.random.default_rng(0)
    real, made = rng.normal(2, 3, 5), rng.normal(-2, 3, 9)
    expect = part(lab, "cases")._losses(real, made)
    leaves: Any = [torch.tensor(x, requires_grad=True) for x in (real, made)]
    one, other = leaves
    loss = soft(-one).mean() + soft(other).mean()
    loss.backward()
    said, *steep = expect["discriminator"]
    assert said == pytest.approx(loss.item())
    assert np.allclose(steep[0], one.grad)
    assert np.allclose(steep[1], other.grad)
    other.grad.zero_()
    loss = -torch.log(torch.sigmoid(other)).mean()
    loss.backward()
    assert expect["generator"][0] == pytest.approx(loss.item())
    assert np.allclose(expect["generator"][1], other.grad)


def test_the_distance_is_that_of_the_formula_and_of_gaussians_that_are_known(lab: Lab):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)), rng.normal(size=(40, 6)) + 1
    a, b = np.cov(x.T), np.cov(y.T)
    roots = np.sqrt(np.linalg.eigvals(a @ b).real).sum()
    gap = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    assert distances(x, y)[1] == pytest.approx(gap + np.trace(a + b) - 2 * roots)
    assert distances(x, y)[:2] == pytest.approx(distances(y, x)[:2])
    assert distances(x, x + 2)[:2] == pytest.approx((24, 24))
    wide = x - x.mean(axis=0)
    assert distances(wide, 3 * wide)[1] == pytest.approx(4 * np.trace(a))
    few = x[:3]
    assert 0 <= distances(few, few)[0] < 1e-9


def test_each_set_is_as_ill_as_it_is_said_to_be(lab: Lab):
    sets = part(lab, "sets")
    x, _, fresh, right = sets.digits()
    for seed in range(3):
        found = sets.sets(seed)
        assert len(found) == 10
        for one in found:
            near = apart(one.pictures, x).min(axis=1)
            copied = (near < 0.4).mean() > 0.25
            alike = variety(one.pictures, one.asked, fresh, right) < 0.3
            deaf = (judge.read(one.pictures).argmax(axis=1) == one.asked).mean() < 0.4
            state = "copies" if copied else "collapsed" if alike else "deaf" if deaf else "well"
            assert state == one.state, one.name


def test_real_digits_are_good_enough_and_what_no_game_made_is_not(lab: Lab):
    played, sets = part(lab, "played"), part(lab, "sets")
    game = played.Game.of(4)
    dice, asked = np.random.default_rng(4), np.array(game.asked)
    pictures, names = digits()
    known = {one.tobytes() for one in game.x}
    others = np.array([one.astype("float32").tobytes() not in known for one in pictures])
    real = np.array(
        [pictures[dice.choice(np.flatnonzero(others & (names == digit)))] for digit in asked]
    )
    assert game.complaints(game.measured(real)) == []
    failed = {
        "copies": sets.copies(game.x, game.y, asked, dice),
        "gaussian": played.gaussian(game.x, game.y, asked, dice),
        "one each": np.array([game.fresh[game.right == digit][0] for digit in asked]),
        "another": np.roll(real, 1, axis=0),
    }
    why = {"copies": "new", "gaussian": "far", "one each": "varied", "another": "asked"}
    for name, made in failed.items():
        found = game.measured(made)
        assert played.lacking(why[name], found) is not None, name


def test_what_the_agent_had_drawn_is_read_digit_by_digit(lab: Lab):
    played, judging = part(lab, "played"), part(lab, "judging")
    game = played.Game.of(1)
    text = [str(number) for number in game.numbers]
    sure = judge.read(game.fresh)[np.arange(len(game.right)), game.right] > 0.99
    drawn = np.array(
        [
            game.fresh[np.flatnonzero(sure & (game.right == int(digit)))[0]]
            for digit in "".join(text)
        ]
    )
    found = game.reads(text, drawn)
    assert [one["read"] for one in found] == text
    assert judging.unwritten({"agent": found}, None) is None
    found = game.reads(["", text[1], "7" * 4], np.concatenate([drawn[3:6], drawn[:4]]))
    assert [one["right"] for one in found] == [0, 3, 0]
    why = judging.unwritten({"agent": found}, None)
    assert why is not None
    assert "the agent had nothing written" in why
    assert "first mend" in str(judging.unwritten({}, None))


async def test_the_agent_writes_what_it_calls_with(lab: Lab):
    scribe = part(lab, "scribe")
    asks = ToolCall(id="1", name="write_by_hand", arguments='{"number": "407"}')
    model = Scripted([Message.assistant(asks), "Done."])
    assert await scribe._call(model, 407) == "407"
    assert await scribe._call(Scripted(["407"]), 407) == ""


def test_a_case_asks_for_a_hundred_of_each_digit_and_no_number_twice(lab: Lab):
    game = part(lab, "played").Game.of(8)
    assert np.bincount(game.asked).tolist() == [100] * 10
    assert len(set(game.numbers)) == 3
    assert not {x.tobytes() for x in game.x} & {x.tobytes() for x in game.fresh}


def test_what_is_no_array_is_refused(lab: Lab):
    tools = part(lab, "tools")
    file = io.BytesIO()
    np.save(file, np.ones((2, 3)))
    assert tools._array(file.getvalue()).shape == (2, 3)
    for bad in (b"", b"\x93NUMPY", file.getvalue()[:-3]):
        with pytest.raises(ToolError, match="can't be read"):
            tools._array(bad)
    objects = io.BytesIO()
    np.save(objects, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ToolError):
        tools._array(objects.getvalue())


def test_pictures_are_drawn_with_what_there_is(lab: Lab):
    pictures = np.linspace(0, 1, 12 * 196).reshape(12, 196)
    sheet = drawing.sheet(pictures, 5)
    assert sheet.shape == (29, 74)
    assert np.allclose(sheet[:14, :14], pictures[0].reshape(14, 14))
    assert np.allclose(sheet[15:, 15:29], pictures[6].reshape(14, 14))
    assert drawing.film(np.stack([pictures, pictures])).startswith(b"\x89PNG")


async def test_without_torch_one_line_says_what_to_install(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    with pytest.raises(MissingExtra, match=r"^torch is not installed: .*train\S*$"):
        async with lab.equip():
            pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def draw(made, digits):\n    return [[0.5] * 196] * 3\n", "draws an array of (3, 196)"),
        ("def draw(made, digits):\n    return [[2.0] * 196] * len(digits)\n", "between 0 and 1"),
        (
            "def draw(made, digits):\n    return [[float('nan')] * 196] * len(digits)\n",
            "between 0 and 1",
        ),
    ],
)
async def test_what_is_no_picture_is_said_to_be_none(lab: Lab, code: str, says: str):
    reasons = await failed(lab, "game", "def train(x, y):\n    return 0\n\n\n" + code)
    assert len(reasons) == 5
    assert all(says in reason for reason in reasons.values())


@pytest.mark.slow
async def test_a_distance_that_is_no_number_is_told_with_its_pair(lab: Lab):
    reasons = await failed(lab, "frechet", "def frechet(x, y):\n    return 1j\n")
    assert "one set, and the same moved: TypeError" in reasons["moved"]


def test_the_draws_of_pairs_hold_what_their_names_say(lab: Lab):
    cases = part(lab, "cases")
    (case,) = cases.pairs(Random(2), 1)
    tried = [[np.array(one) for one in two] for two in json.loads(case.input)["pairs"]]
    few, many = tried[3]
    assert np.linalg.matrix_rank(np.cov(few.T)) < few.shape[1]
    assert (tried[4][0] == many).all()
    assert (tried[5][0][:, 2] == 0).all()
    assert case.expect[6][1] == pytest.approx(0, abs=1e-9)
    a, b = (np.cov(one.T) for one in tried[2])
    assert not np.allclose(a @ b, b @ a)
