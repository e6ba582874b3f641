"""Fixtures that every part of the test-suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The machine that runs this may be busy; nothing here is judged by the clock
settings.register_profile("agentlab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agentlab")


@pytest.fixture(autouse=True)
def _no_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model has read is not kept in the cache of whoever runs this."""
    monkeypatch.setenv("AGENTLAB_STATES", "0")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder for traces; the first run makes it."""
    return tmp_path / "runs"
