"""The checks: what was really sent and answered, and what the program made of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from agentlab.labs import Attempt, CaseRun, Check, Verdict

from .protocols import Conversation, Name, Refused, answered, received

Complaint = Callable[[CaseRun, Mapping[str, Any]], str | None]
"""What is wrong with an exchange; None if nothing is."""


def checks(name: Name) -> tuple[Check, ...]:
    """What must hold of every conversation over a protocol."""

    def accepted(_: CaseRun, record: Mapping[str, Any]) -> str | None:
        if record["status"] == 200:
            return None
        return f"the service answered {record['status']}: {_short(_reason(record['answer']))}"

    def whole(run: CaseRun, record: Mapping[str, Any]) -> str | None:
        said: Conversation = run.case.expect
        try:
            got = received(name, record["model"], record["request"]["body"])
        except Refused as refused:
            return str(refused)
        if got.instructions != said.instructions:
            return f"the instructions arrived as {_short(got.instructions)!r}"
        if got.turns != said.turns:
            return f"{len(said.turns)} turns were said, and these arrived: {_short(got.turns)}"
        if got.limit != said.limit:
            return f"the answer may have {said.limit} tokens, and {got.limit} were asked for"
        return None

    def read(_: CaseRun, record: Mapping[str, Any]) -> str | None:
        if record["status"] != 200:
            return "there was no answer to read"
        try:
            true = answered(name, record["answer"])
        except (KeyError, IndexError, TypeError):
            return f"the service's answer is not of this protocol: {_short(record['answer'])}"
        expected = {"text": true.text, "input_tokens": true.read, "output_tokens": true.written}
        told = record["understood"]
        if not isinstance(told, dict):
            return f"read(…) must return a dict with {', '.join(expected)}, not {_short(told)}"
        for field, value in expected.items():
            given = cast(dict[str, Any], told).get(field)
            if type(given) is not type(value) or given != value:
                return f"{field} was read as {_short(given)}, and it is {_short(value)}"
        return None

    return (
        _every("accepted", "the service takes every request", accepted),
        _every("whole", "every conversation arrives whole, and its answer is bounded", whole),
        _every("read", "text and token counts of every answer are read right", read),
    )


def _every(id: str, says: str, complaint: Complaint) -> Check:
    def judge(attempt: Attempt) -> Verdict:
        if not attempt.runs:
            return Verdict(passed=False, reason="nothing was run")
        found = [_complaint(run, complaint) for run in attempt.runs]
        wrong = [text for text in found if text is not None]
        reason = f"{len(found) - len(wrong)} of {len(found)}"
        return Verdict(passed=not wrong, reason="; ".join((reason, *wrong[:1])))

    return Check(id, says, judge, early=True)


def _complaint(run: CaseRun, complaint: Complaint) -> str | None:
    # The program, and then the conversation: with fewer calls it never came to a request
    if len(run.calls) != 2 or run.calls[1][1].error is not None:
        return _short(run.output) if run.output else "nothing was sent"
    return complaint(run, json.loads(run.calls[1][1].content))


def _reason(answer: Any) -> str:
    """The service's own words for what is wrong."""
    for field in ("error", "message"):
        if isinstance(answer, dict):
            answer = cast(dict[str, Any], answer).get(field, answer)
    return str(cast(object, answer))


def _short(value: object, length: int = 120) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= length else text[: length - 1] + "…"
