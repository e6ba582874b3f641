"""m3/rag: a model that answers from a library, says where it looked, and is held to it."""

from __future__ import annotations

import json
import re
from typing import cast

from agentlab.labs import (
    Attempt,
    CaseRun,
    Check,
    Lab,
    ReadStep,
    Verdict,
)
from agentlab.labs.declare import Answers, Drawn, agent_step, code_step, quiz, right, wrong
from agentlab_tools.execute.equipment import sandbox_with
from agentlab_tools.execute.tools import run_python

from . import answers
from .absent import open_questions
from .answers import ANSWER, ANSWER_WRONG, answerer
from .cases import articles, questions
from .cutting import faults
from .declining import ABSENT
from .judging import ANSWERS, DECLINES, POINTS

ENOUGH, GAIN = 0.5, 0.4
"""Shares of the questions: right with what was found, and more than from memory."""


def holds(text: str, answer: str) -> bool:
    """Whether an answer stands in a text by itself, not as a part of a longer number or word."""
    plain, wanted = (re.sub(r"(?<=\d),(?=\d{3})", "", part) for part in (text, answer))
    return re.search(rf"(?<![\w.]){re.escape(wanted)}(?![\w]|\.\d)", plain) is not None


def answered_rightly(run: CaseRun) -> bool:
    """The right answer is given."""
    return holds(run.output, str(run.case.expect))


def cited_rightly(run: CaseRun) -> bool:
    """The answer is right, names one source, and that source says it."""
    named = re.findall(r"\(([\w-]+\.md)\)", run.output)
    said = holds(str(run.case.facts["sentence"]), str(run.case.expect))
    return answered_rightly(run) and said and set(named) == {run.case.facts["source"]}


def open_book(attempt: Attempt) -> list[CaseRun]:
    """The runs that were given what was found."""
    return [run for run in attempt.runs if run.case.facts]


def looking_it_up_helps(attempt: Attempt) -> Verdict:
    """With what was found most answers are right, and many more than from memory."""
    given = open_book(attempt)
    memory = [run for run in attempt.runs if not run.case.facts]
    with_, without = (
        sum(map(answered_rightly, runs)) / max(len(runs), 1) for runs in (given, memory)
    )
    return Verdict(
        passed=with_ >= ENOUGH and with_ - without >= GAIN,
        reason=f"right from memory {without:.0%}, with what was found {with_:.0%} "
        f"({ENOUGH:.0%} and a gain of {GAIN:.0%} needed)",
    )


def names_its_sources(attempt: Attempt) -> Verdict:
    """Half of the answers with something found are right and name the source that says it."""
    given = open_book(attempt)
    cited = sum(map(cited_rightly, given))
    reason = f"{cited} of {len(given)} right with the source that says it, half needed"
    missing = next((run for run in given if answered_rightly(run) and not cited_rightly(run)), None)
    if missing and 2 * cited < len(given):
        reason += f"; e.g. one ended with {missing.output.strip()[-60:]!r}"
    return Verdict(passed=2 * cited >= len(given) > 0, reason=reason)


def cuts_well(attempt: Attempt) -> Verdict:
    """All articles are cut into passages without a fault."""
    for run in attempt.runs:
        printed = run.calls[-1][1] if run.calls else None
        if printed is None or printed.error:
            return Verdict(passed=False, reason=f"the code failed: {_last(printed)}")
        try:
            found: object = json.loads(printed.content.strip().splitlines()[-1])
        except (ValueError, IndexError, RecursionError):
            return Verdict(passed=False, reason="passages did not return a list of texts")
        items = cast(list[object], found) if isinstance(found, list) else [None]
        if not all(isinstance(item, str) for item in items):
            return Verdict(passed=False, reason="passages did not return a list of texts")
        text = str(run.case.facts["text"])
        if wrong := faults(cast(list[str], items), text, int(run.case.expect)):
            return Verdict(passed=False, reason=f"{text.splitlines()[0]}: {'; '.join(wrong)}")
    return Verdict(passed=True, reason=f"{len(attempt.runs)} articles are cut without a fault")


def _last(result: object) -> str:
    text = str(getattr(result, "content", "") or "nothing ran").strip()
    return text.splitlines()[-1][:200]


lab = Lab(
    id="m3/rag",
    title="An open-book exam",
    teaches=(
        "answering from documents instead of from memory",
        "cutting documents into passages that can be found and quoted",
        "holding a model to the source it names",
        "declining a question whose answer is not there",
    ),
    minutes=35,
    tools=(run_python,),
    equip=sandbox_with(timeout=20),
    steps=(
        ReadStep(id="open-book"),
        code_step(
            "passages",
            answers.CUT,
            Drawn(articles, practice=1, graded=4),
            hints=(
                "Split at the headings first, and never join over them.",
                "Within a section, add sentence after sentence until the next would be too much.",
                "What has no end in sight, such as a table, must be cut between words.",
            ),
            checks=(
                Check(
                    "whole",
                    "passages fit, lose nothing, and cut no sentence in two",
                    cuts_well,
                    early=True,
                ),
            ),
        ),
        agent_step(
            "answer",
            Answers(starter=answerer(), solution=ANSWER, wrong=ANSWER_WRONG),
            Drawn(questions, practice=4, graded=20),
            hints=(
                "Run the starter: the facts are often right already. What is missing?",
                "Add [[examples]] in the form of the cases: what was found with its file in "
                "brackets, an empty line, the question. The answer repeats the sentence found.",
                "End every example's answer with the file's name in parentheses, as it stands in "
                "the brackets: It has 152 layers. (resnet.md)",
            ),
            checks=(
                Check(
                    "right",
                    "most answers are right with what was found, and few are from memory",
                    looking_it_up_helps,
                ),
                Check(
                    "cited",
                    "half of the answers are right and name the source that says it",
                    names_its_sources,
                ),
            ),
        ),
        code_step(
            "absent",
            ABSENT,
            Drawn(open_questions, practice=1, graded=3),
            hints=(
                "Print the cosines beside the questions. Is there a line between the two kinds?",
                "Which words of the question must be in the sentence, or in its file's name? Names "
                "and numbers above all. And what must it have if a number is asked for?",
                "Compare beginnings of words (freeze, freezes). Decline unless all names and "
                "numbers are there, 0.7 of the other words, and a number if one is wanted.",
            ),
            checks=(DECLINES, ANSWERS, POINTS),
        ),
        quiz(
            "faithful",
            "What does a citation prove?",
            (
                "An assistant answers: Adam was published in 2017 (optimizers.md). The file says "
                "that Adam is of 2014 and AdamW of 2017. Which check would have caught it?"
            ),
            wrong(
                "That the answer names a source.",
                "It names one. Anyone can.",
            ),
            wrong(
                "That the source exists.",
                "It exists, and says something else.",
            ),
            wrong(
                "That the source was among what the search returned.",
                "It was: the search did its work, and the model read it wrongly.",
            ),
            right(
                "That the sentence cited says what the answer says.",
                "A citation proves nothing by being there. Each claim has to be traced to a "
                "sentence that makes it; that is what the last step's check did for you.",
            ),
            hints=("Which of these checks reads the sentence?",),
        ),
    ),
)
