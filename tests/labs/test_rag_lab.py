"""m3/rag: the step on questions whose answer is not there."""

from __future__ import annotations

import json
import sys
from random import Random
from types import ModuleType

import pytest
from draws import draws

from agentlab.backends.scripted import Scripted
from agentlab.labs import CodeAnswer, CodeStep, Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.runner import Grader, StepFinished
from agentlab_tools.search import LIBRARY


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m3/rag", lab_roots()))


@pytest.fixture
def absent(lab: Lab) -> ModuleType:
    return sys.modules[step_of(lab).cases.__module__]


def step_of(lab: Lab) -> CodeStep:
    step = lab.step("absent")
    assert isinstance(step, CodeStep)
    return step


async def complaints(lab: Lab, answer: CodeAnswer, seed: int = 0) -> dict[str, str]:
    """The checks that an answer fails, with their reasons."""
    grader = Grader(lab=lab, backend=Scripted(["never asked"]), runs=None, seed=seed)
    async for event in grader.step_events(step_of(lab), answer):
        if isinstance(event, StepFinished):
            return {c.id: c.reason for c in event.report.checks if not c.passed}
    raise AssertionError("the step did not finish")


def test_what_is_there_stands_in_the_library_and_what_is_near_differs_from_it(absent: ModuleType):
    library = {file.name: " ".join(file.read_text().split()) for file in LIBRARY.glob("*.md")}
    rows = absent.asked()
    assert {row.kind for row in rows} == {"there", "near", "gone"}
    for row in rows:
        assert len(row.found) == 3
        assert bool(row.right) == (row.kind == "there"), row.question
        assert all(one["text"] in library[one["file"]] for one in row.found)
    asked = {row.question for row in rows if row.kind == "there"}
    assert not asked & {row.question for row in rows if row.kind == "near"}


def test_the_article_of_a_gone_answer_is_not_among_what_was_found(absent: ModuleType):
    there = {row.question: row for row in absent.asked() if row.kind == "there"}
    for row in absent.asked():
        if row.kind == "gone":
            answered = there[row.question]
            article = answered.found[answered.right[0]]["file"]
            assert article not in {one["file"] for one in row.found}


def test_no_threshold_on_the_cosine_keeps_both_errors_small(lab: Lab, absent: ModuleType):
    """Else the step would teach nothing."""
    judging = sys.modules[absent.__name__.replace("absent", "judging")]
    nearest = [(bool(r.right), max(one["cosine"] for one in r.found)) for r in absent.asked()]
    for least in {cosine for _, cosine in nearest}:
        there = [cosine < least for is_there, cosine in nearest if is_there]
        gone = [cosine < least for is_there, cosine in nearest if not is_there]
        if sum(there) / len(there) <= judging.WRONGLY:
            assert sum(gone) / len(gone) < judging.DECLINED - 0.1, least


def test_a_case_has_questions_of_all_kinds_in_another_order_each_time(lab: Lab):
    one, other = step_of(lab).cases(Random(1), 2)
    assert one.facts["questions"] != other.facts["questions"]
    assert sum(map(bool, one.expect)) == sum(map(bool, other.expect)) == len(one.expect) / 3
    assert '"right"' not in json.dumps(one.input)


@pytest.mark.parametrize("says", ["True", "7", "'0'", "found[0]"])
async def test_only_numbers_of_sentences_and_none_count(lab: Lab, says: str):
    answer = CodeAnswer(code=f"def answering(question, found):\n    return {says}\n")
    failed = await complaints(lab, answer)
    assert set(failed) == {"declines", "answers", "points"}
    assert "returned" in failed["points"]


async def test_another_sentence_than_the_one_that_answers_does_not_count(lab: Lab):
    """A rule that knows what to decline, and then points at any sentence."""
    code = step_of(lab).solution.code.replace("best = share, number", "best = share, 2 - number")
    assert code != step_of(lab).solution.code
    assert set(await complaints(lab, CodeAnswer(code=code))) == {"points"}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_right_answers_to_what_is_absent_hold_on_any_draw(lab: Lab):
    step = step_of(lab)
    for name, answer in {"solution": step.solution, **step.also}.items():
        for seed in draws():
            assert await complaints(lab, answer, seed) == {}, (name, seed)
