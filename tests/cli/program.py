"""The real program in a process of its own, with a model that says what it was asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ECHO = '''\
from agentlab.backends.schemes import Scheme
from agentlab.backends.scripted import Scripted
from agentlab.messages import Audio, Image, Message, ToolCall


def said(messages):
    """All that was said, for a test to read: system and user turns, pictures and sounds."""
    words = [f"{m.role}={m.text}" for m in messages if m.role in ("system", "user")]
    seen = [p.media_type for m in messages for p in m.parts if isinstance(p, Image | Audio)]
    return " | ".join([*words, *seen])


def answer(name):
    rest = name.partition(":")[2]

    def script(messages, tools, settings):
        if rest == "call" and messages[-1].role == "user":
            call = ToolCall(id="c1", name="calculator", arguments='{"expression": "6*7"}')
            return Message.assistant(call)
        if rest == "call":
            return messages[-1].parts[0].content
        if rest == "echo":
            return f"{said(messages)} T={settings.temperature} tools={[t.name for t in tools]}"
        return rest

    return script


ECHO = Scheme("said", local=True, opens=lambda name, **_: Scripted(answer(name), name=name))
'''


def install_echo(folder: Path) -> None:
    """A package in a folder, for PYTHONPATH: `said:echo`, `said:call`, or `said:WHAT IT SAYS`."""
    info = folder / "agentlab_said-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "agentlab_said.py").write_text(ECHO)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: agentlab-said\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[agentlab.backends]\nsaid = agentlab_said:ECHO\n")


class Program:
    """`agentlab` with a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.runs = self.home / "runs"
        self.command = (sys.executable, "-m", "agentlab")
        self._packages = folder / "packages"
        install_echo(self._packages)

    def __call__(
        self,
        *args: str,
        stdin: str | bytes | None = None,
        to: str = "",
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run it; without `stdin`, as a service does, with /dev/null.

        `to` is what a shell does with its streams, e.g. `>&-`.
        """
        env = {
            **os.environ,
            "AGENTLAB_HOME": str(self.home),
            "HOME": str(self.home),
            "PYTHONPATH": str(self._packages),
            "COLUMNS": "60",
            **variables,
        }
        piped = stdin.encode() if isinstance(stdin, str) else stdin
        source: dict[str, Any] = {"input": piped}
        if stdin is None:
            source = {"stdin": subprocess.DEVNULL}
        done = subprocess.run(
            [*(["sh", "-c", f'exec "$@" {to}', "sh"] if to else []), *self.command, *args],
            capture_output=True,
            env=env,
            timeout=120,
            check=False,
            **source,
        )
        said, told = (
            out.decode(errors="replace").replace("\r\n", "\n") for out in (done.stdout, done.stderr)
        )
        return subprocess.CompletedProcess(done.args, done.returncode, said, told)
