"""Checkpoints are whole or not there, whatever ends the process or fills the disk."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag

import pytest
import tiny
from small_disk import small_disk
from test_jobs import TINY, over

from agentlab_tools.train.checkpoints import MANIFEST, checkpoints_in, write_checkpoint
from agentlab_tools.train.errors import DiskFull, Stopped
from agentlab_tools.train.events import Ended, Said, Started
from agentlab_tools.train.jobs import Jobs, JobSpec
from agentlab_tools.train.jobs.journal import JOURNAL, Journal, JournalReader, create
from agentlab_tools.train.work import Work

MB = 1 << 20


def save(text: str):
    return lambda folder: (folder / "weights.bin").write_text(text)


def test_the_newest_checkpoints_stay(tmp_path):
    for step in (1, 2, 30):
        write_checkpoint(tmp_path, step, save(f"step {step}"), keep=2)
    assert [c.step for c in checkpoints_in(tmp_path)] == [30, 2]
    assert (checkpoints_in(tmp_path)[0].folder / "weights.bin").read_text() == "step 30"


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """A power cut can't be had here, so what is asked of the system is looked at, in order."""
    asked: list[str] = []
    sync, replace = os.fsync, Path.replace

    def fsync(file: int) -> None:
        asked.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        sync(file)

    def named(path: Path, target: Path) -> Path:
        asked.append(f"-> {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", named)
    write_checkpoint(tmp_path, 3, save("three"))
    before = asked[: asked.index("-> step-00000003")]
    new = str(tmp_path / ".new-step-00000003")
    assert set(before) == {new, f"{new}/weights.bin", f"{new}/{MANIFEST}"}
    assert asked[len(before) + 1] == str(tmp_path)


def test_a_checkpoint_is_its_owners_alone(tmp_path):
    parent = tmp_path / "job" / "checkpoints"
    folder = write_checkpoint(parent, 3, save("three")).folder
    assert [p.stat().st_mode & 0o777 for p in (tmp_path / "job", parent, folder)] == [0o700] * 3
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}


def test_what_is_no_whole_checkpoint_is_passed_over(tmp_path):
    whole = write_checkpoint(tmp_path, 1, save("whole"))
    for step, harm in enumerate(("cut", "gone", "manifest", "half"), 2):
        harmed = write_checkpoint(tmp_path, step, save("harmed"), keep=9).folder
        match harm:
            case "cut":
                (harmed / "weights.bin").write_text("har")
            case "gone":
                (harmed / "weights.bin").unlink()
            case "manifest":
                (harmed / "manifest.json").write_text('{"step":')
            case _:
                harmed.rename(tmp_path / ".new-step-00000005")
    assert checkpoints_in(tmp_path) == [whole]
    assert Work(tmp_path.parent / "nothing").latest() is None


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    def fails(folder: Path) -> None:
        (folder / "weights.bin").write_text("half")
        raise RuntimeError("a bug")

    write_checkpoint(tmp_path, 1, save("whole"))
    with pytest.raises(RuntimeError, match="a bug"):
        write_checkpoint(tmp_path, 2, fails)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_a_recipe_runs_by_hand_and_goes_on_where_it_stopped(tmp_path):
    events, stop = [], Flag()

    def tell(event):
        events.append(event)
        if event.kind == "progress" and event.step == 10:
            stop.set()

    settings = tiny.Settings(steps=25)
    with pytest.raises(Stopped):
        tiny.train(settings, Work(tmp_path / "cut", tell=tell, stop=stop))
    cut = Work(tmp_path / "cut", tell=events.append)
    assert (last := cut.latest()) is not None
    assert last.step == 10
    tiny.train(settings, cut)
    whole = []
    tiny.train(settings, Work(tmp_path / "whole", tell=whole.append))

    def losses(events):
        return [(e.step, e.loss) for e in events if e.kind == "progress"]

    assert losses(events) == losses(whole)


@pytest.fixture
def disk(tmp_path: Path):
    with small_disk(tmp_path / "disk", "2m") as folder:
        yield folder


