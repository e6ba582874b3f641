"""Where a screen or a widget asks to go; the app takes it there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from agentlab_tui.catalog import LabEntry

if TYPE_CHECKING:
    from agentlab.trace import Trace
    from agentlab_tui.forking import Change


@dataclass
class OpenLab(Message):
    """Into a lab."""

    entry: LabEntry


@dataclass
class GoTo(Message):
    """To another part of the app: `roadmap`, `playground`, `runs`, `jobs` or `doctor`."""

    place: str


@dataclass
class TalkTo(Message):
    """To the playground, with this model."""

    model: str


@dataclass
class OpenTrace(Message):
    """To the timeline of a run."""

    path: Path


@dataclass
class OpenDiff(Message):
    """To two runs side by side."""

    a: Path
    b: Path


@dataclass
class OpenFork(Message):
    """Go on with a run from one of its events, with something changed."""

    trace: Trace
    change: Change
