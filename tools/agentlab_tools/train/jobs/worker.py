"""The process of a job: `python -m agentlab_tools.train.jobs.worker FOLDER`.

It forks, tells whoever started it whether the job was taken up, and goes on alone: in a session of
its own, its output in the job's `log.txt`, so that closing the terminal does not end it. SIGTERM
stops it cleanly, after a checkpoint.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag
from types import FrameType
from typing import NoReturn

from agentlab.errors import AgentLabError
from agentlab_tools.train.checkpoints import checkpoints_in
from agentlab_tools.train.errors import Stopped
from agentlab_tools.train.events import Ended, Started
from agentlab_tools.train.jobs.job import JobSpec
from agentlab_tools.train.jobs.journal import STOP, Journal, JournalReader
from agentlab_tools.train.jobs.overseer import Overseer
from agentlab_tools.train.jobs.pids import mark_of
from agentlab_tools.train.waiting import wait_asleep

LOG = "log.txt"
_NO_ROOM = (
    "the disk is full: what the recipe printed or wrote found no room. "
    "Free some space, then resume the job"
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main(folder: Path) -> NoReturn:
    """Take the job up in a process of its own. Exits with 0 if that process has it."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        os.setsid()
        try:
            work(folder, writing)
        finally:
            os._exit(1)
    os.close(writing)
    answer = os.read(reading, 4096)
    sys.stderr.write(answer.decode(errors="replace").removeprefix("ok"))
    sys.stderr.flush()
    os._exit(0 if answer.startswith(b"ok") else 2)


def work(folder: Path, told: int) -> NoReturn:
    """Do the job, and end this process. `told` is a pipe: `ok`, or why it was not taken up."""
    stop = Flag()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.umask(0o077)  # what a recipe and its libraries write is its owner's alone
    try:
        log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        spec = JournalReader(folder).spec
        journal = Journal(folder, patience=2.0)
        last = next(iter(checkpoints_in(folder / "checkpoints")), None)
        mark = mark_of(os.getpid())
        journal.write(Started(pid=os.getpid(), process=mark or "", step=last.step if last else 0))
    except (AgentLabError, OSError) as error:
        os.write(told, str(error).encode())
        os._exit(2)
    null = os.open(os.devnull, os.O_RDONLY)
    for file, number in ((null, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    os.write(told, b"ok")
    os.close(told)
    if (folder / STOP).exists():
        stop.set()

    def end(reason: str) -> None:
        journal.end(Ended(outcome="failed", reason=reason))
        os._exit(1)

    overseer = Overseer(spec.limits, stop, end)
    overseer.start()
    ended = _run(spec, folder, journal, stop, overseer)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a log that takes no more: how the job ended is said all the same
            stream.flush()
    journal.end(ended)
    os._exit(0 if ended.outcome == "completed" else 1)


def _run(spec: JobSpec, folder: Path, journal: Journal, stop: Flag, overseer: Overseer) -> Ended:
    """Run the recipe, and put what came of it into words."""
    if spec.limits.threads is not None:
        for name in _THREADS:
            os.environ[name] = str(spec.limits.threads)
    wait_asleep()
    try:
        if Path(spec.folder).is_dir():
            os.chdir(spec.folder)
        if spec.on == "local":
            from agentlab_tools.train.recipe import load_recipe  # after the limits
            from agentlab_tools.train.work import Work

            recipe = load_recipe(spec.recipe)
            settings = recipe.read_settings(spec.settings)
            recipe.run(
                settings,
                Work(
                    folder,
                    tell=journal.write,
                    stop=stop,
                    every=spec.every,
                    keep=spec.keep,
                    seed=spec.seed,
                ),
            )
        else:
            from agentlab_tools.train.ray_runner import run_on_ray

            run_on_ray(spec, folder, journal.write, stop)
    except Stopped:
        if overseer.reason:
            return Ended(outcome="failed", reason=overseer.reason)
        return Ended(outcome="cancelled", reason="somebody stopped it")
    except AgentLabError as error:
        return Ended(outcome="failed", reason=str(error))
    except MemoryError:
        _log_traceback()
        return Ended(outcome="failed", reason="the machine has no more memory: use smaller batches")
    except BaseException as error:  # noqa: BLE001 - whatever a recipe does, the job says how it ended
        _log_traceback()
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return Ended(outcome="failed", reason=_NO_ROOM)
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        return Ended(outcome="failed", reason=f"{what} (see `agentlab jobs logs {spec.id}`)")
    return Ended(outcome="completed")


def _log_traceback() -> None:
    with suppress(OSError):
        traceback.print_exc()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
