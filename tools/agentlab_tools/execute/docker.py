"""Docker or Podman, where an engine answers: one container for each interpreter.

Not run by this project's own tests against a real engine: they check the command line, and drive
the protocol through a stand-in program. What a container holds is up to the engine; the canary
is sung inside of it all the same.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from agentlab_tools.execute.plan import INSIDE, Command, Marks, Plan, bootstrap
from agentlab_tools.execute.values import MB, Level

IMAGE = "python:3.11-slim"
_HOME = "/opt/agentlab"
_WAIT = 10.0


@dataclass(frozen=True)
class Docker:
    """Strong, as far as the engine is: needs an image with the packages in it.

    Attributes:
        name: the program, `docker` or `podman`.
        image: has `python3`, and whatever packages are to be used; it is never pulled.
    """

    name: str = "docker"
    image: str = IMAGE
    level: Level = "strong"

    @property
    def about(self) -> str:
        """One line on what holds the code."""
        return f"a container of {self.name}, without network, capabilities or a writable system"

    def missing(self, plan: Plan) -> str | None:
        """Whether the program is there, an engine answers, and it has the image."""
        program = shutil.which(self.name)
        if program is None:
            return f"{self.name} is not installed"
        if plan.network:
            return f"the {self.name} backend can't let single hosts through"
        try:
            answer = subprocess.run(
                [program, "image", "inspect", self.image],
                capture_output=True,
                text=True,
                timeout=_WAIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return f"{self.name} does not answer"
        if answer.returncode:
            errors = answer.stderr.strip().splitlines()
            return f"{self.name}: {errors[-1]}" if errors else f"{self.name} does not answer"
        return None

    def command(self, plan: Plan, channel: int, marks: Marks) -> Command:
        """A container on a private folder of the host, spoken to by its standard streams."""
        program = shutil.which(self.name) or self.name
        limits = plan.limits
        run = Path(tempfile.mkdtemp(prefix="agentlab-"))
        workspace = run / "workspace"
        workspace.mkdir()
        uid, gid = (os.getuid(), os.getgid()) if os.getuid() else (65534, 65534)
        if os.getuid() == 0:
            os.chown(workspace, uid, gid)
            run.chmod(0o755)
        container = f"agentlab-{os.getpid()}-{secrets.token_hex(4)}"
        environment = plan.environment(
            home="/workspace",
            temporary="/tmp",  # noqa: S108 - a path inside
            path=[],
            pythonpath=[f"{_HOME}/inside/figures"],
        )
        argv = [
            *(program, "run", "--rm", "--interactive", "--pull=never", "--init"),
            *("--name", container, "--hostname", "sandbox", "--network=none", "--read-only"),
            *("--cap-drop=ALL", "--security-opt=no-new-privileges", "--ipc=private"),
            *("--user", f"{uid}:{gid}", "--pids-limit", str(limits.processes)),
            *("--memory", str(limits.memory + 256 * MB)),
            *("--memory-swap", str(limits.memory + 256 * MB)),
            *(
                "--ulimit",
                f"nofile={limits.open_files}",
                "--ulimit",
                "core=1",
            ),  # as in `Plan.rlimits`
            *("--shm-size", str(limits.disk // 4)),
            *("--tmpfs", f"/tmp:size={limits.disk // 4},mode=1777"),  # noqa: S108
            *("--mount", f"type=bind,src={workspace},dst=/workspace"),
            *("--mount", f"type=bind,src={INSIDE},dst={_HOME}/inside,readonly"),
            *("--workdir", "/workspace"),
        ]
        for key, value in environment.items():
            if key != "PATH":
                argv += ["--env", f"{key}={value}"]
        argv += [self.image, "python3", *_without_isolation(_HOME)]
        rlimits = plan.rlimits(limits.processes)
        setup: dict[str, Any] = {
            "workspace": "/workspace",
            "folders": [],
            "lock": {"rlimits": {name: rlimits[name] for name in ("FSIZE", "CORE")}},
            "path": [],
            "proxy": None,
            "canary": {
                "secret": marks.secret,
                "port": marks.port,
                "pid": marks.pid,
                "processes": False,  # the engine's limit does not show inside
                "readonly": ["/", "/usr", "/etc", _HOME],
            },
        }

        def engine(*arguments: str) -> None:
            # on a thread, since an engine takes its time, and the event loop has none
            ask = partial(_ask, [program, *arguments, container])
            threading.Thread(target=ask, name="agentlab-engine", daemon=True).start()

        return Command(
            argv,
            dict(os.environ),
            setup,
            stdio=True,
            folders=(workspace,),
            run_folder=run,
            interrupt=lambda: engine("kill", "--signal=INT"),
            stop=lambda: engine("kill"),
        )


def _ask(argv: Sequence[str]) -> None:
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_WAIT, check=False
        )


def _without_isolation(folder: str) -> list[str]:
    """As `bootstrap`, with the image's own site-packages, where its packages are."""
    return [option for option in bootstrap(folder, "kernel", 0) if option != "-S"]
