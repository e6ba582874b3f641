"""What is learnt, what settles the choice and what is tested have nothing in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, LabError
from agentlab.evaluate import Sample
from agentlab.labs.attempt import Case
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import AgentStep, Lab
from agentlab_tools.improve.goal import Goal, drawn_by, parts_of_data, parts_of_step


def samples(count: int, twice: int = 0) -> list[Sample]:
    made = [Sample(f"s{n}", Case(f"{n} + {n}", 2 * n)) for n in range(count)]
    return [*made, *(Sample(f"t{n}", Case(f"{n} + {n}", 2 * n)) for n in range(twice))]


def goal(**changes: Any) -> Goal:
    learn, choose, test = parts_of_data("sums", samples(60), None, ("numeric",), 0)
    told: dict[str, Any] = {"backend": "local:x", "learn": learn, "choose": choose, "test": test}
    return Goal(**{**told, **changes})


@pytest.mark.parametrize("seed", range(5))
def test_a_question_of_a_data_set_is_in_one_part_and_all_are_used(seed: int) -> None:
    parts = parts_of_data("sums", samples(60, twice=30), None, ("numeric",), seed)
    inputs = [{one.input for one in part.samples or ()} for part in parts]
    assert [len(part) for part in inputs] == [30, 12, 18]
    assert len(set.union(*inputs)) == 60
    ids = [one.id for part in parts for one in part.samples or ()]
    assert sorted(ids) == sorted(sample.id for sample in samples(60, twice=30))


def test_who_draws_the_parts_is_the_seed() -> None:
    one, same, other = (
        parts_of_data("sums", samples(60), None, (), seed)[2].samples for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_a_data_set_that_can_show_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="39 different questions, too few"):
        parts_of_data("sums", samples(39, twice=39), None, (), 0)


def few_questions(of: int) -> Lab:
    """A lab whose step draws its questions from so many, again and again."""
    lab = load(find_folder("m5/tool-use", lab_roots()))
    step = lab.step("sums")
    assert isinstance(step, AgentStep)

    def cases(rng: Random, count: int) -> list[Case]:
        return [Case(f"{rng.randrange(of)} + 1", 0) for _ in range(count)]

    return replace(lab, steps=(replace(step, cases=cases),))


def test_a_labs_cases_that_were_drawn_twice_are_asked_in_one_part() -> None:
    lab = few_questions(90)
    plans = parts_of_step(lab, "sums", 30, None, (), 0)
    parts = [
        [sample.case.input for sample in plan.open_task(Scripted(["x"]), None, lab).samples]
        for plan in plans
    ]
    drawn = [len(set(drawn_by(lab, plan.model_copy(update={"apart": ()})))) for plan in plans]
    assert [len(part) for part in parts] == [len(set(part)) for part in parts]
    assert len(set().union(*parts)) == sum(map(len, parts)) < sum(drawn)
    assert len(parts[2]) == drawn[2]
    assert min(map(len, parts)) >= 8


def test_a_step_that_has_too_few_questions_for_three_parts_is_refused() -> None:
    with pytest.raises(ConfigError, match="sums has too few different questions") as raised:
        parts_of_step(few_questions(20), "sums", 30, None, (), 0)
    assert "\n" not in str(raised.value)


def test_a_step_that_is_none_for_an_agent_is_refused() -> None:
    lab = load(find_folder("m5/tool-use", lab_roots()))
    with pytest.raises(LabError, match="has no agent to improve: it is a read step"):
        parts_of_step(lab, "what-a-call-is", 20, None, (), 0)


def test_a_folder_goes_on_with_the_goal_it_began_with_and_no_other(tmp_path: Path) -> None:
    goal().save(tmp_path)
    goal().save(tmp_path)
    assert Goal.load(tmp_path) == goal()
    with pytest.raises(ConfigError, match="of another task, agent or settings"):
        goal(tries=5).save(tmp_path)
    assert Goal.load(tmp_path) == goal()


def test_a_file_that_is_no_goal_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"goal\.json: No such file"):
        Goal.load(tmp_path)
    (tmp_path / "goal.json").write_text('{"format": "else"}')
    with pytest.raises(ConfigError, match="describes no improvement") as raised:
        Goal.load(tmp_path)
    assert "\n" not in str(raised.value)
