"""A lab as a Jupyter notebook, and a learner's answers out of one.

    # Title, introduction                     markdown
    book = Notebook("m0/bash")                code     opens the lab, and defines %%answer
    ## Step, its text, its hints              markdown
    %%answer step                             code     the answer, at first the starter
    await book.check("step")                  code     grades it, as `agentlab run` does

An answer's cell carries its step in its metadata as well, so that it is found without its first
line; the format is nbformat 4.5.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from agentlab.errors import LabError
from agentlab.labs.answers import Answer, parse_answer
from agentlab.labs.toml_text import starter_text
from agentlab.labs.values import CodeStep, ForkStep, Lab, QuizStep, ReadStep, Step, answer_type

Json: TypeAlias = dict[str, Any]

ENDING = ".ipynb"
MAGIC = "%%answer"
_KEY = "agentlab"
"""What is ours in the metadata of a notebook and its cells."""
_HOW = (
    "Write each answer into its cell, below the line `%%answer`, and run it; the cell after it "
    "tries the answer, where and how `agentlab run` does. `await book.practice(…)` tries it on "
    "fewer cases."
)


def notebook_of(lab: Lab, labs: Path | None = None) -> Json:
    """The lab as a notebook, to be written as JSON.

    Args:
        labs: the folder of labs that it lies in, where it is not one that is found by itself.
    """
    place = "" if labs is None else f", labs={str(labs)!r}"
    opening = f'from agentlab.notebook import Notebook\n\nbook = Notebook("{lab.id}"{place})'
    cells = [
        _markdown("start", f"{lab.lesson.intro or f'# {lab.title}'}\n\n*{_HOW}*"),
        _code("open", opening, ["agentlab-open"]),
    ]
    for step in lab.steps:
        cells += _cells(step, lab.lesson.steps.get(step.id, ""))
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            _KEY: {"lab": lab.id},
        },
        "cells": cells,
    }


def write_notebook(lab: Lab, path: Path, labs: Path | None = None) -> None:
    """Write the lab as a notebook to a file that must not be there yet.

    Raises:
        LabError: it is there, since it may hold somebody's answers, or can't be written.
    """
    text = json.dumps(notebook_of(lab, labs), indent=1, ensure_ascii=False) + "\n"
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.link(part, path)  # unlike a rename, it replaces nothing
    except FileExistsError as error:
        raise LabError(
            f"{path} is there already, and stays as it is: it may hold answers; choose another name"
        ) from error
    except OSError as error:
        raise LabError(f"{path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def answers_in(path: Path, lab: Lab) -> Mapping[str, Answer]:
    """The answers in a notebook, by step; those of cells that were deleted are left out.

    Raises:
        LabError: it can't be read, is of another lab, answers a step twice or one that the lab
            does not have, or an answer is not as it should be.
    """
    book = _read(path)
    of = _ours(book).get("lab", lab.id)
    if of != lab.id:
        raise LabError(f"{path} is a notebook of {of}, not of {lab.id}")
    texts: dict[str, str] = {}
    for cell in _list(book.get("cells")):
        answer = _answer(cell)
        if answer is None:
            continue
        step, text = answer
        if step in texts:
            raise LabError(f"{path} has two answers to {step}: delete the cell that doesn't count")
        texts[step] = text
    return {
        id: parse_answer(text, answer_type(lab.step(id)), f"{path}, answer {id}")
        for id, text in texts.items()
    }


def answer_cell(step: Step, text: str) -> str:
    """An answer's cell: the line that names its step, then the answer."""
    # IPython refuses a cell that has nothing below its magic; # is a comment in all that we take
    return f"{MAGIC} {step.id}\n{text.rstrip() or '#'}\n"


def _cells(step: Step, lesson: str) -> Iterator[Json]:
    parts = [f"## {step.title}", lesson]
    if isinstance(step, QuizStep):
        options = "\n".join(f"- **{letter}** {text}" for letter, text in step.options.items())
        parts += [step.question, options]
    hints = "\n\n".join(f"{number}. {hint}" for number, hint in enumerate(step.hints, 1))
    parts += [f"<details><summary>Hints</summary>\n\n{hints}\n\n</details>"] if hints else []
    yield _markdown(f"{step.id}-text", "\n\n".join(part for part in parts if part))
    if isinstance(step, ReadStep):
        return
    if isinstance(step, ForkStep):
        yield _code(f"{step.id}-run", f'book.show("{step.id}")', ["agentlab-run"])
    answer = _code(f"{step.id}-answer", answer_cell(step, _starter(step)), ["agentlab-answer"])
    answer["metadata"][_KEY] = {"step": step.id}
    if isinstance(step, CodeStep) and step.language != "python":
        answer["metadata"]["vscode"] = {"languageId": "shellscript"}
    yield answer
    yield _code(f"{step.id}-check", f'await book.check("{step.id}")', ["agentlab-check"])


def _starter(step: Step) -> str:
    return "chosen = []\n" if isinstance(step, QuizStep | ReadStep) else starter_text(step)


def _markdown(id: str, source: str) -> Json:
    return {"cell_type": "markdown", "id": id[:64], "metadata": {}, "source": source}


def _code(id: str, source: str, tags: list[str]) -> Json:
    return {
        "cell_type": "code",
        "id": id[:64],
        "metadata": {"tags": tags},
        "execution_count": None,
        "outputs": [],
        "source": source.rstrip("\n"),
    }


def _read(path: Path) -> Json:
    try:
        book: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path} is not a notebook: {error}") from error
    if not isinstance(book, dict) or "cells" not in book:
        raise LabError(f"{path} is not a notebook: it has no cells")
    return cast(Json, book)


def _answer(cell: Json) -> tuple[str, str] | None:
    """The step that a cell answers and its answer, by its first line, else by its metadata."""
    if cell.get("cell_type") != "code":
        return None
    source: object = cell.get("source", "")
    lines = cast(list[object], source) if isinstance(source, list) else [source]
    text = "".join(str(line) for line in lines)
    first, _, rest = text.partition("\n")
    words = first.split()
    if len(words) == 2 and words[0] == MAGIC:
        return words[1], f"{rest.rstrip()}\n"
    step = _ours(cell).get("step")
    return (step, f"{text.rstrip()}\n") if isinstance(step, str) else None


def _ours(holder: Json) -> Json:
    return _dict(_dict(holder.get("metadata")).get(_KEY))


def _dict(value: object) -> Json:
    return cast(Json, value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Json]:
    items = cast(list[object], value) if isinstance(value, list) else []
    return [_dict(item) for item in items]
