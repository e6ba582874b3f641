"""What every backend is asked to build: one interpreter, its packages, its limits, its network."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agentlab_tools.execute import cgroup
from agentlab_tools.execute.inside import bridge, trees
from agentlab_tools.execute.packages import Packages
from agentlab_tools.execute.values import MB, Level, SandboxLimits

INSIDE = Path(__file__).parent / "inside"

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_KEPT = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # some processors compute wrongly without them
_FIGURE_ENCODING = 1.4  # base64 and JSON around it


@dataclass(frozen=True)
class Interpreter:
    """A Python to run cells with: its executable and the folder it is installed in."""

    executable: Path
    prefix: Path

    @classmethod
    def of(cls, python: Path | None = None) -> Interpreter:
        """The one at `python`, or the one under the environment that AgentLab runs in."""
        base: str = getattr(sys, "_base_executable", sys.executable)
        executable = Path(python or base).resolve()
        return cls(executable, executable.parent.parent)

    @property
    def in_system(self) -> bool:
        """Whether it comes with the system's own files."""
        return self.prefix.is_relative_to("/usr")


@dataclass(frozen=True)
class Network:
    """The one way out: a Unix socket on the host, on which a proxy listens."""

    hosts: tuple[str, ...]
    socket: Path


@dataclass(frozen=True)
class Plan:
    """What is wanted, whatever will provide it."""

    interpreter: Interpreter
    packages: Packages
    limits: SandboxLimits
    network: Network | None = None

    @property
    def caps(self) -> dict[str, int]:
        """What the interpreter cuts its answers to."""
        limits = self.limits
        return {
            "text": 20_000,
            "figures": limits.figures,
            "figure_bytes": limits.figure_bytes,
        }

    @property
    def line_bytes(self) -> int:
        """No honest line is longer: an answer without its figures, or one figure."""
        return MB + int(self.limits.figure_bytes * _FIGURE_ENCODING)

    def rlimits(self, processes: int) -> dict[str, int]:
        """By the names of `resource.RLIMIT_*`, less the prefix.

        A core dump of at most one byte is none at all; at none, a machine that hands them to a
        program of its own would still do that.
        """
        return {
            "NPROC": processes,
            "NOFILE": self.limits.open_files,
            "FSIZE": self.limits.disk,
            "CORE": 1,
            "MEMLOCK": 64 * 1024,
            "MSGQUEUE": 0,
            "RTPRIO": 0,
            "SIGPENDING": 256,
        }

    def environment(
        self, *, home: str, temporary: str, path: Sequence[str], pythonpath: Sequence[str]
    ) -> dict[str, str]:
        """All of the environment that code inside sees: nothing of the host's is passed on."""
        variables = {name: os.environ[name] for name in _KEPT if name in os.environ}
        if self.network is not None:
            address = f"http://127.0.0.1:{bridge.PORT}"
            for name in ("http_proxy", "https_proxy", "all_proxy"):
                variables |= {name: address, name.upper(): address}
        return variables | {
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": home,
            "LANG": "C.UTF-8",
            "MALLOC_ARENA_MAX": "2",
            "OMP_WAIT_POLICY": "passive",  # threads that spin while they wait slow all others down
            "MPLBACKEND": "module://agentlab_figures",
            "MPLCONFIGDIR": f"{temporary}/.matplotlib",
            "PATH": ":".join([*path, "/usr/local/bin", "/usr/bin", "/bin"]),
            "PYTHONPATH": ":".join(pythonpath),
            "PYTHONUTF8": "1",
            "TERM": "dumb",
            "TMPDIR": temporary,
            "USER": "sandbox",
            **dict.fromkeys(_THREADS, str(self.limits.threads)),
            **{f"GIT_{who}_NAME": "Sandbox" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "sandbox@localhost" for who in ("AUTHOR", "COMMITTER")},
        }


@dataclass(frozen=True)
class Marks:
    """Where the host can be told from the sandbox: what the canary tries to reach."""

    secret: str
    port: int
    pid: int


@dataclass
class Command:
    """How to start one interpreter, and what to tell it first."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    setup: dict[str, Any]
    executable: Path | None = None
    """What to run, where `argv` should not tell those inside where it lies."""
    descriptors: list[int] = field(default_factory=list[int])
    """Passed on to the process, and closed here once it runs."""
    lifeline: int | None = None
    """Held open for as long as the process may live. A byte before its end says that the host is
    still there and will remove the run's folder; its end alone says that the host died."""
    stdio: bool = False
    """Requests and answers go by standard input and output; both streams come as stderr."""
    folders: tuple[Path, ...] = ()
    """The folders that cells can write, where the host sees them; else the process sends them."""
    run_folder: Path | None = None
    """On the host; removed when all is over, in case the process could not."""
    interrupt: Callable[[], None] | None = None
    """How to interrupt a cell, where a signal to the process is not the way."""
    stop: Callable[[], None] | None = None
    """How to kill everything, where a signal to the process is not enough."""
    no_shell: str | None = None
    """Why there can be no shell, where new processes are forbidden."""
    group: Path | None = None
    """The control group to remove when all is over."""

    @property
    def owner(self) -> int | None:
        """The user that code inside runs as, where that is not the host's own."""
        return self.setup["lock"].get("uid")

    def end(self) -> None:
        """Let go of what keeps the process alive."""
        self._cut()
        if self.stop is not None:
            self.stop()

    def discard(self) -> None:
        """Remove what is left of an ended process, its files included."""
        self._cut()
        if self.run_folder is not None:
            trees.remove(str(self.run_folder))
        if self.group is not None:
            cgroup.remove(self.group)

    def _cut(self) -> None:
        if self.lifeline is not None:
            with suppress(OSError):
                os.write(self.lifeline, b".")
            os.close(self.lifeline)
            self.lifeline = None


class Backend(Protocol):
    """One way to confine an interpreter."""

    @property
    def name(self) -> str:
        """As in `--backend`."""
        ...

    @property
    def level(self) -> Level:
        """How much it holds, if its canary passes."""
        ...

    @property
    def about(self) -> str:
        """One line on what holds the code."""
        ...

    def missing(self, plan: Plan) -> str | None:
        """Why this can't serve the plan on this machine, as far as a glance tells; else None."""
        ...

    def command(self, plan: Plan, channel: int, marks: Marks) -> Command:
        """Build the command that starts one interpreter.

        Raises:
            SandboxUnavailable: it can't be built.
        """
        ...


def bootstrap(folder: str, module: str, *arguments: object) -> list[str]:
    """Interpreter options that run `main` of one of the modules of `folder`/inside."""
    code = f"import sys; sys.path.insert(0, {folder!r}); from inside.{module} import main; main"
    return ["-I", "-S", "-X", "utf8", "-c", f"{code}{arguments!r}"]
