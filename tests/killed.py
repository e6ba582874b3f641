"""Runs that are killed: an agent with parallel tools, forked again and again and shot with SIGKILL.

    python killed.py FOLDER HOW_MANY SEED

Everything is imported once, in this process; each child is a fork of it, so there are many a
second. A child shows its events on a pipe and logs which calls its tools really worked on. What was
shown is kept beside the trace, in `<number>.shown`; the first child is left to finish.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentlab import Agent, Limits, ToolContext, tool
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, ToolCall

STEPS = 6


@tool
def plain(context: ToolContext, n: int, log: str) -> str:
    """Work in a thread."""
    work(context, log)
    time.sleep(0.0005 * n)
    return f"plain {n}"


@tool
async def later(context: ToolContext, n: int, log: str) -> str:
    """Work in the event loop."""
    work(context, log)
    await asyncio.sleep(0.0005 * n)
    context.attach(f"{n}.bin", os.urandom(3000), "application/octet-stream")
    return f"later {n} " + "x" * 5000


def work(context: ToolContext, log: str) -> None:
    """Note, in a way that outlives this process, that a call is really worked on."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{context.call_id}\n".encode())
    os.close(file)


def agent(folder: Path, log: Path) -> Agent:
    """An agent whose model always says the same, given the same conversation."""

    def script(messages: Sequence[Message], *_: Any) -> Message | str:
        step = sum(message.role == "assistant" for message in messages)
        if step == STEPS:
            return "all done"
        return Message.assistant(
            "Next.",
            *(
                ToolCall(
                    id=f"s{step}c{n}",
                    name="plain" if n % 2 else "later",
                    arguments=json.dumps({"n": n, "log": str(log)}),
                )
                for n in range(4)
            ),
        )

    return Agent(
        backend=Scripted(script), tools=[plain, later], runs=folder, limits=Limits(steps=STEPS + 5)
    )


def child(folder: Path, number: int, shown: int) -> None:
    """Run, and show each event once it is handed out."""

    async def main() -> None:
        run = agent(folder, folder / f"{number}.log").run("Go.", labels={"number": str(number)})
        async for event in run:
            if "delta" not in event.kind:
                os.write(shown, event.model_dump_json().encode() + b"\n")

    asyncio.run(main())


def shoot(folder: Path, number: int, showing: int, then: float) -> int:
    """Fork a child, let it show so many bytes, kill it a moment later; how much it had shown."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        try:
            child(folder, number, write)
        finally:
            os._exit(0)
    os.close(write)
    data = bytearray()
    while len(data) < showing and (piece := os.read(read, 1 << 16)):
        data += piece
    time.sleep(then)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while piece := os.read(read, 1 << 16):
        data += piece
    os.close(read)
    (folder / f"{number}.shown").write_bytes(data)
    return len(data)


def main(folder: Path, many: int, seed: int) -> None:
    """Shoot that many, at moments spread over the life of one that is left alone."""
    chance = random.Random(seed)
    everything = shoot(folder, 0, sys.maxsize, 0.0)
    for number in range(1, many + 1):
        showing = int(chance.uniform(-0.1, 1) * everything)
        shoot(folder, number, showing, chance.uniform(0, 0.005 if showing > 0 else 0.03))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
