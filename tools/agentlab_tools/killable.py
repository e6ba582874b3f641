"""Work on what strangers wrote, in a process of its own that is killed when its time is up.

Parsers and databases can be made to work for hours, to eat all memory or to crash, and a thread
can't be stopped. Such a program is a script that imports nothing of ours, takes its job on stdin,
limits its own memory before it begins, and writes its answer to stdout.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

_KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")


def kept_environment() -> dict[str, str]:
    """What such a process is told of the environment: how to start, and no key."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


async def output_of(
    script: Path, job: bytes, *, seconds: float, folder: Path | None = None
) -> bytes:
    """What a script answers to a job; empty where it crashed.

    Args:
        seconds: after which it is killed. It is killed as well when the wait is cancelled.
        folder: where it is started.

    Raises:
        TimeoutError: its time was up.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(script)),
        cwd=folder,
        env=kept_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate(job)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return output if process.returncode == 0 else b""
