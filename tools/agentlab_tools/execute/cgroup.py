"""A control group of its own for each sandbox, where version 2 is delegated to this user.

Bounds what resource limits can't: memory of all processes together, with what the kernel holds for
them, and their number. Where nothing is delegated the other bounds stand alone.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from agentlab_tools.execute.values import MB, SandboxLimits

ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_OVERHEAD = 256 * MB  # preloaded packages, and the interpreter


def create(limits: SandboxLimits, root: Path = ROOT, own: Path = _OWN) -> Path | None:
    """A new group beside this process's own, with its limits set; None where it can't be had."""
    try:
        lines = own.read_text().splitlines()
        path = next(line[3:] for line in lines if line.startswith("0::"))
        parent = (root / path.strip("/")).parent
        granted = (parent / "cgroup.subtree_control").read_text().split()
    except (OSError, StopIteration):
        return None
    if not {"memory", "pids"} <= set(granted) or not os.access(parent / "cgroup.procs", os.W_OK):
        return None
    group = parent / f"agentlab-{os.getpid()}-{secrets.token_hex(4)}"
    quotas = limits.disk + 2 * (limits.disk // 4)  # what lies in memory-backed folders counts too
    try:
        group.mkdir()
        (group / "memory.max").write_text(str(limits.memory + quotas + _OVERHEAD))
        (group / "memory.swap.max").write_text("0")
        (group / "pids.max").write_text(str(limits.processes + 4))
    except OSError:
        remove(group)
        return None
    return group


def enter(group: Path) -> list[str]:
    """The start of a command line: what follows it runs in the group, from its first moment."""
    return ["/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(group)]


def remove(group: Path) -> None:
    """Remove a group whose processes have ended."""
    try:
        group.rmdir()
    except OSError:
        return
