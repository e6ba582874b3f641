"""The command line as its users meet it: help, mistakes, exit codes, and nothing but one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlab.agent import Agent
from agentlab.backends.scripted import Scripted
from agentlab.cli.main import COMMANDS
from agentlab.messages import Message, ToolCall
from agentlab.places.models import state_options
from agentlab.tooling import tool


def agentlab(*args: str, home: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the real program in a fresh process with an empty home."""
    env = {**os.environ, "AGENTLAB_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "agentlab", *args],
        capture_output=True,
        text=True,
        input=stdin,
        env=env,
        timeout=240,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def some_runs(home: Path) -> list[str]:
    """Three runs in the home folder: one plain, one with a failing tool, one with escapes."""

    @tool
    def fails() -> str:
        """Fail."""
        raise RuntimeError("no \x1b[31mluck")

    replies = [
        ["Hello."],
        [Message.assistant(ToolCall(id="c1", name="fails", arguments="{}")), "It failed."],
        ["\x1b]0;owned\x07\x1b[2Jhidden\u202e"],
    ]
    ids: list[str] = []
    for script in replies:
        agent = Agent(backend=Scripted(script), tools=[fails], runs=home / "runs")
        ids.append(agent.run_sync("Hi").run)
    return ids


def test_help_names_every_command_and_loads_none(home: Path):
    code = (
        "import sys\n"
        "from agentlab.cli.main import main\n"
        "try: main(['--help'])\n"
        "finally: print(sorted({'pydantic', 'rich', 'asyncio'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, home: Path):
    done = agentlab(name, "--help", home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("rnu",), "Did you mean 'run'?"),
        (("run",), "Missing argument 'LAB'"),
        (("run", "m5/tool-us"), "did you mean m5/tool-use?"),
        (("run", "m5/tool-use", "--step", "nope"), "has no step 'nope'"),
        (("run", "m5/tool-use", "-b", "local:gpt9"), "no packaged model called 'gpt9'"),
        (("run", "m5/tool-use", "-b", "missing.gguf"), "missing.gguf"),
        (("run", "m5/tool-use", "--learner", "/nowhere"), "/nowhere"),
        (("chat", "-t", "teleport", "hi"), "no tool 'teleport'"),
        (("show",), "no runs in"),
        (("traces",), "no runs in"),
        (("show", "20200101"), "no runs in"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(args: tuple[str, ...], said: str, home: Path):
    done = agentlab(*args, home=home)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_model_file_that_is_no_model_says_so(home: Path, tmp_path: Path):
    file = tmp_path / "fake.gguf"
    file.write_bytes(b"not a model")
    done = agentlab("chat", "-b", str(file), "hi", home=home)
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_runs_are_listed_newest_first_and_can_be_queried(home: Path, some_runs: list[str]):
    listed = agentlab("traces", "--json", home=home)
    assert [json.loads(line)["run"] for line in listed.stdout.splitlines()] == some_runs[::-1]
    sql = "SELECT name, error, count(*) AS n FROM tool_calls GROUP BY ALL"
    asked = agentlab("traces", "--json", "--sql", sql, home=home)
    assert json.loads(asked.stdout) == {"name": "fails", "error": "tool_error", "n": 1}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM nonsense",
        "SELECT content FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/agentlab-was-here.csv'",
        "SET enable_external_access = true",
    ],
)
def test_a_query_cannot_reach_files_and_fails_in_words(sql: str, home: Path, some_runs: list[str]):
    done = agentlab("traces", "--sql", sql, home=home)
    assert done.returncode == 2
    assert "the query was refused" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing"])
def test_a_query_that_asks_nothing_says_so(sql: str, home: Path, some_runs: list[str]):
    done = agentlab("traces", "--sql", sql, home=home)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_timeline_shows_what_happened(home: Path, some_runs: list[str]):
    shown = agentlab("show", some_runs[1], home=home)
    assert shown.returncode == 0
    for said in ("fails()", "tool_error: RuntimeError", "It failed.", "completed"):
        assert said in shown.stdout


def test_no_control_character_of_a_model_or_a_tool_reaches_the_terminal(
    home: Path, some_runs: list[str]
):
    for run in some_runs:
        for flags in ((), ("--full",)):
            shown = agentlab("show", run, *flags, home=home).stdout
            assert not set(shown) & {"\x1b", "\x07", "\u202e"}
    assert "␛" in agentlab("show", some_runs[2], home=home).stdout


def test_show_json_is_the_trace_record_by_record(home: Path, some_runs: list[str]):
    shown = agentlab("show", some_runs[1], "--json", home=home).stdout.splitlines()
    on_disk = (home / "runs" / f"{some_runs[1]}.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in shown] == [json.loads(line) for line in on_disk]


def test_the_start_of_an_id_is_enough_unless_it_fits_several(home: Path, some_runs: list[str]):
    assert agentlab("show", some_runs[0], home=home).returncode == 0
    done = agentlab("show", some_runs[0][:4], home=home)
    assert done.returncode == 2
    assert "names 3 runs" in done.stderr


def test_last_means_the_newest_run_and_counts_back_from_there(home: Path, some_runs: list[str]):
    for back, run in zip(("last", "last~1", "last~2"), reversed(some_runs), strict=True):
        head = agentlab("show", back, "--json", home=home).stdout.splitlines()[0]
        assert json.loads(head)["run"] == run
    assert agentlab("show", "last~3", home=home).returncode == 2


def test_labs_are_listed_in_course_order_and_a_broken_one_hides_no_other(
    home: Path, tmp_path: Path
):
    broken = tmp_path / "m9" / "broken"
    broken.mkdir(parents=True)
    (broken / "lab.py").write_text("1/0")
    done = agentlab("list", "--json", "--labs", str(tmp_path), home=home)
    ids = [row["id"] for row in json.loads(done.stdout)]
    assert ids.index("m5/tool-use") < ids.index("m5/sandboxed-coder")
    assert "ZeroDivisionError" in done.stderr
    assert done.returncode == 0


def test_the_doctor_finds_what_the_first_lab_needs(home: Path):
    done = agentlab("doctor", "--json", home=home)
    found = {row["what"]: row["state"] for row in json.loads(done.stdout)}
    assert found["local:smollm2"] == "ok"
    assert found["llama-cpp-python"] == "ok"
    assert done.returncode == 0


def test_the_doctor_says_when_the_runs_cannot_be_kept(home: Path, tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = agentlab("doctor", "--json", "--runs", str(blocked / "runs"), home=home)
    assert done.returncode == 1
    assert {row["what"] for row in json.loads(done.stdout) if row["state"] == "missing"} == {"runs"}


def test_models_lists_what_comes_along(home: Path):
    rows = [
        json.loads(line) for line in agentlab("models", "--json", home=home).stdout.splitlines()
    ]
    here = {row["name"]: row["here"] for row in rows}
    assert here["local:smollm2"] is True


def test_a_learners_answer_is_graded_on_the_real_model(home: Path, tmp_path: Path):
    (tmp_path / "whose-mistake.toml").write_text('chosen = ["b"]\n')
    done = agentlab("run", "m5/tool-use", "--learner", str(tmp_path), "--json", home=home)
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert [step["id"] for step in report["steps"]] == ["whose-mistake"]
    (tmp_path / "whose-mistake.toml").write_text('chosen = ["a"]\n')
    done = agentlab("run", "m5/tool-use", "--learner", str(tmp_path), "--json", home=home)
    assert done.returncode == 1
    assert json.loads(done.stdout)["passed"] is False


@pytest.mark.slow
def test_a_lab_runs_live_and_leaves_a_trace_and_a_junit_report(home: Path, tmp_path: Path):
    junit = tmp_path / "report.xml"
    done = agentlab(
        "run", "m5/tool-use", "--step", "sums", "--practice", "--junit", str(junit), home=home
    )
    assert "calculator(expression=" in done.stdout
    assert "passed" in done.stdout
    assert junit.exists()
    listed = agentlab("traces", "--json", home=home).stdout.splitlines()
    assert len(listed) == 4
    assert all(json.loads(line)["ended"] == "completed" for line in listed)


@pytest.mark.slow
def test_one_may_talk_to_an_agent_through_a_pipe(home: Path):
    done = agentlab("chat", "--temperature", "0", home=home, stdin="Say hello.")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("»")
    assert len(agentlab("traces", "--json", home=home).stdout.splitlines()) == 1


def test_only_local_models_keep_what_they_read_and_only_where_wanted(monkeypatch):
    assert state_options("local:smollm2") == {}
    monkeypatch.delenv("AGENTLAB_STATES")
    kept = state_options("mine.gguf", restore=True)
    assert (kept["states"].name, kept["restore"]) == ("states", True)
    assert state_options("openai:gpt-5") == {}


def test_an_interrupt_while_the_commands_are_loaded_is_no_traceback():
    program = (
        "import sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "import agentlab.__main__\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
