"""What strangers wrote is clean wherever it is shown; the places are found by looking for them."""

from __future__ import annotations

import asyncio
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from agentlab import Agent
from agentlab.backend import ToolSpec
from agentlab.backends.scripted import Scripted
from agentlab.cli.conversation import Conversation
from agentlab.cli.main import cli
from agentlab.display import one_line, safe, safe_json
from agentlab.plugins.equipment import Equipment
from agentlab.tooling import tool

MARKS = (
    *map(chr, (*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0))),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\U000e0041",
)
"""All that could steer a terminal, turn text around or hide in it."""
HOSTILE = f"[/nothing][red]{''.join(MARKS)}\x1b]0;owned\x07\x1b[2J\x9b31m<script>"


def dirt(shown: str) -> set[str]:
    """What a terminal would obey, colours of ours left out."""
    return {mark for mark in MARKS if mark in shown}


def record(seq: int, event: dict[str, Any]) -> str:
    return json.dumps({"seq": seq, "at": 1.0 + seq, "event": event})


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Runs whose every string is hostile."""
    folder = tmp_path / "runs"
    folder.mkdir()
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
    for run in ("evil-1", "evil-2"):
        lines = [
            json.dumps({**header, "run": run}),
            record(0, {"kind": "run_started", "messages": [said]}),
            record(
                1,
                {
                    "kind": "model_replied",
                    "reply": {
                        "message": {
                            "role": "assistant",
                            "parts": [{"kind": "text", "text": HOSTILE + run}, call],
                        }
                    },
                },
            ),
            record(2, {"kind": "tool_started", "call": call}),
            record(
                3,
                {
                    "kind": "tool_finished",
                    "result": {"call_id": HOSTILE, "content": HOSTILE, "error": "tool_error"},
                },
            ),
            record(4, {"kind": "run_failed", "error": HOSTILE, "message": HOSTILE}),
        ]
        (folder / f"{run}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def commands() -> dict[str, click.Command]:
    """Every command there is, by name."""
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def of_runs() -> list[str]:
    """Commands that take a folder of runs: those that can show what a stranger's trace says."""
    return sorted(
        name
        for name, command in commands().items()
        if any("--runs" in parameter.opts for parameter in command.params)
    )


ARGUMENTS: dict[str, list[list[str]]] = {
    "show": [["evil-1"], ["evil-1", "--full"]],
    "traces": [[], ["--sql", "SELECT * FROM events"], ["--sql", "SELECT * FROM tool_calls"]],
    "grep": [["nothing"], ["-l", "nothing"]],
    "stats": [["--by", by] for by in ("model", "lab", "agent")],
    "diff": [["evil-1", "evil-2"]],
    "replay": [["evil-1"]],
    "verify": [["evil-1"]],
    "fork": [["evil-1", "--at", "1"]],
    "export": [["evil-1", "--to", kind, "-o", "-"] for kind in ("html", "otel", "chat")],
    "resume": [["evil-1"]],
}
"""How those that show a trace are called. Of the rest, each has its reason."""
SHOW_NO_TRACE = {
    "chat": "starts runs; its own sinks are tested below",
    "doctor": "looks at the folder only",
    "eval": "starts runs of a file of the user's own",
    "import": "writes runs",
    "run": "starts runs of labs",
    "ask": "starts runs",
    "tui": "the screens, which have tests of their own",
    "check-lab": "starts runs of labs",
    "ui": "the screens",
    "documents": "starts runs",
}


def test_every_command_that_takes_runs_is_known_here() -> None:
    assert set(of_runs()) <= set(ARGUMENTS) | set(SHOW_NO_TRACE)


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) & set(of_runs())))
def test_no_command_sends_a_strangers_marks_to_the_terminal(name: str, hostile: Path) -> None:
    takes_json = any("--json" in parameter.opts for parameter in commands()[name].params)
    for arguments in ARGUMENTS[name]:
        for extra in ([], ["--json"]) if takes_json else ([],):
            given = [name, *arguments, "--runs", str(hostile), *extra]
            result = CliRunner().invoke(cli, given)
            assert result.output or result.exception, given
            assert dirt(result.output) == set(), given
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                assert dirt(safe(str(result.exception))) == set()


@pytest.mark.parametrize("name", ["show", "grep", "traces", "stats"])
def test_json_says_the_same_without_raw_marks(name: str, hostile: Path) -> None:
    given = [name, *ARGUMENTS[name][0], "--runs", str(hostile), "--json"]
    rows = [json.loads(line) for line in CliRunner().invoke(cli, given).output.splitlines()]
    assert any(HOSTILE in text for text in _texts(rows))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("clean", [safe, one_line, safe_json])
def test_one_function_cleans_every_mark(clean: Any) -> None:
    for mark in MARKS:
        assert dirt(clean(f"a{mark}b")) == set(), hex(ord(mark))
    assert dirt(clean("\ud800")) == set()
    clean("\ud800").encode()


def test_json_made_safe_parses_to_the_same() -> None:
    made = json.dumps({HOSTILE: HOSTILE}, ensure_ascii=False)
    assert json.loads(safe_json(made)) == {HOSTILE: HOSTILE}


def talked(monkeypatch: pytest.MonkeyPatch, *said: str) -> str:
    """What a conversation prints, with a hostile tool and backend."""

    @tool
    def add(a: int) -> int:
        """Add."""
        return a

    spec = ToolSpec(name="add", description=HOSTILE, parameters={})
    monkeypatch.setattr(type(add), "spec", property(lambda _: spec))
    agent: Agent[Any] = Agent(name="chat", backend=Scripted(["hi"], name=HOSTILE), tools=[add])
    lines = iter(said)

    def read(_: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", read)
    out = StringIO()
    equipment = Equipment(deps=None, labels={HOSTILE: HOSTILE})
    talk = Conversation(agent, equipment, Console(file=out, width=400))
    with asyncio.Runner() as runner:
        assert talk.converse(runner) == 0
    return out.getvalue()


def test_a_chat_lists_hostile_tools_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = talked(monkeypatch, "/tools")
    assert "[/nothing]" in shown
    assert dirt(shown) == set()


def test_a_chat_answers_an_unknown_command_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = talked(monkeypatch, f"/{HOSTILE}".replace("\n", ""))
    assert "no command /[/nothing]" in shown
    assert dirt(shown) == set()


def test_a_picture_that_is_a_pipe_or_a_device_is_left_out(hostile: Path, tmp_path: Path) -> None:
    """No open waits for a writer, and nothing endless is read."""
    blobs = hostile / "blobs"
    blobs.mkdir()
    os.mkfifo(blobs / ("1" * 64))
    (blobs / ("2" * 64)).symlink_to("/dev/zero")
    (blobs / ("3" * 64)).write_bytes(b"more than was said")
    pictures = [
        {"kind": "image", "media_type": "image/png", "blob": {"sha256": n * 64, "size": 3}}
        for n in "1234"
    ]
    asked = {"kind": "run_started", "messages": [{"role": "user", "parts": pictures}]}
    run = hostile / "evil-1.jsonl"
    run.write_text(f"{run.read_text().splitlines()[0]}\n{record(0, asked)}\n")
    page = tmp_path / "page.html"
    given = ["export", "evil-1", "--to", "html", "-o", str(page), "--runs", str(hostile)]
    assert CliRunner().invoke(cli, given).exit_code == 0
    text = page.read_text()
    assert text.count("is not a regular file") == 2
    assert "has 18 bytes, and 3 were written" in text
    assert "<img" not in text
