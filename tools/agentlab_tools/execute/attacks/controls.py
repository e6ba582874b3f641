"""Positive controls: each attack without a sandbox, where it must succeed.

Bounded in time and memory, and every attack in what it tries for.
"""

from __future__ import annotations

import ast
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentlab_tools.execute.attacks.model import LIMITS, Attack, Evidence, Target
from agentlab_tools.execute.attacks.prelude import prepared
from agentlab_tools.execute.attacks.targets import Range, processes_with, survivors
from agentlab_tools.execute.inside import trees
from agentlab_tools.execute.values import CellResult

_CONTROL = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    escaped = run()
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
    escaped = None
sys.stdout.flush()
open(RESULT, 'w').write(repr(escaped)[:100_000_000])
os._exit(0)
"""
_ALONE = 8.0


async def control(attack: Attack, range_: Range) -> bool:
    """Whether the attack succeeds against this machine without a sandbox."""
    target = range_.reset()
    began = time.perf_counter()
    with _scratch() as folder:
        result = await _alone(attack, target, folder)
        fetched: bytes | None = None
        for _ in range(min(attack.fetches, 20) if attack.fetch else 0):
            fetched = await _naively(folder / str(attack.fetch))
            if fetched is not None and target.text.encode() in fetched:
                break
        works = result.outcome == "ok"
        seconds = time.perf_counter() - began
        if not works:
            seconds += LIMITS.timeout + LIMITS.grace  # it would have gone on
        left = survivors(target.token) - 1
        _end(target)
    evidence = Evidence(result, fetched, range_.changed(), works, left, seconds)
    return attack.succeeded(evidence)


@contextmanager
def _scratch() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="agentlab-control-"))
    try:
        yield folder
    finally:
        trees.remove(str(folder))


async def _alone(attack: Attack, target: Target, folder: Path) -> CellResult:
    """The attack in a plain process, with nothing but a time limit and a bound on its memory."""
    body = textwrap.dedent(attack.code).strip("\n")
    script = f"{prepared(target)}\n{_as_function(body)}\nRESULT = {str(folder / '.result')!r}\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script + _CONTROL,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        close_fds=False,
        start_new_session=True,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _ALONE)
    except TimeoutError:
        process.terminate()
        await asyncio.sleep(0.1)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return CellResult(outcome="timeout")
    result = folder / ".result"
    value = result.read_text("utf-8", "replace") if result.exists() else None
    return CellResult(
        stdout=out.decode("utf-8", "replace"),
        stderr=err.decode("utf-8", "replace"),
        value=value,
        error=err.decode("utf-8", "replace") or None,
    )


def _as_function(body: str) -> str:
    tree = ast.parse(body)
    if isinstance(tree.body[-1], ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Return(tree.body[-1].value), tree.body[-1])
    return "def run():\n" + textwrap.indent(ast.unparse(ast.fix_missing_locations(tree)), "    ")


async def _naively(path: Path) -> bytes | None:
    """Read an artifact as one who suspects nothing would."""
    reader = f"import sys; sys.stdout.buffer.write(open({str(path)!r}, 'rb').read(30_000_000))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", reader, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        return (await asyncio.wait_for(process.communicate(), 6))[0]
    except TimeoutError:
        process.kill()
        await process.wait()
        return None


def _end(target: Target) -> None:
    for pid in processes_with(target.token):
        if pid != target.victim:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
