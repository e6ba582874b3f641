"""The real command, on a scripted model: run by the test in a real terminal."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tui_world import LABS, adder

from agentlab.backend import Backend
from agentlab.backends import schemes
from agentlab.cli.main import main


def open_tiny(name: str) -> Backend:
    """A model that adds, at a pace one can watch."""
    return adder(pace=0.03)(name)


if __name__ == "__main__":
    schemes.SCHEMES["tiny"] = schemes.Scheme("tiny", local=False, opens=open_tiny)
    main(["tui", "--labs", str(LABS), *sys.argv[1:]])