def test_a_full_disk_ends_the_job_in_one_line_with_its_last_checkpoint_whole(disk):
    jobs = Jobs(disk / "jobs")
    job = jobs.submit(TINY, {"steps": 60, "pause": 0.02, "fill": 600_000}, every=0.1)
    while (job := jobs.get(job.id)).active and not job.checkpoint:
        pass
    (disk / "others").write_bytes(b"x" * MB)  # somebody else's files come in between
    job = over(jobs, job)
    assert job.state == "failed"
    assert job.reason.startswith("the disk is full: the checkpoint of step ")
    assert "\n" not in job.reason
    (last, *_) = checkpoints_in(jobs.find(job.id) / "checkpoints")
    assert last.step == job.checkpoint
    (disk / "others").unlink()
    jobs.resume(job.id)
    assert over(jobs, job).state == "completed"


def test_a_disk_without_a_byte_left_still_takes_the_last_line(disk):
    jobs = Jobs(disk / "jobs")
    job = jobs.submit(TINY, {"steps": 5000, "pause": 0.001}, every=0.01)
    while (job := jobs.get(job.id)).active and not job.checkpoint:
        pass
    with (disk / "others").open("wb", buffering=0) as file:
        while (job := jobs.get(job.id)).active:  # whatever becomes free is taken at once
            with suppress(OSError):
                while True:
                    file.write(b"x" * 4096)
    assert job.state == "failed"
    assert job.reason.startswith("the disk is full")
    (last, *_) = checkpoints_in(jobs.find(job.id) / "checkpoints")
    assert last.step == job.checkpoint


def test_last_words_wait_beside_a_journal_that_takes_no_more(tmp_path):
    folder = tmp_path / "job"
    create(folder, JobSpec(id="job", recipe=TINY))
    journal = Journal(folder)
    journal.write(Started(pid=1, process="no process has this mark"))
    journal.write(Said(text="x" * 5000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / JOURNAL).stat().st_size, before[1]))
    try:
        with pytest.raises(DiskFull):
            journal.write(Said(text="more"))
        journal.end(Ended(outcome="failed", reason="the disk is full"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    found = Jobs(tmp_path).get("job")
    assert (found.state, found.reason) == ("failed", "the disk is full")
    Journal(folder).close()  # whoever takes the job up first puts them in their place
    ended = [r.event for r in JournalReader(folder).poll() if r.event.kind == "ended"]
    assert ended == [Ended(outcome="failed", reason="the disk is full")]
    assert not (folder / ".last-words").read_bytes().strip()


def test_an_end_that_comes_after_the_journal_was_read_is_not_taken_for_a_loss(tmp_path):
    folder = tmp_path / "job"
    create(folder, JobSpec(id="job", recipe=TINY))
    journal = Journal(folder)
    journal.write(Started(pid=1, process="no process has this mark"))
    reader = JournalReader(folder)
    reader.poll()
    assert reader.job().state == "lost"
    journal.end(Ended(outcome="completed"))
    assert reader.job().state == "completed"
    assert [record.event.kind for record in reader.poll()] == ["ended"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"steps": 3}, "the disk is full: what the recipe printed"),
        ({"steps": 3, "raise_at": 2}, "RuntimeError: a bug in the recipe"),
    ],
)
def test_a_log_that_takes_no_more_does_not_hide_how_a_job_ended(tmp_path, settings, reason):
    folder = tmp_path / "job"
    create(folder, JobSpec(id="job", recipe=TINY, settings=settings))
    (folder / "log.txt").symlink_to("/dev/full")
    worker = [sys.executable, "-m", "agentlab_tools.train.jobs.worker", str(folder)]
    subprocess.run(worker, check=True, timeout=60)
    job = over(Jobs(tmp_path), Jobs(tmp_path).get("job"))
    assert job.state == "failed"
    assert job.reason.startswith(reason)


def test_torch_and_safetensors_on_a_full_disk_say_so_too(tmp_path):
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    tensor = {"weights": torch.zeros(MB)}
    write_checkpoint(tmp_path, 1, save("whole"))
    saves = {
        "torch": lambda folder: torch.save(tensor, folder / "w.pt"),
        "safetensors": lambda folder: safetensors.save_file(tensor, folder / "w.safetensors"),
    }
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for name, write in saves.items():
        resource.setrlimit(resource.RLIMIT_FSIZE, (MB, before[1]))
        try:
            with pytest.raises(DiskFull, match="the disk is full"):
                write_checkpoint(tmp_path, 2, write)
        except RuntimeError as error:
            raise AssertionError(f"{name}: {error}") from error
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_importing_recipes_brings_no_heavy_library():
    code = (
        "import agentlab_tools.train.jobs, agentlab_tools.train.recipe, sys\n"
        "print(sorted({'torch', 'numpy', 'duckdb', 'rich', 'ray', 'psutil'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
