"""Whatever a session keeps is its owner's alone: every file that it leaves is looked at."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

TINY = Path(__file__).parent / "train" / "tiny.py"
SCREEN = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1])))
from test_playground import say, to_playground
from tui_world import services, to_lab
from dataclasses import replace
from agentlab.backends.scripted import Scripted
from agentlab_tui.app import AgentLabApp
from agentlab_tui.choices import ChoiceStore
home = Path(sys.argv[2])
async def main():
    connect = lambda name: Scripted(lambda *_: "So it is.", name=name)
    here = replace(services(home, connect), choices=ChoiceStore(home / "tui.json"))
    app = AgentLabApp(here)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("e", "x", "escape", "x", "escape")
        await pilot.pause(0.5)
    app = AgentLabApp(here)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_playground(pilot)
        await say(pilot, "my password is hunter2")
asyncio.run(main())
"""


def session(home: Path, out: Path) -> None:
    """What one does in an afternoon, by a user whose files all may read unless told otherwise."""
    env = {
        **os.environ,
        "AGENTLAB_HOME": str(home),
        "AGENTLAB_CACHE": str(home / "cache"),
        "TEXTUAL_ANIMATIONS": "none",
    }

    def run(*command: str) -> None:
        done = subprocess.run(
            command, env=env, cwd=out, umask=0o022, capture_output=True, text=True, timeout=200,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout[-500:], done.stderr[-1500:])

    def agentlab(*args: str) -> None:
        run(sys.executable, "-m", "agentlab", *args)

    (out / "note.txt").write_text("The password is hunter2.")
    (out / "samples.jsonl").write_text(json.dumps({"input": "2 + 2?", "expect": "4"}) + "\n")
    agentlab("chat", "-b", "local:smollm2", "-t", "calculator", "What is 6 * 7?")
    agentlab("chat", "-b", "local:smollm2", "--runs", str(out / "runs"), "Hello")
    agentlab("eval", "run", "samples.jsonl", "-b", "local:smollm2", "-s", "numeric")
    for store in ("duckdb", "faiss", "chroma"):
        agentlab("index", "note.txt", "--store", store, "--index", str(home / "indexes" / store))
    agentlab("train", str(TINY), "--every", "0")
    agentlab("train", str(TINY), "--every", "0", "--jobs", str(out / "jobs"))
    run(sys.executable, "-c", SCREEN, str(Path(__file__).parent / "tui"), str(home))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_everything_that_a_session_keeps_is_its_owners_alone(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    out.mkdir()
    session(home, out)
    kept = [home, *home.rglob("*"), *(p for k in ("runs", "jobs") for p in (out / k).rglob("*"))]
    names = {path.name for path in kept} | {path.suffix for path in kept}
    assert names >= {"runs", "jobs", "indexes", "progress", "tui.json", ".jsonl", "checkpoints"}
    modes = {p: stat.S_IMODE(p.lstat().st_mode) for p in kept if not p.is_symlink()}
    wide = {str(path): oct(mode) for path, mode in modes.items() if mode & 0o077}
    assert wide == {}
