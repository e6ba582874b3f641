"""What can go wrong in training, beside what `agentlab.errors` names."""

from __future__ import annotations

from agentlab.errors import AgentLabError


class TrainingError(AgentLabError):
    """A training job cannot start or go on: one line says why, and what to do."""


class DiskFull(TrainingError):
    """There is no room for a checkpoint or an artifact; those written before are whole."""


class Stopped(Exception):
    """Somebody asked the work to stop. `Work.steps` raises it, and a recipe lets it pass."""
