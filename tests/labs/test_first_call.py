"""The lab on protocols: what it takes, what it refuses, and that nothing is left behind."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, MissingExtra, MissingKey, install_command
from agentlab.labs import CodeAnswer, CodeStep
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.runner import CaseFinished, Grader, StepFinished, StepReport
from agentlab.labs.values import Lab

needs_server = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="needs xllamacpp"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    found = load(find_folder("m3/first-call", lab_roots()))
    yield found
    part(found, "servers").LOCAL.close()


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab's own."""
    package = next(
        key
        for key, module in list(sys.modules.items())
        if key.startswith("agentlab_lab_") and getattr(vars(module).get("lab"), "id", "") == lab.id
    )
    return sys.modules[f"{package}.{name}"]


def step(lab: Lab, id: str) -> CodeStep:
    found = lab.step(id)
    assert isinstance(found, CodeStep)
    return found


async def grade(
    lab: Lab, id: str, answer: CodeAnswer, runs: Path
) -> tuple[StepReport, list[dict[str, Any]]]:
    """The report on an answer, and what each exchange put on record."""
    grader = Grader(lab=lab, backend=Scripted([]), runs=runs)
    records: list[dict[str, Any]] = []
    async for event in grader.step_events(step(lab, id), answer):
        if isinstance(event, CaseFinished) and len(event.run.calls) == 2:
            result = event.run.calls[1][1]
            if not result.error:
                records.append(json.loads(result.content))
        if isinstance(event, StepFinished):
            return event.report, records
    raise AssertionError("the step did not finish")


@needs_server
@pytest.mark.slow
async def test_one_conversation_is_the_same_text_over_all_three_protocols(lab: Lab, runs: Path):
    counted: list[list[int]] = []
    for id in ("chat-completions", "responses", "messages"):
        report, records = await grade(lab, id, step(lab, id).solution, runs)
        assert report.passed, report.checks
        counted.append([record["understood"]["input_tokens"] for record in records])
    assert len(counted[0]) == 3
    assert counted[0] == counted[1] == counted[2]


@needs_server
@pytest.mark.slow
async def test_legal_ways_to_say_the_same_are_taken(lab: Lab, runs: Path):
    chat = step(lab, "chat-completions").solution.code
    chat = chat.replace('"system"', '"developer"').replace("max_completion_tokens", "max_tokens")
    chat = chat.replace('turn["text"]', '[{"type": "text", "text": turn["text"]}]')
    messages = step(lab, "messages").solution.code
    messages = messages.replace(
        'conversation["instructions"]',
        '[{"type": "text", "text": conversation["instructions"]}]',
    ).replace('"x-api-key"', '"X-API-Key"')
    for id, code in (("chat-completions", chat), ("messages", messages)):
        report, _ = await grade(lab, id, CodeAnswer(code=code), runs)
        assert report.passed, report.checks


@needs_server
@pytest.mark.slow
async def test_a_program_cannot_pass_by_what_it_prints_or_returns(lab: Lab, runs: Path):
    solution = step(lab, "chat-completions").solution.code
    request = solution.partition("def read")[0]
    printed = json.dumps({"status": 200, "understood": {"text": "", "input_tokens": 1}})
    tricks = {
        "prints a record": f"print({printed!r})\n" + request,
        "returns what equals everything": request
        + "class Any(str):\n    def __eq__(self, other): return True\n"
        "def read(answer):\n"
        "    return {'text': Any('x'), 'input_tokens': True, 'output_tokens': True}\n",
        "returns a float": solution.replace('["prompt_tokens"]', '["prompt_tokens"] + 0.0'),
        "goes elsewhere": solution.replace(
            '"/v1/chat/completions"', '"@127.0.0.1:1/v1/chat/completions"'
        ),
        "says too much": solution.replace('["content"]', '["content"] + " " * (1 << 26)'),
        "ends the interpreter": "import os\n" + request + "def read(answer):\n    os._exit(0)\n",
    }
    for name, code in tricks.items():
        report, _ = await grade(lab, "chat-completions", CodeAnswer(code=code), runs)
        assert not report.passed, name
    noisy = "print('{')\n" + solution.replace("    return {", "    print('[1')\n    return {")
    report, _ = await grade(lab, "chat-completions", CodeAnswer(code=noisy), runs)
    assert report.passed, report.checks


