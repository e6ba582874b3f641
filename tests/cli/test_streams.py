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
