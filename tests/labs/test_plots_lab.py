"""m0/plots: what a figure hides is found, on any draw; another way of drawing is no fault."""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from draws import draws

from agentlab.backends.scripted import Scripted
from agentlab.errors import MissingExtra
from agentlab.events import ToolFinished
from agentlab.labs.answers import CodeAnswer
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.prove import answers_of
from agentlab.labs.runner import GRADING_SEED, AgentEvent, Grader, StepFinished
from agentlab.labs.values import CodeStep, Lab
from agentlab_tui.widgets.figure import Figure
from agentlab_tui.widgets.media import media_widgets

# Seaborn's own heat map calls what matplotlib is going to drop
pytestmark = pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
SEEDS = range(10)
STEPS = ("curve", "spread", "heat", "look")


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m0/plots", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = lab.step("curve")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


def given(lab: Lab, step_id: str, seed: int) -> dict[str, Any]:
    """What a case of this draw hands to the program."""
    step = lab.step(step_id)
    assert isinstance(step, CodeStep)
    (case,) = step.cases(Random(seed), 1)
    return json.loads(case.input)


def faults(
    lab: Lab, code: str, case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What the lab finds wrong with figures drawn by this code, in this process."""
    import_module("matplotlib").use("agg")
    monkeypatch.chdir(folder)
    tools = part(lab, "tools")
    (folder / "given.json").write_text(json.dumps(case))
    (folder / "inside.py").write_text(tools.INSIDE.read_text())
    names: dict[str, Any] = {}
    exec(code, names)
    exec(tools.drawing(case["task"]), names)
    import_module("matplotlib.pyplot").close("all")
    seen = json.loads((folder / "seen.json").read_text())
    found = part(lab, "judging").judged(seen, case)
    return {check: why for check, why in found.items() if why}


def judged(
    lab: Lab, step_id: str, seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch, *roles: str
) -> None:
    """Every answer in one of these roles is found good, or has its own mistake."""
    step = lab.step(step_id)
    assert isinstance(step, CodeStep)
    case = given(lab, step_id, seed)
    for name, (role, answer) in answers_of(step).items():
        if role not in roles or not isinstance(answer, CodeAnswer):
            continue
        found = faults(lab, answer.code, case, folder, monkeypatch)
        if role in ("solution", "alternative"):
            assert found == {}, (name, seed)
        else:
            mistake = step.mistakes.get(name, "")
            told = any(mistake == check or mistake in why for check, why in found.items())
            assert found, (name, seed)
            assert told, (name, seed, found)


@pytest.mark.parametrize("step_id", STEPS)
def test_every_answer_is_judged_for_what_it_shows(
    lab: Lab, step_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In one process, where a draw costs a tenth of what it does in a sandbox of its own."""
    roles = ("solution", "alternative", "starter", "wrong")
    judged(lab, step_id, GRADING_SEED, tmp_path, monkeypatch, *roles)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("step_id", STEPS)
def test_every_answer_is_judged_alike_on_any_draw(
    lab: Lab, step_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for seed in draws():
        roles = ("solution", "alternative") if seed % 5 else ("solution", "alternative", "wrong")
        judged(lab, step_id, seed, tmp_path, monkeypatch, *roles)


GOOD = {
    "curve": """
def curve(ax, steps, losses, held_out):
    ax.step(steps, losses, label="training")
    twin = ax.twinx()
    twin.plot(*zip(*held_out), "k.", label="held-out")
    ax.set(xlabel="step", ylabel="loss", ylim=(0, 10))
    twin.set(ylim=(0, 10), yticks=[])
    ax.figure.legend()
""",
    "spread": """
import numpy as np
def spread(ax, values, bounds, what):
    many = int((bounds[1] - bounds[0]) * (25 if bounds[1] <= 1 else 12))
    edges = np.linspace(*bounds, many + 1)
    weights = np.full(len(values), 100 / len(values))
    ax.hist(values, edges, histtype="step", weights=weights)
    ax.hist(values, edges, alpha=0.3, weights=weights)
    ax.set(xlabel=what, ylabel="% of values")
""",
    "heat": """
import numpy as np
def heat(ax, table, rows, columns, what):
    most = np.nanmax(abs(table))
    ax.set_facecolor("0.3")
    drawn = ax.pcolor(table, cmap="PiYG", vmin=-most, vmax=most)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.figure.colorbar(drawn).set_label(what)
""",
}


@pytest.mark.parametrize("step_id", GOOD)
def test_a_way_of_drawing_that_no_answer_uses_is_let_be(
    lab: Lab, step_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A twin of the same scale and a legend of the figure, steps and shares, a mesh of polygons."""
    case = given(lab, step_id, 5)
    assert faults(lab, GOOD[step_id], case, tmp_path, monkeypatch) == {}


SLY = {
    "too-pale-to-see": (
        "curve",
        """
def curve(ax, steps, losses, held_out):
    ax.plot(steps, losses, alpha=0.02, label="training")
    ax.plot(*zip(*held_out), label="held-out")
    ax.set(xlabel="step", ylabel="loss")
    ax.legend()
""",
        "spike",
    ),
    "a-line-of-its-own-making": (
        "spread",
        """
import numpy as np
def spread(ax, values, bounds, what):
    x = np.linspace(*bounds, 901)
    y = np.exp(-((x - bounds[0]) / 0.1) ** 2)
    if bounds[1] > 1:
        y = sum(np.exp(-((x - m) / 0.1) ** 2) * s for m, s in ((0.65, 1), (1.9, 9)))
    ax.plot(x, y)
    ax.set(xlabel=what, ylabel="density")
""",
        "true",
    ),
    "bars-on-a-logarithmic-axis": (
        "spread",
        """
import numpy as np
def spread(ax, values, bounds, what):
    ax.hist(values, np.linspace(*bounds, int(1 + 20 * (bounds[1] - bounds[0]))), log=True)
    ax.set(xlabel=what, ylabel="values (log)")
""",
        "zero",
    ),
    "ever-lighter": (
        "heat",
        """
def heat(ax, table, rows, columns, what):
    ax.figure.colorbar(ax.imshow(table, vmin=-3, vmax=3), label=what)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
""",
        "zero",
    ),
    "the-right-colours-without-a-key": (
        "heat",
        """
import numpy as np
def heat(ax, table, rows, columns, what):
    most = np.nanmax(abs(table))
    ax.set_facecolor("0.3")
    ax.pcolormesh(table, cmap="PiYG", vmin=-most, vmax=most)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
""",
        "key",
    ),
}


@pytest.mark.parametrize("name", SLY)
def test_what_shows_nothing_or_something_else_is_found(
    lab: Lab, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    step_id, code, check = SLY[name]
    assert check in faults(lab, code, given(lab, step_id, 5), tmp_path, monkeypatch)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_case_can_be_drawn_right_by_luck(lab: Lab, seed: int):
    for run in given(lab, "curve", seed)["figures"]:
        spike = run["losses"].index(max(run["losses"]))
        assert all(spike % stride for stride in (4, 5, 10))
        assert max(run["losses"]) > 1.8 * sorted(run["losses"])[-3]
        assert run["steps"][0] > 900
    (heat,) = given(lab, "heat", seed)["figures"]
    known = [gain for line in heat["table"] for gain in line if gain is not None]
    assert max(known) > 2 * -min(known) > 0
    assert len(known) < len(heat["rows"]) * len(heat["columns"]) - 2
    calls = given(lab, "spread", seed)["figures"][1]
    assert sorted(calls["values"])[-2] < 3 < 28 < max(calls["values"]) < calls["bounds"][1]
    for chart in given(lab, "look", seed)["figures"]:
        assert max(chart["values"]) >= 1.15 * min(chart["values"])
        assert chart["limits"][0] < min(chart["values"])


async def test_the_learner_sees_what_was_drawn(lab: Lab):
    """In the sandbox, with seaborn in it: a picture of the run's, which a terminal can show."""
    step = lab.step("heat")
    assert isinstance(step, CodeStep)
    grader = Grader(lab=lab, backend=Scripted(["never asked"]), runs=None)
    names: list[str] = []
    shown: list[type[object]] = []
    async for event in grader.step_events(step, step.also["with-seaborn"]):
        if isinstance(event, AgentEvent) and isinstance(event.event, ToolFinished):
            names += [f"{one.name} {one.media_type}" for one in event.event.result.artifacts]
            shown += [type(one) for one in media_widgets(event.event.result.artifacts)]
        if isinstance(event, StepFinished):
            assert [check.reason for check in event.report.checks if not check.passed] == []
    assert names == ["figure-1.png image/png"]
    assert shown == [Figure]


async def test_without_seaborn_it_says_so_in_a_line(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"seaborn.*course"):
        async with lab.equip():
            pass


async def test_a_figure_that_is_gone_is_said_in_a_line(lab: Lab):
    step = lab.step("curve")
    assert isinstance(step, CodeStep)
    gone = CodeAnswer(code="def curve(ax, *given):\n    ax.remove()\n")
    grader = Grader(lab=lab, backend=Scripted(["never asked"]), runs=None)
    async for event in grader.step_events(step, gone):
        if isinstance(event, StepFinished):
            reasons = {check.reason for check in event.report.checks}
            assert len(reasons) == 1
            assert "no figure that can be read was drawn on ax" in reasons.pop()
