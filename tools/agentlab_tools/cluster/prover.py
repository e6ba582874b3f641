"""What a node does to prove a lab: grade one of its answers, as `agentlab check-lab` does here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from agentlab.errors import AgentLabError
from agentlab.labs.prove import Claim, proof_of
from agentlab.labs.runner import Grader
from agentlab_tools.cluster.enclosed import References
from agentlab_tools.cluster.guest import Guest, Told

if TYPE_CHECKING:
    from agentlab.backend import Backend

Proved: TypeAlias = tuple[Literal["proof", "refused"], str]
"""A `Proof` as JSON, or why there can be none here."""


class Assignment(Told):
    """What a node is told: which model, and on which draws of their cases answers are graded."""

    backend: str
    seeds: tuple[int, ...]


class Prover(Guest):
    """An actor that grades answers, one after the other."""

    def __init__(self, assignment: str, lab: bytes, files: References) -> None:
        """Take what is to be done; `lab` is the packed folder of the lab."""
        self._assignment = Assignment.model_validate_json(assignment)
        self._model: Backend | None = None
        super().__init__(self._assignment, lab, files)

    def open(self) -> None:
        """Open the model."""
        self._model = self.model(self._assignment.backend)

    async def prove(self, claim: str) -> Proved:
        """Whether an answer is judged as it should be, from a `Claim` as JSON."""
        assert self.lab is not None and self._model is not None, "opened first"  # noqa: PT018
        grader = Grader(lab=self.lab, backend=self._model, runs=None)
        try:
            proof = await proof_of(Claim.model_validate_json(claim), grader, self._assignment.seeds)
        except AgentLabError as error:  # the lab lacks something here
            return "refused", f"on {self.host}: {error}"
        return "proof", proof.model_dump_json()
