"""Labs are proved after all else, those that were changed last before the others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROOFS = Path(__file__).with_name("test_labs.py")
SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """So a run whose time is bounded (`--proof-minutes`) leaves out what has been proved before."""
    proofs = [item for item in items if item.path == PROOFS]
    recent = changed_last()
    proofs.sort(
        key=lambda item: next((n for n, lab in enumerate(recent) if f"[{lab}]" in item.name), 0)
    )
    items[:] = [item for item in items if item.path != PROOFS] + proofs


def changed_last() -> list[str]:
    """The labs by name as their newest commits have them; a lab without one is not among them."""
    told = ["git", "log", "--format=", "--name-only", "--relative", "--", "."]
    try:
        log = subprocess.run(told, cwd=SCENARIOS, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    parts = (Path(line).parts for line in log.stdout.splitlines())
    return list(dict.fromkeys("/".join(part[:2]) for part in parts if len(part) > 2))
