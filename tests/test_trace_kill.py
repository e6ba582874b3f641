"""`kill -9` at random moments, for real: what was shown is in the trace, and the run can go on."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import killed
import pytest
from conversation import kinds, results_in, whole
from pydantic import TypeAdapter

from agentlab.errors import TraceError
from agentlab.events import RunFinished, StoredEvent
from agentlab.trace import Trace, runs_in

pytestmark = pytest.mark.slow

KILLS = 200


@pytest.fixture(scope="module")
def shot(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, killed.__file__, str(folder), str(KILLS), "20261124"]
    subprocess.run(command, check=True, timeout=280)
    return folder


def by_number(folder: Path) -> dict[int, Trace]:
    traces = [Trace.load(path) for path in runs_in(folder)]
    return {int(trace.header.labels["number"]): trace for trace in traces}


def test_every_trace_loads_and_holds_everything_that_was_shown(shot):
    traces = by_number(shot)
    event_type = TypeAdapter(StoredEvent)
    cut, ends = Counter(), 0
    for number in range(KILLS + 1):
        # the pipe may end in the middle of a line, as a terminal would
        *lines, _ = (shot / f"{number}.shown").read_bytes().split(b"\n")
        shown = [event_type.validate_json(line) for line in lines]
        if number not in traces:
            assert shown == []
            continue
        trace = traces[number]
        assert list(trace.events[: len(shown)]) == shown
        assert len(trace.events) <= len(shown) + 1
        for event in trace.events:
            if event.kind == "tool_finished":
                assert [len(a.blob.read()) for a in event.result.artifacts] in ([], [3000])
        ends += bool(trace.events) and isinstance(trace.events[-1], RunFinished)
        cut[kinds(trace)[-1] if trace.records else "nothing"] += 1
    # the kills fell everywhere, or this shows nothing
    assert ends < KILLS / 2
    assert {"model_replied", "tool_started", "tool_finished"} <= cut.keys()


async def test_every_killed_run_can_go_on_to_a_valid_end(shot):
    outcomes: Counter[str] = Counter()
    for number, trace in by_number(shot).items():
        log = shot / f"{number}.log"
        agent = killed.agent(shot, log)
        try:
            result = await agent.resume(trace)
        except TraceError as error:  # it was over, or had not begun
            outcomes[str(error).partition(": ")[2]] += 1
            continue
        outcomes[result.outcome] += 1
        assert result.output == "all done"
        whole(result.path)
        answers = results_in(result.messages)
        assert len(answers) == 4 * killed.STEPS
        worked_on = Counter(log.read_text().split())
        assert set(worked_on.values()) <= {1}, "a call was made twice"
        for answer in answers:
            if answer.error is None:
                assert worked_on[answer.call_id] == 1
            else:
                assert answer.error == "cancelled"
                assert "not known" in answer.content
    assert outcomes.pop("completed") > KILLS / 2
    assert outcomes.keys() <= {"pass its messages as history to a new run", "start it again"}
