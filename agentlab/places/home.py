"""Where what a person makes is kept on this machine."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from agentlab.folders import environment, home, runs_folder

__all__ = [
    "environment",
    "home",
    "lab_folders",
    "own_labs",
    "runs_folder",
    "services_file",
    "states_folder",
]


def own_labs() -> Path:
    """Where labs of a user's own are found without being asked for."""
    return home() / "labs"


def lab_folders(given: tuple[Path, ...] = ()) -> tuple[Path, ...]:
    """The folders of labs that were given, then the person's own, if there is one."""
    own = own_labs()
    return (*given, own) if own.is_dir() else given


def services_file() -> Path:
    """Where a user describes services of their own; see `agentlab.backends.presets`."""
    return home() / "services.toml"


def states_folder() -> Path | None:
    """Where local models keep what they have read, for forks to go on from.

    With AGENTLAB_STATES=0 in the environment, nowhere: None.
    """
    if environment().get("AGENTLAB_STATES") == "0":
        return None
    return platformdirs.user_cache_path("agentlab", appauthor=False) / "states"
