"""What a lab's checks said of each run is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

from small_lab import write_lab

from agentlab.backends.scripted import Scripted
from agentlab.labs.find import load
from agentlab.labs.outcomes import Outcomes
from agentlab.labs.runner import Grader
from agentlab.trace.query import query
from agentlab.trace.results import Results, results_in


def test_a_lab_says_of_each_run_whether_its_checks_hold(runs: Path, tmp_path: Path):
    lab = load(write_lab(tmp_path / "labs"))
    outcomes = Outcomes(runs)
    grader = Grader(lab=lab, backend=Scripted(["That is 5.", "That is 41."]), runs=runs)

    async def work() -> None:
        async for event in grader.lab_events({"add": lab.step("add").solution}):
            outcomes.see(event)

    asyncio.run(work())
    (path,) = results_in(runs)
    found = Results.load(path)
    assert [result.passed for result in found.results] == [True, False]
    assert found.header.kind == "lab"
    assert found.header.about["report"]["passed"] is False
    by_sql = query(runs, "SELECT sample, passed FROM results JOIN runs USING (run, passed)")[1]
    assert sorted(by_sql) == [("add", False), ("add", True)]
