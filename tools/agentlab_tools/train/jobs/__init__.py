"""Training jobs: processes of their own that are submitted, watched, stopped and resumed."""

from __future__ import annotations

from agentlab_tools.train.jobs.job import Job, JobLimits, JobSpec, State
from agentlab_tools.train.jobs.manager import Jobs

__all__ = ["Job", "JobLimits", "JobSpec", "Jobs", "State"]
