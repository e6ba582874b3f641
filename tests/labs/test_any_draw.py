"""The programs of labs hold on any draw of their cases, and what a machine lacks is said."""

from __future__ import annotations

from random import Random

import pytest
from draws import holds_on_any_draw
from fuzzing import fuzzing

from agentlab.errors import ConfigError
from agentlab.labs import CodeStep, Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab_tools.execute import CellResult, Sandbox

DRAWN = {
    "m0/bash": ("tally", "unfinished"),
    "m0/calculus": ("gradient", "chain", "edge"),
    "m0/git": ("deliver", "search"),
    "m0/linear-algebra": ("layer", "without", "turn", "halves"),
    "m0/notebook": ("find", "mend", "again"),
    "m0/pandas": ("clean", "join", "log"),
    "m0/probability": ("posterior", "doubt"),
    "m1/backprop": ("engine", "rules", "teach"),
    "m1/cnn": ("convolve", "moves", "shifted"),
    "m1/keras": ("layer", "watch"),
    "m1/kinds-of-learning": ("labelled", "clustered"),
    "m1/model-loss-optimizer": ("losses", "movers", "fit", "teach"),
    "m1/neural-net": ("forward", "count", "train", "doubt"),
    "m1/pytorch": ("net", "loop"),
    "m1/rnn-lstm": ("step", "back", "remember"),
    "m2/attention": ("attend", "look", "off", "agent"),
    "m2/positions": ("sinusoid", "rotate", "lengths", "room"),
    "m2/three-architectures": ("wire", "fill", "cannot", "route"),
    "m4/audio": ("resample", "mel", "wave", "clean"),
    "m4/music": ("tokens", "parallels", "apart", "learn"),
    "m4/clip": ("contrast", "train", "name", "blind"),
    "m5/capstone": ("judge", "pick", "prove"),
    "m4/video": ("verdict", "film"),
    "m4/gan": ("losses", "frechet", "diagnose"),
    "m4/diffusion": ("perfect", "learn"),
    "m4/vision": ("wire", "ask"),
    "m5/rlhf": ("leash", "optimise", "stop"),
    "m5/moe": ("route", "learn", "sort"),
}
"""Steps whose cases differ in kind, and which need no model to be tried."""


def lab_of(id: str) -> Lab:
    return load(find_folder(id, lab_roots()))


@pytest.mark.parametrize(("id", "practised"), [("m0/bash", True), ("m0/git", False)])
def test_every_trap_is_met_when_grading(id: str, practised: bool):
    """And where practice is said to begin with the first ones, it does."""
    for step in lab_of(id).steps:
        if isinstance(step, CodeStep):
            titles = [case.title for case in step.cases(Random(3), step.graded)]
            assert len(set(titles)) == step.graded
            if practised:
                tried = [case.title for case in step.cases(Random(3), step.practice)]
                assert tried == titles[: step.practice]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("id", "step_id"), [(id, step) for id, steps in DRAWN.items() for step in steps]
)
async def test_the_solution_holds_on_any_draw(id: str, step_id: str):
    if not fuzzing():
        pytest.skip("a draw is tried when the lab is proved; ten are tried by make fuzz")
    await holds_on_any_draw(lab_of(id), step_id)


@pytest.mark.parametrize(
    ("id", "lacks", "says"),
    [
        ("m0/bash", "there is no shell here", "needs bash inside the sandbox"),
        ("m0/git", "git: command not found", "needs git and bash inside the sandbox"),
    ],
)
async def test_what_the_sandbox_lacks_is_said_in_one_line(
    id: str, lacks: str, says: str, monkeypatch: pytest.MonkeyPatch
):
    async def nothing(*_: object, **__: object) -> CellResult:
        return CellResult(outcome="error", error=lacks)

    monkeypatch.setattr(Sandbox, "run_shell", nothing)
    with pytest.raises(ConfigError, match=says) as raised:
        async with lab_of(id).equip():
            pass
    assert "\n" not in str(raised.value)
