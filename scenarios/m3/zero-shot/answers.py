"""Starters, reference solutions, and instructions that look as if they should do."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer
from agentlab.labs.declare import Answers
from agentlab.limits import Limits


def told(instructions: str, max_tokens: int) -> AgentAnswer:
    """An agent that is only told what to do. Greedy, so that a run can be repeated."""
    return AgentAnswer(
        instructions=instructions,
        settings=Settings(temperature=0, max_tokens=max_tokens, repeat_penalty=1.0),
        limits=Limits(steps=1),
    )


LETTER, SENTENCE, WORD = 50, 40, 12
"""Tokens enough for what is wanted in each step, and to see what went wrong."""

SUMMARY = Answers(
    starter=told("Help me with this email.", LETTER),
    solution=told("Summarize the email in one sentence.", LETTER),
    wrong={
        "only-the-task": told("Summarize the email.", LETTER),
        "flattery": told(
            "You are a brilliant assistant. Take a deep breath and do your best.", LETTER
        ),
    },
)

SHORT = Answers(
    starter=told("Answer briefly.", SENTENCE),
    solution=told("Answer the question in one short sentence of at most 15 words.", SENTENCE),
    wrong={
        "concise": told("Be concise.", SENTENCE),
        "a-sentence-of-any-length": told("Answer in one sentence.", SENTENCE),
        "cut-off": told("Answer briefly.", 20),
    },
)

LABEL = Answers(
    starter=told("Answer the question.", WORD),
    solution=told("Answer with yes or no.", WORD),
    wrong={
        "correctly": told("Answer correctly and briefly.", WORD),
        "certain": told("Only answer if you are absolutely certain.", WORD),
    },
)
