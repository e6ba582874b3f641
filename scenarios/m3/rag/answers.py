"""Starters, reference solutions, and answers that look right."""

from __future__ import annotations

from agentlab.labs import AgentAnswer, Example
from agentlab.labs.declare import programs
from agentlab.limits import Limits
from agentlab_tools.open_book import EXAMPLES, INSTRUCTIONS, STEADY

SHOWN = tuple(Example(user=asked, answer=answered) for asked, answered in EXAMPLES)


def answerer(examples: tuple[Example, ...] = (), told: str = INSTRUCTIONS) -> AgentAnswer:
    """An agent that answers questions."""
    return AgentAnswer(
        instructions=told, examples=examples, settings=STEADY, limits=Limits(steps=2)
    )


def _ending(end: str) -> tuple[Example, ...]:
    """The examples with another end than the source."""
    return tuple(e.model_copy(update={"answer": e.answer.rpartition(" (")[0] + end}) for e in SHOWN)


ANSWER = answerer(SHOWN)
ANSWER_WRONG = {
    "no-source-shown": answerer(_ending("")),
    "always-the-same-source": answerer(_ending(" (library.md)")),
    "shown-without-passages": answerer(
        tuple(
            e.model_copy(update={"user": "Question: " + e.user.partition("Question: ")[2]})
            for e in SHOWN[:2]
        ),
        "Answer from memory.",
    ),
}

_CUT = '''import re


def pieces(section, size):
    """Sentences, and what of them is too long in pieces of whole words."""
    for sentence in re.split(r"(?<=[.!?])\\s+|\\n+", section):
        while len(sentence) > size:
            at = sentence.rfind(" ", 1, size)
            at = at if at > 0 else size
            yield sentence[:at]
            sentence = sentence[at:].strip()
        if sentence.strip():
            yield sentence.strip()


def passages(text, size):
    found = []
    for section in re.split(r"\\n(?=#)", text):
        passage = ""
        for piece in pieces(section, size):
            if passage and len(passage) + 1 + len(piece) > size:
                found.append(passage)
                passage = ""
            passage = f"{passage}\\n{piece}" if passage else piece
        if passage:
            found.append(passage)
    return found
'''
CUT = programs(
    starter='''def passages(text, size):
    """Cut a Markdown article into passages of at most `size` characters, and return the list."""
    return [text]
''',
    solution=_CUT,
    wrong={
        "every-so-many-characters": "def passages(text, size):\n"
        "    return [text[at : at + size] for at in range(0, len(text), size)]\n",
        "every-sentence-alone": "import re\n\n\ndef passages(text, size):\n"
        '    return [s[:size] for s in re.split(r"(?<=[.!?])\\s+|\\n+", text) if s.strip()]\n',
        "over-headings": _CUT.replace('re.split(r"\\n(?=#)", text)', "[text]"),
        "drops-what-is-long": "def passages(text, size):\n"
        '    return [p.strip() for p in text.split("\\n\\n") if 0 < len(p.strip()) <= size]\n',
    },
)
