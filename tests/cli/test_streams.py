"""What comes out: in a pipe whole, in any encoding without a traceback."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from program import Program
from rich.console import Console

from agentlab.cli.eval_screen import print_comparison
from agentlab.evaluate.statistics import paired

LONG = "word " * 60 + "end → ✓ é"


@pytest.fixture
def agentlab(tmp_path: Path) -> Program:
    program = Program(tmp_path)
    assert program("chat", "-b", "said:echo", LONG).returncode == 0
    return program


def test_a_pipe_is_neither_wrapped_nor_cut(agentlab: Program):
    assert len(agentlab("chat", "-b", "said:echo", LONG).stdout.splitlines()) == 1
    for args in (("traces",), ("traces", "--sql", f"SELECT '{LONG}' AS said")):
        lines = agentlab(*args).stdout.splitlines()
        assert any(LONG in line for line in lines), args


def test_traces_name_the_question_and_how_it_went(agentlab: Program):
    rows = [json.loads(line) for line in agentlab("traces", "--json").stdout.splitlines()]
    assert [(row["question"], row["ended"]) for row in rows] == [(LONG, "completed")]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize(
    "args",
    [
        ("traces",),
        ("show", "last"),
        ("show", "last", "--json"),
        ("chat", "-b", "said:echo", LONG),
        ("chat", "-b", "said:echo"),
        ("list",),
        ("models",),
        ("doctor",),
        ("grep", "word"),
        ("stats",),
        ("diff", "last", "last"),
        ("replay", "last"),
        ("export", "last", "--to", "chat"),
        ("--help",),
    ],
    ids=" ".join,
)
def test_no_encoding_gives_a_traceback(agentlab: Program, args: tuple[str, ...], encoding: str):
    done = agentlab(*args, stdin="é → \x81", PYTHONIOENCODING=encoding)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout


@pytest.mark.parametrize("sql", ["", " ", ";", "-- nothing"])
def test_an_empty_query_is_one_line(agentlab: Program, sql: str):
    done = agentlab("traces", "--sql", sql)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert "the query is empty" in done.stderr


@pytest.mark.parametrize(("samples", "shown"), [(40, "< 0.001"), (3, "0.250")])
def test_a_small_p_is_not_called_nothing(samples: int, shown: str):
    page = StringIO()
    found = paired([0.0] * samples, [1.0] * samples)
    print_comparison(Console(file=page, width=120), ("a", "b"), {"right": found})
    (row,) = (line for line in page.getvalue().splitlines() if line.startswith("right"))
    assert row.rstrip().endswith(f"  {shown}")


@pytest.mark.parametrize(
    "args", [("list",), ("traces",), ("show", "last"), ("--help",)], ids=" ".join
)
@pytest.mark.parametrize("to", [">&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_trouble(agentlab: Program, args: tuple[str, ...], to: str):
    done = agentlab(*args, to=to)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has such a device")
@pytest.mark.parametrize(
    "args", [("list",), ("show", "last", "--json"), ("chat", "-b", "said:echo", "hi"), ("--help",)]
)
def test_an_output_that_takes_no_more_is_one_line(agentlab: Program, args: tuple[str, ...]):
    done = agentlab(*args, to="> /dev/full")
    assert done.returncode == 2
    assert done.stderr == "agentlab: it can't be written: No space left on device\n"


def test_the_screen_is_not_drawn_where_there_is_no_terminal(agentlab: Program):
    done = agentlab("tui")
    assert done.returncode == 2
    assert "the terminal UI needs a terminal" in done.stderr
    assert "\x1b" not in done.stdout


def test_a_tool_that_is_not_there_is_told_with_the_one_that_was_meant(agentlab: Program):
    done = agentlab("chat", "-t", "calculater", "hi")
    assert done.stderr == "agentlab: no tool 'calculater': did you mean 'calculator'?\n"
