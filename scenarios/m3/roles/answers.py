"""Solutions, starting points, and answers that look right and are not."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Example
from agentlab.labs.declare import Answers

STEADY = Settings(temperature=0, max_tokens=40, repeat_penalty=1.0)
"""Greedy, so that a run can be repeated; short, so that a model gone astray is soon stopped."""

_TEACHER = "You are a teacher of small children."
_TO_CHILDREN = (
    Example(
        user="What is the sun?",
        answer="The sun is a big ball of fire. It is far away. It keeps us warm.",
    ),
    Example(
        user="What is a fish?",
        answer="A fish lives in water. It has fins. It can swim all day.",
    ),
    Example(
        user="What is wind?",
        answer="Wind is air that moves. You can feel it. It can fly a kite.",
    ),
    Example(
        user="What is milk?",
        answer="Milk is a white drink. It comes from cows. It makes you strong.",
    ),
)
_TO_STUDENTS = (
    Example(
        user="What is the sun?",
        answer="The sun is a star at the center of our solar system, which provides the light and "
        "the warmth that make life on our planet possible.",
    ),
    Example(
        user="What is a fish?",
        answer="A fish is an aquatic animal that breathes through gills and moves with the help "
        "of its fins and its strong tail.",
    ),
    Example(
        user="What is wind?",
        answer="Wind is the movement of air from regions of high pressure to regions of low "
        "pressure across the surface of the Earth.",
    ),
)

VOICE = Answers(
    starter=AgentAnswer(instructions=_TEACHER, settings=STEADY),
    solution=AgentAnswer(instructions=_TEACHER, examples=_TO_CHILDREN, settings=STEADY),
    wrong={
        "no-role": AgentAnswer(settings=STEADY),
        "a-role-described-at-length": AgentAnswer(
            instructions="You are a teacher who speaks to five-year-old children in very short, "
            "simple sentences.",
            settings=STEADY,
        ),
        "examples-in-another-voice": AgentAnswer(
            instructions=_TEACHER, examples=_TO_STUDENTS, settings=STEADY
        ),
    },
)

_DESK = "You are the receptionist of Hotel Linde."
_KNOWN = (
    "Breakfast is from 7 to 10. The sauna is on floor 4. The wifi password is blue-otter. The bus "
    "leaves at 8:40. A bicycle costs 12 euros a day. The pool closes at 21. The manager is Mrs "
    "Brandt. Room keys are returned at desk 3."
)
_MORE = "The bar opens at 17. The piano is in room 6. A taxi costs 9 euros."
_AT_THE_DESK = (
    Example(user="When does the bar open?", answer="The bar opens at 17."),
    Example(user="Where is the piano?", answer="The piano is in room 6."),
    Example(user="What does a taxi cost?", answer="A taxi costs 9 euros."),
)

DESK = Answers(
    starter=AgentAnswer(instructions=_DESK, settings=STEADY),
    solution=AgentAnswer(
        instructions=f"{_DESK} {_KNOWN} {_MORE}", examples=_AT_THE_DESK, settings=STEADY
    ),
    wrong={
        "an-expert": AgentAnswer(
            instructions="You are the best receptionist of Hotel Linde. You know everything about "
            "it and never make a mistake.",
            settings=STEADY,
        ),
        "knows-but-was-not-shown": AgentAnswer(instructions=f"{_DESK} {_KNOWN}", settings=STEADY),
        "shown-but-does-not-know": AgentAnswer(
            instructions=_DESK, examples=_AT_THE_DESK, settings=STEADY
        ),
    },
)
