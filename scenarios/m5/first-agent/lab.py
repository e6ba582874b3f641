"""m5/first-agent: ten minutes from the first key to an agent that works. One change makes it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Case, CaseRun, Example, Lab, ReadStep
from agentlab.labs.checks import close_to, numbers_in, says_number, share
from agentlab.labs.declare import Answers, Drawn, agent_step, quiz, right, wrong
from agentlab_tools.calculator import calculator


def products(rng: Random, count: int) -> Sequence[Case]:
    """Products of three by two digits, which no model of this size has by heart."""
    drawn = ((rng.randint(120, 980), rng.randint(12, 97)) for _ in range(count))
    return [Case(f"What is {a} * {b}?", a * b) for a, b in drawn]


def by_the_calculator(run: CaseRun) -> bool:
    """The calculator returned the product that was asked for."""
    returned = [
        number
        for call, result in run.calls
        if call.name == "calculator" and result.error is None
        for number in numbers_in(result.content)
    ]
    return any(close_to(number, float(run.case.expect)) for number in returned)


def _shown(expression: str, result: str) -> Example:
    return Example(
        user=f"What is {expression}?",
        tool="calculator",
        arguments={"expression": expression},
        result=result,
        answer=f"The answer is {result}.",
    )


AGENT = AgentAnswer(
    instructions="Use the calculator for every sum.",
    tools=("calculator",),
    examples=(
        _shown("3 * 4", "12"),
        _shown("250 * 16", "4000"),
        _shown("81 * 90", "7290"),
    ),
    # Greedy, so that it comes out the same again; short, as the answers are
    settings=Settings(temperature=0, max_tokens=48, repeat_penalty=1.0),
)

lab = Lab(
    id="m5/first-agent",
    title="Your first agent",
    teaches=(
        "running an agent, and reading what it did",
        "that a model can only do what its tools do for it",
    ),
    minutes=8,
    tools=(calculator,),
    steps=(
        ReadStep(id="what-you-will-do"),
        agent_step(
            "a-calculator",
            Answers(
                starter=AGENT.but(tools=()),
                solution=AGENT,
                wrong={
                    "asked-nicely": AGENT.but(
                        instructions="You are a brilliant mathematician. Work carefully.",
                        tools=(),
                        examples=(),
                    ),
                    "not-shown": AGENT.but(examples=()),
                },
            ),
            Drawn(products, practice=2, graded=4),
            tools=("calculator",),
            hints=(
                "Press r, and read the answers. The model asks for a calculator: who hears it?",
                "Everything the agent needs stands in the answer already, but one thing: "
                "its list of tools is empty.",
                'Make the line read: tools = ["calculator"]. Or press f, go down to calculator, '
                "and press space.",
            ),
            checks=(
                share("right", "three in four products come out right", says_number, 3 / 4),
                share(
                    "called",
                    "three in four were worked out by the calculator",
                    by_the_calculator,
                    3 / 4,
                    wanted="worked out by the tool",
                ),
            ),
        ),
        quiz(
            "who-did-it",
            "Who multiplied?",
            "The agent now says the right number. Who worked it out?",
            wrong(
                "The model: it learnt to multiply from the three examples.",
                "An example changes no weight. Take the tool away again, and see.",
            ),
            right(
                "The calculator. The model wrote down what to work out, and repeated the result.",
                "That is all a tool call is: text in an agreed form, which the program around "
                "the model acts upon.",
            ),
            wrong(
                "The instructions: they told it to be right.",
                "The starter had the same instructions.",
            ),
            hints=("Press p for the step before, open a case, and read it from top to bottom.",),
        ),
    ),
)
