"""m5/capstone: dates are what others read in them, each fault is seen, tries are known."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.evaluate import paired
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.improve.workshop import Workshop


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m5/capstone", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


def test_a_questions_answer_is_the_day_that_others_read_in_it(lab: Lab) -> None:
    parser = pytest.importorskip("dateutil.parser")
    task = part(lab, "task")
    drawn = task.questions(Random(1), 300)
    assert len({question for question, _ in drawn}) == 300
    for question, right in drawn:
        said = question.removesuffix(" Which date is that?")
        assert parser.parse(said, fuzzy=True).date().isoformat() == right


def test_what_a_model_might_say_is_right_only_where_it_is_that_day(lab: Lab) -> None:
    task = part(lab, "task")
    for seed, right in enumerate(("1998-07-09", "2001-12-24", "1964-04-04", "1950-11-12")):
        told = task.answers(Random(seed), right)
        for kind, answer, good in told:
            assert good == (answer.strip() == right), (kind, answer)
        assert {kind for kind, _, good in told if good} >= {"right", "spaced"}


def test_the_solutions_verdict_is_that_of_the_exact_test(lab: Lab) -> None:
    step, cases = lab.step("prove"), part(lab, "cases")
    assert isinstance(step, CodeStep)
    space: dict[str, Any] = {}
    exec(step.solution.code, space)
    rng = Random(3)
    pairs = [cases._pair(rng, gain) for gain in (0, 0.05, 0.1, 0.25) for _ in range(50)]
    said = [space["verdict"](*pair) for pair in pairs]
    for (before, after), told in zip(pairs, said, strict=True):
        p = paired(list(map(float, before)), list(map(float, after))).p
        better = "better" if sum(after) > sum(before) else "worse"
        assert told == (better if p < 0.05 else "not shown")
    assert set(said) >= {"better", "not shown"}


def test_each_fault_of_a_pick_is_seen_and_no_other(lab: Lab) -> None:
    judging, cases = part(lab, "judging"), part(lab, "cases")
    tries, later = cases.tried(Random(2))
    step = lab.step("pick")
    assert isinstance(step, CodeStep)
    space: dict[str, Any] = {}
    exec(step.solution.code, space)
    kept = [(one[-2]["content"], one[-1]["content"]) for one in space["pick"](tries, later)]

    def seen(pairs: list[tuple[str, str]]) -> set[str]:
        return {name for name, why in judging.faults(tries, later, pairs).items() if why}

    assert seen(kept) == set()
    wrong = next((t["question"], t["answer"]) for t in tries if not t["right"])
    assert seen([*kept, wrong]) == {"good"}
    leaked = next(
        (t["question"], t["answer"]) for t in tries if t["right"] and t["question"] in later
    )
    assert "apart" in seen([*kept, leaked])
    single = next(pair for pair in kept if sum(q == pair[0] for q, _ in kept) == 1)
    assert seen([*kept, single]) == {"once"}
    assert seen([pair for pair in kept if pair != single]) == {"all"}


def test_verdicts_are_held_by_their_rates(lab: Lab) -> None:
    claims = part(lab, "judging").claims
    good = {
        "nothing": ["not shown"] * 95 + ["better"] * 5,
        "gain": ["better"] * 9 + ["not shown"],
        "loss": ["worse"] * 9 + ["not shown"],
        "few": ["not shown"] * 2,
        "same": ["not shown"] * 2,
        "alike": ["better"],
    }
    assert not any(claims(good).values())
    for kind, told, check in (
        ("nothing", ["better"] * 100, "honest"),
        ("gain", ["worse"] * 10, "sees"),
        ("loss", ["better"] * 10, "loss"),
        ("few", ["better"] * 2, "ends"),
        ("same", ["worse"] * 2, "ends"),
        ("alike", ["not shown"], "ends"),
    ):
        found = claims({**good, kind: told})
        assert [name for name, why in found.items() if why] == [check]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (None, "SETTINGS must have tries, temperature, epochs, lr"),
        ({"tries": 3, "temperature": 0.5, "epochs": 3}, "must have"),
        ({"tries": 3, "temperature": 0.5, "epochs": 3, "lr": 1e-4, "steps": 5}, "nothing else"),
        (
            {"tries": 50, "temperature": 0.5, "epochs": 3, "lr": 1e-4},
            "tries must be a number from 1",
        ),
        ({"tries": 3, "temperature": "hot", "epochs": 3, "lr": 1e-4}, "temperature must be"),
        ({"tries": 3, "temperature": float("nan"), "epochs": 3, "lr": 1e-4}, "temperature must be"),
    ],
)
def test_settings_are_some_or_a_line_says_what_is_wrong(said: Any, says: str, lab: Lab) -> None:
    with pytest.raises(ToolError, match=says) as raised:
        part(lab, "road").settings_of(said)
    assert "\n" not in str(raised.value)


async def test_a_program_sees_its_own_tries_and_can_only_return_those(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a model that is right about every second question."""
    road = part(lab, "road")
    goal = road.goal_of(7)
    rights = {one.input: one.expect for one in goal.learn.samples}
    later = {one.input for one in goal.test.samples}
    assert len(rights) == 60
    assert len(later) == 40
    assert not later & set(rights)

    def says(messages: Any, *_: Any) -> str:
        asked = messages[-1].text
        return rights[asked] if list(rights).index(asked) % 2 else "1999-01-01"

    monkeypatch.setattr(
        "agentlab_tools.improve.workshop.models.open_backend", lambda _: Scripted(says)
    )
    goal.save(tmp_path)
    shop = Workshop(goal, tmp_path, road.Told(lambda _: None))
    (tries,) = await road._tried(shop, {"tries": 1.0, "temperature": 0.5})
    rows = road._rows(tries, shop)
    assert len(rows) == 60
    assert sum(row["right"] for row in rows) == 30
    for row in rows:
        assert row["right"] == (row["answer"] == rights[row["question"]])
        assert row["messages"][-1]["content"] == row["answer"]
    back = json.loads(json.dumps([row["messages"] for row in rows[:3]]))
    assert road._matched(rows, back) == rows[:3]
    back[0][-1]["content"] = rights[rows[0]["question"]] + " "
    assert road._matched(rows, back) is None
    assert road._matched(rows, "all of them") is None
