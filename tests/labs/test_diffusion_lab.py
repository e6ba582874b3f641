"""m4/diffusion: best directions, nets that are lent, and what is seen in drawings."""

from __future__ import annotations

import importlib
import io
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("PIL")

from graded import failed

from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab.messages import Message, ToolCall
from agentlab_tools.diffusion import captions, judges


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m4/diffusion", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


def test_the_best_direction_is_that_of_the_density_s_slope(lab: Lab):
    """By Tweedie's formula: t E[y] = x + (1 - t)^2 times the slope of log p."""
    perfect = part(lab, "perfect")
    dice, t = np.random.default_rng(0), 0.6
    pictures, x = dice.normal(size=(5, 3)), dice.normal(size=(4, 3))

    def density(rows: Any) -> Any:
        apart = ((rows[:, None] - t * pictures) ** 2).sum(axis=2) / (2 * (1 - t) ** 2)
        return np.log(np.exp(-apart).sum(axis=1))

    small = 1e-5
    slope = np.stack(
        [
            (density(x + small * axis) - density(x - small * axis)) / (2 * small)
            for axis in np.eye(3)
        ],
        axis=1,
    )
    mean = (x + (1 - t) ** 2 * slope) / t
    assert np.allclose(perfect.best(x, t, pictures), (mean - x) / (1 - t), atol=1e-6)


def test_the_best_direction_of_one_picture_leads_to_it_and_late_ones_are_numbers(lab: Lab):
    perfect = part(lab, "perfect")
    x, y = np.ones((2, 4)), np.full((1, 4), 3.0)
    assert np.allclose(x + 0.5 * perfect.best(x, 0.5, y), y)
    far = perfect.best(np.random.default_rng(0).normal(size=(3, 196)), 0.999, np.eye(196))
    assert np.isfinite(far).all()


def test_nearest_is_the_least_of_all_distances(lab: Lab):
    dice = np.random.default_rng(1)
    one, other = dice.normal(size=(6, 5)), dice.normal(size=(9, 5))
    due = np.linalg.norm(one[:, None] - other, axis=2).min(axis=1)
    assert np.allclose(part(lab, "perfect").nearest(one, other), due)


def test_mixtures_hold_what_their_names_say(lab: Lab):
    cases = part(lab, "cases")
    found = {name: (x, t, pictures) for name, x, t, pictures in cases.mixtures(3)}
    assert tuple(found) == cases.USUAL + cases.LATE
    assert found["a cloud at t = 0"][1] == 0
    x, t, pictures = found["digits at t = 0.99"]
    apart = ((x[:, None] - t * pictures) ** 2).sum(axis=2) / (2 * (1 - t) ** 2)
    assert (np.exp(-apart).sum(axis=1) == 0).any(), "some have no chance left as a float"


def test_what_is_misled_is_told_with_its_row(lab: Lab):
    cases, judging, perfect = (part(lab, name) for name in ("cases", "judging", "perfect"))
    asked = cases.mixtures(1)
    said = [perfect.best(x, t, y) for _, x, t, y in asked]
    assert judging.misled(asked, said, cases.USUAL + cases.LATE) is None
    said[2] = said[2] + 0.01
    assert judging.misled(asked, said, cases.LATE) is None
    assert "a cloud: row 0" in str(judging.misled(asked, said, cases.USUAL))
    said[2] = said[2][:, :1]
    assert "the shape" in str(judging.misled(asked, said, cases.USUAL))


def drawings(trial: Any, pictures: Any) -> dict[float, Any]:
    """The same pictures by every guidance, but at 0 others."""
    numbers = trial.latents.encode(pictures)
    return {0.0: np.roll(numbers, 7, axis=0), 1.0: numbers, 2.0: numbers, 4.0: numbers}


def test_real_digits_are_new_and_varied_and_copies_and_means_are_not(lab: Lab):
    learning, judging = part(lab, "learning"), part(lab, "judging")
    trial = learning.Trial.of(5)
    dice = np.random.default_rng(0)
    digit, colour = np.divmod(trial.asked, 6)

    def of(shades: Any, names: Any) -> Any:
        rows = [dice.choice(np.flatnonzero(names == one)) for one in digit]
        return captions.tinted(shades[rows], colour, dice)

    names = trial.prompts[:, :10].argmax(axis=1)
    fresh = judges.shades(trial.fresh)[0]
    found = trial.measured(drawings(trial, of(fresh, trial.right)))
    for name in ("untold", "varied", "new"):
        assert judging._WHY[name]({**found, "moved": 0}) is None, name
    assert 0.75 < found["shown"]["2"] < 0.95, "64 numbers blur them"
    found = trial.measured(drawings(trial, of(trial.shades, names)))
    assert judging._WHY["new"](found) is not None
    middle = np.stack([trial.shades[names == one].mean(axis=0) for one in range(10)])
    found = trial.measured(drawings(trial, captions.tinted(middle[digit], colour, dice)))
    assert judging._WHY["varied"](found) is not None
    assert judging._WHY["far"](found) is not None
    found = trial.measured(drawings(trial, np.roll(of(fresh, trial.right), 1, axis=0)))
    assert judging._WHY["shown"](found) is not None


def test_a_trial_never_shows_what_is_unseen(lab: Lab):
    trial = part(lab, "learning").Trial.of(2)
    known = captions.as_words(captions.prompts())
    shown = set((trial.prompts @ known.T).argmax(axis=1).tolist())
    unseen = {digit * 6 + colour for digit, colour in captions.UNSEEN}
    assert len(unseen) == 12
    assert not shown & unseen
    assert len(shown) == 48
    assert np.bincount(trial.asked).tolist() == [10] * 60


