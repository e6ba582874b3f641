"""Reference solutions, and the exchanges they show to the model."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Example, Try
from agentlab.labs.declare import programs
from agentlab.limits import Limits

STEADY = Settings(temperature=0, max_tokens=90, repeat_penalty=1.0)
SHORT = Limits(steps=4)


def _code(
    user: str, code: str, result: str, answer: str, *, tried: str = "", error: str = ""
) -> Example:
    return Example(
        user=user,
        tool="run_python",
        tried=(Try(arguments={"code": tried}, error=error),) if tried else (),
        arguments={"code": code},
        result=result,
        answer=answer,
    )


def _mended(user: str, line: str, module: str, result: str, *, more: str = "") -> Example:
    return _code(
        user,
        f"import {module}\n{more}{line}",
        result,
        f"The answer is {result}.",
        tried=line,
        error=f"NameError: name '{module}' is not defined",
    )


MENDED = (
    _mended("Print the square root of 81.", "print(math.sqrt(81))", "math", "9.0"),
    _mended(
        "Print a random number.",
        "print(random.random())",
        "random",
        "0.13436424411240122",
        more="random.seed(1)\n",
    ),
    _mended("Print the sine of 0.", "print(math.sin(0))", "math", "0.0"),
    _mended(
        "Print the mean of 2, 4 and 9.", "print(statistics.mean([2, 4, 9]))", "statistics", "5"
    ),
    _mended(
        "Print the variance of 1, 4 and 7.",
        "print(statistics.variance([1, 4, 7]))",
        "statistics",
        "9",
    ),
)
DRAWN = (
    _code(
        "Plot the doubles of 0 to 5.",
        "import matplotlib.pyplot as plt\nxs = list(range(6))\nplt.plot(xs, [x * 2 for x in xs])",
        "1 figure drawn",
        "The figure is drawn.",
    ),
    _code(
        "Plot the cubes of 0 to 8.",
        "import matplotlib.pyplot as plt\nxs = list(range(9))\nplt.plot(xs, [x**3 for x in xs])",
        "1 figure drawn",
        "The figure is drawn.",
    ),
)


def coder(examples: tuple[Example, ...] = (), *, tool: bool = True) -> AgentAnswer:
    """The agent of the first two steps."""
    return AgentAnswer(
        instructions="Solve each task with Python code. If the code fails, mend it.",
        tools=("run_python",) if tool else (),
        examples=examples,
        settings=STEADY,
        limits=SHORT,
    )


def shown_success(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """The same exchanges, as if the first try had always worked."""
    return tuple(example.model_copy(update={"tried": ()}) for example in examples)


PROBE = programs(
    starter='''\
def attempt(action):
    """Try an action. Return "allowed", or the name of the error it met."""
    return "allowed"
''',
    solution="""\
def attempt(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "allowed"
""",
    wrong={
        "refuses-everything": 'def attempt(action):\n    return "PermissionError"\n',
        "never-tries": 'def attempt(action):\n    return "allowed"\n',
        "lets-it-escape": 'def attempt(action):\n    action()\n    return "allowed"\n',
        "looks-instead-of-trying": """\
import sys
def attempt(action):
    code = getattr(action, "__code__", None)
    seen = repr([code and (code.co_names, code.co_consts), sys._getframe(1).f_locals])
    hostile = any(word in seen for word in ("shadow", "connect", "/usr/", "environ", "kill"))
    return "PermissionError" if hostile else "allowed"
""",
        "says-nothing": "def attempt(action):\n    action\n",
    },
)
