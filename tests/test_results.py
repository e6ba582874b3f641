"""Results beside the traces: what was judged stays judged, and can be asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentlab import Agent
from agentlab.backends.scripted import Scripted
from agentlab.errors import TraceError, TraceVersionError
from agentlab.trace.query import query
from agentlab.trace.results import (
    Results,
    ResultsHeader,
    ResultsWriter,
    RunResult,
    Score,
    passed_runs,
    results_path,
)

RIGHT = RunResult(run="r1", sample="a", scores={"exact": Score.of(True)})
WRONG = RunResult(run="r2", sample="b", scores={"exact": Score.of(False, "said 5")})
BROKEN = RunResult(run="r3", sample="b", error="no answer")


def write(folder: Path, *results: RunResult, name: str = "x") -> Path:
    writer = ResultsWriter(folder, ResultsHeader(name=name, kind="eval"))
    for result in results:
        writer.append(result)
    writer.close()
    return writer.path


def test_results_are_read_back_as_written(runs: Path):
    path = write(runs, RIGHT, WRONG)
    assert Results.load(path).results == (RIGHT, WRONG)
    assert (RIGHT.passed, WRONG.passed, BROKEN.passed) == (True, False, False)


def test_of_a_sample_tried_again_the_last_try_counts(runs: Path):
    path = write(runs, BROKEN, RIGHT, WRONG)
    assert Results.load(path).results == (WRONG, RIGHT)


def test_cut_at_any_byte_whole_lines_are_read_and_writing_goes_on(runs: Path):
    path = write(runs, RIGHT, WRONG)
    data = path.read_bytes()
    head = data.index(b"\n") + 1
    for cut in range(head, len(data), 7):
        path.write_bytes(data[:cut])
        kept = Results.load(path).results
        assert kept == (RIGHT, WRONG)[: data[head:cut].count(b"\n")]
        write(runs, BROKEN)
        assert Results.load(path).torn == 0
        assert BROKEN in Results.load(path).results


def test_two_writers_never_share_a_file(runs: Path):
    writer = ResultsWriter(runs, ResultsHeader(name="x", kind="eval"))
    with pytest.raises(TraceError, match="still being written"):
        ResultsWriter(runs, ResultsHeader(name="x", kind="eval"))
    writer.close()
    write(runs, RIGHT)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", "", ".x", "a\x1b[2J"])
def test_a_name_cannot_lead_out_of_the_folder(runs: Path, name: str):
    with pytest.raises(TraceError, match="can't name results"):
        results_path(runs, name)


def test_files_of_another_kind_are_told_apart(runs: Path):
    path = write(runs, RIGHT)
    path.write_text('{"format": "agentlab-results", "version": 99}\n')
    with pytest.raises(TraceVersionError, match="format 99"):
        Results.load(path)
    path.write_text('{"format": "agentlab-trace"}\n')
    with pytest.raises(TraceError, match="is not a file of results"):
        Results.load(path)
    assert passed_runs(runs) == {}


def test_a_secret_does_not_reach_the_results(runs: Path):
    writer = ResultsWriter(runs, ResultsHeader(name="x", kind="eval"), secret=("canary-7319",))
    writer.append(WRONG.model_copy(update={"error": "key canary-7319 refused"}))
    writer.close()
    assert b"canary" not in writer.path.read_bytes()


def test_sql_knows_which_runs_passed(runs: Path):
    said = [Agent(backend=Scripted(["hi"]), runs=runs).run_sync("x").run for _ in range(3)]
    assert query(runs, "SELECT count(*) FROM results")[1] == [(0,)]
    odd = {'we"ird$.x': Score.of(True, "ok")}
    write(
        runs,
        RunResult(run=said[0], sample="a", scores=odd),
        BROKEN,
        RunResult(run=said[1], sample="b", scores={"q": Score(value=0.5, passed=False)}),
    )
    (runs / "results" / "other.jsonl").write_text('{"run": 7}\nnonsense\n')
    rows = query(runs, "SELECT run, sample, score, value, passed FROM results ORDER BY sample")[1]
    assert rows == [(said[0], "a", 'we"ird$.x', 1.0, True), (said[1], "b", "q", 0.5, False)]
    passed = {row[0]: row[1] for row in query(runs, "SELECT run, passed FROM runs")[1]}
    assert passed == {said[0]: True, said[1]: False, said[2]: None}


def test_asked_of_some_runs_it_says_of_them_what_it_says_of_all(runs: Path):
    write(runs, RIGHT, WRONG, name="x")
    write(runs, RIGHT, BROKEN, name="y")
    path = write(runs, WRONG, name="escaped")
    path.write_text(path.read_text().replace('"run":"r2"', '"r\\u0075n":"r4"'))
    everything = passed_runs(runs)
    assert everything == {"r1": True, "r2": False, "r3": False, "r4": False}
    for run in everything:
        assert passed_runs(runs, {run})[run] == everything[run]


def test_every_line_is_plain_json(runs: Path):
    lines = write(runs, RIGHT).read_text().splitlines()
    assert [json.loads(line).get("passed") for line in lines] == [None, True]
