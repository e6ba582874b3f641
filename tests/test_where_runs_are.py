"""A script's runs are where the commands look, and they say where they looked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlab import Agent
from agentlab.backends.scripted import Scripted

SCRIPT = """
from agentlab import Agent
from agentlab.backends.scripted import Scripted
print(Agent(backend=Scripted(["hello there"]), name="greeter").run_sync("hi").path)
"""


def agentlab(*args: str, cwd: Path) -> str:
    env = {**os.environ, "AGENTLAB_HOME": str(cwd / "home"), "NO_COLOR": "1", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", "agentlab", *args],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def made_by_a_script(tmp_path: Path) -> Path:
    script = tmp_path / "greet.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "AGENTLAB_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_a_run_of_a_script_is_shown_with_who_made_it_and_where_it_lies(tmp_path):
    path = made_by_a_script(tmp_path)
    assert path.parent == tmp_path / "home" / "runs"
    shown = agentlab("show", "last", cwd=tmp_path)
    assert "hello there" in shown
    assert f"by greet.py  {path}" in shown
    assert path.stem in agentlab("traces", cwd=tmp_path)


def test_runs_none_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path))
    Agent(backend=Scripted(["a"]), runs=None).run_sync("hi")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [["show", "last"], ["traces"], ["replay", "last"], ["diff", "last", "last~1"]]
)
def test_a_command_that_finds_no_run_says_where_it_looked(command, tmp_path):
    said = agentlab(*command, cwd=tmp_path)
    assert f"no runs in {tmp_path / 'home' / 'runs'}" in said
    assert "--runs" in said
    Agent(backend=Scripted(["a"]), runs=tmp_path / "runs").run_sync("hi")
    assert f"there are some in {tmp_path / 'runs'}: add --runs" in agentlab(*command, cwd=tmp_path)
