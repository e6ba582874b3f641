"""m3/zero-shot: what an instruction alone can do, and what it can't, counted."""

from __future__ import annotations

import re

from agentlab.labs import (
    AgentAnswer,
    Attempt,
    CaseRun,
    Check,
    Lab,
    ReadStep,
    Verdict,
)
from agentlab.labs.checks import share
from agentlab.labs.declare import Drawn, agent_step, quiz, right, wrong

from . import answers
from .cases import DAYS, explanations, letters, yes_or_no

_LABEL = re.compile(r"(yes|no)\b", re.IGNORECASE)


def is_a_line(run: CaseRun) -> bool:
    """At most thirty words on one line, and no letter."""
    text = run.output.strip()
    return 3 <= len(text.split()) <= 30 and "\n" not in text and "dear" not in text.lower()


def says_the_news(run: CaseRun) -> bool:
    """Names what the letter is about, or its day and no other."""
    text = run.output.lower()
    days = {day for day in DAYS if day.lower() in text}
    return str(run.case.facts["thing"]) in text or days == {run.case.expect}


def fits_the_card(run: CaseRun) -> bool:
    """A whole sentence of at most 25 words about what was asked."""
    text = run.output.strip()
    whole = 4 <= len(text.split()) <= 25 and text.endswith((".", "!", "?"))
    return whole and str(run.case.expect) in text.lower()


def label(run: CaseRun) -> str | None:
    """The yes or no that an answer begins with."""
    found = _LABEL.match(run.output.strip())
    return found[1].lower() if found else None


def allowed(attempt: Attempt) -> Verdict:
    """Seven in eight answers begin with yes or no. How many are right is said, but not judged."""
    labels = [label(run) for run in attempt.runs]
    valid = sum(found is not None for found in labels)
    right = sum(found == run.case.expect for found, run in zip(labels, attempt.runs, strict=True))
    return Verdict(
        passed=valid >= 7 / 8 * len(labels) > 0,
        reason=f"{valid} of {len(labels)} begin with yes or no ({labels.count('yes')} yes, "
        f"{labels.count('no')} no), {7 / 8 * len(labels):.0f} needed; {right} of them are right",
    )


def no_examples(attempt: Attempt) -> Verdict:
    """The agent is told, not shown."""
    shown = len(attempt.answer.examples) if isinstance(attempt.answer, AgentAnswer) else 0
    reason = f"{shown} examples: they come in m3/few-shot" if shown else "told, not shown"
    return Verdict(passed=not shown, reason=reason)


TOLD = Check("told", "by instructions alone, without examples", no_examples, early=True)

lab = Lab(
    id="m3/zero-shot",
    title="Say what you want",
    teaches=(
        "an instruction that names the task, the form and the answers allowed",
        "measuring an instruction on many cases instead of admiring it on one",
        "telling a valid answer from a right one",
    ),
    minutes=20,
    steps=(
        ReadStep(id="told"),
        agent_step(
            "say-the-task",
            answers.SUMMARY,
            Drawn(letters, practice=3, graded=10),
            hints=(
                "Run the starter, and read what came back as if you had asked a stranger. Did "
                "anything say what kind of help you meant?",
                "Name what shall be done with the email. Then run it, and look at the length.",
                "Task and form in one line: Summarize the email in one sentence.",
            ),
            checks=(
                share(
                    "one-line",
                    "eight in ten letters become one line of at most 30 words",
                    is_a_line,
                    0.8,
                    wanted="became a line",
                ),
                share(
                    "the-news",
                    "six in ten name the day, or what the letter is about",
                    says_the_news,
                    0.6,
                    wanted="say the news",
                ),
                TOLD,
            ),
        ),
        agent_step(
            "say-how-long",
            answers.SHORT,
            Drawn(explanations, practice=3, graded=12),
            hints=(
                "How long is brief? Say it so that anyone who counts comes to the same result.",
                "Two measures are better than one: how many sentences, and how many words.",
                "Answer the question in one short sentence of at most 15 words.",
            ),
            checks=(
                share(
                    "fits",
                    "two in three answers are a whole sentence of at most 25 words",
                    fits_the_card,
                    2 / 3,
                    wanted="fit the card",
                ),
                TOLD,
            ),
        ),
        agent_step(
            "say-the-answers",
            answers.LABEL,
            Drawn(yes_or_no, practice=4, graded=16),
            hints=(
                "The program reads the first word of an answer. Which words may that be?",
                "Do not ask for certainty or care. Name the answers that are allowed.",
                "Answer with yes or no.",
            ),
            checks=(
                Check("allowed", "seven in eight answers begin with yes or no", allowed),
                TOLD,
            ),
        ),
        quiz(
            "valid-or-right",
            "Valid, or right?",
            (
                "Every answer in the last step began with yes or no, as it was told. Half of the "
                "answers were right. What had the instruction done?"
            ),
            wrong(
                "It taught the model half of the facts.",
                "An instruction changes no weight, and look which half it was: the questions "
                "whose answer is no.",
            ),
            right(
                "It gave the answers a form that a program can read. What the model can tell "
                "apart, it did not change.",
                "Form and knowledge are two things, so measure both. An answer that parses "
                "says nothing yet about whether it is true.",
            ),
            wrong(
                "Half right is half-way. A firmer instruction would bring the rest.",
                "A coin gets half of a balanced set, and so does a model that always says no. "
                "There is no way to be half-way along.",
            ),
            wrong(
                "Nothing, since no more answers were right than by tossing a coin.",
                "It did a lot: before, hardly an answer could be read by a program. It only "
                "did not do what you might have hoped.",
            ),
            hints=("Look at the verdict of the last step: how often did it say yes?",),
        ),
    ),
)
