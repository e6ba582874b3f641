"""An address that holds a password or a key works, and tells neither: on no screen, in no file,
in no log."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from agentlab.cli.main import cli

KEY = "sk-very-secret-indeed"
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}
    ],
}


class Service(ThreadingHTTPServer):
    """Answers whoever knows the password and the key of its address."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.asked: list[str] = []


class Asked(BaseHTTPRequestHandler):
    server: Service  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        path, _, query = self.path.partition("?")
        self.server.asked.append(path)
        word = f"Basic {b64encode(f'user:{KEY}'.encode()).decode()}"
        known = self.headers["Authorization"] == word and f"api_key=query-{KEY}" in query
        models = {"object": "list", "data": [{"id": "m", "object": "model"}]}
        embedding = {"object": "list", "data": [{"index": 0, "embedding": [0.6, 0.8]}]}
        answers = {"/v1/models": models, "/v1/chat/completions": ANSWER, "/v1/traces": {}}
        answer = {**answers, "/v1/embeddings": embedding}.get(path)
        body = json.dumps(answer).encode()
        self.send_response(401 if not known else 200 if answer is not None else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_an_address_works_and_tells_nothing(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = f"http://user:{KEY}@127.0.0.1:{service.server_port}/v1?api_key=query-{KEY}"
    dead = f"http://user:{KEY}@127.0.0.1:9/v1?api_key=query-{KEY}"
    collector = good.replace("/v1?", "?")
    described = tmp_path / "services.toml"
    described.write_text(f'[services.office]\nbase_url = "{good}"\nkey_env = "OFFICE_LLM_KEY"\n')
    (tmp_path / "a.txt").write_text("words")
    runs = ["--runs", str(tmp_path / "runs")]
    to_otel = ["export", "last", "--to", "otel", *runs]
    index = ["index", str(tmp_path / "a.txt"), "--store", "duckdb", "--index"]
    for given in (
        ["models"],
        ["models", "--json"],
        ["models", "office"],
        ["models", good],
        ["models", good, "--json"],
        ["models", dead],
        ["doctor", *runs],
        ["chat", "-b", "office:m", *runs, f"is {KEY} the password?"],
        ["chat", "-b", f"{good}#m", *runs, "hello"],
        ["show", "last", "--json", *runs],
        ["traces", *runs],
        ["export", "last", "--to", "html", "-o", "-", *runs],
        ["export", "last", "--to", "chat", "-o", "-", *runs],
        [*to_otel, "--content", "-o", "-"],
        [*to_otel, "--endpoint", collector],
        [*to_otel, "--endpoint", collector.replace("?", "/nowhere?")],
        [*to_otel, "--endpoint", dead],
        ["chat", "-b", f"{dead}#m", *runs, "hello"],
        [*index, str(tmp_path / "index"), "--embedder", f"{good}#m"],
        ["search", "words", "--index", str(tmp_path / "index")],
    ):
        env = {"AGENTLAB_HOME": str(tmp_path), "OFFICE_LLM_KEY": "the-office-key"}
        done = CliRunner().invoke(cli, given, env=env)
        told = "".join(traceback.format_exception(done.exception)) if done.exception else ""
        assert KEY not in done.output + told, given
        assert "the-office-key" not in done.output + told, given
    assert [path for path in service.asked if "nowhere" not in path].count("/v1/traces") == 1
    assert {"/v1/models", "/v1/chat/completions", "/v1/embeddings"} <= set(service.asked)
    assert any(record.name == "httpx2" for record in caplog.records)
    assert KEY not in caplog.text
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != described:
            assert KEY.encode() not in path.read_bytes(), path


def test_a_run_from_before_is_blanked_of_what_an_address_hides_when_it_is_exported(
    tmp_path: Path,
) -> None:
    from agentlab import Agent
    from agentlab.backends.scripted import Scripted

    Agent(name="a", backend=Scripted(["hi"]), runs=tmp_path / "runs").run_sync(f"I use {KEY}")
    address = f"http://user:{KEY}@127.0.0.1:9/v1"
    (tmp_path / "services.toml").write_text(f'[services.office]\nbase_url = "{address}"\n')
    for kind in ("html", "chat", "otel"):
        given = ["export", "last", "--to", kind, "-o", "-", "--runs", str(tmp_path / "runs")]
        more = ["--content"] if kind == "otel" else []
        done = CliRunner().invoke(cli, [*given, *more], env={"AGENTLAB_HOME": str(tmp_path)})
        assert done.exit_code == 0, done.output
        assert KEY not in done.output
        assert "[secret]" in done.output
