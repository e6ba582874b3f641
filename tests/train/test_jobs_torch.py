"""Jobs with a real recipe: torch goes on after `kill -9` to the same numbers, bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_jobs import kill, losses, over, wait
from test_train_tools import ask

import agentlab_tools.train
from agentlab_tools.train.jobs import JobLimits, Jobs

pytest.importorskip("torch")
pytestmark = pytest.mark.slow

SMALL = {"layers": 1, "width": 32, "heads": 2, "rows": 2, "vocabulary": 300}


@pytest.fixture
def jobs(tmp_path: Path):
    jobs = Jobs(tmp_path / "jobs")
    yield jobs
    for job in jobs.list():
        if job.active:
            jobs.cancel(job.id, grace=0)


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Our own source: 60,000 characters that look like something."""
    files = sorted(Path(agentlab_tools.train.__file__).parent.glob("*.py"))
    (tmp_path / "text.txt").write_text("\n\n".join(file.read_text() for file in files))
    return str(tmp_path / "text.txt")


def test_a_killed_training_of_a_language_model_comes_to_the_very_same_weights(jobs, text):
    asked = {**SMALL, "data": text, "context": 64, "steps": 40}
    limits = JobLimits(threads=1)
    whole = over(jobs, jobs.submit("pretrain", asked, limits=limits))
    cut = jobs.submit("pretrain", asked, limits=limits, every=0)
    wait(jobs, cut, lambda job: (job.checkpoint or 0) >= 5)
    kill(jobs, cut)
    cut = over(jobs, jobs.resume(cut.id))
    assert (whole.state, cut.state, cut.attempts) == ("completed", "completed", 2)
    assert losses(jobs, cut) == losses(jobs, whole)

    def weights(job):
        return (
            (jobs.folder / job.id / "artifacts" / "model.gguf")
            .read_bytes()
            .replace(job.id.encode(), b"its name")
        )

    assert weights(cut) == weights(whole)


async def test_a_trained_model_is_made_smaller_and_measured(jobs, text):
    asked = {**SMALL, "data": text, "context": 4096, "steps": 2}
    job = over(jobs, jobs.submit("pretrain", asked, limits=JobLimits(threads=1))).id
    said = await ask(jobs, "quantize_model", job=job, kind="Q8_0")
    made = Path(said.partition(": ")[0])
    assert made == jobs.folder / job / "artifacts" / "model-Q8_0.gguf"
    sizes = {path.name: path.stat().st_size for path in jobs.artifacts(job)}
    assert sizes[made.name] < sizes["model.gguf"]
    measured = await ask(jobs, "evaluate_model", model=job, cases=1)
    head, *sorts = measured.splitlines()
    assert head.startswith("all: 0.")
    assert head.endswith(f"/{len(sorts)})")
