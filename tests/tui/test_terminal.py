"""The app in a real terminal: keys go in, and the screen is read, as a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.slow,
]

APP = Path(__file__).parent / "terminal_app.py"


class Terminal:
    """A tmux session of its own server."""

    def __init__(self, home: Path, width: int = 120, height: int = 36) -> None:
        self._socket = str(home / "tmux.sock")
        self._home = home
        environment = {
            **os.environ,
            "AGENTLAB_HOME": str(home / "home"),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }
        environment.pop("TMUX", None)
        environment.pop("NO_COLOR", None)
        command = f"{sys.executable} {APP}; echo exit code $?; exec cat"
        self._run(
            ["new-session", "-d", "-x", str(width), "-y", str(height), command], env=environment
        )

    def keys(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._run(["send-keys", key])
            time.sleep(0.05)

    def resize(self, width: int, height: int) -> None:
        """Change the size."""
        self._run(["resize-window", "-x", str(width), "-y", str(height)])

    def screen(self) -> str:
        """What is on the screen."""
        return self._run(["capture-pane", "-p"])

    def sees(self, *texts: str) -> str:
        """Wait until the screen shows all of some texts."""
        for _ in range(400):
            screen = self.screen()
            if all(text in screen for text in texts):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"never saw {texts} in:\n{self.screen()}")

    def close(self) -> None:
        """End the server."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, timeout=20)

    def _run(self, arguments: list[str], env: dict[str, str] | None = None) -> str:
        return subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            env=env,
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
        ).stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def test_from_the_command_line_to_green_checks_and_out_again(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.sees("Roadmap", "Prerequisites", "The frontier", "Your own labs")
    terminal.keys("/", *"tiny", "Enter")
    terminal.sees("Sums, by tool")
    terminal.keys("Enter")
    terminal.sees("Step 1 of 3", "it does not calculate")
    terminal.keys("n")
    terminal.sees("Step 2 of 3", "An agent that adds", "tools you may give: add")
    terminal.keys("r")
    terminal.sees("case 1 of 2")
    terminal.sees("the reference answer, not yours", "✔ the sums are right", "✔ 2 of 2 checks")
    terminal.keys("t")
    terminal.sees("add(a=6, b=3)", "completed")
    terminal.resize(80, 24)
    terminal.keys("Escape")
    terminal.sees("1 Lesson", "2 Answer", "3 Run")
    terminal.resize(20, 5)
    terminal.resize(120, 36)
    terminal.keys("g")
    terminal.sees("case 1 of 3")
    terminal.keys("s")
    terminal.sees("stopped")
    terminal.keys("q")
    assert "Traceback" not in terminal.sees("exit code 0")
    assert len(list((tmp_path / "home" / "runs").glob("*.jsonl"))) >= 3
