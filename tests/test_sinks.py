"""What strangers wrote is clean wherever it is shown; the places are found by looking for them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hostile import (
    HOSTILE,
    MARKS,
    ONE_LINE,
    RESULTS,
    dirt,
    job_in,
    lab_in,
    record,
    write_results,
    write_runs,
)
from rich.console import Console

from agentlab import Agent
from agentlab.backend import ToolSpec
from agentlab.backends.scripted import Scripted
from agentlab.cli.conversation import Conversation
from agentlab.cli.main import cli, main
from agentlab.display import one_line, safe, safe_json
from agentlab.messages import Message, ToolCall
from agentlab.plugins.equipment import Equipment
from agentlab.tooling import tool
from agentlab_tui.certificate import Certificate, CertifiedLab, CertifiedStep, sha256_of
from agentlab_tui.lab_progress import PassedWith
from agentlab_tui.progress import ProgressStore


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Runs whose every string is hostile."""
    return write_runs(tmp_path / "runs")


Made = Callable[[Path], list[list[str]]]


def leaves(
    command: click.Command = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command there is, by its words."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
        if not command.invoke_without_command:
            return
    yield " ".join(path), command


def documents(place: Path) -> str:
    """A folder of documents with hostile names and words."""
    folder = place / "documents" / ONE_LINE.replace("/", "").replace("\x00", "")
    folder.mkdir(parents=True, exist_ok=True)
    said = "[/nothing]\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\U000e0041"  # no binary file
    (folder / "a\x1b[2J\x9b\u202e.md").write_text(
        f"# {said}\n\n{said}{' many words' * 99}", "utf-8"
    )
    (place / "documents" / "plain.md").write_text(
        f"# {said}\n\n{said}{' many words' * 99}", "utf-8"
    )
    (folder / "broken\x1b[2J.pdf").write_bytes(b"%PDF-1.4\n\x1b[2J")
    return str(place / "documents")


def mcp_server(place: Path, **script: Any) -> str:
    program = Path(__file__).parent / "mcp_tools" / "wayward_server.py"
    (place / "script.json").write_text(json.dumps(script))
    return f"{sys.executable} {program} {place / 'script.json'}"


def tool_list(place: Path) -> str:
    properties = {HOSTILE: {"type": "string", "description": HOSTILE}}
    schema = {"type": "object", "properties": properties, "required": [HOSTILE, 7]}
    tool = {"name": HOSTILE, "description": HOSTILE, "inputSchema": schema}
    return mcp_server(
        place, list={"tools": [tool, {"name": 7}]}, start=f"{ONE_LINE}\n".encode().decode("latin-1")
    )


def spans(place: Path) -> str:
    """Spans by a program that calls its agent so."""
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": HOSTILE}
    span = {
        "traceId": "1" * 32,
        "spanId": "2" * 16,
        "name": HOSTILE,
        "startTimeUnixNano": "1000000000",
        "endTimeUnixNano": "2000000000",
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in attributes.items()],
    }
    (place / "spans.json").write_text(
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    )
    return str(place / "spans.json")


def recipe(place: Path) -> str:
    (place / "recipe.py").write_text(f"raise ValueError({HOSTILE!r})")
    return str(place / "recipe.py")


def on_runs(*given: list[str]) -> Made:
    return lambda place: [[*words, "--runs", str(write_runs(place / "runs"))] for words in given]


def on_results(*given: list[str]) -> Made:
    def make(place: Path) -> list[list[str]]:
        write_results(place / "runs")
        return [[*words, "--runs", str(place / "runs")] for words in given]

    return make


def on_jobs(*given: list[str]) -> Made:
    def make(place: Path) -> list[list[str]]:
        if not (place / "jobs").exists():
            job_in(place / "jobs")
        return [[word.replace("JOBS", str(place / "jobs")) for word in words] for words in given]

    return make


def on_labs(*given: list[str]) -> Made:
    def make(place: Path) -> list[list[str]]:
        labs = place / "labs"
        if not labs.exists():
            lab_in(labs)
        more = ["--labs", str(labs)]
        return [[*words, *more] for words in given]

    return make


def passed(place: Path) -> str:
    """Progress in a hostile lab, kept under hostile names; and the lab's folder."""
    if not (place / "labs").exists():
        lab_in(place / "labs")
    kept = PassedWith(answer=HOSTILE, model=HOSTILE, checks=((HOSTILE, HOSTILE),))
    ProgressStore(place / "progress").set_passed("m9/evil", "quiz", 1.0, kept)
    return str(place / "labs")


def certificate(place: Path) -> str:
    """A certificate with an answer that is none, and one to a step that is not there."""
    passed(place)
    step = CertifiedStep(
        step="quiz",
        title=HOSTILE,
        at=1.0,
        model=HOSTILE,
        sha256=sha256_of(HOSTILE),
        answer=HOSTILE,
        checks=(),
    )
    gone = step.model_copy(update={"step": HOSTILE})
    lab = CertifiedLab(lab="m9/evil", title=HOSTILE, of=2, steps=(step, gone))
    none = lab.model_copy(update={"lab": HOSTILE})
    made = Certificate(name=HOSTILE, made=1.0, version=HOSTILE, labs=(lab, none))
    return file(place, "certificate.json", made.model_dump_json())


