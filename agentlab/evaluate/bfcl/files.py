"""The benchmark's files: a question a line in one file, the answers to them in another.

BFCL_v4_multiple.json                   {"id", "question": [[message, …]], "function": [{…}, …]}
possible_answer/BFCL_v4_multiple.json   {"id", "ground_truth": [{NAME: {PARAMETER: [value, …]}}]}

Of a parameter, every value that is accepted is listed; `""` among them says that it may be left
out. Versions 3 and 4 have this layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic_core import from_json

from agentlab.decoding import Undecodable, decode, json_lines
from agentlab.errors import ConfigError
from agentlab.evaluate.dataset import Sample
from agentlab.labs.attempt import Case

CATEGORIES = (
    "simple_python",
    "multiple",
    "parallel",
    "parallel_multiple",
    "irrelevance",
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
    "live_irrelevance",
    "live_relevance",
)
"""What can be asked here: one reply to one conversation, with functions of Python."""

_ELSEWHERE = {"simple_python": "simple"}
"""What version 3 calls it."""
_NAMED = re.compile(r"BFCL_v\d+_(\w+)\.json")


def categories_in(folder: Path) -> dict[str, Path]:
    """The categories whose questions lie in a folder, or below it, in the benchmark's order.

    Raises:
        ConfigError: none do.
    """
    there: dict[str, Path] = {}
    for path in sorted(folder.rglob("BFCL_v*.json")):
        named = _NAMED.fullmatch(path.name)
        if named and not {"possible_answer", "unused_datasets"} & set(path.parts):
            there[named[1]] = path
    found = {name: _ELSEWHERE.get(name, name) for name in CATEGORIES}
    known = {
        name: there.get(name) or there[older]
        for name, older in found.items()
        if name in there or older in there
    }
    if not known:
        raise ConfigError(
            f"{folder} has no files of the benchmark, such as BFCL_v4_multiple.json: they are in "
            "bfcl_eval/data of the package bfcl-eval"
        )
    return known


def read_category(path: Path, category: str) -> tuple[Sample, ...]:
    """The cases of a category, in the file's order.

    Raises:
        ConfigError: a file can't be read, or is not laid out like this.
    """
    answers: dict[str, Any] = {}
    if not category.endswith("relevance"):
        answers = {row["id"]: row.get("ground_truth") for row in _rows(_answers_of(path))}
    return tuple(_sample(path, category, row, answers) for row in _rows(path))


def _answers_of(path: Path) -> Path:
    return path.parent / "possible_answer" / path.name


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text, _ = decode(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except Undecodable as error:
        raise ConfigError(f"{path}: {error}") from None
    for number, line in json_lines(text):
        try:
            row = cast(object, from_json(line))
        except ValueError as error:
            raise ConfigError(f"{path}, line {number} is not JSON: {error}") from None
        if not isinstance(row, dict) or not isinstance(cast(Any, row).get("id"), str):
            raise ConfigError(f'{path}, line {number} is not a case of the benchmark: no "id"')
        yield cast(Mapping[str, Any], row)


def _sample(
    path: Path, category: str, row: Mapping[str, Any], answers: Mapping[str, Any]
) -> Sample:
    id = row["id"]
    try:
        (turn,) = row["question"]
        *before, last = [(str(message["role"]), str(message["content"])) for message in turn]
        functions = [dict(function) for function in row["function"]]
        expect = [] if category.endswith("relevance") else list(answers[id])
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"{path}: case {id[:60]!a} is not laid out as expected") from None
    facts = {"category": category, "before": before, "functions": functions}
    return Sample(id, Case(last[1], expect, facts))
