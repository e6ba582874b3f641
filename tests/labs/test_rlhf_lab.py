"""m5/rlhf: parallels are the rules', the loss has PyTorch's slopes, and no drone passes."""

from __future__ import annotations

import importlib
import io
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.chorales import Chorale, data, rules

HOME = (72, 67, 64, 48)
"""C major, wide."""


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m5/rlhf", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


@pytest.fixture
def weights(lab: Lab) -> dict[str, Any]:
    """Of a composer that learnt nothing."""
    dice = np.random.default_rng(7)
    shapes = part(lab, "composing").SHAPES
    return {name: dice.normal(size=shape) * 0.15 for name, shape in shapes.items()}


def pieces(count: int, seed: int = 0) -> Any:
    dice = np.random.default_rng(seed)
    lines = [dice.integers(low, low + 8, size=(count, 16)) for low in (65, 60, 53, 45)]
    return np.stack(lines, axis=2)


def test_parallels_are_those_that_the_rules_find(lab: Lab):
    some = pieces(60)
    voices = [[[(int(p), 4) for p in line] for line in piece.T] for piece in some]
    wanted = [len(rules.parallels(one)) for one in voices]
    assert part(lab, "ear").parallels(some).tolist() == wanted
    assert sum(wanted) > 20


def test_each_thing_that_is_heard_has_a_piece_that_has_it(lab: Lab):
    ear = part(lab, "ear")
    drone = np.tile(HOME, (16, 1))
    heard = {name: float(share[0]) for name, share in ear.heard(drone[None]).items()}
    assert heard["chords"] == heard["in key"] == heard["ends"] == 1
    assert heard["parallels"] == heard["leaps"] == heard["crossed"] == 0
    assert heard["stands still"] == pytest.approx(0.9)
    assert heard["says it again"] == pytest.approx(0.8 - 1 / 16)
    assert heard["stuck"] == 0.5
    crossed = drone.copy()
    crossed[::2, 1] = 74
    other = {name: float(share[0]) for name, share in ear.heard(crossed[None]).items()}
    assert other["crossed"] == pytest.approx(8 / 48)
    assert other["leaps"] == pytest.approx(15 / 45)
    assert other["stands still"] == 0
    clash = drone + np.array((1, 0, 0, 0))
    assert ear.heard(clash[None])["chords"][0] == ear.heard(clash[None])["ends"][0] == 0


def test_a_drone_is_worth_less_than_notes_by_chance(lab: Lab):
    ear = part(lab, "ear")
    drone = np.tile(HOME, (1, 16, 1))
    assert ear.points(drone)[0] < -25
    assert ear.alike(np.tile(HOME, (5, 16, 1))) == 1
    assert ear.alike(pieces(50)) < 0.05


def test_votes_follow_the_points_as_often_as_they_say(lab: Lab):
    ear = part(lab, "ear")
    one, other = pieces(4000, 1), pieces(4000, 2)
    lead = ear.points(one) - ear.points(other)
    votes = ear.preferred(one, other, np.random.default_rng(0))
    near = (lead > 0.8) & (lead < 1.2)
    assert near.sum() > 100
    assert votes[near].mean() == pytest.approx(0.73, abs=0.1)
    assert votes[lead > 8].mean() > 0.98


def test_what_is_written_was_as_likely_as_it_is_said(lab: Lab, weights: dict[str, Any]):
    composing = part(lab, "composing")
    some, said = composing.write(weights, 300, np.random.default_rng(0))
    np.testing.assert_allclose(said, composing.likely(weights, some), atol=1e-9)
    first = some[:, 0, 0] - composing.LOW
    chances = np.exp(composing._at(weights, np.full((1, composing.BACK), composing.SIZE), 0)[0])
    assert chances.sum() == pytest.approx(1)
    often = int(chances.argmax())
    assert (first == often).mean() == pytest.approx(chances[often], abs=0.08)


