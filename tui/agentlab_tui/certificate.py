"""A certificate of work: what was passed, with which answers, and the numbers they reached.

Nobody signs it. It holds the answers themselves, and whoever doubts it has them graded again.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Literal, TypeAlias

from pydantic import ValidationError

from agentlab.backend import Backend
from agentlab.errors import AgentLabError, ConfigError
from agentlab.labs.answers import Answer, parse_answer
from agentlab.labs.runner import Grader, StepFinished, StepReport
from agentlab.labs.values import Lab, QuizStep, ReadStep, Step, answer_type
from agentlab.messages import Value
from agentlab_tui.catalog import LabEntry
from agentlab_tui.progress import ProgressStore


class CertifiedStep(Value):
    """A step that was passed.

    Attributes:
        at: when, in seconds since the epoch.
        model: that which was asked; empty where none was.
        sha256: of the answer's text, in UTF-8.
        answer: the text itself; None where it was left out.
        checks: what each asks for, and what it found.
    """

    step: str
    title: str
    at: float
    model: str
    sha256: str
    answer: str | None
    checks: tuple[tuple[str, str], ...]


class CertifiedLab(Value):
    """A lab of which steps were passed; `of` says how many it has to pass."""

    lab: str
    title: str
    of: int
    steps: tuple[CertifiedStep, ...]

    @property
    def whole(self) -> bool:
        """Whether every step was passed."""
        return len(self.steps) == self.of


class Certificate(Value):
    """What a learner has passed."""

    format: Literal[1] = 1
    name: str
    made: float
    version: str
    """Of AgentLab, by which it was made."""
    labs: tuple[CertifiedLab, ...]

    @classmethod
    def read(cls, data: bytes, name: str) -> Certificate:
        """The certificate in a file.

        Raises:
            ConfigError: it holds none.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            hint = "; a page is there to be read" if data.lstrip()[:1] == b"<" else ""
            made_by = "agentlab progress export -o FILE.json"
            raise ConfigError(f"{name} is no certificate: {made_by} writes one{hint}") from None

    @property
    def digest(self) -> str:
        """Names it by all that it holds; the page and the file of one certificate have the same."""
        bare = self.model_copy(update={"labs": tuple(map(_without_answers, self.labs))})
        return hashlib.sha256(bare.model_dump_json().encode()).hexdigest()


def _without_answers(lab: CertifiedLab) -> CertifiedLab:
    steps = (step.model_copy(update={"answer": None}) for step in lab.steps)
    return lab.model_copy(update={"steps": tuple(steps)})


def sha256_of(text: str) -> str:
    """The hash of an answer's text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def to_pass(lab: Lab) -> list[Step]:
    """The steps of a lab that have something to pass."""
    return [step for step in lab.steps if not isinstance(step, ReadStep)]


def certified(
    entries: Iterable[LabEntry], store: ProgressStore, *, answers: bool
) -> Iterator[CertifiedLab]:
    """The labs of which something was passed.

    Steps that were passed before answers were kept with their numbers are left out: one has to pass
    them again.
    """
    for entry in entries:
        if entry.lab is None:
            continue
        progress = store.lab(entry.id)
        steps: list[CertifiedStep] = []
        for step in to_pass(entry.lab):
            kept = progress.passed_with.get(step.id)
            if kept is not None and step.id in progress.passed:
                steps.append(
                    CertifiedStep(
                        step=step.id,
                        title=step.title,
                        at=progress.passed[step.id],
                        model=kept.model,
                        sha256=sha256_of(kept.answer),
                        answer=kept.answer if answers else None,
                        checks=kept.checks,
                    )
                )
        if steps:
            yield CertifiedLab(
                lab=entry.id,
                title=entry.lab.title,
                of=len(to_pass(entry.lab)),
                steps=tuple(steps),
            )


Outcome: TypeAlias = Literal["passed", "failed", "changed", "no answer", "gone"]
"""The last three were not graded: another answer than was certified, none, or no such step here."""


class Verified(Value):
    """What became of a step that was graded again."""

    lab: str
    step: str
    outcome: Outcome
    reason: str

    @property
    def holds(self) -> bool:
        """Whether the answer was graded, and passed."""
        return self.outcome == "passed"


async def verified(
    certificate: Certificate, entries: Mapping[str, LabEntry], connect: Callable[[str], Backend]
) -> AsyncGenerator[Verified]:
    """Grade every answer again, as it was graded then, on the models that are named.

    Args:
        entries: the labs there are, by id.
        connect: opens a model by its name; for a step that asked none, by that of its lab.
    """
    for lab in certificate.labs:
        entry = entries.get(lab.lab)
        for step in lab.steps:
            yield await _verified(entry, lab.lab, step, connect)


async def _verified(
    entry: LabEntry | None, lab: str, step: CertifiedStep, connect: Callable[[str], Backend]
) -> Verified:
    def came_out(outcome: Outcome, reason: str) -> Verified:
        return Verified(lab=lab, step=step.step, outcome=outcome, reason=reason)

    if step.answer is None:
        return came_out("no answer", "the certificate was made without answers")
    if sha256_of(step.answer) != step.sha256:
        return came_out("changed", "the answer is not the one whose hash is given")
    if entry is None or entry.lab is None:
        return came_out("gone", entry.problem if entry else "there is no such lab here")
    found = next((one for one in to_pass(entry.lab) if one.id == step.step), None)
    if found is None:
        return came_out("gone", "the lab has no such step any more")
    try:
        answer = parse_answer(step.answer, answer_type(found), "the answer")
        report = await _graded(entry.lab, found, answer, connect, step.model)
    except AgentLabError as error:
        return came_out("failed", str(error))
    told = [check.reason for check in report.checks if check.passed == report.passed]
    return came_out("passed" if report.passed else "failed", "; ".join(told))


async def _graded(
    lab: Lab, step: Step, answer: Answer, connect: Callable[[str], Backend], model: str
) -> StepReport:
    from agentlab.backends.scripted import Scripted

    backend = Scripted([]) if isinstance(step, QuizStep) else connect(model or lab.backend)
    report: StepReport | None = None
    try:
        grader = Grader(lab=lab, backend=backend, runs=None)
        async with aclosing(grader.step_events(step, answer)) as events:
            async for event in events:
                if isinstance(event, StepFinished):
                    report = event.report
    finally:
        await backend.aclose()
    assert report is not None, "a step's events end with its report"
    return report
