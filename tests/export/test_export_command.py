"""`agentlab export`: which runs are taken, and what never goes along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from exported import MENDED, call, ran, said

from agentlab.cli.main import cli
from agentlab.errors import ConfigError, TraceError
from agentlab.trace.results import ResultsHeader, ResultsWriter, RunResult, Score


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))


def export(runs: Path, *args: str) -> None:
    cli.main(["export", *args, "--runs", str(runs)], standalone_mode=False)


def examples(runs: Path, *args: str) -> list[dict[str, Any]]:
    out = runs / "train.jsonl.out"
    export(runs, "--to", "chat", "-o", str(out), *args)
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_only_runs_that_passed_only_of_a_lab_only_by_sql(runs: Path):
    first = ran(runs, "1").header.run
    second = ran(runs, "2", labels={"lab": "m9/other", "step": "x"}).header.run
    writer = ResultsWriter(runs, ResultsHeader(name="r", kind="lab"))
    writer.append(RunResult(run=first, sample="s", scores={"a": Score.of(False)}))
    writer.append(RunResult(run=second, sample="s", scores={"a": Score.of(True)}))
    writer.close()

    def answers(*args: str) -> list[str]:
        return [line["messages"][-1]["content"] for line in examples(runs, *args)]

    assert answers(first, second) == answers(second, first) == ["1", "2"]
    assert answers("--passed") == ["2"]
    assert answers("--lab", "m9/dividing") == ["1"]
    assert answers("--label", "step=x") == ["2"]
    assert answers("--sql", "SELECT run FROM runs WHERE NOT passed") == ["1"]
    with pytest.raises(TraceError, match="is as asked for"):
        answers("--passed", "--lab", "m9/dividing")


def test_it_must_be_said_which_runs_are_meant(runs: Path):
    ran(runs, "1")
    with pytest.raises(ConfigError, match="say which runs"):
        export(runs, "--to", "chat")


def test_runs_that_make_no_example_are_told_and_left_out(
    runs: Path, capsys: pytest.CaptureFixture[str]
):
    good, bad = (
        ran(runs, "1"),
        ran(runs, said(call(name="nope")), said("?", call(name="nope")), said("x")),
    )
    cut = bad.path.read_bytes().splitlines(keepends=True)
    bad.path.write_bytes(b"".join(cut[:-1]))
    assert len(examples(runs, good.header.run, bad.header.run)) == 1
    assert f"left out {bad.header.run}: it did not complete" in capsys.readouterr().err


def test_a_page_is_written_whole_or_not_at_all(runs: Path, tmp_path: Path):
    ran(runs, *MENDED)
    out = tmp_path / "run.html"
    export(runs, "last", "--to", "html", "-o", str(out))
    assert out.read_text().startswith("<!doctype html>")
    with pytest.raises(TraceError, match="No such file"):
        export(runs, "last", "--to", "html", "-o", str(tmp_path / "no" / "run.html"))
    assert {path.name for path in tmp_path.iterdir()} <= {"run.html", "runs", "home"}


def test_spans_go_to_a_file_where_one_is_named(runs: Path, tmp_path: Path):
    ran(runs, *MENDED)
    out = tmp_path / "spans.jsonl"
    export(runs, "last", "--to", "otel", "-o", str(out))
    assert "resourceSpans" in json.loads(out.read_text())


CANARY = "canary-5f1c07aa91"


@pytest.mark.parametrize("form", ["html", "chat", "otel"])
@pytest.mark.parametrize("named", ["OPENAI_API_KEY", "MY_PASSWORD"])
def test_a_secret_of_this_environment_does_not_leave(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, named: str
):
    monkeypatch.setenv(named, CANARY)
    made = call(a=6, b=2, **{CANARY: f'"{CANARY}"'})
    ran(runs, said(CANARY, made), said(f"the key is {CANARY}"), labels={"key": CANARY})
    assert CANARY in next(runs.glob("*.jsonl")).read_text()
    out = tmp_path / "out"
    hide = ["--hide", named] if named == "MY_PASSWORD" else []
    export(runs, "last", "--to", form, "-o", str(out), *hide)
    text = out.read_text()
    assert CANARY not in text
    if form != "otel":
        assert "the key is [secret]" in text


def test_a_variable_that_is_not_there_cannot_be_hidden(runs: Path):
    ran(runs, "1")
    with pytest.raises(ConfigError, match="no such environment variable"):
        export(runs, "last", "--to", "chat", "--hide", "NOT_SET_ANYWHERE")
