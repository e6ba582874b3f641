"""The learner's own RAG of m3/rag, with which others are compared: inside and on the host."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

from agentlab.messages import Message
from agentlab_tools.lent import Lender
from agentlab_tools.open_book import EXAMPLES, INSTRUCTIONS, MODEL, QUESTIONS, STEADY, asked
from agentlab_tools.open_book.library import found_for

BRACED = (
    asked(
        "How is an empty set written?",
        "python.md",
        "In Python an empty set is written set(), since {} is an empty dictionary.",
    ),
    "In Python an empty set is written set(), since {} is an empty dictionary. (python.md)",
)
"""Braces are what templates of other frameworks are made of."""
SHOWN = (*EXAMPLES, BRACED)
UNNAMED = "Answer from what was found."
"""Instructions, where a source is not to be named."""
_INSIDE = Path(__file__).with_name("own.txt")

sentence_for = lru_cache(maxsize=64)(found_for)


def module() -> str:
    """`own.py` for the sandbox: instructions and examples."""
    text = _INSIDE.read_text(encoding="utf-8")
    return text.format(instructions=INSTRUCTIONS, examples=list(SHOWN))


def conversation(question: str, *, named: bool = True) -> list[Message]:
    """All that the model reads before it answers a question."""
    last = asked(question, *sentence_for(question))
    return [*shown(named=named), Message.user(last if named else unnamed(last)[0])]


def shown(*, named: bool = True) -> list[Message]:
    """Instructions and examples; not named, nothing in them is of a source."""
    pairs = SHOWN if named else [unnamed(*one) for one in SHOWN]
    turns = [turn for user, said in pairs for turn in (Message.user(user), Message.assistant(said))]
    return [Message.system(INSTRUCTIONS if named else UNNAMED), *turns]


def unnamed(user: str, answer: str = "") -> tuple[str, str]:
    """What a user asks and what is to be answered, without the source."""
    return user.partition("] ")[2], answer.rpartition(" (")[0]


async def citable(lender: Lender, question: str) -> str:
    """This question, or the next one whose answer names its source.

    Of some, the model writes on until it is cut off; of which, depends on how a processor rounds.
    """
    every = [one for one, _ in QUESTIONS]
    at = every.index(question)
    for one in (*every[at:], *every[:at]):
        answer, _ = await answered(lender, one)
        if answer.endswith(f"({sentence_for(one)[0]})"):
            return one
    return question


async def answered(lender: Lender, question: str, *, named: bool = True) -> tuple[str, int]:
    """What it answers, and the tokens that the model reads for it."""
    # the first makes the index
    messages = await asyncio.to_thread(conversation, question, named=named)
    reply = await lender.answer(MODEL, messages, settings=STEADY)
    return reply.message.text, reply.usage.input_tokens
