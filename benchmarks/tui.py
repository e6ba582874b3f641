"""The terminal UI: how soon it is there, how fast it answers, and what it costs to watch.

    python benchmarks/tui.py

first paint      CPU seconds of the whole process until the roadmap is on a real terminal
a key            milliseconds from a key press to its sign on the terminal: at rest, and while the
                 packaged model writes on all cores
a long trace     a run of 100,000 events: read, searched, and paged through
watching         memory of the process while a model's words stream by

The first two drive the real command in a pseudo-terminal; the others drive the app in this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from textual.pilot import Pilot

from agentlab.backend import Reply
from agentlab.backends.scripted import Scripted
from agentlab.events import RunStarted
from agentlab.messages import Message, Usage
from agentlab_tui.app import AgentLabApp
from agentlab_tui.engine import Engine
from agentlab_tui.fold import Row
from agentlab_tui.progress import ProgressStore
from agentlab_tui.screens.playground import PlaygroundScreen
from agentlab_tui.screens.timeline import TimelineScreen
from agentlab_tui.services import Services
from agentlab_tui.widgets.conversation import Conversation
from agentlab_tui.widgets.virtual_list import VirtualList

EVENTS = 100_000
WORDS = 120_000
KEYS = 30
SIGN = "§"
"""What is typed to be seen again: no model writes it."""


class Terminal:
    """The command in a pseudo-terminal."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ |= {
                "AGENTLAB_HOME": str(home),
                "TERM": "xterm-256color",
                "LC_ALL": "C.UTF-8",
            }
            os.execv(sys.executable, [sys.executable, "-m", "agentlab", "tui", *arguments])
        ioctl(self._master, TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))

    def send(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Read until something is written; returns all that was read."""
        seen, until = b"", time.monotonic() + seconds
        while text.encode() not in seen:
            if not select.select([self._master], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError(f"{text!r} never came")
            seen += os.read(self._master, 65536)
        return seen.decode("utf-8", "replace")

    def quiet(self, seconds: float) -> None:
        """Read what comes for some time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                os.read(self._master, 65536)

    def cpu(self) -> float:
        """CPU seconds of the process until now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)


def first_paint(home: Path, times: int = 5) -> list[float]:
    """CPU seconds until the roadmap is drawn."""
    found: list[float] = []
    for _ in range(times):
        terminal = Terminal(home)
        terminal.wait_for("The frontier")
        found.append(terminal.cpu())
        terminal.close()
    return found


def key_times(terminal: Terminal) -> list[float]:
    """Milliseconds from each key to its sign."""
    found: list[float] = []
    for _ in range(KEYS):
        begun = time.perf_counter()
        terminal.send(SIGN)
        terminal.wait_for(SIGN)
        found.append((time.perf_counter() - begun) * 1000)
        terminal.send("\x7f")
        terminal.quiet(0.08)
    return found


def keys(home: Path) -> tuple[list[float], list[float]]:
    """At rest, and while the model writes."""
    terminal = Terminal(home)
    terminal.wait_for("The frontier")
    terminal.quiet(3)
    terminal.send("p")
    terminal.wait_for("Instructions")
    terminal.quiet(1)
    at_rest = key_times(terminal)
    terminal.send("Tell me a very long story about a whale and all the fish it met.\r")
    terminal.wait_for("answers")
    terminal.quiet(2)
    busy = key_times(terminal)
    terminal.close()
    return at_rest, busy


def services(home: Path, model: Scripted | None = None) -> Services:
    """For an app in this process."""
    return Services(
        engine=Engine(lambda name: model or Scripted([])),
        progress=ProgressStore(home / "progress"),
        runs=home / "runs",
        jobs=home / "jobs",
        roots=(),
    )


def long_trace(folder: Path, events: int) -> Path:
    """A run of so many events."""
    path = folder / "20261124-101530-000long.jsonl"
    header = {
        "format": "agentlab-trace",
        "version": 1,
        "run": path.stem,
        "created": 1.7e9,
        "backend": {"name": "scripted", "model": "scripted"},
    }
    with path.open("w") as file:
        file.write(json.dumps(header) + "\n")
        started = RunStarted(messages=(Message.user("Add."),)).model_dump(mode="json")
        file.write(json.dumps({"seq": 0, "at": 1.7e9, "event": started}) + "\n")
        for seq in range(1, events):
            call = {"kind": "tool_call", "id": f"call_{seq // 2}", "name": "add", "arguments": "{}"}
            result = {"kind": "tool_result", "call_id": f"call_{seq // 2}", "content": str(seq)}
            event = (
                {"kind": "tool_started", "call": call}
                if seq % 2
                else {"kind": "tool_finished", "result": result}
            )
            file.write(json.dumps({"seq": seq, "at": 1.7e9 + seq, "event": event}) + "\n")
    return path


async def trace_times(home: Path) -> dict[str, float]:
    """Seconds to read and search, milliseconds of CPU for a page."""
    path = long_trace(home, EVENTS)
    app = AgentLabApp(services(home))
    found: dict[str, float] = {}
    async with app.run_test(size=(120, 36)) as pilot:
        begun = time.perf_counter()
        await app.push_screen(TimelineScreen(services(home), path))
        rows = app.screen.query_one(VirtualList[Row])
        await _until(pilot, lambda: len(rows.items) == EVENTS)
        found["read, s"] = time.perf_counter() - begun
        pages, begun = 30, time.process_time()
        for _ in range(pages):
            await pilot.press("pagedown")
        found["a page, CPU ms"] = (time.process_time() - begun) / pages * 1000
        begun = time.perf_counter()
        await pilot.press("slash", *"99998")
        await _until(pilot, lambda: 0 < len(rows.items) < 10)
        found["searched, s"] = time.perf_counter() - begun
    return found


async def memory(home: Path) -> list[float]:
    """Megabytes after each tenth of a long stream of words."""
    word = "whale " * 40
    reply = Reply(message=Message.assistant(word * (WORDS // 400)), usage=Usage(output_tokens=9))
    model = Scripted([reply] * 10)
    app = AgentLabApp(services(home, model))
    sizes: list[float] = []
    async with app.run_test(size=(120, 36)) as pilot:
        await app.push_screen(PlaygroundScreen(services(home, model)))
        conversation = app.screen.query_one(Conversation)
        for _ in range(10):
            await pilot.press("x", "enter")
            await _until(pilot, lambda: not conversation.is_running)
            await conversation.begin_anew()
            model.requests.clear()
            sizes.append(_resident())
    return sizes


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _until(pilot: Pilot[None], holds: object) -> None:
    assert callable(holds)
    until = time.monotonic() + 300
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError
        await pilot.pause(0.01)


def _line(name: str, values: list[float], unit: str) -> None:
    ordered = sorted(values)
    most = ordered[int(0.95 * (len(ordered) - 1))]
    middle = statistics.median(ordered)
    print(f"{name:<34}{middle:8.2f} {unit}  (95 in 100 below {most:.2f}, worst {ordered[-1]:.2f})")


def main() -> None:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _line("first paint, CPU", first_paint(home), "s ")
        at_rest, busy = keys(home)
        _line("a key at rest", at_rest, "ms")
        _line("a key while the model writes", busy, "ms")
        for name, value in asyncio.run(trace_times(home)).items():
            print(f"{f'{EVENTS:,} events: {name}':<34}{value:8.2f}")
        sizes = asyncio.run(memory(home))
        print(f"{'watching, MB at each tenth':<34}", " ".join(f"{size:.0f}" for size in sizes))


if __name__ == "__main__":
    main()
