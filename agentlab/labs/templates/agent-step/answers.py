"""The reference solution of this lab, what a learner starts from, and what must be rejected."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Example
from agentlab.labs.declare import Answers

from .cases import QUESTION

# Greedy, so that a run can be repeated; short, so that a model gone astray is soon stopped
_STEADY = Settings(temperature=0, max_tokens=40, repeat_penalty=1.0)
_TOLD = "Use count_letter for every question."


def _shown(letter: str, word: str) -> Example:
    counted = word.count(letter)
    return Example(
        user=QUESTION.format(letter=letter, word=word),
        tool="count_letter",
        arguments={"letter": letter, "word": word},
        result=str(counted),
        # Always the same words: a small model copies, it does not compose
        answer=f"The answer is {counted}.",
    )


_EXAMPLES = (_shown("t", "letter"), _shown("w", "window"), _shown("u", "cucumber"))

_STARTER = AgentAnswer(instructions=_TOLD, tools=("count_letter",), settings=_STEADY)

COUNT = Answers(
    starter=_STARTER,
    solution=_STARTER.but(examples=_EXAMPLES),
    wrong={
        "from-memory": AgentAnswer(
            instructions="You are a brilliant speller. Look closely, letter by letter.",
            settings=_STEADY,
        ),
        "examples-without-calls": AgentAnswer(
            instructions="Answer every question.",
            examples=tuple(Example(user=e.user, answer=e.answer) for e in _EXAMPLES),
            settings=_STEADY,
        ),
    },
)
