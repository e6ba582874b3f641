"""Where what a person makes is kept on this machine, by commands and programs alike."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs


def environment() -> Mapping[str, str]:
    """The variables of this process. All who need one ask here, or are handed it."""
    return os.environ


def home() -> Path:
    """`AGENTLAB_HOME`, or the user's own data folder."""
    chosen = environment().get("AGENTLAB_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("agentlab", appauthor=False))


def runs_folder() -> Path:
    """Where runs are kept, and looked for, where nothing else is said."""
    return home() / "runs"
