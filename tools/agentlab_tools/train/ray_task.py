"""What a node of a Ray cluster does for a job: run the recipe, and send back all that comes of it.

The sending side of `ray_runner`; every node needs this module.
"""

from __future__ import annotations

import io
import os
import socket
import tarfile
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from queue import Empty, Queue
from threading import Event as Flag
from threading import Thread
from typing import Any, Literal, TypeAlias

from agentlab.errors import AgentLabError
from agentlab.messages import Value
from agentlab_tools.cluster.enclosed import Files, References, unpacked
from agentlab_tools.train.checkpoints import checkpoint_path, write_whole
from agentlab_tools.train.errors import Stopped
from agentlab_tools.train.events import Checkpointed, JobEvent, Made, Said
from agentlab_tools.train.jobs.job import JobLimits, JobSpec
from agentlab_tools.train.jobs.overseer import Overseer
from agentlab_tools.train.recipe import load_recipe
from agentlab_tools.train.waiting import wait_asleep
from agentlab_tools.train.work import Work

Packed: TypeAlias = tuple[Literal["file", "folder"], bytes]
Item: TypeAlias = (
    tuple[Literal["event"], JobEvent, Packed | None]
    | tuple[Literal["stopped"]]
    | tuple[Literal["failed"], str]
    | tuple[Literal["done"]]
)
"""What is sent: events, with the files they tell of, and at last how it ended."""


class Naming(Value):
    """A setting that names files: with whole paths where the job was submitted, and the files."""

    value: str
    files: Files


class Switch:
    """An actor beside the job's own process, by which that asks the task to stop."""

    def __init__(self) -> None:
        self._on = False

    def turn(self) -> None:
        """Ask to stop."""
        self._on = True

    def is_on(self) -> bool:
        """Whether somebody asked to stop."""
        return self._on


def train_there(
    spec_json: str,
    source: str | None,
    naming: Mapping[str, Naming],
    files: References,
    checkpoint: list[Any],
    switch: Any,
) -> Generator[list[Item]]:
    """Run a job's recipe here; yields batches of what is to be sent back.

    Args:
        source: of the recipe, if it is a file.
        naming: the settings that name files, by name.
        files: references to these files.
        checkpoint: a reference to the packed checkpoint to go on from, if there is one.
        switch: a handle of a `Switch`.
    """
    import ray

    get: Callable[[Any], Any] = ray.get  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    spec = JobSpec.model_validate_json(spec_json)
    items: Queue[Item] = Queue(maxsize=256)
    stop = Flag()
    with tempfile.TemporaryDirectory(prefix="agentlab-") as name:
        folder = Path(name)
        wait_asleep()
        os.chdir(folder)  # this process does nothing else, and ends with the task
        for reference in checkpoint:
            step, packed = get(reference)
            unpack(packed, checkpoint_path(folder / "checkpoints", step))
        inputs = folder / "inputs"
        named = {
            name: unpacked(one.value, one.files, files, inputs, get) for name, one in naming.items()
        }
        settings = {**spec.settings, **named}
        work = _work(spec, folder, items.put, stop)

        def watch() -> None:
            while not stop.wait(0.5):
                if get(switch.is_on.remote()):
                    stop.set()

        def run() -> None:
            items.put(_run(spec, settings, source, folder, work))

        items.put(("event", Said(text=f"training on {socket.gethostname()}"), None))
        _guard(spec.limits, items.put)
        for job in (watch, run):
            Thread(target=job, daemon=True).start()
        ended = False
        while not ended:
            batch = _next(items)
            yield batch
            ended = batch[-1][0] != "event"
        stop.set()


def place_of(folder: Path, event: JobEvent) -> Path | None:
    """Where in a job's folder lies what an event tells of."""
    if isinstance(event, Checkpointed):
        return checkpoint_path(folder / "checkpoints", event.step)
    return folder / "artifacts" / event.name if isinstance(event, Made) else None


def pack(path: Path) -> Packed:
    """A file or a folder as bytes."""
    if path.is_file():
        return "file", path.read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(path, arcname=".")
    return "folder", buffer.getvalue()


def unpack(packed: Packed, final: Path) -> None:
    """Make the file or the folder that was packed, whole or not at all.

    Raises:
        DiskFull: there is no room.
    """
    kind, data = packed

    def write(path: Path) -> None:
        if kind == "file":
            path.write_bytes(data)
            return
        path.mkdir()
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(path, filter="data")

    write_whole(final, write, what=final.name)


def _work(spec: JobSpec, folder: Path, send: Callable[[Item], object], stop: Flag) -> Work:
    def tell(event: JobEvent) -> None:
        artifact = place_of(folder, event)
        send(("event", event, None if artifact is None else pack(artifact)))

    return Work(folder, tell=tell, stop=stop, every=spec.every, keep=spec.keep, seed=spec.seed)


def _guard(limits: JobLimits, send: Callable[[Item], object]) -> None:
    """Watch the memory here; the time is watched where the job was submitted."""

    def end(reason: str) -> None:
        send(("failed", reason))
        Flag().wait()

    Overseer(JobLimits(memory=limits.memory), Flag(), end).start()


def _run(
    spec: JobSpec, settings: dict[str, Any], source: str | None, folder: Path, work: Work
) -> Item:
    name = spec.recipe
    if source is not None:
        file = folder / Path(name).name
        file.write_text(source)
        name = str(file)
    try:
        recipe = load_recipe(name)
        recipe.run(recipe.read_settings(settings), work)
    except Stopped:
        return ("stopped",)
    except AgentLabError as error:
        return "failed", str(error)
    except BaseException as error:  # noqa: BLE001 - whatever a recipe does, it is sent back
        import traceback

        traceback.print_exc()
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        return "failed", f"{what} (see `agentlab jobs logs {spec.id}`)"
    return ("done",)


def _next(items: Queue[Item]) -> list[Item]:
    """All that waits to be sent, up to the end; waits for the first of it."""
    batch = [items.get()]
    while batch[-1][0] == "event":
        try:
            batch.append(items.get_nowait())
        except Empty:
            break
    return batch
