"""The lab's tool: a program that draws, its figures looked at from outside of the sandbox.

What a figure is made of is read where it was drawn, and judged here, which the program can't reach.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from agentlab.agent import Agent
from agentlab.backend import Settings
from agentlab.backends import connect
from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.limits import Limits
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe
from agentlab_tools.execute.equipment import equipped, require

from .judging import Found, judged

MODEL = "local:agent"
STEADY = Settings(temperature=0, max_tokens=60)
INSIDE = Path(__file__).with_name("inside.py")
"""Read as text: it runs in the sandbox."""
Figure: TypeAlias = Literal["speed", "errors", "cost", "tokens"]
_PLAIN = ("numpy", "matplotlib")
_LIMITS = SandboxLimits(timeout=30)
_LARGEST = 4_000_000
_TOLD = 400
"""Characters of a sentence that the model gets."""


@dataclass
class Bench:
    """Where a learner's figures are drawn: the sandbox, and whether the program is in it."""

    opened: Sandbox
    stack: AsyncExitStack
    begun: bool = False


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy and matplotlib; another, with seaborn, for a program that names it.

    Importing seaborn takes longer than drawing, so only those who use it wait for it.

    Raises:
        MissingExtra: seaborn is not installed.
    """
    require({"seaborn": "course"})
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(
            Sandbox.open(packages=_PLAIN, limits=_LIMITS, spare=False)
        )
        yield Equipment(deps=Bench(opened, stack), labels=equipped(opened).labels)


@tool(timeout=300)
async def draw(code: str, context: ToolContext) -> str:
    """Take a program first; then let it draw what a case gives, and look at the figures.

    The last line of what is returned is for the grader: what is wrong, by check.
    """
    bench: Bench = context.deps
    if not bench.begun:
        bench.begun = True
        if "seaborn" in code:
            bench.opened = await bench.stack.enter_async_context(
                Sandbox.open(packages=(*_PLAIN, "seaborn"), limits=_LIMITS, spare=False)
            )
        return display_safe(await _run(bench.opened, code, context)) or "ready"
    case: dict[str, Any] = json.loads(code)
    await bench.opened.write_file("given.json", code)
    await bench.opened.write_file("inside.py", INSIDE.read_text(encoding="utf-8"))
    said = await _run(bench.opened, drawing(case["task"]), context)
    try:
        data = await bench.opened.read_file("seen.json", limit=_LARGEST)
        seen: list[Any] = json.loads(data)
    except (WorkspaceError, ValueError) as error:
        raise ToolError(f"nothing can be seen of the figures: {error}") from error
    try:
        found = judged(seen, case)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # The program could write there, too, or take its axes away
        raise ToolError(f"no figure that can be read was drawn on ax: {error!r}") from error
    if case["task"] == "look":
        told = [str(one)[:_TOLD] for one in seen]
        pairs = zip(case["figures"], told, strict=True)
        lines = [f"{one['name']}: {sentence}" for one, sentence in pairs]
        if not any(found.values()):
            lines.append(await _asked(case, told, found))
        else:
            found["called"] = "no model was asked: first mend what comes back"
    else:
        lines = [f"{check}: {wrong}" for check, wrong in found.items() if wrong] or ["all is seen"]
    return display_safe("\n".join(filter(None, [said, *lines]))) + "\n" + json.dumps(found)


async def _asked(case: Mapping[str, Any], told: Sequence[str], found: Found) -> str:
    """What a model says of a figure that it can't see, and can have looked at."""
    calls: list[str] = []
    back = {one["name"]: told for one, told in zip(case["figures"], told, strict=True)}

    @tool
    async def look(figure: Figure) -> str:
        """Describe a figure."""
        calls.append(figure)
        if back[figure].startswith("ValueError"):
            raise ToolError(back[figure])
        return back[figure]

    model = connect(MODEL, threads=1, n_ctx=1024)
    question = f"What does the figure {case['question']} show?"
    try:
        agent = Agent(backend=model, tools=[look], settings=STEADY, limits=Limits(steps=2))
        answer = (await agent.run(question)).text
    finally:
        await model.aclose()
    right = calls[:1] == [case["question"]]
    found["called"] = None if right else f"{question} The model called for {calls or 'nothing'}"
    return f"{question}\n    look({', '.join(calls)})\n    {answer}"


async def _run(opened: Sandbox, code: str, context: ToolContext) -> str:
    """What some code prints; its figures become the tool's, and its error, if it has one, too."""
    result = await opened.run_python(code)
    for number, figure in enumerate(result.figures, 1):
        context.attach(f"figure-{number}.png", figure, "image/png")
    if result.error is not None:
        raise ToolError(result.error.strip().splitlines()[-1])
    return result.stdout.strip()[:2000]


def drawing(task: str) -> str:
    """The code that draws what `given.json` holds, and writes what is seen to `seen.json`."""
    return f"{_INTO}{_TASKS[task]}{_OUT}"


_INTO = """import json as _json, runpy as _runpy
import matplotlib.pyplot as _plt, numpy as _np
_inside, _all = _runpy.run_path('inside.py'), []
for _one in _inside['GIVEN']['figures']:
    _figure, _ax = _plt.subplots(figsize=(6, 3.5))
"""
_OUT = """
with open('seen.json', 'w') as _file:
    _json.dump(_all, _file)
"""
_SEEN = "\n    _all.append(_inside['seen'](_figure))"
_TASKS = {
    "curve": "    curve(_ax, _one['steps'], _one['losses'], "
    f"[tuple(_pair) for _pair in _one['held_out']]){_SEEN}",
    "spread": "    spread(_ax, _np.array(_one['values']), tuple(_one['bounds']), _one['what'])"
    + _SEEN,
    "heat": "    heat(_ax, _np.array(_one['table'], dtype=float), _one['rows'], _one['columns'], "
    f"_one['what']){_SEEN}",
    "look": """    _ax.bar(_one['names'], _one['values'])
    if _one['name'] == 'tokens':
        _ax.set_yscale('log')
    _ax.set_ylim(*_one['limits'])
    _ax.set_title(_one['name'])
    _figure.draw_without_rendering()
    try:
        _all.append(str(look(_ax)))
    except ValueError as _error:
        _all.append(f'ValueError: {_error}')""",
}
