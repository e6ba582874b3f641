"""`kill -9` at random moments, for real: no checkpoint and no job is ever damaged by it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

import numpy as np
import pytest
from test_jobs import TINY, losses, over, wait

from agentlab_tools.train.checkpoints import checkpoints_in
from agentlab_tools.train.jobs import Jobs
from agentlab_tools.train.jobs.table import query_jobs

pytestmark = pytest.mark.slow

KILLS = 50
FILL = 2_000_000


def test_fifty_kills_damage_nothing_and_every_job_comes_to_the_same_end(tmp_path):
    chance = random.Random(20261124)
    jobs = Jobs(tmp_path / "jobs")
    # A checkpoint after each step, so that most kills fall into the writing of one
    asked = {"steps": 150, "pause": 0.001, "fill": FILL}
    whole = losses(jobs, over(jobs, jobs.submit(TINY, asked, every=1)))
    job = jobs.submit(TINY, asked, every=0)
    kills, ends, before, left = 0, 0, 0, Counter()
    while kills < KILLS:
        time.sleep(chance.uniform(0, 0.35))
        pid = jobs.get(job.id).pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            kills += 1
        found = wait(jobs, job, lambda found: not found.active)
        folder = jobs.find(job.id) / "checkpoints"
        read = checkpoints_in(folder)
        left["half-written"] += any(folder.glob(".new-*"))
        for checkpoint in read:
            assert (checkpoint.folder / "filler.bin").stat().st_size == FILL
            assert np.load(checkpoint.folder / "model.npz")["weights"].shape == (2,)
        assert len(read) == len(list(folder.glob("step-*")))  # whole, or under another name
        newest = read[0].step if read else 0
        assert newest >= max(before, found.checkpoint or 0)  # none is lost that was told of
        before = newest
        if kills % 10 == 0:
            table = query_jobs(jobs.folder, "SELECT job, state FROM jobs")[1]
            assert {row[0]: row[1] for row in table}[job.id] == found.state
        assert found.state in ("lost", "completed")
        assert found.torn == 0
        if found.state == "completed":
            ends += 1
            assert losses(jobs, found) == whole
            job, before = jobs.submit(TINY, asked, every=0), 0
        else:
            job = jobs.resume(job.id)
    last = over(jobs, job)
    assert last.state in ("completed", "lost")
    if last.state == "lost":
        last = over(jobs, jobs.resume(last.id))
    assert losses(jobs, last) == whole
    assert left["half-written"], "no kill fell into the writing of a checkpoint: this shows nothing"
    (row,) = query_jobs(jobs.folder, "SELECT count(*), sum(attempts) FROM jobs")[1]
    assert row[0] == len(jobs.list())
