"""Solutions, starting points, and answers that look right and are not."""

from __future__ import annotations

from agentlab.labs.declare import programs

_LOSS = """
import math


def loss(better, better_was, worse, worse_was, beta):
    {margin}
    return {value}
"""
_MARGIN = "margin = beta * ((better - better_was) - (worse - worse_was))"
_VALUE = "-math.log(1 / (1 + math.exp(-margin)))"

LOSS = programs(
    starter='''
import math


def loss(better, better_was, worse, worse_was, beta):
    """How far the model is from preferring the better answer.

    All four are log probabilities: of the better and the worse answer, now and before training.
    """
    return 0.0
''',
    solution=_LOSS.format(margin=_MARGIN, value=_VALUE),
    wrong={
        "without-what-was": _LOSS.format(margin="margin = beta * (better - worse)", value=_VALUE),
        "the-wrong-way-round": _LOSS.format(
            margin=_MARGIN, value="-math.log(1 / (1 + math.exp(margin)))"
        ),
        "without-the-logarithm": _LOSS.format(
            margin=_MARGIN, value="1 - 1 / (1 + math.exp(-margin))"
        ),
    },
)

PREFER = programs(
    starter='''
def prefer(question, a, b):
    """Which answer is better: "a", "b", or None where you can't say."""
    return None
''',
    solution="""
import re


def sentences(text):
    return len(re.findall(r"[.!?](?:\\s|$)", text))


def prefer(question, a, b):
    if (sentences(a) == 1) == (sentences(b) == 1):
        return None
    return "a" if sentences(a) == 1 else "b"
""",
    wrong={
        "the-longer": """
def prefer(question, a, b):
    return "a" if len(a) > len(b) else "b"
""",
        "always-the-first": """
def prefer(question, a, b):
    return "a"
""",
    },
)
