"""m4/video: clips are as bad as they are said to be, and films are what the net makes of noise."""

from __future__ import annotations

import importlib
import io
from types import ModuleType

import numpy as np
import pytest
from graded import failed

from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab.messages import Message, ToolCall
from agentlab_tools.digits.judge import read
from agentlab_tools.film import drawing, moves, net
from agentlab_tools.film.look import settled
from agentlab_tools.film.measures import alike, astray, centres, kept, reads
from agentlab_tools.film.painter import Painter, together


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m4/video", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


def one(motion: str, frames: int = 8, seed: int = 0):
    """A digit, where it is in each frame, and the frames."""
    dice = np.random.default_rng(seed)
    pictures, _ = moves.fresh()
    row = int(dice.integers(len(pictures)))
    start = moves.begin(pictures[row], motion, dice, frames)
    at = moves.path(pictures[row], motion, start, frames)
    return pictures[row], at, moves.film(pictures[[row]], at[None])[0]


@pytest.mark.parametrize("motion", moves.MOTIONS)
def test_the_ink_is_where_the_way_has_it(motion: str):
    for seed in range(5):
        _, at, frames = one(motion, seed=seed)
        seen = centres(frames)[:, :2]
        assert np.abs((seen - seen[0]) - (at - at[0])[:, :2]).max() < 0.45
        assert frames[:, [0, -1]].sum() + frames[:, :, [0, -1]].sum() < 0.2 * frames.sum()
        assert kept(frames).min() > 0.9


def test_ways_are_those_that_are_described():
    picture, at, _ = one("left", seed=1)
    assert np.allclose(np.diff(at[:, 0]), -1)
    assert np.allclose(at[:, 1], at[0, 1])
    wall = moves.path(picture, "left", moves.Start(6.5, 9.5, 1.0))[:, 0]
    assert wall[0] == 6.5
    assert wall[-1] == pytest.approx(moves.room(picture, 1.0)[0])
    _, at, _ = one("bounce", 15)
    assert np.allclose(at[0], at[7])
    assert np.allclose(at[0], at[14])
    falls = np.diff(at[:4, 1])
    assert (np.diff(falls) > 0.5).all()
    _, at, _ = one("circle", 13)
    assert np.allclose(at[0], at[12])
    middle = at[:12, :2].mean(axis=0)
    assert np.allclose(np.hypot(*(at[:, :2] - middle).T), moves.RADIUS)
    assert at[3, 0] > middle[0], "clockwise, from the top"


def test_what_is_left_out_of_training_never_comes_in_it():
    pictures, names = moves.known()
    _, (digit, motion) = moves.clips(np.random.default_rng(0), 400, pictures, names)
    pairs = set(zip(digit.tolist(), motion.tolist(), strict=True))
    left_out = {(d, m) for d in range(10) for m in range(6) if moves.unseen(d, m)}
    assert len(left_out) == 10
    assert {d for d, _ in left_out} == set(range(10))
    assert not pairs & left_out
    assert len(pairs) == 50


def test_settled_frames_are_the_same_wherever_and_however_large_a_digit_is():
    pictures, names = moves.fresh()
    places = np.array([[(9.5, 9.5, 1.0), (7.2, 11.9, 0.8), (11.0, 8.4, 1.15)]] * len(names))
    frames = moves.film(pictures, places)
    seen = [settled(clip) for clip in frames[:200]]
    assert min(alike(clip, clip[:1]).min() for clip in seen) > 0.85
    assert np.quantile([alike(clip, clip[:1]).min() for clip in seen], 0.1) > 0.92
    assert (read(settled(frames[:, 1]))[np.arange(1000), names] > 0.5).mean() > 0.88
    assert not settled(np.zeros((2, 20, 20))).any()


def test_measures_tell_a_digit_from_another_and_a_way_from_another():
    _, _, frames = one("right", seed=3)
    _, _, others = one("left", seed=4)
    assert kept(np.concatenate([frames[:4], others[4:]]))[-1] < 0.8
    assert astray(frames, frames).max() == 0
    assert astray(np.roll(frames, 3, axis=2), frames)[0] == pytest.approx(3, abs=0.2)
    assert len(set(reads(frames).tolist())) == 1


