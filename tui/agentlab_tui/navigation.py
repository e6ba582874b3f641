"""Where a screen or a widget asks to go; the app takes it there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from agentlab_tui.catalog import LabEntry


@dataclass
class OpenLab(Message):
    """Into a lab."""

    entry: LabEntry


class OpenRuns(Message):
    """To the list of runs."""


@dataclass
class OpenTrace(Message):
    """To the timeline of a run."""

    path: Path
