"""Starters, reference solutions, and examples that look as if they should do."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Example
from agentlab.labs.declare import Answers
from agentlab.limits import Limits


def shown(told: str, examples: tuple[Example, ...], max_tokens: int) -> AgentAnswer:
    """An agent that is told a little, and shown examples. Greedy, so that runs can be repeated."""
    return AgentAnswer(
        instructions=told,
        examples=examples,
        settings=Settings(temperature=0, max_tokens=max_tokens, repeat_penalty=1.0),
        limits=Limits(steps=1),
    )


WHEN = "When is it? Give the day and the time."
_DATES = (
    Example(
        user="I hope you are feeling better. The swimming course begins on Friday at 4 pm. "
        "Please write back.",
        answer="Friday 4 pm",
    ),
    Example(
        user="Thank you for the flowers. The doctor can see you on Monday at 11 am. "
        "I wish you a good day.",
        answer="Monday 11 am",
    ),
    Example(
        user="I am glad that you called. Our new shop opens on Saturday at 8 am. "
        "Bring your friends.",
        answer="Saturday 8 am",
    ),
    Example(
        user="I hope that your journey was pleasant. You can fetch your visa on Wednesday at "
        "1 pm. Many greetings to all.",
        answer="Wednesday 1 pm",
    ),
)

DATES = Answers(
    starter=shown(WHEN, (), 12),
    solution=shown(WHEN, _DATES, 12),
    wrong={
        "told-at-length": shown(
            "Read the message and find when it is. Write the day and the time in the form Friday "
            "6 pm and nothing else. Do not answer the message.",
            (),
            12,
        ),
        "unlike-the-messages": shown(
            WHEN,
            (
                Example(user="Friday at 4 pm", answer="Friday 4 pm"),
                Example(user="Monday at 11 am", answer="Monday 11 am"),
            ),
            12,
        ),
        "in-another-form": shown(
            WHEN,
            tuple(e.model_copy(update={"answer": f"It is on {e.answer}."}) for e in _DATES),
            12,
        ),
    },
)

KIND = "Is the review positive or negative?"
_GOOD = (
    Example(user="The cake was delicious.", answer="positive"),
    Example(user="A beautiful song.", answer="positive"),
    Example(user="The guide was friendly and funny.", answer="positive"),
    Example(user="I enjoyed every minute of the trip.", answer="positive"),
)
_BAD = (
    Example(user="The soup was cold.", answer="negative"),
    Example(user="A boring play.", answer="negative"),
    Example(user="The waiter was rude.", answer="negative"),
    Example(user="The shoes broke after a day.", answer="negative"),
)


def reviews_in(order: str) -> AgentAnswer:
    """Examples of good (P) and bad (N) reviews in some order, e.g. `PNPN`."""
    good, bad = iter(_GOOD), iter(_BAD)
    return shown(KIND, tuple(next(good if kind == "P" else bad) for kind in order), 4)


ORDER = Answers(
    starter=reviews_in("PNPN"),
    solution=reviews_in("NPNPNP"),
    wrong={
        "only-good-ones": reviews_in("PPPP"),
        "good-ones-last": reviews_in("NNPP"),
        "twice-as-many": reviews_in("PNPNPNPN"),
    },
)
