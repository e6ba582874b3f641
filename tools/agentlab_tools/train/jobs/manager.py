"""The jobs in a folder: submit, list, watch, cancel, resume; their logs and artifacts.

    jobs = Jobs(folder)
    job = jobs.submit("lora", {"data": "chats.jsonl", "steps": 200})
    for job in jobs.watch(job.id):
        print(job.progress)

Each job lives in a folder of its own, named as the job: its journal, `log.txt`, `checkpoints/` and
`artifacts/`. Nothing is kept in memory, so any number of programs may look at the same jobs.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentlab.backends.schemes import FILE, scheme_of
from agentlab.errors import ConfigError, TraceError
from agentlab.private import FOLDER_MODE, private_folder
from agentlab_tools.cluster.joined import address_of
from agentlab_tools.train.errors import TrainingError
from agentlab_tools.train.events import Ended
from agentlab_tools.train.jobs import journal, pids
from agentlab_tools.train.jobs.job import Job, JobLimits, JobSpec, new_job_id
from agentlab_tools.train.jobs.journal import JOURNAL, STOP, Journal, JournalReader
from agentlab_tools.train.jobs.sources import fingerprint
from agentlab_tools.train.jobs.worker import LOG
from agentlab_tools.train.recipe import load_recipe, locate_recipe

MODEL, ADAPTER = "model.gguf", "adapter.gguf"
"""What a recipe calls the model it made, whole or as a LoRA for the one it was tuned on."""
_LOOK = 0.1
_TIME_TO_START = 60.0


class Jobs:
    """The jobs in a folder, which is made with the first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def submit(
        self,
        recipe: str,
        settings: Mapping[str, Any],
        *,
        on: str = "local",
        limits: JobLimits | None = None,
        every: float = 60.0,
        keep: int = 2,
    ) -> Job:
        """Start a job; it goes on when this program ends.

        Args:
            recipe: a name, or the path of a Python file with a `recipe`.
            settings: of the recipe; relative paths are seen from the current folder.
            on: `local`, `ray` or `ray:ADDRESS`.
            every: seconds between checkpoints.
            keep: how many checkpoints stay.

        A setting `job:NAME` stands for the model that a job in this folder made.

        Raises:
            ConfigError: no such recipe, settings that do not fit, or no such place to run.
            MissingExtra: something the recipe needs is not installed.
            TrainingError: the process did not start.
        """
        loaded = load_recipe(recipe)
        loaded.check()
        _check_place(on)
        # `last` will soon be another: a job is told which file its model is
        values = loaded.read_settings({key: self._named(value) for key, value in settings.items()})
        spec = JobSpec(
            id=new_job_id(loaded.name),
            recipe=locate_recipe(recipe),
            settings=values.model_dump(mode="json"),
            folder=str(Path.cwd()),
            data=fingerprint(values.sources(), Path.cwd()),
            on=on,
            limits=limits or JobLimits(),
            every=every,
            keep=keep,
        )
        values.look()
        folder = self.folder / spec.id
        private_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE)
        journal.create(folder, spec)
        return self._start(folder)

    def list(self, limit: int | None = None) -> list[Job]:
        """The jobs, newest first; at most `limit`, and none whose journal can't be read."""
        jobs: list[Job] = []
        for folder in self._folders()[:limit]:
            with suppress(TrainingError, TraceError):  # a foreign folder among them
                jobs.append(_read(folder))
        return jobs

    def get(self, name: str) -> Job:
        """A job by its id, the start of it, or `last`.

        Raises:
            ConfigError: no job, or several, by that name.
        """
        return _read(self.find(name))

    def open(self, name: str) -> JournalReader:
        """The journal of a job, to read on as it grows.

        Raises:
            ConfigError: no job, or several, by that name.
        """
        return JournalReader(self.find(name))

    def watch(self, name: str, *, seconds: float | None = None) -> Iterator[Job]:
        """The job each time there is news, until it is over or the time is up."""
        reader = self.open(name)
        until = None if seconds is None else time.monotonic() + seconds
        before: Job | None = None
        while True:
            news = reader.poll()
            job = reader.job()
            if news or before is None or job.state != before.state:
                yield job
            if not job.active or (until is not None and time.monotonic() > until):
                return
            before = job
            time.sleep(_LOOK)

    def cancel(self, name: str, *, grace: float = 30.0) -> Job:
        """Stop a job: cleanly, with a checkpoint, and by force if that takes longer than `grace`.

        A job that is over stays as it is.
        """
        folder = self.find(name)
        reader = JournalReader(folder, every_step=False)
        reader.poll()
        if not reader.job().active:
            return reader.job()
        (folder / STOP).touch()
        until = time.monotonic() + grace
        sent: int | None = None
        while reader.job().active and time.monotonic() < until:
            process = reader.process()
            if process is not None and process.pid != sent:
                pids.send(process.pid, process.process, signal.SIGTERM)
                sent = process.pid
            time.sleep(_LOOK)
            reader.poll()
        if reader.job().active:
            self._kill(folder, reader)
            reader.poll()
        return reader.job()

    def resume(self, name: str, *, changed_data: bool = False) -> Job:
        """Take a job up again from its newest checkpoint, with the same data in the same order.

        Args:
            changed_data: go on though the data is not what the job began with.

        Raises:
            TrainingError: it is running, or complete, or its data has changed.
        """
        folder = self.find(name)
        job = self.get(folder.name)
        if job.active:
            raise TrainingError(f"job {job.id} is {job.state}: nothing to resume")
        if job.state == "completed":
            raise TrainingError(f"job {job.id} is complete: nothing to resume")
        recipe = load_recipe(job.spec.recipe)
        recipe.check()
        sources = recipe.read_settings(job.spec.settings).sources()
        now = fingerprint(sources, Path(job.spec.folder))
        if now != job.spec.data and job.spec.data and not changed_data:
            raise TrainingError(
                f"{' or '.join(sources)} is not what job {job.short} began with: put that back, "
                "start a new job, or go on with it as it is now: --changed-data"
            )
        (folder / STOP).unlink(missing_ok=True)
        return self._start(folder)

    def log(self, name: str) -> Path:
        """The file with all that a job printed; it may not be there yet."""
        return self.find(name) / LOG

    def artifacts(self, name: str) -> list[Path]:
        """What came of a job: files and folders, whole."""
        folder = self.find(name) / "artifacts"
        return sorted(p for p in folder.glob("*") if not p.name.startswith("."))

    def model(self, name: str) -> str:
        """What `connect` takes for the model that a job made.

        Raises:
            ConfigError: no job, or several, by that name; or it left no model.
        """
        job = self.get(name)
        files = {p.name: p.resolve() for p in self.artifacts(job.id) if p.suffix == ".gguf"}
        if ADAPTER in files:
            base = job.spec.settings.get("model")
            if not isinstance(base, str):
                raise ConfigError(f"job {job.id} does not say which model its adapter belongs to")
            if scheme_of(base) in (FILE, None) and not base.startswith("~"):
                base = Path(job.spec.folder) / base
            return f"{base}+{files[ADAPTER]}"
        whole = files.get(MODEL) or next(iter(files.values()), None)
        if whole is None:
            raise ConfigError(f"job {job.id} is {job.state}, and left no model")
        return str(whole)

    def find(self, name: str) -> Path:
        """The folder of a job, by its id, the start of it, or `last`.

        Raises:
            ConfigError: no job, or several, by that name.
        """
        folders = self._folders()
        if name == "last" and folders:
            return folders[0]
        matching = [f for f in folders if f.name == name] or [
            f for f in folders if name and (f.name.startswith(name) or f"-{name}-" in f.name)
        ]
        if len(matching) == 1:
            return matching[0]
        if not matching:
            raise ConfigError(f"no job {name[:80]!a} in {self.folder}: `agentlab jobs` lists them")
        several = ", ".join(f.name for f in matching[:3])
        raise ConfigError(f"{name[:80]!a} names several jobs: {several}, …")

    def _folders(self) -> list[Path]:
        return sorted((path.parent for path in self.folder.glob(f"*/{JOURNAL}")), reverse=True)

    def _named(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("job:"):
            return value
        return self.model(value.removeprefix("job:"))

    def _start(self, folder: Path) -> Job:
        command = [sys.executable, "-m", "agentlab_tools.train.jobs.worker", str(folder.resolve())]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                timeout=_TIME_TO_START,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TrainingError(f"job {folder.name} did not start; see {folder / LOG}") from None
        if done.returncode != 0:
            problem = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise TrainingError(problem or f"job {folder.name} did not start")
        return self.get(folder.name)

    def _kill(self, folder: Path, reader: JournalReader) -> None:
        process = reader.process()
        if process is None:
            return
        pids.kill_session(process.pid, process.process)
        ended = Journal(folder, patience=10.0)
        ended.end(Ended(outcome="cancelled", reason="it did not stop in time and was killed"))


def _read(folder: Path) -> Job:
    reader = JournalReader(folder, every_step=False)
    reader.poll()
    return reader.job()


def _check_place(on: str) -> None:
    if on != "local":
        address_of(on)
