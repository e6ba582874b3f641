"""What a learner hands in for a lab: files named after the steps, or a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agentlab.errors import LabError
from agentlab.labs.answers import Answer, read_answer
from agentlab.labs.lab_notebook import ENDING, answers_in
from agentlab.labs.values import Lab, Step, answer_name, answer_type


def solutions(lab: Lab, step_ids: Sequence[str] = ()) -> Mapping[str, Answer]:
    """The reference solutions of some steps, by default of all.

    Raises:
        LabError: the lab has no such step.
    """
    return {step.id: step.solution for step in _steps(lab, step_ids)}


def handed_in(lab: Lab, place: Path, step_ids: Sequence[str] = ()) -> Mapping[str, Answer]:
    """The answers in a file, a notebook or a folder, by step; steps without one are left out.

    Raises:
        LabError: there is none at all, or one can't be read.
    """
    if place.suffix == ENDING and place.is_file():
        by_step = answers_in(place, lab)
        chosen = {step.id: by_step[step.id] for step in _steps(lab, step_ids) if step.id in by_step}
        if not chosen:
            raise LabError(f"{place} holds no answers to {', '.join(step_ids) or lab.id}")
        return chosen
    if place.is_file():
        step = lab.step(place.stem)
        return {step.id: read_answer(place, answer_type(step))}
    files = [(step, place / answer_name(step)) for step in _steps(lab, step_ids)]
    answers = {
        step.id: read_answer(file, answer_type(step)) for step, file in files if file.exists()
    }
    if not answers:
        names = ", ".join(file.name for step, file in files if step.kind != "read")
        raise LabError(f"{place} holds no answers; expected some of: {names}")
    return answers


def place_of(lab: Lab, folder: Path) -> Path | None:
    """Where the answers to one lab lie in the folder of a module; None if nothing is there.

    That is `m0/bash` or `bash`, a folder, or with the ending of a notebook.
    """
    places = (folder / lab.id, folder / lab.id.partition("/")[2])
    books = (at.with_name(at.name + ENDING) for at in places)
    return next((at for at in (*places, *books) if at.exists()), None)


def _steps(lab: Lab, step_ids: Sequence[str]) -> Sequence[Step]:
    return [lab.step(id) for id in step_ids] or list(lab.steps)
