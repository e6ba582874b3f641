"""The lab m2/pretrain says what it needs before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_TORCH = (
    "import sys\n"
    "sys.modules['torch'] = None\n"
    "from agentlab.cli.main import main\n"
    "main(sys.argv[1:])\n"
)


def without_torch(*args: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The real program, in a Python that has no torch."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *args],
        capture_output=True,
        text=True,
        env={**os.environ, "AGENTLAB_HOME": str(home), "NO_COLOR": "1"},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", ["run", "check-lab"])
def test_without_torch_one_line_says_what_to_install_and_nothing_was_run(
    command: str, tmp_path: Path
):
    done = without_torch(command, "m2/pretrain", home=tmp_path)
    assert done.returncode == 2
    assert "torch, which the recipe pretrain needs, is not installed: " in done.stderr
    assert "train" in done.stderr.partition("installed: ")[2]
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.jsonl"))


def test_without_torch_the_question_can_still_be_answered(tmp_path: Path):
    done = without_torch("run", "m2/pretrain", "--step", "why-characters", home=tmp_path)
    assert done.returncode == 0, done.stderr
