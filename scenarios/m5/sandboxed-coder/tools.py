"""The lab's tool and what it runs on: a fresh sandbox for every run."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits
from agentlab_tools.execute.apart import judged


@tool(timeout=60)
async def probe(code: str, context: ToolContext) -> str:
    """Take a program first; then run a case with it, and see what the case prints.

    The two run in sandboxes of their own: the program is handed actions, and can't look into them.
    """
    if not isinstance(context.deps, Sandbox):
        raise ToolError("there is no sandbox")
    if context.deps not in _programs:
        _programs[context.deps] = code
        return "ready"
    async with Sandbox.open(limits=SandboxLimits(timeout=20), spare=False) as judge:
        program = _programs[context.deps]
        found = await judged(program, code, coder=context.deps, judge=judge, timeout=40)
    if not found.passed:
        raise ToolError(found.reason)
    return found.printed.strip() or "nothing was printed"


_programs: WeakKeyDictionary[Sandbox, str] = WeakKeyDictionary()


@tool(timeout=60)
async def run_python(code: str, context: ToolContext) -> str:
    """Run Python code and see what it prints."""
    opened: Sandbox = context.deps
    result = await opened.run_python(code, on_output=lambda _, text: context.emit(text))
    for number, figure in enumerate(result.figures, 1):
        context.attach(f"figure-{number}.png", figure, "image/png")
    if result.error is not None:
        # Only what went wrong, in one line: a small model drowns in a traceback
        raise ToolError(result.error.strip().splitlines()[-1])
    drawn = f"{len(result.figures)} figure drawn" if result.figures else ""
    return result.stdout.strip() or drawn or result.value or "nothing was printed"
