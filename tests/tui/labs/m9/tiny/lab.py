"""A lab of three steps for the tests of the screen: something to read, an agent, a quiz."""

from __future__ import annotations

from random import Random

from agentlab.labs import (
    AgentAnswer,
    AgentStep,
    Attempt,
    Case,
    Check,
    Lab,
    QuizStep,
    ReadStep,
    Verdict,
)
from agentlab.labs.checks import says_number, share
from agentlab.tooling import tool


@tool
def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def sums(random: Random, count: int) -> list[Case]:
    """Sums of two small numbers."""
    pairs = [(random.randint(2, 9), random.randint(2, 9)) for _ in range(count)]
    return [Case(input=f"What is {a} + {b}?", expect=a + b) for a, b in pairs]


def _called(attempt: Attempt) -> Verdict:
    calls = sum(bool(run.calls) for run in attempt.runs)
    said = f"add was called in {calls} of {len(attempt.runs)} cases"
    return Verdict(passed=calls == len(attempt.runs), reason=said)


lab = Lab(
    id="m9/tiny",
    title="Sums, by tool",
    teaches=("give an agent a tool", "see that it is really called"),
    minutes=5,
    backend="tiny:adder",
    tools=(add,),
    steps=(
        ReadStep(id="why", title="Why a tool"),
        AgentStep(
            id="adder",
            title="An agent that adds",
            cases=sums,
            practice=2,
            graded=3,
            tools=("add",),
            starter=AgentAnswer(instructions="Answer the question."),
            solution=AgentAnswer(instructions="Add with the tool.\nThen answer.", tools=("add",)),
            wrong={"no-tool": AgentAnswer(instructions="Guess.")},
            hints=(
                "What could the agent do that it can't do now?",
                "It needs a tool: look at the list of tools you may give.",
                'Write: tools = ["add"]',
            ),
            checks=(
                share("right", "the sums are right", says_number, 1.0),
                Check(id="called", says="the tool was really called", judge=_called),
            ),
        ),
        QuizStep(
            id="quiz",
            title="Who adds?",
            question="When the agent says 7, who has added 3 and 4?",
            options={"a": "the model", "b": "the tool, called by the loop", "c": "nobody"},
            right=frozenset({"b"}),
            because={
                "a": "The model only asked for it.",
                "b": "The loop ran the tool and gave its result back.",
                "c": "Somebody did: look at the trace.",
            },
            hints=("Look at the trace: who wrote the result?",),
        ),
    ),
)
