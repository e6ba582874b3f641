"""m3/langchain: what the judges let pass, and what they don't; what a learner without it reads."""

from __future__ import annotations

import json
from random import Random
from types import ModuleType
from typing import Any

import pytest

from agentlab.errors import MissingExtra
from agentlab.labs import Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab_tools.open_book import INSTRUCTIONS, QUESTIONS, cases, judging, own, trial

RIGHT = {
    "questions": ["One?", "Two?"],
    "answers": ["1 (a.md)", "2 (b.md)"],
    "own": ["1 (a.md)", "2 (b.md)"],
    "replies": ["1 (a.md)", "2 (b.md)"],
    "calls": 2,
    "searches": 2,
    "read": 100,
    "own_read": 100,
}
RUN = {
    "question": "One?",
    "answer": "It is 1. (a.md)",
    "calls": [["ask", '{"question": "One?"}']],
    "chain": ["1 (a.md)"],
    "searched": ["One?"],
    "tools": ["ask"],
}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m3/langchain", lab_roots()))


@pytest.mark.parametrize(
    ("change", "judge", "says"),
    [
        ({"answers": ["1 (a.md)", "2 (c.md)"]}, judging.differs, "your own '2 (b.md)'"),
        ({"replies": ["1 (a.md)"]}, judging.invented, "The model did not say '2 (b.md)'"),
        ({"calls": 0, "replies": []}, judging.dearer, "0 calls for 2 questions"),
        ({"searches": 4}, judging.dearer, "4 searches for 2 questions"),
        ({"read": 106}, judging.dearer, "the model read 106 tokens, for your own 100"),
    ],
)
def test_a_chain_is_judged_by_what_the_host_saw(change: Any, judge: Any, says: str):
    assert judge(RIGHT, None) is None
    assert says in judge({**RIGHT, **change}, None)


@pytest.mark.parametrize("says", [[1, 20], [2, 10]])
def test_a_meter_has_to_be_exact(says: list[int]):
    judge = judging.miscounted("plain", "cached")
    right = {"says": [2, 20], "was": [2, 20], "least": 2}
    assert judge({"plain": right, "cached": right}, None) is None
    assert "cached: it says" in judge({"plain": right, "cached": {**right, "says": says}}, None)


def test_a_meter_has_to_run_the_chain():
    idle = {"says": [0, 0], "was": [0, 0], "least": 1}
    assert "the model had 0" in judging.miscounted("plain")({"plain": idle}, None)


@pytest.mark.parametrize(
    ("change", "judge", "says"),
    [
        ({"tools": []}, judging.offered, "offered 0 tools"),
        ({"tools": ["RunnableSequence"]}, judging.offered, "which says nothing"),
        ({"calls": []}, judging.offered, "called nothing"),
        ({"searched": ["{'question': 'One?'}"]}, judging.misasked, "was searched for"),
        ({"calls": [["ask", "[[["]]}, judging.misasked, "was searched for"),
        ({"chain": []}, judging.misasked, "was not asked"),
        ({"answer": "It is 1."}, judging.uncited, "It was told a.md"),
        ({"answer": "It is 1. (b.md)"}, judging.uncited, "It was told a.md"),
        ({"answer": "It is 1.", "chain": ["1"]}, judging.uncited, "It was told no source"),
    ],
)
def test_an_agent_is_judged_by_what_it_asked_and_named(change: Any, judge: Any, says: str):
    assert judge({"runs": [RUN]}, None) is None
    assert says in judge({"runs": [{**RUN, **change}]}, None)


def test_what_the_sandbox_is_given_says_what_the_host_compares_with(monkeypatch):
    monkeypatch.setattr(own, "sentence_for", lambda _: ("tea.md", "Tea takes three minutes."))
    module = ModuleType("own")
    exec(own.module(), module.__dict__)
    system, *shown, last = own.conversation("How long?")
    assert system.text == module.INSTRUCTIONS == INSTRUCTIONS
    assert [one.text for one in shown] == [text for pair in module.EXAMPLES for text in pair]
    assert last.text == module.asked("How long?", "tea.md", "Tea takes three minutes.")
    assert any("{}" in answer for _, answer in module.EXAMPLES)


def test_cases_ask_what_the_library_answers_and_differ():
    one, other = (json.loads(cases.of("chain", 2)(Random(n), 1)[0].input) for n in (1, 2))
    assert one["questions"] != other["questions"]
    assert set(one["questions"]) <= {question for question, _ in QUESTIONS}


async def test_without_the_framework_one_line_says_what_to_install(lab: Lab, monkeypatch):
    monkeypatch.setattr(trial, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as raised:
        async with lab.equip():
            pass
    assert "langchain" in str(raised.value)
    assert "\n" not in str(raised.value)