def test_pytorch_and_numpy_draw_the_same():
    torch = pytest.importorskip("torch")
    from agentlab_tools.train.recipes.video import Layers

    dice = np.random.default_rng(0)
    w = net.begun(dice)
    for name in w:
        if ".second.weight" in name:
            w[name] = dice.normal(size=w[name].shape).astype(np.float32) * 0.05
    x = dice.normal(size=(3, 8, 20, 20)).astype(np.float32)
    levels, told = (
        dice.random((3, 8)).astype(np.float32),
        (np.array([1, 10, 3]), np.array([0, 6, 3])),
    )
    plain = net.believes(w, net.Plain(), x, levels, told, net.places(3))
    theirs = net.believes(
        {name: torch.tensor(part) for name, part in w.items()},
        Layers(),
        torch.tensor(x),
        torch.tensor(levels),
        (torch.tensor(told[0]), torch.tensor(told[1])),
        tuple(torch.tensor(part.copy()) for part in net.places(3)),
    )
    assert np.abs(plain - theirs.numpy()).max() < 1e-4
    assert np.abs(plain).max() > 0.5
    clean = net.believes(w, net.Plain(), x, 0 * levels, told, net.places(3))
    assert np.abs(clean - x).max() > 0.01, "what is said is added to what is seen"


def test_a_shift_goes_where_its_number_says():
    grid, tables = net.places(1)
    frame = np.zeros((20, 20), np.float32)
    frame[5, 12] = 1
    by = tables.reshape(-1, 20, 20)
    assert (by[8] @ frame @ by[8] == frame).all()
    assert (by[8 - 3] @ frame @ by[8])[8, 12] == 1
    assert (by[8] @ frame @ by[8 + 2])[5, 14] == 1
    assert grid[0, 0, 0, -1] == grid[0, 1, -1, 0] == 1


def test_a_painter_leaves_alone_what_is_given_and_ends_without_noise(lab: Lab):
    painter = Painter(part(lab, "films").WEIGHTS)
    _, _, frames = one("right", seed=2)
    x = np.random.default_rng(0).normal(size=(1, 8, 20, 20)).astype(np.float32)
    x[:, 0] = frames[0] * 2 - 1
    levels, told = np.array([0.0] + [1.0] * 7), (np.array([3]), np.array([1]))
    made = painter.draws(x, levels, together(1, 4), *told)
    assert (made[0, 0] == x[0, 0]).all()
    once = painter.draws(x, levels, together(1, 1), *told)
    assert np.allclose(once[0, 1:], painter.believes(x, levels[None], *told)[0, 1:], atol=1e-6)
    halfway = painter.draws(x, levels, together(1, 2)[:1], *told)
    assert np.allclose(halfway[0, 1:], (x + once)[0, 1:] / 2, atol=1e-5)


def test_the_packed_net_is_the_one_of_its_card(lab: Lab):
    films = part(lab, "films")
    assert films.WEIGHTS.stat().st_size < 2_000_000
    with np.load(films.WEIGHTS) as kept_parts:
        assert {name: kept_parts[name].shape for name in kept_parts.files} == net.shapes()
    dice = np.random.default_rng(6)
    truth, told = moves.clips(dice, 40, *part(lab, "clips").clear(), every=True)
    x = np.concatenate([truth[:, :1] * 2 - 1, dice.normal(size=(40, 7, 20, 20))], axis=1)
    made = films.painter().draws(x, np.array([0.0] + [1.0] * 7), together(1, 1), *told)
    still = ((truth[:, :1] - truth) ** 2).mean()
    assert ((np.clip((made + 1) / 2, 0, 1) - truth) ** 2).mean() < 0.05 * still
    card = films.WEIGHTS.with_name("card.md").read_text(encoding="utf-8")
    count = sum(int(np.prod(shape)) for shape in net.shapes().values())
    assert f"({count:,} numbers)" in card
    assert "agentlab train video" in card


def test_each_clip_is_as_bad_as_it_is_said_to_be(lab: Lab):
    clips = part(lab, "clips")
    for seed in range(3):
        found = clips.clips(seed)
        assert len(found) == 6 + 2 * 11
        assert {clip.state for clip in found} == {"well", "gone", "other", "changes", "moves"}
        for clip in found:
            seen = centres(clip.frames)[:, :2]
            off = np.abs(seen - seen[0] - clips.meant(clip.motion)).max()
            dark = (clip.frames.max(axis=(1, 2)) < 0.2).any()
            other = reads(clip.frames[:1])[0] != clip.digit
            alien = kept(clip.frames).min() < 0.82
            faults = {"gone": dark, "other": other, "changes": alien, "moves": off > 1}
            state = next((word for word, holds in faults.items() if holds), "well")
            assert state == clip.state, clip.name


def test_films_that_are_not_the_nets_are_told(lab: Lab):
    films = part(lab, "films")
    task = films.tasks(5)[0]
    right = task.film()
    assert films.differs(right, right) == ""
    assert films.differs(right[:7], right) == "a film of shape (7, 20, 20), not (8, 20, 20)"
    bad = right.copy()
    bad[4, 3, 3] = np.nan
    assert films.differs(bad, right) == "frame 4 has points that are no numbers"
    bad[4] = right[4] + 0.1
    assert films.differs(bad, right) == "a point of frame 4 is 0.1 from where the net has it"


