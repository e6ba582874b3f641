"""The commands that look back and go on, as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conversation import call, calls, load

from agentlab import Agent, Message, Policy, Settings
from agentlab.backends import connect
from agentlab.backends.scripted import Scripted
from agentlab.cli.main import cli
from agentlab.errors import AgentLabError
from agentlab.plugins.tools import load_tools
from agentlab.trace import Trace

SAID: list[Any] = [calls(call("calculator", id="c1", expression="6 * 7")), "It is 42."]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture(autouse=True)
def scripted(monkeypatch) -> list[Any]:
    """What the next model of that name says: replies, then errors if more is asked."""
    replies = list(SAID)

    def opened(name: str, **options: Any) -> Any:
        return Scripted(replies, name=name) if name == "scripted" else connect(name, **options)

    monkeypatch.setattr("agentlab.replay.rebuild.connect", opened)
    monkeypatch.setattr("agentlab.backends.connect", opened)
    return replies


def recorded(runs: Path, *said: Any, **options: Any) -> Trace:
    tools = load_tools(["calculator"])
    agent = Agent(backend=Scripted(said or SAID), tools=tools, runs=runs, **options)
    return load(agent.run_sync("What is 6 * 7?").path)


def agentlab(runs: Path, *args: str) -> Result:
    return CliRunner().invoke(cli, [*args, "--runs", str(runs)], standalone_mode=False)


def code(done: Result) -> int:
    """The exit code, as `main` would give it."""
    if isinstance(done.exception, AgentLabError):
        return 2
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.return_value if isinstance(done.return_value, int) else done.exit_code


def test_a_run_is_played_back_and_every_event_is_as_in_the_log(runs):
    recorded(runs)
    done = agentlab(runs, "replay")
    assert code(done) == 0
    for said in ("What is 6 * 7?", 'calculator(expression="6 * 7")', "← 42", "It is 42."):
        assert said in done.output
    assert "✔ 6 events, each as it is in the log" in done.output


def test_a_part_of_a_run_is_played_back(runs):
    recorded(runs)
    done = agentlab(runs, "replay", "--from", "3", "--to", "4")
    assert "← 42" in done.output
    assert "calculator(" not in done.output
    assert "✔ 2 events" in done.output


def test_words_come_one_by_one_at_a_speed_and_are_not_shown_twice(runs):
    recorded(runs)
    done = agentlab(runs, "replay", "--speed", "1000")
    assert done.output.count("It is 42.") == 1


def test_step_by_step_the_reader_says_when_to_go_on(runs, monkeypatch):
    recorded(runs)
    asked: list[int] = []

    def wait(record: Any) -> bool:
        asked.append(record.seq)
        return record.seq < 2

    monkeypatch.setattr("agentlab.cli.replay._wait", wait)
    done = agentlab(runs, "replay", "--step")
    assert asked == [0, 1, 2]
    assert "✔ 3 events" in done.output


def test_a_run_that_comes_again_exits_with_0(runs):
    recorded(runs)
    done = agentlab(runs, "replay", "--verify")
    assert code(done) == 0, done.output
    assert "✔ 6 of 6 events came again" in done.output


def test_a_run_that_does_not_exits_with_1_and_shows_both_sides(runs, scripted):
    recorded(runs)
    scripted[1] = "It is 43."
    done = agentlab(runs, "replay", "--verify")
    assert code(done) == 1
    assert "✘ event 4: reply 2 differs" in done.output
    assert "-   assistant: It is 42." in done.output
    assert "+   assistant: It is 43." in done.output


def test_what_is_recorded_need_not_be_there(runs, scripted):
    recorded(runs)
    scripted.clear()
    assert code(agentlab(runs, "replay", "--verify", "--recorded", "model")) == 0
    both = ("--recorded", "model", "--recorded", "tools")
    assert code(agentlab(runs, "replay", "--verify", *both)) == 0
    assert code(agentlab(runs, "replay", *both)) == 2


def test_a_fork_goes_on_live_and_names_its_parent(runs, scripted):
    parent = recorded(runs)
    scripted[:] = ["It is a million."]
    done = agentlab(runs, "fork", parent.header.run, "--at", "3", "--tool-result", "1000000")
    assert code(done) == 0, done.output
    assert "4 events from the log, then live" in done.output
    assert "It is a million." in done.output
    assert "calculator" not in done.output
    child = load(sorted(runs.glob("*.jsonl"))[-1])
    assert child.header.parent.run == parent.header.run
    assert child.events[3].result.content == "1000000"
    shown = agentlab(runs, "show", child.header.run).output
    assert f"from run {parent.header.run}, forked at event 3" in shown


@pytest.mark.parametrize("form", ["words", "json"])
def test_an_event_is_edited_from_a_file(runs, scripted, tmp_path, form):
    parent = recorded(runs)
    file = tmp_path / "edit"
    event = parent.events[3].model_dump(mode="json")  # pyright: ignore
    event["result"]["content"] = "41"
    file.write_text(json.dumps(event) if form == "json" else "41\n")
    scripted[:] = ["It is 41."]
    done = agentlab(runs, "fork", "last", "--at", "3", "--edit", str(file))
    assert code(done) == 0, done.output
    assert load(sorted(runs.glob("*.jsonl"))[-1]).events[3].result.content == "41"


def test_settings_and_limits_are_set_by_name(runs, scripted):
    recorded(runs)
    options = ("--set", "temperature=0", "--set", "steps=1", "--set", 'stop=["x"]')
    done = agentlab(runs, "fork", "last", "--at", "0", *options)
    assert code(done) == 1
    header = load(sorted(runs.glob("*.jsonl"))[-1]).header
    assert header.settings == Settings(temperature=0, stop=("x",))
    assert header.limits.steps == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("fork", "last", "--at", "99"), "its events go from 0 to 5"),
        (("fork", "last", "--at", "0", "--set", "warmth=1"), "no such setting or limit"),
        (("fork", "last", "--at", "0", "--set", "temperature"), "write it as name=value"),
        (("fork", "last", "--at", "0", "--set", "temperature=-1"), "greater than or equal to 0"),
        (("fork", "last", "--at", "1", "--tool-result", "x"), "has no result to replace"),
        (("resume", "last"), "is complete"),
        (("resume", "last", "--allow", "c9"), "is complete"),
        (("grep", "(", "-i"), "is not a regular expression"),
    ],
)
def test_a_mistake_is_said_and_nothing_is_written(runs, args, said):
    recorded(runs)
    done = agentlab(runs, *args)
    assert isinstance(done.exception, AgentLabError)
    assert said in str(done.exception)
    assert len(list(runs.glob("*.jsonl"))) == 1


def test_a_run_that_waits_for_consent_is_resumed_with_it(runs, scripted):
    policy = Policy(ask=("calculator",))
    trace = recorded(runs, approval=policy)
    assert trace.events[-1].outcome == "paused"  # pyright: ignore
    scripted[:] = ["It is 42."]
    done = agentlab(runs, "resume", "last", "--allow", "c1")
    assert code(done) == 0, done.output
    assert "← 42" in done.output
    assert "It is 42." in done.output
    assert load(trace.path).events[-1].outcome == "completed"


def test_a_refusal_and_its_reason_are_told_to_the_model(runs, scripted):
    recorded(runs, approval=Policy(ask=("calculator",)))
    scripted[:] = ["Then I can't say."]
    done = agentlab(runs, "resume", "last", "--deny", "c1", "--reason", "do it by heart")
    assert code(done) == 0, done.output
    assert "denied: do it by heart" in done.output


def test_with_nobody_to_ask_a_resumed_run_pauses_again_and_says_how_to_go_on(runs):
    recorded(runs, approval=Policy(ask=("calculator",)))
    done = agentlab(runs, "resume", "last")
    assert code(done) == 1
    assert "--allow c1" in done.output


def test_two_runs_are_compared_and_the_exit_code_says_how(runs):
    one = recorded(runs)
    two = recorded(runs, SAID[0], "It is forty-two.")
    three = recorded(runs)
    same = agentlab(runs, "diff", one.header.run, three.header.run)
    assert code(same) == 0
    assert "✔ the same: 6 events" in same.output
    other = agentlab(runs, "diff", one.header.run, two.header.run)
    assert code(other) == 1
    assert "-   assistant: It is 42." in other.output
    assert "+   assistant: It is forty-two." in other.output
    assert "the same" in other.output
    told = agentlab(runs, "diff", one.header.run, two.header.run, "--json")
    assert code(told) == 1
    rows = json.loads(told.output)["rows"]
    assert [row["sameness"] for row in rows] == ["same"] * 4 + ["changed"] * 2


def test_grep_finds_what_was_said_in_any_run(runs):
    one = recorded(runs)
    two = recorded(runs, "Nothing to see.")
    found = agentlab(runs, "grep", r"4\d\.")
    assert code(found) == 0
    assert f"{one.header.run}:4 assistant: It is 42." in found.output
    assert two.header.run not in found.output
    assert agentlab(runs, "grep", "NOTHING", "-i", "-l").output == f"{two.header.run}\n"
    assert code(agentlab(runs, "grep", "NOTHING")) == 1
    assert code(agentlab(runs, "grep", "6 * 7", "-F", "-k", "tool_started")) == 0
    for anywhere in ("tool_started calculator", "assistant: It", "is 42", "model_repl"):
        assert code(agentlab(runs, "grep", anywhere)) == 0, anywhere
    rows = [
        json.loads(line)
        for line in agentlab(runs, "grep", "see", "--json").output.split("\n")
        if line
    ]
    assert {row["kind"] for row in rows} == {"model_replied", "run_finished"}


def test_stats_count_a_forks_past_once(runs, scripted):
    from agentlab import Reply, Usage

    def reply(text: str) -> Reply:
        return Reply(message=Message.assistant(text), usage=Usage(input_tokens=100, cost=1.0))

    recorded(runs, reply("Hi."), name="chat")
    scripted[:] = [reply("Ho.")]
    agentlab(runs, "fork", "last", "--at", "1", "--prompt", "Again.")
    rows = [json.loads(line) for line in agentlab(runs, "stats", "--json").output.splitlines()]
    [counted] = [row for row in rows if row["table"] == "runs"]
    assert (counted["runs"], counted["tokens in"], counted["cost"]) == (2, 200, 2.0)
    by_agent = agentlab(runs, "stats", "--by", "agent").output
    assert "chat" in by_agent


def test_stats_tell_how_often_tools_fail(runs):
    recorded(runs)
    recorded(runs, calls(call("calculator", expression="6 /")), "Oh.")
    rows = [json.loads(line) for line in agentlab(runs, "stats", "--json").output.splitlines()]
    [tool] = [row for row in rows if row["table"].startswith("tools")]
    assert (tool["model"], tool["tool"], tool["calls"], tool["errors %"]) == (
        "scripted",
        "calculator",
        2,
        50.0,
    )


def test_a_trace_from_elsewhere_gets_no_tools_to_run(runs, tmp_path):
    trace = recorded(runs)
    moved = trace.path.rename(tmp_path / trace.path.name)
    told = agentlab(runs, "fork", str(moved), "--at", "1")
    assert isinstance(told.exception, AgentLabError)
    options = ("fork", str(moved), "--at", "1", "--backend", "scripted")
    asked = agentlab(runs, *options)
    assert code(asked) == 1
    assert "may it call calculator" in asked.output
    trusted = agentlab(runs, *options, "--trust")
    assert "← 42" in trusted.output
