"""Prove one lab in a process of its own, so that what its models and nets leave in memory is gone.

proving.py FOLDER PROOFS      the proofs are written to a file, as JSON
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest_socket
from pydantic import TypeAdapter

from agentlab.backends import connect
from agentlab.labs.find import load
from agentlab.labs.prove import Proof, prove

PROOFS = TypeAdapter(list[Proof])
LOOPBACK = ["127.0.0.1", "::1", "localhost"]


def proofs_of(folder: Path, scratch: Path) -> list[Proof]:
    """All proofs of the lab in a folder; fails with what its process said if that breaks off."""
    made = scratch / "proofs.json"
    command = [sys.executable, __file__, str(folder), str(made)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return PROOFS.validate_json(made.read_bytes())


async def proved(folder: Path) -> list[Proof]:
    lab = load(folder)
    # On one thread: the machine that runs the tests may be busy with others
    model = connect(lab.backend, threads=1)
    try:
        return [proof async for proof in prove(lab, model)]
    finally:
        await model.aclose()


if __name__ == "__main__":
    pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    found = asyncio.run(proved(Path(sys.argv[1])))
    Path(sys.argv[2]).write_bytes(PROOFS.dump_json(found))
