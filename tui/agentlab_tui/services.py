"""What every screen works with, as one value, so that a test can hand in another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentlab_tui.engine import Engine
from agentlab_tui.progress import ProgressStore


@dataclass(frozen=True)
class Services:
    """The learner's folders, the engine, and the choices made on the command line.

    Attributes:
        runs: the folder of traces.
        roots: where labs are looked for.
        backend: a model to use instead of each lab's own.
        clock: seconds, as `time.monotonic`; only for what the screen shows of speed.
    """

    engine: Engine
    progress: ProgressStore
    runs: Path
    roots: tuple[Path, ...]
    backend: str | None = None
    clock: Callable[[], float] = time.monotonic
