"""What goes into a sandbox and what comes out of it, as frozen values.

Everything in a `CellResult` was written by code that nobody trusts. It is length-capped and valid
Unicode, its figures are PNG by their header and of bounded size, and nothing more is promised:
show its text through `display_safe`, and never run, unpickle or import any of it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from agentlab.errors import AgentLabError
from agentlab.messages import Value

Level: TypeAlias = Literal["strong", "medium", "none"]
"""How much a sandbox keeps from the code in it.

strong  own namespaces, a system call filter and hard quotas; what is left shared is the kernel
medium  files, network, signals and system calls are held; disk is watched rather than capped, and
        the names and sizes of host files can be seen
none    a plain process with resource limits; asked for by name, never fallen back to
"""

Outcome: TypeAlias = Literal["ok", "error", "timeout", "killed", "interrupted"]
Stream: TypeAlias = Literal["stdout", "stderr"]

MB = 1 << 20


class SandboxUnavailable(AgentLabError):
    """Nothing on this machine confines code as strongly as was asked for."""


class SandboxLimits(Value):
    """What code in a sandbox may use. Sizes are in bytes, times in seconds."""

    memory: int = Field(default=1024 * MB, ge=32 * MB)
    """Address space beyond what the preloaded packages take, in one process; and resident memory
    of all processes together, which a watchdog on the host enforces."""
    disk: int = Field(default=256 * MB, ge=MB)
    """Of the workspace. The temporary folder and shared memory get a quarter of it each."""
    files: int = Field(default=20_000, ge=100)
    """Files and folders in each of those places."""
    processes: int = Field(default=64, ge=4, le=4096)
    """Processes and threads at once."""
    threads: int = Field(default=2, ge=1, le=64)
    """That NumPy and its like share a computation among. On a busy machine, where they wait for
    each other, one is many times as fast."""
    open_files: int = Field(default=256, ge=32, le=65536)
    """Descriptors of one process."""
    output: int = Field(default=256 * 1024, ge=1024)
    """Kept of stdout, and of stderr, of one cell; what comes after is counted, not kept."""
    timeout: float = Field(default=30.0, gt=0)
    """Of one cell, where the call names none."""
    grace: float = Field(default=2.0, gt=0)
    """Between asking a cell to stop and killing it."""
    figures: int = Field(default=16, ge=0, le=256)
    """Kept of one cell."""
    figure_bytes: int = Field(default=4 * MB, ge=1024)
    """Of one figure."""


class CellResult(Value):
    """What one cell did."""

    stdout: str = ""
    stderr: str = ""
    value: str | None = None
    """The repr of the last expression, where it was not None. For a shell: nothing."""
    figures: tuple[bytes, ...] = ()
    """Each open figure as PNG."""
    error: str | None = None
    """A traceback, or one line saying what ended the cell."""
    outcome: Outcome = "ok"
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    value_truncated: bool = False
    figures_dropped: int = 0
    """Figures beyond what the limits allow."""
    state_lost: bool = False
    """The interpreter had to be replaced: variables are gone. Files are kept."""
    seconds: float = 0.0

    @property
    def truncated(self) -> bool:
        """Whether anything was cut off."""
        return bool(
            self.stdout_truncated
            or self.stderr_truncated
            or self.value_truncated
            or self.figures_dropped
        )


class FileInfo(Value):
    """One file of the workspace, by its path from the workspace's root."""

    path: str
    size: int
    """In bytes."""


class SandboxInfo(Value):
    """What holds the code: shown to people and written into traces."""

    backend: str
    level: Level
    about: str
    """One line: what is held, and by what."""
    network: tuple[str, ...] = ()
    """The hosts that can be reached; empty where none can."""
    packages: tuple[str, ...] = ()
