"""What a node does for an evaluation: ask samples, and hand back what came of it.

The other side of `interviewers`; every node needs this module.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from agentlab.errors import AgentLabError, ConfigError
from agentlab.evaluate import Interview, Plan, Sample, Task
from agentlab_tools.cluster.enclosed import References
from agentlab_tools.cluster.guest import Guest, Told
from agentlab_tools.scored_code import sandbox_runner

if TYPE_CHECKING:
    from agentlab.backend import Backend

Sent: TypeAlias = tuple[str, bytes]
"""A run's id and its trace; of a blob, its hash and its bytes."""
Answered: TypeAlias = (
    tuple[Literal["result"], str, list[Sent], list[Sent]] | tuple[Literal["refused"], str]
)
"""A `RunResult` as JSON with its traces and their blobs, or why no sample can be asked."""


class Brief(Told):
    """An evaluation, as a node is told of it."""

    plan: Plan
    evaluation: str
    """Name of the results."""
    backend: str
    judge: str | None = None
    fingerprint: str
    """Of the evaluation at home. A node that comes to another one has other models or tools."""


class Interviewer(Guest):
    """An actor: asks one agent its samples, several at once if the model is elsewhere."""

    def __init__(self, brief: str, lab: bytes | None, files: References) -> None:
        """Take what is to be done; `lab` is the packed folder of a lab whose step is evaluated."""
        self._brief = Brief.model_validate_json(brief)
        self._task: Task | None = None
        self._judge: Backend | None = None
        self._samples: dict[str, Sample] = {}
        super().__init__(self._brief, lab, files)

    def open(self) -> None:
        """Open the models, and make sure that the evaluation is the one at home."""
        brief = self._brief
        task = brief.plan.open_task(self.model(brief.backend), None, self.lab)
        self._task = replace(task, labels={**task.labels, "node": self.host})
        self._judge = self.model(brief.judge) if brief.judge else None
        interview = self._interview(None)
        names = tuple(scorer.name for scorer in interview.scorers)
        if interview.task.fingerprint(names) != brief.fingerprint:
            raise ConfigError(
                "the model, the tools or AgentLab itself are others than on your machine, "
                "so the answers can't be put together"
            )
        self._samples = {one.id: one for one in interview.task.samples}

    async def ask(self, sample: str, epoch: int) -> Answered:
        """Run the agent on a sample, and score it."""
        with tempfile.TemporaryDirectory(dir=self.folder.name) as name:
            runs = Path(name)
            try:
                result = await self._interview(runs).ask(self._samples[sample], epoch)
            except AgentLabError as error:  # for all samples: what one of them did is in its result
                return "refused", f"on {self.host}: {error}"
            return "result", result.model_dump_json(), *_left_in(runs)

    def _interview(self, runs: Path | None) -> Interview:
        """Asks with traces in a folder of their own, so that they can be told apart."""
        assert self._task is not None, "opened first"
        task = replace(self._task, agent=self._task.agent.with_(runs=runs))
        scorers = self._brief.plan.open_scorers(task, runs, judge=self._judge, code=sandbox_runner)
        return Interview(task, scorers, self._brief.evaluation)


def _left_in(runs: Path) -> tuple[list[Sent], list[Sent]]:
    """The traces in a folder, and their blobs."""
    traces = [(path.stem, path.read_bytes()) for path in sorted(runs.glob("*.jsonl"))]
    return traces, [(path.name, path.read_bytes()) for path in sorted(runs.glob("blobs/*"))]
