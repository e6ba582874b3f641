"""An index outlives its writer, at whatever moment that one is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fuzzing import fuzzing


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_index_killed_again_and_again_opens_each_time_and_completes(tmp_path: Path) -> None:
    """Fifteen times here, and fifty in `make fuzz`."""
    kills = "50" if fuzzing() else "15"
    script = Path(__file__).with_name("index_killed.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, kills, "7"],
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "killed.txt").read_text() == kills
    wrong = tmp_path / "wrong.txt"
    assert not wrong.exists(), wrong.read_text()
    whole = json.loads((tmp_path / "whole.json").read_text())
    assert whole == json.loads((tmp_path / "fresh.json").read_text())
    assert len(whole) == 24  # eight documents of three sections
