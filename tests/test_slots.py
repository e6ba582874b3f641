"""More runs at once than a process may have files: they take turns."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, resource, sys
from pathlib import Path
from agentlab import Agent, tool
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, ToolCall

resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))
runs = Path(sys.argv[1])

def call():
    return Message.assistant(ToolCall(id="a", name="ask_part", arguments='{"request": "?"}'))

async def main():
    part = Agent(backend=Scripted(lambda *_: "part", pace=0.001), name="part", runs=runs)
    def whole():
        return Agent(backend=Scripted([call(), "done"], pace=0.001), runs=runs,
                     tools=[part.as_tool()])
    many = [whole().run("?") for _ in range(150)]
    results = await asyncio.gather(*many)
    print(sum(r.output == "done" for r in results), len(list(runs.glob("*.jsonl"))))

asyncio.run(main())
"""


def test_runs_beyond_the_files_of_a_process_wait_for_their_turn(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "runs")],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("150 300\n", "")