def improved(place: Path) -> list[list[str]]:
    """A list of what was improved, one of it hostile; and mistakes in asking for more."""
    kept = place / "improve" / "evil"
    kept.mkdir(parents=True)
    told = {"verdict": HOSTILE, "claim": HOSTILE}
    (kept / "report.json").write_text(json.dumps(told), encoding="utf-8")
    samples = [{"input": f"{n} {HOSTILE}", "expect": HOSTILE} for n in range(39)]
    few = file(place, "few.jsonl", "\n".join(json.dumps(one) for one in samples))
    return [[], [few, "-s", "exact"], [few, "-s", HOSTILE], [HOSTILE], [f"m9/evil:{HOSTILE}"]]


SAMPLE = json.dumps({"input": HOSTILE, "id": HOSTILE, "expect": HOSTILE})
EVIL = ["m9/evil", "-b", "scripted-evil"]
SHOWN: dict[str, Made] = {
    "show": on_runs(["evil-1"], ["evil-1", "--full"]),
    "traces": on_runs([], ["--sql", "SELECT * FROM events"], ["--sql", "SELECT * FROM tool_calls"]),
    "grep": on_runs(["nothing"], ["-l", "nothing"]),
    "stats": on_runs(*(["--by", by] for by in ("model", "lab", "agent"))),
    "diff": on_runs(["evil-1", "evil-2"], ["evil-1", "evil-2", "--all"]),
    "replay": on_runs(["evil-1"], ["evil-1", "--full"], ["evil-1", "--verify"]),
    "fork": on_runs(["evil-1", "--at", "1"], ["evil-1", "--at", "0"]),
    "export": on_runs(*(["evil-1", "--to", kind, "-o", "-"] for kind in ("html", "otel", "chat"))),
    "resume": on_runs(["evil-1"]),
    "import": lambda place: [[spans(place), "--runs", str(place / "new")]],
    "eval bfcl": lambda place: [
        [benchmark(place, HOSTILE)],
        [benchmark(place, "f"), "-b", "scripted-evil"],
        [benchmark(place, "f"), HOSTILE],
    ],
    "eval list": on_results([]),
    "eval show": on_results([RESULTS]),
    "eval compare": on_results([RESULTS, f"{RESULTS}-2"]),
    "improve": improved,
    "eval run": lambda place: [
        [file(place, "samples.jsonl", HOSTILE), "-s", "exact"],
        [file(place, "good.jsonl", SAMPLE), "-s", "exact", "-b", "scripted-evil"],
        [file(place, "samples.jsonl", json.dumps({HOSTILE: HOSTILE})), "-s", "exact"],
        [
            file(place, "samples.jsonl", json.dumps({"input": "a", "id": HOSTILE, "expect": "b"})),
            "--agent",
            file(place, "agent.toml", f'"{ONE_LINE[:8]}\\u001b[2J" = 1'),
        ],
    ],
    "jobs": on_jobs(
        ["--jobs", "JOBS"],
        ["--jobs", "JOBS", "--sql", "SELECT * FROM events"],
        ["--jobs", "JOBS", "--sql", "SELECT * FROM jobs"],
    ),
    "jobs watch": on_jobs(["last"]),
    "jobs logs": on_jobs(["last"]),
    "jobs artifacts": on_jobs(["last"]),
    "jobs cancel": on_jobs(["last"]),
    "jobs resume": on_jobs(["last"]),
    "train": lambda place: [[recipe(place)], [recipe(place), "--settings"]],
    "quantize": lambda place: [[file(place, "\x1b[2J.gguf", "GGUF")]],
    "list": on_labs([]),
    "progress": lambda place: [["--labs", passed(place)]],
    "progress export": lambda place: [
        ["-o", "-", "--to", kind] for kind in ("json", "html") if passed(place)
    ],
    "progress verify": lambda place: [[certificate(place)]],
    "run": on_labs(["m9/broken"], EVIL),
    "check-lab": on_labs(["m9/broken"], EVIL),
    "index": lambda place: [
        [documents(place), "--index", str(place / "index"), "--store", "duckdb"]
    ],
    "search": lambda place: [["words", "--index", str(place / "index")]],
    "ask": lambda place: [["words?", "--index", str(place / "index"), "-b", "scripted-evil"]],
    "models": lambda place: [["ADDRESS"]],
    "mcp": lambda place: [["--look", tool_list(place)]],
    "sandbox python": lambda _: [
        ["-c", f"print({HOSTILE!r}); {HOSTILE!r}"],
        ["-c", f"raise ValueError({HOSTILE!r})"],
    ],
    "sandbox bash": lambda _: [
        ["-c", r"printf '[/nothing]\033]0;owned\007\033[2J\233\342\200\256'"],
        ["-c", r"printf '\033[2J' >&2; exit 3"],
    ],
    "chat": lambda place: [
        ["-b", "scripted-evil", "--runs", str(place / "runs"), HOSTILE],
        ["-b", "scripted-evil", "-t", "calculator", "--runs", str(place / "runs"), "hi"],
    ],
}
"""How each command that can show what strangers wrote is called, in a place of hostile things."""
SHOWS_NOTHING = {
    "": "the screens, which have tests of their own",
    "tui": "the screens, which have tests of their own",
    "doctor": "of this machine and the user's own settings",
    "new-lab": "a name that the user gives, checked",
    "export-lab": "the place that the user gives; what a lab holds is in the notebook, as JSON",
    "completion install": "a script of ours",
    "completion show": "a script of ours",
    "sandbox check": "verdicts of ours",
}
"""The others, each with its reason."""


