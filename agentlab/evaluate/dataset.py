"""Data sets: one JSON object a line, each a question and what is known of its answer.

    {"input": "What is 6 * 7?", "expect": 42}
    {"id": "capital-fr", "input": "Capital of France?", "expect": ["Paris", "paris"]}

`input` is what the agent is asked. `expect` and all other fields are for the scorers, and never
shown to the agent. Without an `id`, a sample is known by its line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic_core import from_json, to_json

from agentlab.decoding import Undecodable, decode, json_lines
from agentlab.errors import ConfigError
from agentlab.labs.attempt import Case


@dataclass(frozen=True)
class Sample:
    """A case that has a name."""

    id: str
    case: Case


def read_samples(path: Path, say: Callable[[str], None] = lambda _: None) -> tuple[Sample, ...]:
    """The samples of a JSONL file, in its order.

    Args:
        say: is told what had to be assumed of its encoding, if anything.

    Raises:
        ConfigError: the file can't be read, a line is no sample, or two have the same id.
    """
    try:
        text, note = decode(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except Undecodable as error:
        raise ConfigError(f"{path}: {error}") from None
    if note:
        say(f"{path}: {note}")
    samples = [_sample(path, number, line) for number, line in json_lines(text)]
    if not samples:
        raise ConfigError(f"{path} has no samples")
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise ConfigError(f"{path}: two samples have the id {sample.id[:80]!a}")
        seen.add(sample.id)
    return tuple(samples)


def _sample(path: Path, number: int, line: str) -> Sample:
    try:
        raw = cast(object, from_json(line))
    except ValueError as error:
        raise ConfigError(f"{path}, line {number} is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}, line {number} is not a JSON object")
    fields = cast(dict[str, Any], raw)
    question = fields.pop("input", None)
    if not isinstance(question, str) or not question:
        raise ConfigError(f'{path}, line {number} has no "input" text')
    id = fields.pop("id", number)
    if not isinstance(id, str | int) or isinstance(id, bool):
        raise ConfigError(f'{path}, line {number}: "id" must be a text or a number')
    return Sample(id=str(id), case=Case(question, fields.pop("expect", None), fields))


def data_hash(samples: Sequence[Sample]) -> str:
    """The same for the same samples, however their file was laid out."""
    plain = [(s.id, s.case.input, s.case.expect, dict(s.case.facts)) for s in samples]
    return hashlib.sha256(to_json(plain, fallback=repr, inf_nan_mode="constants")).hexdigest()