def test_variety_is_that_of_the_least_varied_digit(lab: Lab):
    dice, digit = np.random.default_rng(0), np.repeat([0, 1], 50)
    real = dice.normal(size=(100, 5))
    made = np.where(digit[:, None] == 0, real, 0.25 * real)
    assert part(lab, "learning").variety(made, digit, real, digit) == pytest.approx(0.25)


def test_rules_of_higher_order_come_nearer_to_where_the_ways_lead(lab: Lab):
    looks, sampling = part(lab, "looks"), part(lab, "sampling")
    task = sampling.tasks(0)[0]
    due = looks.exact(task)
    off = [sampling.off(looks.walked(task, 8, order), due) for order in (1, 2, 4)]
    assert off[0] > 2 * off[1] > 2 * off[2]
    assert sampling.off(looks.walked(task, 40, 4), due) < 1e-3
    step = task.noise + looks.looked(task.noise, 0.0, task.prompts)
    assert np.allclose(looks.walked(task, 1), step, atol=1e-4)


def asked(**given: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **given)
    return file.getvalue()


def letters(text: str) -> Any:
    return np.frombuffer(text.encode(), dtype="uint8")


def test_a_look_is_answered_as_long_as_there_are_some_left(lab: Lab):
    looks = part(lab, "looks")
    lender = looks.Lender(SimpleNamespace())
    lender.left = 1
    x = np.random.default_rng(0).normal(size=(2, 160))
    question = asked(x=x, t=np.float64(0.3), prompts=letters('["lion", "a red heart"]'))
    with np.load(io.BytesIO(lender._answered(question))) as told:
        due = looks.looked(x, 0.3, ["lion", "a red heart"])
        assert np.allclose(told["way"], due)
        assert not np.allclose(due, looks.looked(x, 0.3, None))
    assert not lender.refused
    with np.load(io.BytesIO(lender._answered(question))) as told:
        assert "all looks are taken" in str(told["error"])
    assert lender.refused


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"x": np.ones((2, 3))}, "look takes x"),
        ({"x": np.ones((200, 160))}, "look takes x"),
        ({"x": np.full((2, 160), np.nan)}, "finite"),
        ({"t": np.float64(1.5)}, "from 0 to 1"),
        ({"prompts": letters('["lion"]')}, "a prompt for each row"),
        ({"prompts": letters("{")}, "can't read it"),
    ],
)
def test_a_look_that_makes_no_sense_is_told_why(lab: Lab, given: dict[str, Any], says: str):
    whole = {"x": np.ones((2, 160)), "t": np.float64(0), "prompts": letters("null")}
    with pytest.raises(ToolError, match=says):
        part(lab, "looks")._asked(asked(**{**whole, **given}))
    with pytest.raises(ToolError, match="can't read it"):
        part(lab, "looks")._asked(b"nothing")


async def test_the_agent_paints_what_it_calls_with(lab: Lab):
    painter = part(lab, "painter")
    wish = painter.wishes(4)[0]
    call = ToolCall(id="1", name="paint", arguments='{"thing": "a lion"}')
    assert await painter._call(Scripted([Message.assistant(call), "Done."]), wish) == "a lion"
    assert await painter._call(Scripted(["A lion."]), wish) == ""


def test_wishes_are_for_what_there_is_and_come_true_if_it_is_seen(lab: Lab):
    painter, sampling, judging = (part(lab, name) for name in ("painter", "sampling", "judging"))
    names = sampling.names()
    assert set(painter.NAMES) <= set(names)
    wishes = painter.wishes(Random(0).randrange(100))
    assert len({wish.name for wish in wishes}) == 3
    alike = np.zeros(len(names))
    alike[names.index(wishes[0].name)] = 1
    true = sampling._seen(wishes[0], "x", alike, names)
    assert true["true"]
    assert true["seen"] == wishes[0].name
    false = sampling._seen(wishes[0], "", -alike, names)
    assert not false["true"]
    assert judging.ungranted({"agent": [true, true, false]}, None) is None
    assert "had nothing painted" in str(judging.ungranted({"agent": [true, false, false]}, None))
    assert "first draw nearer" in str(judging.ungranted({}, None))


def test_a_sheet_shows_each_point_as_a_square(lab: Lab):
    from PIL import Image

    pictures = np.linspace(-1, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    drawn = part(lab, "drawing").sheet([("", pictures), ("", pictures[:1])], tall=8)
    shown = np.asarray(Image.open(io.BytesIO(drawn)))
    tile = shown[6:14, 6:14]
    assert (tile[::2, ::2] == tile[1::2, 1::2]).all()
    due = ((pictures[0] + 1) * 127.5).round().astype(np.uint8).transpose(1, 2, 0)
    assert (tile[::2, ::2] == due).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return noise[:3]", "as noise is"),
        ("return noise * float('nan')", "not finite"),
        ("return look(noise, 2.0)", "from 0 to 1"),
        ("return noise + look(noise, 0.0, ['lion'])", "a prompt for each row"),
    ],
)
async def test_what_is_no_drawing_is_said_to_be_none(lab: Lab, body: str, says: str):
    code = f"def draw(look, noise, prompts, guidance, looks):\n    {body}\n"
    assert says in " ".join((await failed(lab, "steps", code)).values())
