"""How many threads to evaluate with: as many as there are physical cores for this process.

The number does not follow how busy the machine is, since the tokens depend on it. What a busy
machine does to threads that wait for each other is settled by how they wait: see `waiting`.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from agentlab.backends.llamacpp.waiting import SPIN

_POLICIES = {"passive": "0", "active": "30000000000"}
"""What GNU's OpenMP makes of OMP_WAIT_POLICY."""

_CPUS = Path("/sys/devices/system/cpu")
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Choice:
    """A number of threads, and the reason in words."""

    count: int
    why: str


def chosen(cpus: Path = _CPUS, cgroup: Path = _CGROUP) -> Choice:
    """What is used where nobody says otherwise."""
    count, quota = physical_cores(cpus, cgroup), _quota(cgroup)
    logical = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if quota is not None and count == max(1, math.ceil(quota)):
        why = f"the container may use {quota:g} processors"
    else:
        why = f"one for each physical core ({logical} logical processors)"
    spin = os.environ.get("GOMP_SPINCOUNT") or _POLICIES.get(
        os.environ.get("OMP_WAIT_POLICY", "").lower(), SPIN
    )
    if spin == SPIN:
        return Choice(count, f"{why}; they wait spinning, and asleep while the machine is busy")
    if spin == "0":
        return Choice(count, f"{why}; they sleep while they wait")
    return Choice(count, f"{why}; they spin while they wait (GOMP_SPINCOUNT={spin})")


def physical_cores(cpus: Path = _CPUS, cgroup: Path = _CGROUP) -> int:
    """Physical cores this process may use: by affinity and by the container's quota.

    Two hyper-threads of a core count once, because they share the units that multiply matrices.
    Where the system does not tell, every logical processor counts as a core.
    """
    mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    logical = mine if mine is not None else set(range(os.cpu_count() or 1))
    cores = {_core(cpus, cpu) for cpu in logical}
    quota = _quota(cgroup)
    return max(1, len(cores) if quota is None else min(len(cores), math.ceil(quota)))


def _core(cpus: Path, cpu: int) -> str:
    try:
        return (cpus / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota(cgroup: Path) -> float | None:
    """Processors' worth of time the control group grants; None without a limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        version_1 = [
            int((cgroup / "cpu" / name).read_text())
            for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        ]
    except (OSError, ValueError):
        return None
    return version_1[0] / version_1[1] if version_1[0] > 0 else None
