"""m3/few-shot: what examples do to a model's answers, which ones, and in which order."""

from __future__ import annotations

from agentlab.labs import (
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
from .cases import messages, reviews

ENOUGH = 0.65
"""The share of reviews to be labelled rightly; always saying the same is right in half."""


def answered(run: CaseRun) -> str:
    """The answer, but for case and a full stop."""
    return run.output.strip().lower().rstrip(".")


def exactly(run: CaseRun) -> bool:
    """The right answer, and nothing else."""
    return answered(run) == str(run.case.expect).lower()


def tells_them_apart(attempt: Attempt) -> Verdict:
    """Thirteen in twenty reviews get the right label."""
    said = [answered(run) for run in attempt.runs]
    right = sum(map(exactly, attempt.runs))
    return Verdict(
        passed=right >= ENOUGH * len(said) > 0,
        reason=f"{right} of {len(said)} right, {ENOUGH * len(said):.0f} needed; it said positive "
        f"{said.count('positive')} times and negative {said.count('negative')} times",
    )


lab = Lab(
    id="m3/few-shot",
    title="Show what you want",
    teaches=(
        "examples that look like the cases, with answers in the form wanted",
        "which labels a model falls into, and how to see it",
        "that the order of examples counts, and has to be measured",
    ),
    minutes=20,
    steps=(
        ReadStep(id="shown"),
        agent_step(
            "show-the-form",
            answers.DATES,
            Drawn(messages, practice=3, graded=10),
            hints=(
                "Run the starter: it talks to the person who wrote. Which exchange would show it "
                "what you want instead?",
                "Add [[examples]]: as user a message like those of the cases, with its courtesies "
                "before and after; as answer only the day and the time.",
                'Three or four of them, e.g. user = "Thank you for the flowers. The doctor can '
                'see you on Monday at 11 am. I wish you a good day." and answer = "Monday 11 am"',
            ),
            checks=(
                share(
                    "exact",
                    "eight in ten answers are the day and the time, and nothing else",
                    exactly,
                    0.8,
                    wanted="exactly right",
                ),
            ),
        ),
        agent_step(
            "find-the-order",
            answers.ORDER,
            Drawn(reviews, practice=6, graded=20),
            hints=(
                "Look at how often it says each label, and at those of your examples, in their "
                "order. If you had to continue that row, what would you write?",
                "Change only the order, and write down what each one gives. Then try one or two "
                "examples more, or fewer.",
                "Three of each, in turns, beginning with a bad one: negative, positive, and so on.",
            ),
            checks=(
                Check("apart", "thirteen in twenty reviews get the right label", tells_them_apart),
            ),
        ),
        quiz(
            "what-it-means",
            "What did the order do?",
            (
                "One order of the examples gave half of the labels right, another most of them. "
                "You want to use the better one for thousands of reviews. What now?"
            ),
            wrong(
                "Use it. Positive last is the right order for this kind of task.",
                "It was right for these examples on this model. You have seen another "
                "order that ends with positive as well, and says nearly nothing else.",
            ),
            right(
                "Measure it on fresh reviews like those it will get, and again whenever the "
                "examples, the wording or the model change.",
                "An order is one more setting that was chosen by looking at results. Results "
                "on fresh cases are what says whether the choice holds.",
            ),
            wrong(
                "Use more examples. With enough of them the order no longer matters.",
                "Eight examples in turns gave 30 of 60 here, no better than four. More of "
                "them is a thing to measure, not to trust.",
            ),
            wrong(
                "Drop the examples, since a model that minds their order can't be trusted.",
                "Without any, not one answer was a label. Examples help, and they have to be "
                "chosen by measuring.",
            ),
            hints=("What do you know about the better order, and on what was it seen?",),
        ),
    ),
)
