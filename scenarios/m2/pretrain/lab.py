"""m2/pretrain: a language model from nothing but text, trained, exported, and read by llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.labs import Case, CaseRun, CodeAnswer, Lab, ReadStep
from agentlab.labs.checks import share, told
from agentlab.labs.declare import Answers, Drawn, code_step, quiz, right, wrong

from .training import MOST_TOKENS, MOST_WEIGHTS, pretrain, something_to_train_with

BITS = 3.2


def plan(**settings: float) -> CodeAnswer:
    """An answer: one setting a line."""
    return CodeAnswer(code="".join(f"{name} = {value}\n" for name, value in settings.items()))


def once(_rng: Random, _count: int) -> Sequence[Case]:
    """One training."""
    return [Case("", BITS, title="the model that you trained")]


def foretells(run: CaseRun) -> bool:
    """The model needs few enough bits for a character of text that it never saw."""
    return told(run).get("bits", 8.0) <= run.case.expect


SIZES = {"layers": 2, "heads": 4, "rows": 16}

lab = Lab(
    id="m2/pretrain",
    title="A model from nothing",
    teaches=(
        "what pre-training is: foretelling the next token",
        "comparing models by the bits they need for a character of unseen text",
        "spending a budget of tokens and weights",
    ),
    minutes=20,
    tools=(pretrain,),
    equip=something_to_train_with,
    steps=(
        ReadStep(id="one-task"),
        code_step(
            "train",
            Answers(
                starter=plan(vocabulary=300, width=32, context=16, steps=100, lr=0.0001, **SIZES),
                solution=plan(vocabulary=1024, width=128, context=64, steps=150, lr=0.004, **SIZES),
                wrong={
                    "learns-too-slowly": plan(
                        vocabulary=1024, width=128, context=64, steps=60, lr=0.0001, **SIZES
                    ),
                    "stops-too-early": plan(
                        vocabulary=512, width=64, context=32, steps=20, lr=0.004, **SIZES
                    ),
                    "over-the-budget": plan(
                        vocabulary=1024, width=128, context=64, steps=2000, lr=0.004, **SIZES
                    ),
                },
            ),
            Drawn(once, practice=1, graded=1),
            runs_on="pretrain",
            hints=(
                "Watch the loss. If it hardly falls, the steps are too small: raise lr, tenfold "
                "at a time, until it no longer helps.",
                "How much of the budget of tokens do you use? It is steps * rows * context.",
                "A larger vocabulary puts more characters into a token, and a wider model has "
                "room for more: vocabulary = 1024, width = 128, context = 64.",
            ),
            checks=(
                share(
                    "bits",
                    f"at most {BITS} bits for a character of text it never saw, with at most "
                    f"{MOST_TOKENS:,} tokens and {MOST_WEIGHTS:,} weights",
                    foretells,
                    1.0,
                    wanted="foretold well enough",
                ),
            ),
        ),
        quiz(
            "why-characters",
            "Why by the character?",
            (
                "Two models with different tokenizers read the same text. One has a loss of 4.1 "
                "nats a token, the other of 4.6. Which one foretells the text better?"
            ),
            wrong(
                "The first: its loss is lower.",
                "Only if both cut the text into the same tokens.",
            ),
            wrong(
                "The second: a higher loss means that it has learnt more.",
                "A loss is surprise; less of it is better.",
            ),
            right(
                "It can't be told from this: a token of one may hold more text than a token "
                "of the other.",
                "Right. Divide by characters (or bytes), and they can be compared.",
            ),
            wrong(
                "Neither: a loss says nothing about text a model never saw.",
                "It does, if it was measured on such text.",
            ),
            hints=("What would happen to the loss if every token were a single letter?",),
        ),
    ),
)
