"""What the watchdog counts, seen on real processes."""

from __future__ import annotations

import os
import subprocess
import sys

from execute.users import linux

from agentlab_tools.execute.values import MB
from agentlab_tools.execute.watchdog import charged, taken

pytestmark = linux

_HIDES = """
import mmap, os, sys, time
piece = mmap.mmap(-1, 50 << 20)
for i in range(0, len(piece), 4096): piece[i] = 1
piece.madvise(mmap.MADV_DONTNEED)
if os.fork() == 0:
    time.sleep(60); os._exit(0)
kept = [os.open('/dev/null', 0) for _ in range(30)]
print('ready', flush=True)
sys.stdin.read(); os.kill(0, 9)
"""


def test_shared_memory_counts_by_its_size_and_once_whoever_shows_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HIDES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        used = taken(process.pid)
        total = charged(used.processes)
        process.stdin.close()
        process.wait(10)
    assert len(used.processes) == 2
    assert used.threads == 2
    assert used.descriptors >= 36
    assert used.resident < 50 * MB
    assert 50 * MB <= total < 50 * MB + used.resident


def test_a_process_that_is_gone_counts_for_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert taken(child.pid).processes == []
    assert taken(os.getpid()).threads >= 1
