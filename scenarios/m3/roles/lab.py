"""m3/roles: what a role changes in a model's answers, and what it can't."""

from __future__ import annotations

import re

from agentlab.labs import CaseRun, Lab, ReadStep
from agentlab.labs.checks import share
from agentlab.labs.declare import Drawn, agent_step, quiz, right, wrong

from . import answers
from .cases import guests, things

WORDS = 9
"""Words a sentence may have on average, for a child."""
LONGEST = 14
"""Words an answer at the desk may have: reciting everything one knows is no answer."""


def words_a_sentence(text: str) -> float:
    """How long the sentences of a text are on average; 0 without any."""
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]
    return sum(len(part.split()) for part in sentences) / len(sentences) if sentences else 0.0


def for_a_child(run: CaseRun) -> bool:
    """Short sentences about the thing that was asked for."""
    about = str(run.case.expect) in run.output.lower()
    return about and 0 < words_a_sentence(run.output) <= WORDS


def tells_what_is_so(run: CaseRun) -> bool:
    """The fact that was asked for, in one short answer."""
    return str(run.case.expect) in run.output and len(run.output.split()) <= LONGEST


lab = Lab(
    id="m3/roles",
    title="Whom it plays, and what it knows",
    teaches=(
        "what a role in the system message changes: the voice",
        "showing a voice instead of describing it",
        "that a role brings no knowledge: it has to be given",
    ),
    minutes=15,
    steps=(
        ReadStep(id="a-role"),
        agent_step(
            "a-voice",
            answers.VOICE,
            Drawn(things, practice=4, graded=12),
            hints=(
                "Read some answers aloud, as to a child of five. What is wrong with them: what "
                "they say, or how?",
                "Describing the voice more exactly helps little. Show it: [[examples]] with a "
                "question and an answer in the voice that you want.",
                "Three or four examples, each of three short sentences: Wind is air that moves. "
                "You can feel it. It can fly a kite.",
            ),
            checks=(
                share(
                    "for-a-child",
                    f"nine in twelve answers name the thing, in sentences of at most {WORDS} words",
                    for_a_child,
                    0.75,
                    wanted="for a child",
                ),
            ),
        ),
        agent_step(
            "the-desk",
            answers.DESK,
            Drawn(guests, practice=3, graded=8),
            hints=(
                "Where could a model have learnt when breakfast is at Hotel Linde?",
                "Write what the hotel's card says into the instructions. Then look at an answer: "
                "it may be in there, among everything else.",
                "The facts in the instructions, and a few examples that answer one question with "
                "one fact: The bar opens at 17.",
            ),
            checks=(
                share(
                    "so",
                    f"six in eight guests are told what is so, in at most {LONGEST} words",
                    tells_what_is_so,
                    0.75,
                    wanted="told rightly",
                ),
            ),
        ),
        quiz(
            "what-a-role-gives",
            "What does a role give?",
            (
                'Somebody begins a prompt with "You are a world-famous doctor who is never wrong" '
                "and asks about a rare disease. What does the role change?"
            ),
            wrong(
                "The model now uses the medical part of its knowledge, so it errs less.",
                "No weight changes. A role can steer which of the things it knows come up, "
                "but it can't add one, as the hotel has shown.",
            ),
            right(
                "It will sound like a doctor. What it knows, and how often it is wrong, may "
                "well be what it was; only measuring tells.",
                "Yes. And a confident voice makes a wrong answer more dangerous, not rarer.",
            ),
            wrong(
                "The model is bound to tell when it does not know.",
                "You told it that it is never wrong. It will play that, too.",
            ),
            wrong(
                "Nothing at all: system messages are ignored.",
                "In the first step the voice did change, even by the role alone.",
            ),
            hints=("What changed in the first step, and what did not in the second?",),
        ),
    ),
)
