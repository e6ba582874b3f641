"""The same recipe on a real Ray cluster: several nodes, each a raylet with its own workers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ray_cluster import cluster_of, take_down, workers
from test_jobs import TINY, line, losses, over, wait

from agentlab_tools.train.jobs import Jobs

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    """A head and two nodes; its address, and the process that holds it."""
    with cluster_of(2) as held:
        yield held


@pytest.fixture
def jobs(tmp_path: Path):
    jobs = Jobs(tmp_path / "jobs")
    yield jobs
    for job in jobs.list():
        if job.active:
            jobs.cancel(job.id, grace=0)


@pytest.fixture
def no_cluster(monkeypatch):
    """Ray's folder as on a machine where there never was a cluster."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield Path(folder, "ray")


def test_a_cluster_that_crashed_is_not_waited_for(jobs, no_cluster):
    no_cluster.mkdir()
    note = no_cluster / "ray_current_cluster"
    note.write_text("127.0.0.1:1")
    job = over(jobs, jobs.submit(TINY, {"steps": 2}, on="ray"))
    assert (job.state, job.reason) == ("completed", "")


def test_a_cluster_that_is_noted_is_joined(cluster, jobs, no_cluster):
    no_cluster.mkdir()
    (no_cluster / "ray_current_cluster").write_text(cluster[0])
    job = jobs.submit(TINY, {"steps": 40, "pause": 0.05}, on="ray")
    wait(jobs, job, lambda found: found.progress)
    assert list(workers(cluster[1], "train_there"))
    assert over(jobs, job).state == "completed"


def test_a_cluster_that_the_environment_names_must_be_there(jobs, no_cluster, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    job = over(jobs, jobs.submit(TINY, {}, on="ray"))
    assert job.state == "failed"
    assert job.reason.startswith("can't reach the Ray cluster at 127.0.0.1:1: ")


def test_a_cluster_that_a_job_starts_reports_to_nobody(jobs, no_cluster, monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    told, begins = tmp_path / "told", "    work.seed_everything()\n"
    kept = 'os.environ["RAY_USAGE_STATS_ENABLED"]'
    asks = f"    import os\n    Path({str(told)!r}).write_text({kept})\n"
    recipe = tmp_path / "asks.py"
    recipe.write_text(Path(TINY).read_text().replace(begins, begins + asks))
    job = over(jobs, jobs.submit(str(recipe), {"steps": 2}, on="ray"))
    assert job.reason == ""
    assert told.read_text() == "0"


def test_a_job_on_a_cluster_comes_to_the_same_end_as_here_though_its_node_dies(cluster, jobs):
    address, process = cluster
    data = jobs.folder.parent / "data.txt"
    data.write_text("y = 3 x + 1")
    asked = {"steps": 80, "data": str(data)}
    here = over(jobs, jobs.submit(TINY, asked))
    there = jobs.submit(TINY, {**asked, "pause": 0.05}, on=f"ray:{address}", every=0.2)
    wait(jobs, there, lambda job: (job.checkpoint or 0) >= 10)
    (worker,) = workers(process, "train_there")
    take_down(worker)
    there = over(jobs, there)
    assert there.reason == ""
    assert there.state == "completed"
    said = [r.event.text for r in jobs.open(there.id).poll() if r.event.kind == "said"]
    assert sum("the node was lost, another one goes on after step" in text for text in said) == 1
    assert losses(jobs, there) == losses(jobs, here)
    assert line(jobs, there) == line(jobs, here)
    assert there.checkpoint == 80


def test_a_job_on_a_cluster_is_cancelled_after_a_checkpoint_and_resumed(cluster, jobs):
    address, _ = cluster
    job = jobs.submit(TINY, {"steps": 60, "pause": 0.05}, on=f"ray:{address}")
    wait(jobs, job, lambda found: found.progress)
    job = jobs.cancel(job.id)
    assert (job.state, job.reason) == ("cancelled", "somebody stopped it")
    assert job.progress is not None
    assert job.checkpoint == job.progress.step < 60
    assert over(jobs, jobs.resume(job.id)).state == "completed"


def test_a_recipe_that_fails_on_a_cluster_says_why(cluster, jobs):
    job = over(jobs, jobs.submit(TINY, {"raise_at": 3}, on=f"ray:{cluster[0]}"))
    assert job.state == "failed"
    assert job.reason.startswith("RuntimeError: a bug in the recipe")


def test_a_cluster_that_is_not_there_is_one_line(jobs):
    job = over(jobs, jobs.submit(TINY, {}, on="ray:127.0.0.1:1"))
    assert job.state == "failed"
    assert job.reason.startswith("can't reach the Ray cluster at 127.0.0.1:1: ")
    assert "ray start --address=127.0.0.1:1" in job.reason
