"""What is learnt from tries: conversations that came out right, and pairs of right and wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlab.errors import TraceError
from agentlab.export.chat import NotAnExample, lines
from agentlab.trace import Trace
from agentlab.trace.reading import trace_path
from agentlab.trace.results import Results, RunResult


@dataclass(frozen=True)
class Picked:
    """Where the lines were written, and how many there are.

    Attributes:
        tried, right: runs, and how many of them passed.
        questions, answered: how many were asked, and how many of them came out right at least once.
        chats, pairs: lines to learn from.
    """

    tried: int
    right: int
    questions: int
    answered: int
    chats: int
    pairs: int


def pick(tries: Sequence[Results], runs: Path, *, most: int, chats: Path, pairs: Path) -> Picked:
    """Write what some evaluations have to learn from, as JSONL.

    Of a question's good runs those with the fewest tokens are taken, each once; a pair is made of
    the first of them and the first bad run that went on differently.

    Args:
        runs: the folder of the traces.
        most: good runs of a question.
    """
    by_sample: dict[str, list[RunResult]] = {}
    for results in tries:
        for result in results.results:
            by_sample.setdefault(result.sample, []).append(result)
    good_lines: list[str] = []
    pair_lines: list[str] = []
    answered = 0
    for results_of_one in by_sample.values():
        good = _read(_shortest(r for r in results_of_one if r.passed), runs)
        bad = _read((r for r in results_of_one if not r.passed and r.error is None), runs)
        answered += bool(good)
        good_lines += list(good)[:most]
        pair = next((p for b in bad.values() for g in good.values() if (p := _pair(g, b))), None)
        if pair is not None:
            pair_lines.append(json.dumps(pair, ensure_ascii=False))
    _write(chats, good_lines)
    _write(pairs, pair_lines)
    every = [result for results_of_one in by_sample.values() for result in results_of_one]
    return Picked(
        tried=len(every),
        right=sum(result.passed for result in every),
        questions=len(by_sample),
        answered=answered,
        chats=len(good_lines),
        pairs=len(pair_lines),
    )


def _shortest(results: Iterable[RunResult]) -> list[RunResult]:
    return sorted(results, key=lambda result: result.usage.output_tokens)


def _read(results: Iterable[RunResult], runs: Path) -> Mapping[str, dict[str, Any]]:
    """Conversations by their line of JSON, each once; runs that are no example are left out."""
    read: dict[str, dict[str, Any]] = {}
    for result in results:
        try:
            (line,) = lines(Trace.load(trace_path(runs, result.run)))
        except (NotAnExample, TraceError):
            continue
        read.setdefault(line, json.loads(line))
    return read


def _pair(good: dict[str, Any], bad: dict[str, Any]) -> dict[str, Any] | None:
    """Where two conversations part, if it is the model that parts them."""
    one, other = good["messages"], bad["messages"]
    turns = enumerate(zip(one, other, strict=False))
    at = next((n for n, (a, b) in turns if _said(a) != _said(b)), None)
    if at is None or not all(_by_model(message) for message in (one[at], other[at])):
        return None
    row = {"messages": one[:at], "chosen": one[at], "rejected": other[at]}
    return {**row, "tools": good["tools"]} if "tools" in good else row


def _said(message: dict[str, Any]) -> object:
    """What of a message another one has to share to be the same: ids are made up for each run."""
    calls = [
        (call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls", ())
    ]
    return message["role"], message.get("content"), calls


def _by_model(message: dict[str, Any]) -> bool:
    said = message.get("content") or message.get("tool_calls")
    return message["role"] == "assistant" and message.get("weight") != 0 and bool(said)


def _write(path: Path, written: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
