"""Text that wants to be obeyed, and runs made of nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agentlab_tools.train.events import Ended, Made, Progress, Started
from agentlab_tools.train.jobs.job import JobSpec
from agentlab_tools.train.jobs.journal import Journal, create
from agentlab_tools.train.jobs.worker import LOG

MARKS = (
    *map(chr, (*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0))),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\u206a\ufff9\U000e0041",
)
"""All that could steer a terminal, turn text around or hide in it."""
HOSTILE = f"[/nothing][red]{''.join(MARKS)}\x1b]0;owned\x07\x1b[2J\x9b31m<script>"

ONE_LINE = HOSTILE.replace("\x0b", "")
"""The same, for where a line ends nothing else may."""


def dirt(shown: str) -> set[str]:
    """What a terminal would obey, colours of ours left out."""
    return {mark for mark in MARKS if mark in shown}


def record(seq: int, event: dict[str, Any]) -> str:
    """An event as it stands in a trace."""
    return json.dumps({"seq": seq, "at": 1.0 + seq, "event": event})


def write_runs(folder: Path) -> Path:
    """Two runs, `evil-1` and `evil-2`, whose every string is hostile."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"role": "user", "parts": [{"kind": "text", "text": HOSTILE}]}
    call = {"kind": "tool_call", "id": HOSTILE, "name": HOSTILE, "arguments": HOSTILE}
    header = {
        "format": "agentlab-trace",
        "version": 1,
        "created": 1.0,
        "agent": HOSTILE,
        "backend": {"name": HOSTILE, "model": HOSTILE},
        "labels": {HOSTILE: HOSTILE, "lab": HOSTILE},
        "tools": [{"name": HOSTILE, "description": HOSTILE, "parameters": {HOSTILE: HOSTILE}}],
    }
    result = {"call_id": HOSTILE, "content": HOSTILE, "error": "tool_error"}
    for run in ("evil-1", "evil-2"):
        parts = [{"kind": "text", "text": HOSTILE + run}, call]
        reply = {"message": {"role": "assistant", "parts": parts}}
        lines = [
            json.dumps({**header, "run": run}),
            record(0, {"kind": "run_started", "messages": [said]}),
            record(1, {"kind": "model_replied", "reply": reply}),
            record(2, {"kind": "tool_started", "call": call}),
            record(3, {"kind": "tool_finished", "result": result}),
            record(4, {"kind": "run_failed", "error": HOSTILE, "message": HOSTILE}),
        ]
        (folder / f"{run}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


LAB = """
from agentlab.labs import (
    AgentAnswer, AgentStep, Case, Check, Lab, QuizStep, ReadStep, Verdict
)
BAD = {bad!r}
check = Check(id="c", says=BAD, judge=lambda _: Verdict(passed=False, reason=BAD))
lab = Lab(
    id="m9/evil", title=BAD, teaches=(BAD,), minutes=1, backend=BAD, prerequisites=(BAD,),
    steps=(
        ReadStep(id="read", title=BAD, hints=(BAD,)),
        QuizStep(id="quiz", title=BAD, question=BAD, options={{"a": BAD, "b": BAD}},
                 right=frozenset("a"), because={{"a": BAD, "b": BAD}}, hints=(BAD,)),
        AgentStep(id="agent", title=BAD, cases=lambda _, n: [Case(input=BAD, expect=BAD)] * n,
                  practice=1, graded=1, tools=(), starter=AgentAnswer(instructions=BAD),
                  solution=AgentAnswer(instructions=BAD), wrong={{"w": AgentAnswer()}},
                  hints=(BAD,), checks=(check,)),
    ),
)
"""


def lab_in(folder: Path) -> Path:
    """A lab that cleans nothing, and one that can't be opened, for a reason of its own."""
    for name, text in (
        ("evil", LAB.format(bad=HOSTILE)),
        ("broken", f"raise ValueError({HOSTILE!r})"),
    ):
        place = folder / "m9" / name
        place.mkdir(parents=True)
        (place / "lab.py").write_text(text)
        steps = "".join(f"\n## T {{#{id}}}\n\n{ONE_LINE}\n" for id in ("read", "quiz", "agent"))
        (place / "lesson.md").write_text(f"# T\n\n{ONE_LINE}\n{steps}", encoding="utf-8")
    return folder


def job_in(jobs: Path) -> None:
    id = "20261124-101530-abc-digits"
    (jobs / id).mkdir(parents=True)
    create(jobs / id, JobSpec(id=id, recipe=HOSTILE, created=1.0))
    journal = Journal(jobs / id)
    journal.write(Started(pid=1, process="no process has this mark"))
    journal.write(Progress(step=1, total=2, loss=1.0))
    journal.write(Made(name=ONE_LINE, bytes=10))
    (jobs / id / LOG).write_text(HOSTILE)
    (jobs / id / "artifacts").mkdir(exist_ok=True)
    (jobs / id / "artifacts" / "made\x1b[2J\x9b.bin").write_bytes(b"x")
    journal.end(Ended(outcome="failed", reason=HOSTILE))


RESULTS = "20261124-101530-482f-evil"


def write_results(runs: Path) -> None:
    """An evaluation whose every string is hostile."""
    (runs / "results").mkdir(parents=True, exist_ok=True)
    header = {
        "format": "agentlab-results",
        "version": 1,
        "name": RESULTS,
        "kind": "eval",
        "created": 1.0,
        "about": {"target": HOSTILE, "backend": HOSTILE, HOSTILE: HOSTILE},
    }
    score = {"value": 0.0, "passed": False, "reason": HOSTILE}
    row = {"run": "evil-1", "sample": HOSTILE, "passed": False, "scores": {HOSTILE: score}}
    lines = (header, row, {**row, "sample": f"{HOSTILE}2", "error": HOSTILE})
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    for name in (RESULTS, f"{RESULTS}-2"):
        (runs / "results" / f"{name}.jsonl").write_text(text.replace(RESULTS, name))
