"""Run code that nobody trusts: `Sandbox` and the values that go in and come out.

Needs an operating system that can hold it; `docs/sandbox.md` says what holds where.
"""

import sys

from agentlab_tools.execute.values import SandboxUnavailable

if sys.platform == "win32":
    raise SandboxUnavailable("code can't be confined on Windows itself: run AgentLab in WSL 2")

from agentlab_tools.execute.files import WorkspaceError
from agentlab_tools.execute.program import printed_by
from agentlab_tools.execute.sandbox import Sandbox, open_source
from agentlab_tools.execute.text import display_safe
from agentlab_tools.execute.values import (
    CellResult,
    FileInfo,
    Level,
    SandboxInfo,
    SandboxLimits,
)

__all__ = [
    "CellResult",
    "FileInfo",
    "Level",
    "Sandbox",
    "SandboxInfo",
    "SandboxLimits",
    "SandboxUnavailable",
    "WorkspaceError",
    "display_safe",
    "open_source",
    "printed_by",
]
