"""Run a program that is expected to end well, and take what it prints."""

from agentlab.errors import ToolError
from agentlab_tools.execute.sandbox import Sandbox
from agentlab_tools.execute.text import display_safe

_SHOWN = 2000


async def printed_by(sandbox: Sandbox, code: str) -> str:
    """What a program prints to stdout, as it is.

    Raises:
        ToolError: it did not end well. The text is the end of its traceback, else of what it
            wrote to stderr: a warning there must not hide the error.
    """
    result = await sandbox.run_python(code)
    if result.outcome != "ok":
        raise ToolError(display_safe((result.error or result.stderr or "it failed")[-_SHOWN:]))
    return result.stdout
