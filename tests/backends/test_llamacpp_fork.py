"""A local model that was used goes on answering in a process forked from this one."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("llama_cpp")

PROGRAM = """
import os
from agentlab import Agent, Settings, connect

agent = Agent(
    backend=connect("local:smollm2"), runs=None, settings=Settings(max_tokens=5, temperature=0)
)
said = agent.run_sync("Say hi").text
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, agent.run_sync("Say hi").text.encode())
    os._exit(0)
os.close(writing)
assert os.read(reading, 4096).decode() == said, said
assert agent.run_sync("Say hi").text == said
print("the same")
"""


def test_a_forked_process_loads_the_model_for_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "the same\n", done.stderr[-2000:]
