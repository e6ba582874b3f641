"""A worker that stays warm: quick for what is small, killed for what has no end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentlab.messages import ToolCall
from agentlab_tools import calculator as module
from agentlab_tools.calculator import calculator
from agentlab_tools.warm import MAX_IDLE, Workers

SUM = ToolCall(id="1", name="calculator", arguments='{"expression": "6 * 7"}')
FROZEN = """
import os, sys
for line in sys.stdin:
    if line.strip() == "freeze":
        round(1, -100_000_000)  # in C, with the lock held, for minutes
    print(os.getpid(), flush=True)
"""


@pytest.fixture
def workers(tmp_path: Path):
    script = tmp_path / "frozen.py"
    script.write_text(FROZEN)
    made = Workers(script)
    yield made
    made.close()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def gone(pid: int, seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(pid)


async def test_one_process_answers_job_after_job(workers: Workers):
    pids = {await workers.answer(b"x", seconds=10) for _ in range(20)}
    assert len(pids) == 1
    assert int(pids.pop()) != os.getpid()


async def test_jobs_side_by_side_have_a_process_each_and_few_of_them_stay(workers: Workers):
    pids = await asyncio.gather(*(workers.answer(b"x", seconds=20) for _ in range(6)))
    assert len(set(pids)) == 6
    assert sum(alive(int(pid)) for pid in pids) == MAX_IDLE


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_what_c_never_ends_is_killed_when_its_time_is_up(workers: Workers):
    pid = int(await workers.answer(b"x", seconds=10))
    with pytest.raises(TimeoutError):
        await workers.answer(b"freeze", seconds=0.5)
    assert not alive(pid)
    assert int(await workers.answer(b"x", seconds=10)) != pid


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_a_cancelled_wait_kills_too(workers: Workers):
    pid = int(await workers.answer(b"x", seconds=10))
    waiting = asyncio.create_task(workers.answer(b"freeze", seconds=60))
    await asyncio.sleep(0.2)
    assert alive(pid)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not alive(pid)


async def test_a_worker_that_died_is_replaced(workers: Workers):
    pid = int(await workers.answer(b"x", seconds=10))
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    assert int(await workers.answer(b"x", seconds=10)) != pid


def test_loops_that_come_and_go_share_a_worker(workers: Workers):
    pids = {asyncio.run(workers.answer(b"x", seconds=10)) for _ in range(3)}
    assert len(pids) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_takes_no_answer_of_its_parents(workers: Workers):
    pid = asyncio.run(workers.answer(b"x", seconds=10))
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        try:
            other = asyncio.run(workers.answer(b"x", seconds=10))
            workers.close()
            os._exit(0 if other != pid else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert asyncio.run(workers.answer(b"x", seconds=10)) == pid


HOST = """
import asyncio, sys
from pathlib import Path
from agentlab_tools.warm import Workers
async def main():
    workers = Workers(Path(sys.argv[1]))
    print((await workers.answer(b"x", seconds=10)).decode(), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_program(how: signal.Signals, workers: Workers):
    command = [sys.executable, "-c", HOST, str(workers._script)]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert alive(pid)
        host.send_signal(how)
        host.wait(10)
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_calculator_is_stopped_where_a_bound_was_missed(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
):
    """Its worker is swapped for one that freezes at everything, as a missed bound would."""
    frozen = Path(workers._script)
    frozen.write_text(FROZEN.replace('line.strip() == "freeze"', "True"))
    monkeypatch.setattr(module, "_WORKERS", workers)
    monkeypatch.setattr(module, "SECONDS", 0.5)
    began = time.monotonic()
    result = asyncio.run(calculator.call(SUM))
    assert result.error == "tool_error"
    assert result.content == "that was not worked out within 0.5 seconds"
    assert time.monotonic() - began < 5


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_the_calculators_worker_limits_its_own_memory_and_time():
    asyncio.run(calculator.call(SUM))
    process = module._WORKERS._idle[-1]
    said = Path(f"/proc/{process.pid}/limits").read_text()
    rows = {line[:25].strip(): line[25:].split()[0] for line in said.splitlines()}
    assert int(rows["Max address space"]) == 512 << 20
    assert int(rows["Max cpu time"]) <= 60


def test_a_run_that_is_over_leaves_nothing_that_warns(tmp_path: Path):
    program = """
from agentlab import Agent
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, ToolCall
from agentlab_tools.calculator import calculator
call = ToolCall(id="1", name="calculator", arguments='{"expression": "6 * 7"}')
call = Message(role="assistant", parts=(call,))
print(Agent(name="a", backend=Scripted([call, "done"]), tools=[calculator]).run_sync("go").output)
"""
    command = [sys.executable, "-X", "dev", "-c", program]
    env = {**os.environ, "AGENTLAB_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=True)
    assert "done" in done.stdout
    assert "ResourceWarning" not in done.stderr


async def test_no_key_reaches_a_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    script = tmp_path / "environment.py"
    script.write_text("import os, sys\nfor line in sys.stdin: print(list(os.environ), flush=True)")
    workers = Workers(script)
    said = await workers.answer(b"x", seconds=10)
    workers.close()
    assert b"PATH" in said
    assert b"OPENAI_API_KEY" not in said
