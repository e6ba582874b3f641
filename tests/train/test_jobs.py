"""Training jobs, for real: each is a process of its own, and may be killed at any moment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentlab.errors import AgentLabError, ConfigError, MissingExtra, install_command
from agentlab_tools.train.errors import TrainingError
from agentlab_tools.train.events import Ended, Progress, Started
from agentlab_tools.train.jobs import Job, JobLimits, Jobs, JobSpec
from agentlab_tools.train.jobs.journal import JOURNAL, STOP, Journal, JournalReader, create
from agentlab_tools.train.jobs.pids import is_alive, mark_of
from agentlab_tools.train.jobs.sources import fingerprint

TINY = str(Path(__file__).with_name("tiny.py"))


@pytest.fixture
def jobs(tmp_path: Path):
    """A folder of jobs; none of them outlives its test."""
    jobs = Jobs(tmp_path / "jobs")
    yield jobs
    for job in jobs.list():
        if job.active:
            jobs.cancel(job.id, grace=0)


def wait(jobs: Jobs, job: Job, until: Callable[[Job], object]) -> Job:
    """Look until something holds of a job; a machine that has other work is given two minutes."""
    for _ in range(2400):
        if until(found := jobs.get(job.id)):
            return found
        time.sleep(0.05)
    raise AssertionError(f"it never came: {jobs.get(job.id)}")


def over(jobs: Jobs, job: Job) -> Job:
    return wait(jobs, job, lambda found: not found.active)


def kill(jobs: Jobs, job: Job) -> None:
    pid = jobs.get(job.id).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(jobs, job, lambda found: not found.active)


def losses(jobs: Jobs, job: Job) -> dict[int, float | None]:
    reader = jobs.open(job.id)
    reader.poll()
    return {step: progress.loss for step, progress in reader.curve.items()}


def line(jobs: Jobs, job: Job) -> str:
    (path,) = jobs.artifacts(job.id)
    return path.read_text()


def test_a_job_trains_and_tells_of_every_step(jobs):
    job = over(jobs, jobs.submit(TINY, {"steps": 30}))
    assert (job.state, job.checkpoint, job.attempts) == ("completed", 30, 1)
    assert list(losses(jobs, job)) == list(range(1, 31))
    assert job.progress is not None
    assert job.progress.eta == 0
    assert job.progress.tokens_per_second
    assert job.progress.more["slope"] == pytest.approx(3, abs=0.5)
    assert [made.name for made in job.artifacts] == ["line.txt"]
    assert jobs.log(job.id).read_text() == "done\n"


def test_a_job_outlives_the_program_that_started_it(jobs):
    code = (
        "import sys; from pathlib import Path; from agentlab_tools.train.jobs import Jobs\n"
        f"job = Jobs(Path({str(jobs.folder)!r})).submit({TINY!r}, {{'pause': 0.02}})\n"
        "import os, signal; os.killpg(0, signal.SIGKILL)\n"  # as if its terminal were closed
    )
    subprocess.run([sys.executable, "-c", code], start_new_session=True, timeout=60, check=False)
    (job,) = jobs.list()
    assert over(jobs, job).state == "completed"


def test_watching_shows_a_job_up_to_its_end(jobs):
    job = jobs.submit(TINY, {"steps": 20, "pause": 0.01})
    seen = list(jobs.watch(job.id))
    assert seen[0].active
    assert seen[-1].state == "completed"
    steps = [job.progress.step for job in seen if job.progress]
    assert steps == sorted(steps)


def test_after_kill_9_a_job_is_lost_and_resumes_to_the_very_same_end(jobs):
    whole = over(jobs, jobs.submit(TINY, {"steps": 60, "seed": 7}))
    cut = jobs.submit(TINY, {"steps": 60, "seed": 7, "pause": 0.01}, every=0.05)
    for reached in (10, 30):
        wait(jobs, cut, lambda job, n=reached: (job.checkpoint or 0) >= n)
        kill(jobs, cut)
        assert jobs.get(cut.id).state == "lost"
        jobs.resume(cut.id)
    cut = over(jobs, cut)
    assert (cut.state, cut.attempts) == ("completed", 3)
    assert losses(jobs, cut) == losses(jobs, whole)
    assert line(jobs, cut) == line(jobs, whole)


def test_another_seed_is_another_run(jobs):
    ends = [line(jobs, over(jobs, jobs.submit(TINY, {"seed": seed}))) for seed in (1, 2)]
    assert ends[0] != ends[1]


def test_cancelling_leaves_a_checkpoint_of_the_last_step_to_resume_from(jobs):
    job = jobs.submit(TINY, {"steps": 500, "pause": 0.01})
    wait(jobs, job, lambda found: found.progress)
    job = jobs.cancel(job.id)
    assert job.state == "cancelled"
    assert job.progress is not None
    assert job.checkpoint == job.progress.step < 500
    again = jobs.resume(job.id)
    assert again.state == "running"
    jobs.cancel(again.id)
    first = [r.event.step for r in records(jobs, job) if isinstance(r.event, Started)]
    assert first == [0, job.checkpoint]
    steps = [r.event.step for r in records(jobs, job) if isinstance(r.event, Progress)]
    assert steps == list(range(1, len(steps) + 1))  # none done twice, none left out


def records(jobs: Jobs, job: Job):
    return jobs.open(job.id).poll()


def test_a_job_that_does_not_stop_is_killed(jobs):
    job = jobs.submit(TINY, {"ignore_stop": True})
    pid = wait(jobs, job, lambda found: found.pid).pid
    assert pid is not None
    mark = mark_of(pid)
    assert mark is not None
    ended = jobs.cancel(job.id, grace=0.2)
    assert (ended.state, ended.reason) == (
        "cancelled",
        "it did not stop in time and was killed",
    )
    assert not is_alive(pid, mark)


def test_a_running_or_complete_job_is_not_resumed(jobs):
    job = jobs.submit(TINY, {"pause": 0.02})
    with pytest.raises(TrainingError, match="nothing to resume"):
        jobs.resume(job.id)
    over(jobs, job)
    with pytest.raises(TrainingError, match="is complete"):
        jobs.resume(job.id)


def test_a_job_is_never_taken_up_twice(jobs):
    job = jobs.submit(TINY, {"steps": 500, "pause": 0.01})
    with pytest.raises(TrainingError, match="already running"):
        Journal(jobs.find(job.id))
    with pytest.raises(TrainingError, match="already running"):
        jobs._start(jobs.find(job.id))
    assert jobs.get(job.id).attempts == 1


def test_a_number_used_again_by_another_process_is_not_the_job(jobs):
    job = over(jobs, jobs.submit(TINY, {"steps": 1}))
    folder = jobs.find(job.id)
    journal = Journal(folder)  # this very process, under another's mark: as after a reboot
    journal.write(Started(pid=os.getpid(), process="an earlier boot 42"))
    assert jobs.get(job.id).state == "lost"
    journal.write(Started(pid=os.getpid(), process=mark_of(os.getpid()) or ""))
    assert jobs.get(job.id).state == "running"
    journal.end(Ended(outcome="cancelled"))


def test_a_job_whose_submitter_died_before_it_started_is_lost_and_can_be_resumed(jobs):
    spec = JobSpec(id="old", recipe=TINY, settings={"steps": 3}, created=time.time())
    create(jobs.folder / "old", spec)
    assert jobs.get("old").state == "starting"
    create(jobs.folder / "old", spec.model_copy(update={"created": time.time() - 3600}))
    assert jobs.get("old").state == "lost"
    assert over(jobs, jobs.resume("old")).state == "completed"


def test_a_job_that_is_asked_to_stop_while_it_starts_does_not_train(jobs):
    create(jobs.folder / "new", JobSpec(id="new", recipe=TINY, settings={"steps": 3}))
    (jobs.folder / "new" / STOP).touch()
    job = over(jobs, jobs._start(jobs.folder / "new"))
    assert job.state == "cancelled"
    assert job.progress is None


def test_a_zombie_is_not_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    mark = mark_of(child.pid)
    while is_alive(child.pid, mark or ""):
        time.sleep(0.01)
    assert mark_of(child.pid) is None
    child.wait()


def test_the_time_limit_stops_a_job_after_a_checkpoint(jobs):
    limits = JobLimits(seconds=3)
    job = over(jobs, jobs.submit(TINY, {"steps": 9999, "pause": 0.01}, limits=limits))
    assert (job.state, job.reason) == ("failed", "the time limit of 3 s was reached")
    assert job.progress is not None
    assert job.checkpoint == job.progress.step


def test_the_memory_limit_ends_a_job_in_one_line(jobs):
    limits = JobLimits(memory=200 << 20)
    asked = {"steps": 9999, "pause": 0.005, "grow": 4 << 20}
    job = over(jobs, jobs.submit(TINY, asked, limits=limits, every=0.05))
    assert job.state == "failed"
    assert "the limit is 200 MB" in job.reason
    assert job.checkpoint


def test_the_thread_limit_reaches_the_libraries(jobs, tmp_path):
    recipe = tmp_path / "threads.py"
    recipe.write_text(
        "import os\n"
        "from agentlab_tools.train.recipe import Recipe, RecipeSettings\n"
        "def run(settings, work): work.say(os.environ['OMP_NUM_THREADS'])\n"
        "recipe = Recipe('threads', '', RecipeSettings, run, needs=())\n"
    )
    job = over(jobs, jobs.submit(str(recipe), {}, limits=JobLimits(threads=3)))
    assert job.said == "3"


def test_the_threads_of_a_job_sleep_while_they_wait_unless_somebody_says_otherwise(
    jobs, tmp_path, monkeypatch
):
    recipe = tmp_path / "waits.py"
    recipe.write_text(
        "import os, sys\n"
        "from agentlab_tools.train.recipe import Recipe, RecipeSettings\n"
        "early = 'torch' in sys.modules\n"
        "def run(settings, work): work.say(f\"{os.environ['OMP_WAIT_POLICY']} {early}\")\n"
        "recipe = Recipe('waits', '', RecipeSettings, run, needs=())\n"
    )
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert over(jobs, jobs.submit(str(recipe), {})).said == "passive False"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert over(jobs, jobs.submit(str(recipe), {})).said == "active False"


def test_a_bug_in_a_recipe_is_one_line_and_its_traceback_in_the_log(jobs):
    job = over(jobs, jobs.submit(TINY, {"raise_at": 3}))
    assert job.state == "failed"
    assert job.reason.startswith("RuntimeError: a bug in the recipe (see `agentlab jobs logs ")
    assert "Traceback" in jobs.log(job.id).read_text()


def test_a_loss_that_is_no_number_ends_the_job(jobs):
    job = over(jobs, jobs.submit(TINY, {"diverge": True}))
    assert job.state == "failed"
    assert "training diverged" in job.reason


def test_mistakes_are_told_before_a_job_is_made(jobs, tmp_path):
    lost = tmp_path / "lost.py"
    lost.write_text(
        "from agentlab_tools.train.recipe import Recipe, RecipeSettings\n"
        "recipe = Recipe('lost', '', RecipeSettings, print, needs=('no_such_module',))\n"
    )
    with pytest.raises(ConfigError, match=r"no setting 'stepz'; there are: .*steps"):
        jobs.submit(TINY, {"stepz": 3})
    with pytest.raises(ConfigError, match="lr: Input should be a valid number"):
        jobs.submit(TINY, {"lr": "fast"})
    with pytest.raises(ConfigError, match="no recipe 'nope'"):
        jobs.submit("nope", {})
    with pytest.raises(ConfigError, match="say local, ray"):
        jobs.submit(TINY, {}, on="mars")
    with pytest.raises(
        MissingExtra, match="no_such_module.*" + re.escape(install_command("train"))
    ):
        jobs.submit(str(lost), {})
    assert jobs.list() == []
    assert not jobs.folder.exists()


def test_a_job_does_not_go_on_with_other_data_unless_told_to(jobs, tmp_path):
    data = tmp_path / "line.jsonl"
    data.write_text('{"text": "one"}\n')
    job = jobs.submit(TINY, {"data": str(data), "steps": 400, "pause": 0.02})
    jobs.cancel(job.id)
    data.write_text('{"text": "two"}\n')
    with pytest.raises(TrainingError, match=r"line.jsonl is not what job .* --changed-data"):
        jobs.resume(job.id)
    data.write_text('{"text": "one"}\n')
    jobs.cancel(jobs.resume(job.id).id)
    data.unlink()
    with pytest.raises(TrainingError, match="--changed-data"):
        jobs.resume(job.id)
    assert jobs.cancel(jobs.resume(job.id, changed_data=True).id).attempts == 3


def test_a_folder_is_the_same_data_only_with_the_same_names_and_bytes(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    seen = {fingerprint(["texts"], tmp_path)}
    for change in (
        lambda: (folder / "b.txt").write_text(""),
        lambda: (folder / "b.txt").write_text("two"),
        lambda: (folder / "b.txt").rename(folder / "c.txt"),
    ):
        change()
        now = fingerprint(["texts"], tmp_path)
        assert now not in seen
        seen.add(now)
    assert fingerprint([str(folder)], Path("/")) == now
    assert fingerprint(["not-there"], tmp_path) == ""


CHAT = '{"prompt": "Hello", "completion": "Ahoy"}\n'


@pytest.mark.parametrize(
    ("recipe", "data", "settings", "said"),
    [
        ("lora", None, {}, "no-such.jsonl can't be read"),
        ("lora", CHAT + "not JSON\n", {}, r"data.jsonl:2 is not JSON"),
        ("full-finetune", '{"text": "Hello"}\n', {}, r"data.jsonl:1 has no list of messages"),
        ("dpo", CHAT, {}, r"data.jsonl:1: a preference has"),
        ("rlhf", '{"prompt": "a", "chosen": "b", "rejected": "b"}\n', {}, "are the same"),
        ("pretrain", '{"id": 7}\n', {}, "data.jsonl:1 has no text"),
        ("pretrain", '{"text": "a"}\n', {"width": 100, "heads": 3}, "make it a multiple of 6"),
        ("lora", CHAT, {"model": "gone.gguf"}, "gone.gguf"),
        ("lora", CHAT, {"model": "gpt2"}, "a gpt2 model can't be written as GGUF"),
        ("lora", CHAT, {"keep": "data.txt"}, "data.txt can't be read"),
    ],
)
def test_a_job_that_could_only_fail_is_not_begun(
    jobs, tmp_path, monkeypatch, recipe, data, settings, said
):
    pytest.importorskip("peft")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "config.json").write_text('{"model_type": "gpt2"}')
    if data is not None:
        (tmp_path / "data.jsonl").write_text(data)
    name = "no-such.jsonl" if data is None else "data.jsonl"
    with pytest.raises(AgentLabError, match=said):
        jobs.submit(recipe, {"data": name, **settings})
    assert not jobs.folder.exists()


def test_a_journal_cut_short_at_any_byte_still_tells_of_the_job(jobs):
    job = over(jobs, jobs.submit(TINY, {"steps": 3}))
    path = jobs.find(job.id) / JOURNAL
    data = path.read_bytes()
    head = data.index(b"\n") + 1
    for size in range(head, len(data)):
        path.write_bytes(data[:size])
        found = jobs.get(job.id)
        assert found.torn == 0
        assert found.state in ("starting", "lost")
        assert found.progress is None or found.progress.step <= 3
    path.write_bytes(data[:head] + b"not json\n" + data[head:])
    assert jobs.get(job.id).torn == len(b"not json")
    assert jobs.get(job.id).state == "completed"


def test_jobs_are_found_by_the_start_the_mark_and_last(jobs):
    first = over(jobs, jobs.submit(TINY, {"steps": 1}))
    second = over(jobs, jobs.submit(TINY, {"steps": 2}))
    ids = [job.id for job in jobs.list()]
    assert sorted(ids) == sorted([first.id, second.id])
    assert jobs.get("last").id == ids[0]
    assert jobs.get(first.id.split("-")[2]).id == first.id
    with pytest.raises(ConfigError, match="names several"):
        jobs.get("2")
    with pytest.raises(ConfigError, match="no job 'zzz'"):
        jobs.get("zzz")


def test_a_reader_sees_only_whole_lines_and_each_once(jobs):
    job = over(jobs, jobs.submit(TINY, {"steps": 5}))
    folder = jobs.find(job.id)
    reader = JournalReader(folder)
    assert len(reader.poll()) == 10  # started, said, five steps, checkpoint, artifact, ended
    with (folder / JOURNAL).open("ab") as file:
        file.write(b'{"at": 1, "event": {"kind": "said", ')
        file.flush()
        assert reader.poll() == []
        file.write(b'"text": "late"}}\n')
    assert [record.event.kind for record in reader.poll()] == ["said"]
