"""Set-up's promises that can be kept in seconds: stopping, locks, and failures that read well."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"

DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {scripts!r})
from setup_run import locked, run
folder = Path({folder!r})
with locked(folder, lambda: print("waiting", flush=True)):
    show = lambda line: print(line, end="", flush=True)
    run([sys.executable, "-c", {code!r}], log=folder / "log", on_line=show, cwd=folder)
print("finished", flush=True)
"""

# A command with a grandchild in a process group of its own, as ninja makes for each compiler; it
# stops that grandchild when asked to end.
COMMAND = """
import os, signal, subprocess, sys, time
child = subprocess.Popen(["sleep", "60"], start_new_session=False, process_group=0)
def end(*_):
    time.sleep(0.5)
    child.kill()
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
print(os.getpid(), child.pid, flush=True)
time.sleep(60)
"""


def drive(folder: Path, code: str) -> subprocess.Popen[str]:
    source = DRIVER.format(scripts=str(SCRIPTS), folder=str(folder), code=code)
    return subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)


def started(process: subprocess.Popen[str]) -> tuple[int, int]:
    assert process.stdout is not None
    command, grandchild = process.stdout.readline().split()
    return int(command), int(grandchild)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def eventually(condition) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_command_and_all_it_started_end_with_set_up(tmp_path, how):
    process = drive(tmp_path, COMMAND)
    command, grandchild = started(process)
    process.send_signal(how)
    process.communicate()

    assert eventually(lambda: gone(command) and gone(grandchild))


def test_the_lock_is_free_only_when_a_killed_set_ups_command_is_gone(tmp_path):
    first = drive(tmp_path, COMMAND)
    command, grandchild = started(first)
    first.kill()
    first.communicate()
    second = drive(tmp_path, f"import os; print(os.path.exists('/proc/{command}'))")
    output, _ = second.communicate(timeout=20)

    assert output.splitlines() in (["waiting", "False", "finished"], ["False", "finished"])
    assert gone(grandchild)


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Failed to establish a new connection: [Errno -3]", "index cannot be reached"),
        ("ERROR: Could not find a version (from versions: none)", "index cannot be reached"),
        ("g++: fatal error: Killed signal terminated program cc1plus", "memory ran out"),
        ("CMAKE_CXX_COMPILER not set", "install gcc and g++"),
        ("Traceback\nValueError: seven\n", "ValueError: seven"),
    ],
)
def test_a_failed_command_is_told_in_one_line_with_the_remedy(
    tmp_path, monkeypatch, output, remedy
):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    setup_run = importlib.import_module("setup_run")
    code = f"import sys; print({output!r}); sys.exit(3)"
    with pytest.raises(setup_run.SetupFailed) as failure:
        setup_run.run(
            [sys.executable, "-c", code], log=tmp_path / "log", on_line=lambda _: None, cwd=tmp_path
        )

    assert remedy in str(failure.value)
    assert "\n" not in str(failure.value)
    assert output.splitlines()[-1] in (tmp_path / "log").read_text()
