"""Labs as notebooks: every one exports, real kernels run some, and the answers come back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from small_lab import write_lab

from agentlab.cli.main import cli
from agentlab.errors import LabError
from agentlab.labs.answers import Answer, CodeAnswer, QuizAnswer
from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders, load
from agentlab.labs.handed_in import handed_in
from agentlab.labs.lab_notebook import answer_cell, answers_in, notebook_of, write_notebook
from agentlab.labs.toml_text import answer_text
from agentlab.labs.values import Lab, ReadStep, Step

LABS = dict(list_folders(lab_roots()))


def text_of(answer: Answer) -> str:
    assert answer.kind != "read"
    return answer.code if isinstance(answer, CodeAnswer) else answer_text(answer)


def asked(lab: Lab) -> dict[str, Step]:
    return {step.id: step for step in lab.steps if not isinstance(step, ReadStep)}


def answered(book: dict[str, Any], lab: Lab, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """The notebook with the solutions in its answer cells."""
    for id, step in asked(lab).items():
        if not only or id in only:
            (cell,) = [cell for cell in book["cells"] if cell["id"] == f"{id}-answer"]
            cell["source"] = answer_cell(step, text_of(step.solution))
    return book


def same(given: Answer, wanted: Answer) -> bool:
    if isinstance(given, CodeAnswer) and isinstance(wanted, CodeAnswer):
        return given.code.rstrip() == wanted.code.rstrip()
    return given == wanted


@pytest.mark.parametrize("folder", LABS.values(), ids=LABS.keys())
def test_every_lab_exports_and_its_answers_read_back_equal(folder: Path, tmp_path: Path):
    lab = load(folder)
    file = tmp_path / "lab.ipynb"
    write_notebook(lab, file)
    nbformat.validate(nbformat.read(file, as_version=4))
    given = answers_in(file, lab)
    assert given.keys() == asked(lab).keys()
    assert all(same(given[id], step.starter) for id, step in asked(lab).items())
    said = "\n".join(c["source"] for c in notebook_of(lab)["cells"] if c["cell_type"] == "markdown")
    assert lab.lesson.intro in said
    assert all(text in said for text in lab.lesson.steps.values())
    file.write_text(json.dumps(answered(notebook_of(lab), lab)), encoding="utf-8")
    given = answers_in(file, lab)
    assert all(same(given[id], step.solution) for id, step in asked(lab).items())


def execute(book: dict[str, Any], home: Path) -> dict[str, list[Any]]:
    """Run it top to bottom in a kernel of its own; what each cell put out, by the cell's id."""
    nbclient = pytest.importorskip("nbclient")
    before = dict(os.environ)
    os.environ["AGENTLAB_HOME"] = str(home)
    made: Any = nbformat.from_dict(book)
    try:
        nbclient.NotebookClient(
            made, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(home)}}
        ).execute()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return {cell["id"]: cell.get("outputs", []) for cell in made.cells}


def said(outputs: list[Any]) -> str:
    """What was printed; pictures and sounds may stand between it, errors may not."""
    told = [out for out in outputs if out["output_type"] == "stream"]
    shown = [out for out in outputs if out["output_type"] == "display_data"]
    assert len(told) + len(shown) == len(outputs), outputs
    assert not [out for out in told if out["name"] == "stderr" and "Error" in out["text"]]
    return "".join(out["text"] for out in told if out["name"] == "stdout")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("id", ["m3/embeddings", "m5/first-agent", "m0/bash", "m4/clip"])
def test_a_real_kernel_runs_it_from_top_to_bottom_with_the_same_checks(id: str, tmp_path: Path):
    """Programs, an agent, a shell script, pictures: right answers pass, those not given do not."""
    lab = load(LABS[id])
    steps = list(asked(lab).values())
    solved = (steps[0].id, steps[-1].id)
    book = answered(notebook_of(lab), lab, solved)
    if id == "m0/bash":  # for time: its agent is the third of its kind, and its steps are many
        steps = [steps[0], steps[-1]]
        kept = [f"{step.id}-{part}" for step in steps for part in ("text", "answer", "check")]
        book["cells"] = [cell for cell in book["cells"] if cell["id"] in ("open", *kept)]
    outputs = execute(book, tmp_path)
    for step in steps:
        told = said(outputs[f"{step.id}-check"]).splitlines()
        assert told[-1] == ("passed" if step.id in solved else "not passed yet"), (step.id, told)
        marks = [line[2:] for line in told if line[:2] in ("✔ ", "✘ ")]
        assert marks == [check.says for check in step.checks]
    if id == "m4/clip":
        assert any('src="data:image/png;base64,' in page for page in pages(outputs.values()))
    assert any((tmp_path / "runs").glob("*.jsonl"))


def pages(outputs: Iterable[list[Any]]) -> list[str]:
    """What is shown and not printed."""
    return [out["data"]["text/html"] for outs in outputs for out in outs if "data" in out]


