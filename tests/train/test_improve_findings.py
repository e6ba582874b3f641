"""What is claimed is what the interval shows, and what it cost elsewhere is said."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.evaluate import Plan
from agentlab.evaluate.statistics import mean_interval, paired
from agentlab.messages import Usage
from agentlab_tools.improve.findings import Asked, Candidate, Change, Findings, Flip, Round, Talk
from agentlab_tools.improve.goal import Goal
from agentlab_tools.improve.page import page


def change(before: list[float], after: list[float]) -> Change:
    return Change.of(
        Asked.of("a", mean_interval(before)),
        Asked.of("b", mean_interval(after)),
        paired(before, after),
    )


def findings(changed: Change | None, **more: Any) -> Findings:
    asked = Asked(results="a", mean=0.5, low=0.3, high=0.7, questions=20)
    tuned = Candidate(
        name="lora-1", job="j", model="local:x+a.gguf", chosen_on=asked, seconds=9.0, tokens=100
    )
    told: dict[str, Any] = {
        "task": "<b>sums</b>",
        "backend": "local:x",
        "began": asked,
        "rounds": (Round(tried=80, right=40, questions=20, answered=15, chats=20, pairs=9),),
        "candidates": (tuned,),
        "best": "lora-1" if changed else None,
        "change": changed,
        "bound": 0.05,
        "usage": Usage(input_tokens=5),
        "asking_seconds": 1.0,
        "training_seconds": 9.0,
    }
    return Findings(**{**told, **more})


HALF = [0.0, 1.0] * 20


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([1.0] * 40, "better"),
        ([0.0] * 40, "worse"),
        (HALF, "not shown"),
        ([*HALF[:-2], 1.0, 1.0], "not shown"),
        (HALF[1:] + HALF[:1], "not shown"),
    ],
)
def test_better_is_said_where_the_whole_interval_is_above_nothing(
    after: list[float], verdict: str
) -> None:
    found = findings(change(HALF, after))
    assert found.verdict == verdict
    words = {"better": "It became better: 0.500", "worse": "It became worse"}
    assert found.claim.startswith(words.get(verdict, "It is not shown"))
    assert "on 40 questions it had not seen" in found.claim


@pytest.mark.parametrize(("count", "verdict"), [(40, "better"), (4, "not shown")])
def test_where_every_question_changed_alike_the_exact_test_decides(
    count: int, verdict: str
) -> None:
    """A bootstrap of differences that are all 1 has no spread, and so no interval."""
    found = findings(change([0.0] * count, [1.0] * count))
    assert found.change is not None
    assert found.change.low is None
    assert found.verdict == verdict
    other_way = findings(change([1.0] * count, [0.0] * count))
    assert other_way.verdict == {"better": "worse"}.get(verdict, verdict)


def test_where_nothing_was_chosen_nothing_is_claimed() -> None:
    assert findings(None).verdict == "nothing chosen"
    assert "None of the tuned models did better" in findings(None).claim
    assert "too little to learn from" in findings(None, candidates=()).claim


def test_a_cost_is_what_is_worse_or_may_be_by_more_than_the_bound() -> None:
    good = change(HALF, [1.0] * 40)
    talk = (Talk(kind="own", before=10, after=10.4), Talk(kind="articles", before=10, after=10.6))
    assert findings(good, talk=talk).costs == ("plain talk (articles): perplexity +6.0%",)
    same, few = change([1.0] * 100, [1.0] * 100), change(HALF, HALF[1:] + HALF[:1])
    found = findings(good, also={"same": same, "unsure": few}).costs
    assert len(found) == 1
    assert found[0].startswith("unsure: +0.000, and it may be -0.")


def test_the_page_says_the_same_and_runs_nothing() -> None:
    plan = Plan(task="m5/tool-use:sums")
    goal = Goal(backend="local:x", learn=plan, choose=plan, test=plan)
    flip = Flip(question="<i>?", before="<i>1", after="2", better=True, runs=("a", "b"))
    for found in (findings(change(HALF, [1.0] * 40), flips=(flip,)), findings(None)):
        text = page(goal, found, "/somewhere")
        assert found.claim in text
        assert not any(raw in text for raw in ("<b>sums", "<i>"))
        assert "&lt;b&gt;sums" in text
        assert "<script" not in text
        assert "Content-Security-Policy" in text
        assert "agentlab eval list --runs /somewhere/runs" in text
