"""What every screen works with, as one value, so that a test can hand in another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agentlab_tui.choices import ChoiceStore
from agentlab_tui.engine import Engine
from agentlab_tui.progress import ProgressStore


@dataclass(frozen=True)
class Services:
    """The learner's folders, the engine, and the choices made on the command line.

    Attributes:
        runs: the folder of traces.
        jobs: the folder of training jobs.
        roots: where labs are looked for, before those that come along.
        course: whether the labs that come along are listed.
        backend: a model to use instead of each lab's own.
        choices: what the app remembers between two times; by default nothing.
        clock: seconds, as `time.monotonic`; only for what the screen shows of speed.
    """

    engine: Engine
    progress: ProgressStore
    runs: Path
    jobs: Path
    roots: tuple[Path, ...]
    course: bool = False
    backend: str | None = None
    choices: ChoiceStore = field(default_factory=ChoiceStore)
    clock: Callable[[], float] = time.monotonic

    def lab_folders(self) -> tuple[Path, ...]:
        """Every folder that labs are looked for in."""
        if not self.course:
            return self.roots
        from agentlab.labs.course import lab_roots

        return (*self.roots, *lab_roots())