def test_numpy_says_what_the_composer_in_the_sandbox_says(
    lab: Lab, weights: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch: Any = pytest.importorskip("torch")
    composing = part(lab, "composing")
    space: dict[str, Any] = {"__name__": "composer"}
    exec(composing.COMPOSER, space)
    np.savez(tmp_path / "composer.npz", **weights)
    monkeypatch.chdir(tmp_path)
    net = space["load"]()
    some = pieces(4)
    numbers = space["numbers"](some)
    assert (space["chords"](numbers) == some).all()
    with torch.no_grad():
        said = net(numbers).gather(2, numbers[..., None])[..., 0].numpy()
    np.testing.assert_allclose(said, composing.likely(weights, some), atol=1e-4)
    assert net.write(3).shape == (3, composing.LENGTH)


@pytest.mark.parametrize("spoil", ["nothing", "pickled", "shape", "nan", "zip", "huge"])
def test_only_weights_of_a_composer_are_read(lab: Lab, weights: dict[str, Any], spoil: str):
    composing = part(lab, "composing")
    given: dict[str, Any] = dict(weights)
    if spoil == "pickled":
        given["one.bias"] = np.array([{}], dtype=object)
    elif spoil == "shape":
        given["one.bias"] = np.zeros(3)
    elif spoil == "nan":
        given["one.bias"] = given["one.bias"] * np.nan
    elif spoil == "huge":
        given["more"] = np.zeros(2_000_000)
    file = io.BytesIO()
    (np.savez_compressed if spoil == "huge" else np.savez)(file, **given)
    kept = file.getvalue()[: 100 if spoil == "zip" else None]
    if spoil == "nothing":
        assert set(composing.read(kept)) == set(weights)
        return
    with pytest.raises(ToolError):
        composing.read(kept)


@pytest.fixture
def few(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[Chorale]:
    """A chorale of our own, in place of Bach's: 20 quarters, with a pickup of one."""
    lines: Any = tuple(tuple((low + n % 5, 4) for n in range(20)) for low in (67, 60, 53, 44))
    made = [Chorale("own", lines, 0, 16, 4, (60, 76))]
    monkeypatch.setattr(data, "at_home", lambda: tuple(made))
    return made


def test_phrases_end_where_a_fermata_stands(lab: Lab, few: list[Chorale]):
    found = part(lab, "composing").phrases()
    assert found.shape == (2, 16, 4)
    assert found[0, -1].tolist() == [67, 60, 53, 44]
    assert found[1, -1].tolist() == [71, 64, 57, 48]
    assert (found[1, :-4] == found[0, 4:]).all()


def test_slopes_are_those_that_pytorch_finds(lab: Lab):
    torch: Any = pytest.importorskip("torch")
    objective = part(lab, "objective")
    space: dict[str, Any] = {}
    step = lab.step("leash")
    assert isinstance(step, CodeStep)
    exec(step.solution.code, space)
    for probe in objective.drawn(11):
        now = torch.tensor(probe.now, requires_grad=True)
        given = (torch.tensor(one) for one in (probe.old, probe.before, probe.drawn, probe.rewards))
        value = space["loss"](now, *given, probe.beta)
        value.backward()
        loss, slopes = probe.loss()
        assert loss == pytest.approx(value.item())
        np.testing.assert_allclose(slopes, now.grad.numpy(), atol=1e-9)


def test_slopes_are_those_of_small_differences(lab: Lab):
    objective = part(lab, "objective")
    probe = objective.drawn(3)[-1]
    _, slopes = probe.loss()
    dice = Random(0)
    for _ in range(60):
        at = tuple(dice.randrange(size) for size in probe.now.shape)
        more, less = probe.now.copy(), probe.now.copy()
        more[at] += 1e-6
        less[at] -= 1e-6
        values = dict(vars(probe))
        rise = [objective.Probe(**{**values, "now": one}).loss()[0] for one in (more, less)]
        assert (rise[0] - rise[1]) / 2e-6 == pytest.approx(slopes[at], abs=1e-6)


def test_all_four_cases_of_clipping_are_probed(lab: Lab):
    objective = part(lab, "objective")
    for seed in range(20):
        probe = objective.drawn(seed)[1]
        at = np.ix_(np.arange(objective.ROWS), np.arange(objective.NOTES))
        ratio = np.exp((probe.now - probe.old)[(*at, probe.drawn)])
        lead = np.broadcast_to((probe.rewards - probe.rewards.mean())[:, None], ratio.shape)
        cases = {
            (bool(a > 0), b > 1.2, b < 0.8) for a, b in zip(lead.flat, ratio.flat, strict=True)
        }
        assert {(s, *far) for s in (True, False) for far in ((True, False), (False, True))} <= cases


@pytest.mark.parametrize(
    ("spoil", "check"), [("none", None), ("sign", "lead"), ("clip", "clipped"), ("value", "lead")]
)
def test_what_is_wrong_with_a_loss_is_told_by_its_part(lab: Lab, spoil: str, check: str | None):
    objective = part(lab, "objective")
    probes = objective.drawn(5)
    said: list[dict[str, Any]] = []
    for probe in probes:
        loss, slopes = probe.loss()
        if spoil == "sign":
            slopes = -slopes
        elif spoil == "clip" and probe.check == "clipped":
            slopes = np.zeros_like(slopes)
        elif spoil == "value":
            loss += 1
        said.append({"loss": loss, "slopes": slopes.tolist()})
    _, found = objective.judged(probes, said)
    assert (found[check] is not None) if check else not any(found.values())
    if spoil == "clip":
        assert found["lead"] is None
        assert "ratio" in found["clipped"]
    with pytest.raises(ToolError):
        objective.judged(probes, [{"loss": "x", "slopes": 1}] * len(probes))


def test_scores_are_judged_by_votes_they_never_saw(lab: Lab, weights: dict[str, Any]):
    ear, listening = part(lab, "ear"), part(lab, "listening")
    trial = listening.Trial.drawn(2, weights)
    right = np.concatenate([ear.points(trial.fresh), ear.points(trial.fresh_second)])
    said = {"scores": right.tolist(), "again": right[: listening.FRESH].tolist()}
    assert not any(trial.judged(said)[1].values())
    upside = {name: [-one for one in some] for name, some in said.items()}
    found = trial.judged(upside)[1]
    assert "0.0% of the clear pairs" in found["taste"]
    assert found["honest"]
    assert found["alone"] is None
    large = {name: [50 * one for one in some] for name, some in said.items()}
    assert trial.judged(large)[1]["taste"] is None
    assert "nats" in trial.judged(large)[1]["honest"]
    other = {**said, "again": (right[: listening.FRESH] + 1).tolist()}
    assert "other company" in trial.judged(other)[1]["alone"]
    for bad in ([1.0], None, ["x"] * 6000, [float("nan")] * 6000):
        with pytest.raises(ToolError):
            trial.judged({**said, "scores": bad})


async def test_the_agent_says_what_the_scores_say(
    lab: Lab, weights: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    agent, ear, listening = (part(lab, name) for name in ("agent", "ear", "listening"))
    trial = listening.Trial.drawn(2, weights)
    monkeypatch.setattr(agent, "connect", lambda *_, **__: Scripted(["never", "never", "never"]))
    calls = {listening._ASKS.format(*pair): pair for pair in trial.asked}
    said = {
        (question, one): f"I found people would rather hear piece {one}."
        for question, pair in calls.items()
        for one in pair
    }
    monkeypatch.setattr(agent, "calls", calls)
    monkeypatch.setattr(agent, "said", said)
    points = ear.points(trial.pieces)
    assert (await trial.asked_for({"pieces": points.tolist()}))[1] is None
    wrong = (await trial.asked_for({"pieces": (-points).tolist()}))[1]
    assert "people prefer" in wrong
    assert all(abs(points[a] - points[b]) > listening.CLEAR for a, b in trial.asked)


def test_a_hacked_composer_is_named(lab: Lab, weights: dict[str, Any]):
    following = part(lab, "following")
    turns = np.array([HOME, (72, 69, 65, 53), (74, 71, 67, 55), (71, 67, 62, 43)] * 4)
    old = np.tile(turns, (following.WRITTEN, 1, 1))
    trial = replace(following.Trial.drawn(1, weights), old=old)
    drones = np.tile(HOME, (following.WRITTEN, 16, 1))
    _, found = trial.judged(drones, 20.0, (0.0, 9.0), 1.0)
    assert "hacked: the reward rose from 0.0 to 9.0" in found["ear"]
    assert "(stands still)" in found["ear"]
    assert found["many"].startswith("two pieces have 100%")
    assert found["near"] is None
    assert found["own"] is None
    _, far = trial.judged(trial.old, 80.0, (0.0, 0.0), 0.5)
    assert far["near"].startswith("80 nats")
    assert "50%" in far["own"]
    assert "+0.0 points" in far["ear"]


def test_a_choice_is_true_or_false(lab: Lab):
    votes = part(lab, "following").votes
    assert votes([True, False], 2, both=True) == [True, False]
    for bad in ([1, 0], [True], None, ["a", "b"]):
        with pytest.raises(ToolError):
            votes(bad, 2)
    assert votes([True, True], 2) == [True, True]
    with pytest.raises(ToolError, match="True for every pair"):
        votes([True, True], 2, both=True)


def test_a_number_is_finite(lab: Lab):
    number = part(lab, "following").number
    assert number(2) == 2.0
    for bad in (None, "3", float("nan"), float("inf"), [1]):
        with pytest.raises(ToolError):
            number(bad)


def test_runs_are_shown_blind_and_the_ear_judges(lab: Lab):
    stopping = part(lab, "stopping")
    some = stopping.drawn(4)
    assert all("ear" not in one and set(one) == set(stopping.SEEN) for one in stopping.blind(some))
    assert not any(one in stopping.runs()[: stopping.SHOWN] for one in some)
    assert all("ear" in one for one in stopping.shown())
    best = [
        max(range(len(run["kl"])), key=lambda at, run=run: stopping.gained(run, at)[0])
        for run in some
    ]
    assert not any(stopping.judged(some, best)[1].values())
    ends = [len(run["kl"]) - 1 for run in some]
    found = stopping.judged(some, ends)[1]
    assert "let go on for" in found["never"]
    assert "are needed" in found["kept"]
    idle = stopping.judged(some, [0] * len(some))[1]
    assert idle["never"] is None
    assert idle["kept"]
    for bad in ([1], None, [-1] * len(some), [10_000] * len(some), ["x"] * len(some)):
        with pytest.raises(ToolError):
            stopping.judged(some, bad)


def test_a_run_is_drawn(lab: Lab):
    pytest.importorskip("matplotlib")
    drawing, stopping = part(lab, "drawing"), part(lab, "stopping")
    picture = drawing.curves(stopping.runs()[0], 5)
    assert picture.startswith(b"\x89PNG")
    voices = drawing.voices(np.tile(HOME, (16, 1)))
    assert [len(voice) for voice in voices] == [16] * 4
    assert voices[3][0] == (48, 4)