@needs_server
@pytest.mark.slow
def test_the_server_starts_again_when_it_died_and_is_gone_when_closed(lab: Lab):
    server = part(lab, "servers").LocalServer()
    first = server.url()
    assert server.url() == first
    server.process.kill()
    server.process.wait()
    assert server.url()
    process = server.process
    server.close()
    assert process.poll() == 0
    server.close()


@needs_server
@pytest.mark.slow
def test_the_server_leaves_when_the_process_that_started_it_is_killed(lab: Lab):
    serve = str(lab.folder / "serve.py")
    code = (
        "import os, subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, {serve!r}, 'smollm2'], stdin=subprocess.PIPE,\n"
        "    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "print(p.stdout.readline().decode().split()[1], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    port = int(done.stdout.strip().rpartition(":")[2])
    assert _comes_free(port)


def _comes_free(port: int) -> bool:
    import socket
    import time

    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return True
        time.sleep(0.1)
    return False


async def test_a_missing_server_is_one_clear_line(
    lab: Lab, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(MissingExtra, match=re.escape(install_command("servers"))):
        await grade(lab, "messages", step(lab, "messages").solution, runs)


@pytest.mark.parametrize(
    ("env", "error", "said"),
    [
        ({"FIRST_CALL_LIVE": "openai:gpt-5-mini"}, MissingKey, "OPENAI_API_KEY"),
        ({"FIRST_CALL_LIVE": "opnai:gpt"}, ConfigError, "opnai"),
    ],
)
def test_a_live_service_that_cannot_be_asked_is_one_clear_line(
    lab: Lab, env: dict[str, str], error: type[Exception], said: str
):
    with pytest.raises(error, match=said):
        part(lab, "line")._places(env)


class Echo(BaseHTTPRequestHandler):
    """Refuses, and repeats the key it was sent, as careless services do."""

    keys: list[str] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.keys.append(self.headers["x-api-key"])
        body = json.dumps({"error": {"message": f"no credit on {self.keys[-1]}"}}).encode()
        self.send_response(402)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


@pytest.mark.slow
async def test_a_live_key_is_sent_to_its_service_and_stands_nowhere_else(
    lab: Lab, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    real = "sk-ant-very-secret-0123456789"
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        line = part(lab, "line")
        place = line.Place("big", f"http://127.0.0.1:{server.server_port}", real)
        places = {"chat": place, "responses": place, "messages": place}
        monkeypatch.setattr(line, "_places", lambda _: places)
        report, _ = await grade(lab, "messages", step(lab, "messages").solution, runs)
        server.shutdown()
        thread.join()
    assert Echo.keys == [real] * 3
    assert not report.passed
    assert "402: no credit on …" in report.checks[0].reason
    kept = contents(runs)
    assert kept
    assert not any(real.encode() in data for data in kept)


def test_every_seed_draws_conversations_that_a_service_takes(lab: Lab):
    protocols = part(lab, "protocols")
    texts: set[str] = set()
    for seed in range(50):
        for case in part(lab, "cases").conversations(Random(seed), 3):
            told = json.loads(case.input)
            texts.add(case.input)
            roles = [turn["role"] for turn in told["turns"]]
            assert roles[::2] == ["user"] * len(roles[::2])
            assert roles[1::2] == ["assistant"] * len(roles[1::2])
            turns = [{"role": t["role"], "content": t["text"]} for t in told["turns"]]
            body = {"model": "m", "max_tokens": told["limit"], "messages": turns}
            body["system"] = told["instructions"]
            assert protocols.received("messages", "m", body) == case.expect
    assert len(texts) > 140
