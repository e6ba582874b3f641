"""A small lab for tests, written to a folder as a user would write it."""

from __future__ import annotations

from pathlib import Path

LAB = '''
from agentlab.messages import Message
from agentlab.labs import AgentAnswer, AgentStep, Case, QuizStep, ReadStep, Lab
from agentlab.labs.checks import says_number, share
from agentlab.tooling import tool

from .numbers import PAIRS

@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b

lab = Lab(
    id="m9/adding",
    title="Adding",
    teaches=("adding",),
    minutes=1,
    tools=(add,),
    steps=(
        ReadStep(id="read", title="Read this"),
        AgentStep(
            id="add",
            title="Add",
            cases=lambda rng, count: [Case(f"{a} + {b}", a + b) for a, b in PAIRS[:count]],
            practice=1,
            graded=2,
            tools=("add",),
            starter=AgentAnswer(),
            solution=AgentAnswer(instructions="add", tools=("add",)),
            wrong={"guess": AgentAnswer(instructions="guess")},
            hints=("Use the tool.",),
            checks=(share("right", "both are right", says_number, 1.0),),
        ),
        QuizStep(
            id="quiz",
            title="Quiz",
            question="1 + 1?",
            options={"a": "2", "b": "3", "c": "two"},
            right=frozenset({"a", "c"}),
            because={"a": "yes", "b": "no, that is 3", "c": "yes"},
        ),
    ),
)
'''

LESSON = """# Adding

Hello.

## Read this {#read}

Words.

## Add {#add}

Do it.

## Quiz {#quiz}

Think.
"""


def write_lab(
    root: Path, *, lab: str = LAB, lesson: str | None = LESSON, name: str = "m9/adding"
) -> Path:
    """Write the lab's files and return its folder."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "lab.py").write_text(lab, encoding="utf-8")
    (folder / "numbers.py").write_text("PAIRS = [(2, 3), (40, 2)]\n", encoding="utf-8")
    if lesson is not None:
        (folder / "lesson.md").write_text(lesson, encoding="utf-8")
    return folder
