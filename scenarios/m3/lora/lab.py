"""m3/lora: a small model learns a trade from a hundred examples, and keeps it in two megabytes."""

from __future__ import annotations

from agentlab.labs import CaseRun, Lab, ReadStep
from agentlab.labs.checks import share, told
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import EVENING, evenings, layers, same
from .training import MOST_PAIRS, bench, run, tune

NEEDED = 20


def gives_the_same(run: CaseRun) -> bool:
    """The merged matrix does what layer and detour do, and the layer was left alone."""
    return same(told(run), run.case.facts)


def counts_right(run: CaseRun) -> bool:
    """The number of trained weights is right."""
    return told(run).get("count") == run.case.expect


def writes_tickets(run: CaseRun) -> bool:
    """Enough of an evening's orders became the right ticket."""
    return told(run).get("right", 0) >= NEEDED


lab = Lab(
    id="m3/lora",
    title="A new trade in two megabytes",
    teaches=(
        "what a LoRA is: a narrow detour beside frozen weights",
        "making training data that covers what will be asked",
        "putting an adapter on a model that is already loaded",
    ),
    minutes=25,
    tools=(run, tune),
    equip=bench,
    steps=(
        ReadStep(id="the-detour"),
        code_step(
            "merge",
            answers.MERGE,
            Drawn(layers, practice=2, graded=4),
            runs_on="run",
            hints=(
                "What goes through the detour is first multiplied by A, then by B, then scaled. "
                "Which single matrix does all three?",
                "B @ A has the shape of W. The scale is alpha divided by the rank, and the rank "
                "is the number of rows of A.",
                "merged: W + (alpha / A.shape[0]) * (B @ A). trained: rank * (in_size + "
                "out_size), the numbers in A and in B.",
            ),
            checks=(
                share(
                    "same",
                    "the merged matrix gives what layer and detour give together",
                    gives_the_same,
                    1.0,
                    wanted="the same",
                ),
                share(
                    "count",
                    "the numbers that a LoRA adds are counted right",
                    counts_right,
                    1.0,
                    wanted="counted right",
                ),
            ),
        ),
        code_step(
            "tune",
            answers.TUNE,
            Drawn(evenings, practice=1, graded=1),
            runs_on="tune",
            hints=(
                "Read what it got wrong. Was there anything like it in your pairs?",
                f"Three pairs teach the form and little else. You may have {MOST_PAIRS}: let a "
                "loop make them, from a menu, numbers and a few wordings.",
                "Cover what guests say: one to three things in an order, numbers as words and as "
                "digits, and `a` or `an` for one.",
            ),
            checks=(
                share(
                    "right",
                    f"{NEEDED} of {EVENING} orders it never saw become the right ticket",
                    writes_tickets,
                    1.0,
                    wanted="good enough",
                ),
            ),
        ),
        quiz(
            "what-changed",
            "What has changed?",
            (
                "You trained a LoRA on the tickets, put it on, and took it off again. Then you "
                "ask the model what a scone is. What do you get?"
            ),
            wrong(
                "A ticket: the model has been trained on tickets now.",
                "Only with the detour open. Then it does, as it was shown nothing else.",
            ),
            right(
                "Exactly what it said before the training: its own weights were never touched.",
                "Yes. That is why one loaded model can serve many trades, each in a file of a "
                "few megabytes.",
            ),
            wrong(
                "Something between a ticket and an answer.",
                "The scale could be set so, from 0 to 1. Taken off means 0.",
            ),
            wrong(
                "An error: the model needs the adapter it was trained with.",
                "The adapter needs the model, not the other way round.",
            ),
            hints=("Which weights did the training change?",),
        ),
    ),
)