def file(place: Path, name: str, text: str) -> str:
    (place / name).write_text(text, "utf-8")
    return str(place / name)


def benchmark(place: Path, function: str) -> str:
    """Files of BFCL in which everything is hostile but the layout."""
    asked = [[{"role": "user", "content": HOSTILE}]]
    described = {"type": "dict", "properties": {HOSTILE: {"type": HOSTILE}}, "required": [HOSTILE]}
    functions = [{"name": function, "description": HOSTILE, "parameters": described}]
    row = {"id": HOSTILE, "question": asked, "function": functions}
    answer = {"id": HOSTILE, "ground_truth": [{function: {HOSTILE: [HOSTILE]}}]}
    folder = place / f"bfcl-{len(function)}"
    (folder / "possible_answer").mkdir(parents=True, exist_ok=True)
    for name, one in (("", row), ("possible_answer/", answer)):
        file(folder, f"{name}BFCL_v4_multiple.json", json.dumps(one))
    return str(folder)


def test_every_command_is_known_here() -> None:
    assert {name for name, _ in leaves()} == set(SHOWN) | set(SHOWS_NOTHING)
    assert not set(SHOWN) & set(SHOWS_NOTHING)


@pytest.fixture
def evil_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model, by the name `scripted-evil`, that says and calls what is hostile."""
    import agentlab.places.models as places

    def answers(messages: Any, *_: Any) -> Any:
        if messages[-1].role == "tool":
            return HOSTILE
        call = ToolCall(id="1", name=HOSTILE, arguments=HOSTILE)
        return Message.assistant(HOSTILE, call)

    monkeypatch.setattr(places, "open_backend", lambda *_, **__: Scripted(answers, name=HOSTILE))


class HostileServer(BaseHTTPRequestHandler):
    """Offers one model, of a hostile name."""

    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": HOSTILE, "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), HostileServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of hostile documents, made once."""
    place = tmp_path_factory.mktemp("indexed")
    done = CliRunner().invoke(cli, ["index", *SHOWN["index"](place)[0]])
    assert "2 files read" in done.output, done.output
    return place


@pytest.mark.usefixtures("evil_words")
@pytest.mark.parametrize("name", SHOWN)
def test_no_command_sends_a_strangers_marks_to_the_terminal(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = request.getfixturevalue("indexed") if name in ("search", "ask") else tmp_path
    command = dict(leaves())[name]
    takes_json = any("--json" in parameter.opts for parameter in command.params)
    shown = ""
    for arguments in SHOWN[name](place):
        for extra in ([], ["--json"]) if takes_json else ([],):
            given = [*name.split(), *arguments, *extra]
            if "ADDRESS" in given:
                given[given.index("ADDRESS")] = request.getfixturevalue("address")
            env = {"AGENTLAB_HOME": str(place)}
            told = told_by(given, env)
            assert told, given
            assert dirt(told) == set(), given
            shown += told
    assert "[/nothing]" in shown or name in SAYS_NONE_OF_IT


SAYS_NONE_OF_IT = {
    "index",
    "jobs artifacts",
    "jobs cancel",
    "jobs resume",
    "quantize",
    "eval run",
    "eval bfcl",
}
"""They count, or name files; an escape in a file's name is looked for all the same."""


def told_by(given: list[str], env: dict[str, str]) -> str:
    """All that the program writes, as it ends itself: a traceback would be an error here."""
    with CliRunner().isolation(env=env) as streams:
        with suppress(SystemExit):
            main(given)
        return streams[2].getvalue().decode()


@pytest.mark.parametrize("name", ["show", "grep", "traces", "stats"])
def test_json_says_the_same_without_raw_marks(name: str, hostile: Path) -> None:
    given = [name, *SHOWN[name](hostile.parent)[0], "--json"]
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
    assert text.count("not a regular file") == 2
    assert "has 18 bytes, and 3 were written" in text
    assert "<img" not in text
