"""Whatever stands where a run is read from: each command ends soon, in a line, and takes little."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import TraceError
from agentlab.regular import HOLLOW, open_regular, read_regular
from agentlab.trace import Trace, find_run
from agentlab.trace.results import passed_runs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="devices and holes as Linux has")

HEADER: dict[str, Any] = {
    "format": "agentlab-trace",
    "version": 1,
    "run": "evil",
    "created": 1.0,
    "backend": {"name": "local:gone", "model": "m"},
}
HUGE = 10 << 30
BLOB = {"sha256": "0" * 64, "size": HUGE}
IMAGE = {"kind": "image", "media_type": "image/png", "blob": BLOB}
EVENTS: tuple[Any, ...] = (
    {"kind": "run_started", "messages": [{"role": "user", "parts": [IMAGE]}]},
    {"kind": "run_finished", "outcome": "completed"},
)


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(path.parent, os.O_PATH)
        listener.bind(f"/proc/self/fd/{here}/{path.name}")  # such a path may not be long
        os.close(here)


def hollow(path: Path, head: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(HUGE)


STRANGE: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a socket": bound,
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/ptmx"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a folder": Path.mkdir,
    "ten gigabytes of nothing": hollow,
    "a header and ten gigabytes of nothing": lambda path: hollow(
        path, json.dumps(HEADER).encode() + b"\n"
    ),
}
PLACES = ("evil.jsonl", "results/evil.jsonl", f"blobs/{'0' * 64}", "results", "blobs", "")
"""Below the folder of runs; the last one is the folder itself."""

COMMANDS = """
import json, re, sys
from pathlib import Path
from click.testing import CliRunner
from agentlab.cli.main import cli
from agentlab.errors import AgentLabError
import rich.console, duckdb, agentlab.export.html, agentlab.replay.rebuild
runs, run = sys.argv[1], sys.argv[1] + "/evil.jsonl"
for args in (
    ["show", "last"], ["show", run], ["show", run, "--json"], ["replay", run, "--full"],
    ["replay", run, "--verify"], ["fork", run, "--at", "0"], ["resume", run], ["diff", run, run],
    ["traces"], ["traces", "--sql", "SELECT * FROM runs"], ["grep", "hi"], ["stats"],
    ["traces", "--sql", "SELECT * FROM results"], ["import", run], ["chat", "-c", "hello"],
    *(["export", run, "--to", to, "-o", "-"] for to in ("html", "chat", "otel")),
    ["export", run, "--to", "otel", "--content", "-o", "-"], ["export", "--passed", "-o", "-"],
):
    done = CliRunner().invoke(cli, [*args, "--runs", runs])
    if done.exception is not None and not isinstance(done.exception, AgentLabError | SystemExit):
        raise done.exception
    assert str(done.exception or "").count(chr(10)) == 0, args
from agentlab_tui.run_list import summaries
list(summaries(Path(runs)))
# not ru_maxrss: that counts what the process was before it became this program
print("ended", int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10)
"""


def put(what: str, place: str, folder: Path) -> Path:
    """A folder of runs with something strange in one place of it."""
    runs = folder / "runs"
    target = runs / place if place else runs
    target.parent.mkdir(parents=True, exist_ok=True)
    if place and place != "evil.jsonl":
        lines = [json.dumps({"seq": n, "at": 1.0, "event": e}) for n, e in enumerate(EVENTS)]
        (runs / "evil.jsonl").write_text("\n".join([json.dumps(HEADER), *lines]) + "\n")
    STRANGE[what](target)
    return runs


def _bounded() -> None:
    # DuckDB asks for two gigabytes a thread, and uses none of them
    resource.setrlimit(resource.RLIMIT_DATA, (32 << 30, 32 << 30))


@pytest.mark.timeout(150)
@pytest.mark.parametrize("place", PLACES, ids=[place[:12] or "the folder" for place in PLACES])
@pytest.mark.parametrize("what", STRANGE)
def test_every_command_ends_in_a_line(what: str, place: str, tmp_path: Path) -> None:
    runs = put(what, place, tmp_path)
    env = {**os.environ, "AGENTLAB_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, str(runs)],
        capture_output=True, text=True, timeout=120, check=False, env=env, cwd=tmp_path,
        stdin=subprocess.DEVNULL, preexec_fn=_bounded,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    word, megabytes = done.stdout.split()
    assert word == "ended"
    assert int(megabytes) < 700


def test_a_file_is_told_by_what_it_is(tmp_path: Path) -> None:
    for what, why in (
        ("a pipe", "not a regular file"),
        ("a device without end", "not a regular file"),
        ("a link to itself", "symbolic links"),
        ("ten gigabytes of nothing", "not all of its 10,737,418,240 bytes were ever written"),
    ):
        folder = tmp_path / what
        path = find_run(folder, str(put(what, "evil.jsonl", folder) / "evil.jsonl"))
        with pytest.raises(TraceError, match=why):
            Trace.load(path)


def test_results_that_are_no_file_spoil_nothing(tmp_path: Path) -> None:
    runs = put("a pipe", "results/evil.jsonl", tmp_path)
    (runs / "results" / "good.jsonl").write_text(
        '{"format":"agentlab-results","version":1,"name":"good","kind":"lab","created":1}\n'
        '{"run":"r","sample":"s","scores":{"a":{"value":1,"passed":true}}}\n'
    )
    assert passed_runs(runs) == {"r": True}


def test_holes_that_a_crash_left_are_read_over(tmp_path: Path) -> None:
    """The end of a file that was being written when the power went may be one."""
    path = tmp_path / "run.jsonl"
    whole = json.dumps(HEADER) + "\n" + json.dumps({"seq": 0, "at": 1.0, "event": EVENTS[1]}) + "\n"
    path.write_text(whole)
    os.truncate(path, HOLLOW - 1)
    trace = Trace.load(path)
    assert len(trace.records) == 1
    assert trace.torn == HOLLOW - 1 - len(whole)


def test_a_large_file_without_holes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.writelines(b"x" * (1 << 20) for _ in range((HOLLOW >> 20) + 1))
    assert len(read_regular(path)) == HOLLOW + (1 << 20)
    with pytest.raises(OSError, match="bytes, and 5 were written"):
        read_regular(path, 5)
    open_regular(path).close()
