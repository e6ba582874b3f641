"""The work of one training run, as a recipe sees it: steps, reports, checkpoints, artifacts.

`Work(folder)` is enough to run a recipe by hand, in a notebook or a test. A job hands in where to
tell what happens and when to stop.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag

from agentlab_tools.train.checkpoints import (
    Checkpoint,
    checkpoints_in,
    write_checkpoint,
    write_whole,
)
from agentlab_tools.train.errors import Stopped, TrainingError
from agentlab_tools.train.events import Checkpointed, JobEvent, Made, Progress, Said
from agentlab_tools.train.randomness import (
    Shuffled,
    random_states,
    restore_random_states,
    seed_all,
)

_WINDOW = 30.0
"""Seconds over which speed is measured."""


def _ignore(_event: JobEvent) -> None:
    """Nobody listens."""


class Work:
    """One training run in a folder of its own.

    Args:
        folder: holds `checkpoints/` and `artifacts/`; made when needed.
        tell: gets every event, on the recipe's thread.
        stop: set by whoever wants the run to stop cleanly.
        every: seconds between checkpoints; 0 is after each step.
        keep: how many checkpoints stay.
        seed: of the generators and of the data's order.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tell: Callable[[JobEvent], object] = _ignore,
        stop: Flag | None = None,
        every: float = 60.0,
        keep: int = 2,
        seed: int = 0,
    ) -> None:
        self.folder = folder
        self.seed = seed
        self._tell = tell
        self._stop = stop or Flag()
        self._every = every
        self._keep = keep
        self._total: int | None = None
        self._saved = 0
        self._saved_at = time.monotonic()
        self._pace: deque[tuple[float, int, int]] = deque()
        self._tokens = 0
        self._orders: dict[int, Shuffled] = {}

    @property
    def stopping(self) -> bool:
        """Somebody asked to stop. `steps` sees to it; a long stage without steps may look here."""
        return self._stop.is_set()

    def latest(self) -> Checkpoint | None:
        """The newest whole checkpoint, to load before training goes on; None at the beginning."""
        return next(iter(checkpoints_in(self.folder / "checkpoints")), None)

    def seed_everything(self) -> None:
        """Seed Python's, NumPy's and torch's generators: before weights are drawn."""
        seed_all(self.seed)

    def steps(self, total: int) -> Iterator[int]:
        """The steps that are left, from 1 to `total`, with the random states of the checkpoint.

        Raises:
            Stopped: somebody asked to stop, and the checkpoint that was due then is written.
        """
        self._total = total
        last = self.latest()
        if last is not None:
            restore_random_states(last.manifest.random)
        self._saved_at = time.monotonic()
        self._pace = deque([(time.monotonic(), last.step if last else 0, 0)])
        first = last.step + 1 if last else 1
        for step in range(first, total + 1):
            asked = self.stopping
            if asked and step == first:
                raise Stopped
            yield step
            # Asked for in the middle of a step, after `due` was: one step more, so none is lost
            if step < total and (asked or (self.stopping and self._saved == step)):
                raise Stopped

    def batch(self, step: int, count: int, *, of: int) -> list[int]:
        """Indices of the `count` rows of a step, out of `of`, in an order drawn from the seed.

        A pure function of the step, so that a resumed run sees the same data in the same order.
        """
        if of not in self._orders:
            self._orders[of] = Shuffled(of, self.seed)
        return self._orders[of].batch(step, count)

    def report(
        self,
        step: int,
        *,
        loss: float | None = None,
        lr: float | None = None,
        tokens: int = 0,
        **more: float,
    ) -> None:
        """Tell how a step went.

        Raises:
            TrainingError: the loss is no finite number any more.
        """
        if loss is not None and not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} at step {step}: training diverged. Try a lower learning "
                "rate, e.g. a third of it"
            )
        now = time.monotonic()
        self._tokens += tokens
        self._pace.append((now, step, self._tokens))
        while len(self._pace) > 2 and now - self._pace[1][0] > _WINDOW:
            self._pace.popleft()
        begun, first, before = self._pace[0]
        took = max(now - begun, 1e-9)
        seconds_left = (
            None if self._total is None else (self._total - step) * took / max(step - first, 1)
        )
        self._tell(
            Progress(
                step=step,
                total=self._total,
                loss=loss,
                lr=lr,
                tokens=tokens,
                tokens_per_second=(self._tokens - before) / took if self._tokens else None,
                eta=seconds_left,
                more={name: float(value) for name, value in more.items()},
            )
        )

    def due(self, step: int) -> bool:
        """Whether it is time for a checkpoint: now and then, at the last step, and on stopping."""
        late = time.monotonic() - self._saved_at >= self._every
        return late or step == self._total or self.stopping

    def checkpoint(self, step: int, save: Callable[[Path], object]) -> None:
        """Keep all that is needed to go on after this step.

        Args:
            save: writes into the empty folder it is given: weights, optimizer, schedule. The
                states of the random generators are added.

        Raises:
            DiskFull: there is no room; the checkpoints written before are whole.
        """
        parent = self.folder / "checkpoints"
        written = write_checkpoint(parent, step, save, random=random_states(), keep=self._keep)
        self._saved, self._saved_at = step, time.monotonic()
        self._tell(Checkpointed(step=step, bytes=written.size))

    def artifact(self, name: str, save: Callable[[Path], object]) -> Path:
        """Keep something that came of the run: a model, an adapter, a table.

        Args:
            name: of a file or a folder, e.g. `adapter.gguf`.
            save: writes the file or makes the folder at the path it is given.

        Raises:
            DiskFull: there is no room; what was there under that name still is.
        """
        final = self.folder / "artifacts" / name
        if final.parent != self.folder / "artifacts" or name.startswith("."):
            raise ValueError(f"{name!r} can't name an artifact")
        write_whole(final, save, what=name)
        files = [final] if final.is_file() else [p for p in final.rglob("*") if p.is_file()]
        self._tell(Made(name=name, bytes=sum(file.stat().st_size for file in files)))
        return final

    def say(self, text: str) -> None:
        """Tell people what is going on, e.g. `tokenizing 12 MB of text`."""
        self._tell(Said(text=text))
