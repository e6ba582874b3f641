"""An index outlives its writer, at whatever moment that one is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_index_killed_fifty_times_opens_each_time_and_completes(tmp_path: Path) -> None:
    script = Path(__file__).with_name("index_killed.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, "50", "7"],
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "killed.txt").read_text() == "50"
    wrong = tmp_path / "wrong.txt"
    assert not wrong.exists(), wrong.read_text()
    whole = json.loads((tmp_path / "whole.json").read_text())
    assert whole == json.loads((tmp_path / "fresh.json").read_text())
    assert len(whole) == 24  # eight documents of three sections