def test_a_kernel_says_what_is_wrong_in_one_line(tmp_path: Path):
    lab = load(LABS["m5/tool-use"])
    book = notebook_of(lab)
    step = "whose-mistake"
    kept = [cell for cell in book["cells"] if cell["id"] in ("open", f"{step}-answer")]
    kept[1]["source"] = f"%%answer {step}\nchosen = [\n"
    late = {**kept[1], "id": "late", "source": f'await book.check("{step}")'}
    none = {**kept[1], "id": "none", "source": "%%answer nothing\nchosen = []"}
    outputs = execute({**book, "cells": [*kept, late, none]}, tmp_path)
    assert said(outputs[f"{step}-answer"]).startswith(f"agentlab: the answer {step} is not valid")
    assert said(outputs["late"]).startswith(f"agentlab: no answer to {step} yet")
    assert said(outputs["none"]).startswith("agentlab: m5/tool-use has no step 'nothing'")


@pytest.fixture
def small(tmp_path: Path) -> Lab:
    return load(write_lab(tmp_path / "labs"))


def test_the_command_grades_what_a_notebook_holds(small: Lab, tmp_path: Path):
    """Exported, answered, and handed in."""
    file, labs = tmp_path / "mine.ipynb", str(tmp_path / "labs")
    done = CliRunner().invoke(cli, ["export-lab", "m9/adding", str(file), "--labs", labs])
    assert done.exit_code == 0, done.output
    assert f"labs='{labs}'" in file.read_text()
    graded = ["run", "m9/adding", "--labs", labs, "--learner", str(file), "--step", "quiz"]
    assert CliRunner().invoke(cli, [*graded, "--json"], standalone_mode=False).return_value == 1
    text = file.read_text().replace("chosen = []", "chosen = ['a', 'c']")
    file.write_text(text)
    assert CliRunner().invoke(cli, [*graded, "--json"], standalone_mode=False).return_value == 0


def test_what_is_there_is_never_written_over(small: Lab, tmp_path: Path):
    file = tmp_path / "mine.ipynb"
    file.write_text("my work")
    with pytest.raises(LabError, match="is there already, and stays as it is"):
        write_notebook(small, file)
    assert file.read_text() == "my work"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine.ipynb"]


def test_an_answer_is_found_by_its_first_line_or_by_its_tag(small: Lab, tmp_path: Path):
    file = tmp_path / "mine.ipynb"
    book = notebook_of(small)
    (cell,) = [cell for cell in book["cells"] if cell["id"] == "quiz-answer"]
    cell["source"] = ["chosen = [\n", "'b']\n"]  # the line is gone, and saved as Jupyter does
    file.write_text(json.dumps(book))
    assert handed_in(small, file, ("quiz",)) == {"quiz": QuizAnswer(chosen=("b",))}
    cell["metadata"] = {}
    cell["source"] = "%%answer quiz\nchosen = ['c']"
    file.write_text(json.dumps(book))
    assert handed_in(small, file, ("quiz",)) == {"quiz": QuizAnswer(chosen=("c",))}


def _of_another_lab(book: dict[str, Any]) -> None:
    book["metadata"]["agentlab"]["lab"] = "m9/else"


def _twice(book: dict[str, Any]) -> None:
    book["cells"].append(book["cells"][-2])


def _none(book: dict[str, Any]) -> None:
    book["cells"] = book["cells"][:2]


def _broken(book: dict[str, Any]) -> None:
    book["cells"][-2]["source"] = "%%answer quiz\nchosen = ["


def _nothing(book: dict[str, Any]) -> None:
    book.clear()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_of_another_lab, "is a notebook of m9/else, not of m9/adding"),
        (_twice, "has two answers to quiz"),
        (_none, "holds no answers to m9/adding"),
        (_broken, "answer quiz is not valid TOML"),
        (_nothing, "is not a notebook: it has no cells"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(small: Lab, tmp_path: Path, spoil: Any, says: str):
    book = notebook_of(small)
    spoil(book)
    file = tmp_path / "mine.ipynb"
    file.write_text(json.dumps(book))
    with pytest.raises(LabError, match=says) as caught:
        handed_in(small, file)
    assert "\n" not in str(caught.value)


def test_a_modules_folder_may_hold_notebooks(small: Lab, tmp_path: Path):
    book = notebook_of(small)
    book["cells"][-2]["source"] = "%%answer quiz\nchosen = ['a', 'c']"
    book["cells"] = [book["cells"][-2]]
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "adding.ipynb").write_text(json.dumps(book))
    labs = str(tmp_path / "labs")
    graded = ["run", "m9", "--labs", labs, "--learner", str(folder), "--json"]
    done = CliRunner().invoke(cli, graded, standalone_mode=False)
    assert done.return_value == 0, done.output
