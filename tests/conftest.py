"""Fixtures that every part of the test-suite shares."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The machine that runs this may be busy; nothing here is judged by the clock. The same code meets
# the same examples each time: `make fuzz` looks for new ones, which become tests of their own
usual = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("agentlab", usual, derandomize=True)
settings.register_profile("fuzz", usual)
settings.load_profile("agentlab")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script: what tests start would inherit deafness to Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "PYTEST_XDIST_WORKER" in os.environ:
    # A test on every core already: threads of two trainings that wait for each other take many
    # times as long as one thread each
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--proof-minutes",
        type=float,
        default=float("inf"),
        help="begin no proof of a lab later than this after the start; each one left is skipped",
    )


@pytest.fixture(autouse=True)
def _no_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model has read is not kept in the cache of whoever runs this."""
    monkeypatch.setenv("AGENTLAB_STATES", "0")


@pytest.fixture(autouse=True)
def _no_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a run leaves where nothing else is said is not kept with whoever runs this."""
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder for traces; the first run makes it."""
    return tmp_path / "runs"
