"""mN/name: what the lab is made of. Its text is in lesson.md, one heading for each step here."""

from __future__ import annotations

from agentlab.labs import CaseRun, Lab, ReadStep
from agentlab.labs.checks import share
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import texts
from .tools import run_python, sandbox


def found_the_pair(run: CaseRun) -> bool:
    """The case ran without an error, and printed what it should."""
    return run.output.strip() == run.case.expect


lab = Lab(
    id="mN/name",
    title="The first token",
    teaches=(
        "how a tokenizer chooses what becomes a token",
        "finding the most frequent pair, the step that is repeated",
    ),
    minutes=10,
    tools=(run_python,),
    equip=sandbox,
    steps=(
        ReadStep(id="pairs"),
        code_step(
            "find",
            answers.FIND,
            Drawn(texts, practice=1, graded=3),
            hints=(
                "A text of n letters has n - 1 pairs of neighbours, and they overlap.",
                "zip(text, text[1:]) walks over them; a Counter counts them.",
                "min(counted, key=lambda pair: (-counted[pair], pair)) is the most frequent "
                "one, and of equals the first by the alphabet.",
            ),
            checks=(
                share(
                    "found",
                    "the most frequent pair is found in every text",
                    found_the_pair,
                    1.0,
                    wanted="found",
                ),
            ),
        ),
        quiz(
            "what-next",
            "And then?",
            "The pair r, e is the most frequent one. What does the tokenizer do with it?",
            right(
                "It makes re one token, and looks for the most frequent pair again.",
                "Yes, until there are as many tokens as one wants.",
            ),
            wrong(
                "It removes re from the text, since it says little.",
                "Nothing is removed: a text must come back whole from its tokens.",
            ),
            wrong(
                "It gives re to the model as a word.",
                "To the model a token is a number. It knows no words.",
            ),
            hints=("A vocabulary of 50,000 tokens was not found in one step.",),
        ),
    ),
)