def test_films_are_drawn_large_and_play():
    image = pytest.importorskip("PIL.Image")
    _, _, frames = one("up")
    still = image.open(io.BytesIO(drawing.strip([frames, frames])))
    times = still.height // 41
    assert still.size == (times * 167, times * 41)
    points = np.asarray(still)[: 20 * times : times, : 20 * times : times]
    assert np.abs(points / 255 - frames[0]).max() < 0.01
    playing = image.open(io.BytesIO(drawing.clip([frames])))
    assert playing.n_frames == 8
    playing.seek(5)
    large = np.asarray(playing.convert("L"))
    assert np.abs(large[4::8, 4::8][:20, :20] / 255 - frames[5]).max() < 0.02


def test_a_plan_is_read_or_said_to_be_none(lab: Lab):
    scenes = part(lab, "scenes")
    order = [16, [0] * 8, [1.0] * 8]
    assert scenes.read_plan([order], 24) == [(16, [0.0] * 8, [1.0] * 8)]
    for bad, says in (
        ([[17, [0] * 8, [0] * 8]], "begins at frame 17 of 24"),
        ([[0, [0] * 7, [0] * 8]], "at least 8"),
        ([[0, [0] * 8, [1.5] * 8]], "less than or equal to 1"),
        ([order] * 1001, "at most 1000"),
        ("none", "list"),
    ):
        with pytest.raises(ToolError, match=says):
            scenes.read_plan(bad, 24)


def test_films_as_they_should_be_are_good_enough_and_still_ones_are_not(lab: Lab):
    scenes = part(lab, "scenes")
    here = scenes.scene(3)
    assert here.truth.shape == (8, 29, 20, 20)
    assert np.abs(here.truth[:, 0] - here.truth[:, 28]).max() < 1e-5, "round, and back"
    assert len({tuple(one) for one in here.motion.tolist()}) == 8
    good = {"calls": 1, **scenes.rated(here.truth, here)}
    assert good["astray"] == 0
    assert not any(scenes.lacking(name, good) for name in scenes.MEASURES)
    still = {"calls": 1000, **scenes.rated(here.truth[:, [0] * 29], here)}
    assert scenes.lacking("kept", still) is None
    assert "points from" in str(scenes.lacking("astray", still))
    assert "1000 times" in str(scenes.lacking("calls", still))
    others = scenes.rated(np.roll(here.truth, 2, axis=0), here)
    assert others["kept"] > 0.9, "a digit is held against its own first frame"
    assert others["astray"] > 0.5


def test_a_story_is_told_from_another(lab: Lab):
    story, clips = part(lab, "story"), part(lab, "clips")
    pictures, _ = clips.clear()
    for seed in range(6):
        for one in story.stories(seed):
            first, then = one.requests
            assert f"a {one.digit} that" in first
            assert first != then
            at = np.column_stack(
                [one.way() + np.array([one.start.x, one.start.y]), np.full(15, 0.9)]
            )
            frames = moves.film(pictures[[one.row]], at[None])[0]
            assert story.unlike(one, frames) is None
            assert "from its way" in str(story.unlike(one, frames[[*range(8), *[7] * 7]]))
            assert "shot 1" in str(story.unlike(one, frames[[0] * 15]))
            other = next(n for n in range(10) if n != one.digit)
            wrong = story.Story(other, one.motions, one.row, one.start)
            assert f"not a {other}" in str(story.unlike(wrong, frames))


def test_the_agent_may_misunderstand_one_story(lab: Lab):
    judging = part(lab, "judging")
    good = {"told": "Shoot a 7.", "calls": [(7, "up")], "wrong": None}
    bad = good | {"calls": [None], "wrong": "it shows a 1, not a 7"}
    assert judging.untold({"stories": [bad, good]}, None) is None
    why = judging.untold({"stories": [bad, bad]}, None)
    assert why == "Shoot a 7. The agent calls [None]: it shows a 1, not a 7"
    assert "first mend" in str(judging.untold({}, None))


async def test_the_agent_shoots_what_it_calls_for(lab: Lab):
    director = part(lab, "director")
    asks = ToolCall(id="1", name="shoot_film", arguments='{"digit": 7, "motion": "up"}')
    model = Scripted([Message.assistant(asks), "Done."])
    assert await director._call(model, "Shoot a 7 that moves up.") == (7, "up")
    assert await director._call(Scripted(["It moves."]), "Shoot a 7 that moves up.") is None


@pytest.mark.slow
async def test_a_program_that_raises_is_told_clip_by_clip(lab: Lab):
    reasons = await failed(lab, "verdict", "def verdict(clip, digit, motion):\n    return 1 / 0\n")
    assert len(reasons) == 5
    assert all("ZeroDivisionError" in reason for reason in reasons.values())
