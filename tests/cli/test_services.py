"""Hosted services on the command line: listed, asked, their keys checked and never shown."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from agentlab.backends.presets import PRESETS
from agentlab.places.key_checks import KeyChecks
from agentlab.places.models import open_backend

KEY = "sk-right-0123456789"
ANSWER = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "big",
    "choices": [{"index": 0, "delta": {"content": "Hello."}, "finish_reason": "stop"}],
}


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.headers.get("authorization") == f"Bearer {KEY}":
            self.answer(200, {"data": [{"id": "small"}, {"id": "big"}]})
        else:
            self.answer(401, {"error": {"message": f"bad key {self.headers['authorization']}"}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        said = b"data: " + json.dumps(ANSWER).encode() + b"\n\ndata: [DONE]\n\n"
        self.reply(200, said, "text/event-stream")

    def answer(self, status: int, body: Any) -> None:
        self.reply(status, json.dumps(body).encode(), "application/json")

    def reply(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def url() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def silent_server() -> Generator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


def describe(home: Path, url: str, name: str = "office") -> None:
    home.mkdir(exist_ok=True)
    (home / "services.toml").write_text(
        f'[services.{name}]\nbase_url = "{url}"\nkey_env = "OFFICE_KEY"\n'
    )


def agentlab(*args: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The real program, with no key but those given."""
    keys = {preset.key_env for preset in PRESETS.values()}
    inherited = {name: value for name, value in os.environ.items() if name not in keys}
    return subprocess.run(
        [sys.executable, "-m", "agentlab", *args],
        capture_output=True,
        text=True,
        env={**inherited, "AGENTLAB_HOME": str(home), "NO_COLOR": "1", **env},
        timeout=120,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    return {finding["what"]: finding for finding in json.loads(done.stdout)}


def test_every_service_is_listed_with_its_variable_and_whether_it_is_set(home: Path, url: str):
    describe(home, url)
    done = agentlab("models", "--json", home=home, OFFICE_KEY=KEY)
    listed = {row["name"]: row for row in rows(done)}
    assert listed.keys() >= {f"{name}:…" for name in (*PRESETS, "office")}
    assert listed["office:…"]["note"] == "OFFICE_KEY is set"
    assert listed["office:…"]["here"]
    assert listed["openai:…"]["note"] == "OPENAI_API_KEY is not set"
    assert not listed["openai:…"]["here"]
    assert listed["ollama:…"]["note"] == "needs no key"
    assert KEY not in done.stdout


def test_what_a_service_offers_is_listed_by_names_one_can_use(home: Path, url: str):
    describe(home, url)
    done = agentlab("models", "office", home=home, OFFICE_KEY=KEY)
    assert done.stdout.splitlines() == ["office:big", "office:small"]


@pytest.mark.parametrize(
    ("service", "key", "said"),
    [
        ("offise", KEY, "no service is called 'offise'"),
        ("office", "", "set OFFICE_KEY"),
        ("office", "sk-wrong-0123456789", "does not accept the key in OFFICE_KEY"),
        ("http://127.0.0.1:1/v1", KEY, "http://127.0.0.1:1/v1"),
    ],
)
def test_a_service_that_cannot_be_asked_is_one_clear_line(
    home: Path, url: str, service: str, key: str, said: str
):
    describe(home, url)
    done = agentlab("models", service, home=home, OFFICE_KEY=key)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "sk-" not in done.stderr


def test_a_file_of_services_that_is_wrong_is_named(home: Path):
    home.mkdir()
    (home / "services.toml").write_text('[services.office]\nbase = "x"\n')
    done = agentlab("models", home=home)
    assert done.returncode == 2
    assert "services.toml" in done.stderr
    noted = findings(agentlab("doctor", "--json", home=home))["services"]
    assert noted["state"] == "note"
    assert "services.toml" in noted["found"]


def test_one_can_chat_with_a_service_of_ones_own(home: Path, url: str):
    describe(home, url)
    done = agentlab("chat", "-b", "office:big", "Hi", home=home, OFFICE_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert "Hello." in done.stdout


def test_a_broken_file_of_services_does_not_keep_one_from_local_models(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    home.mkdir()
    (home / "services.toml").write_text("not toml")
    monkeypatch.setenv("AGENTLAB_HOME", str(home))
    assert open_backend("local:smollm2").identity.name == "local:smollm2"


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        (KEY, "ok", ""),
        ("sk-wrong-0123456789", "refused", "does not accept the key in OFFICE_KEY"),
        ("sk-with a space", "refused", "a space or a letter no key has"),
    ],
)
def test_a_key_that_is_set_is_tried(
    url: str, monkeypatch: pytest.MonkeyPatch, key: str, status: str, said: str
):
    preset = PRESETS["openai"].model_copy(
        update={"name": "office", "base_url": url, "key_env": "OFFICE_KEY"}
    )
    monkeypatch.setenv("OFFICE_KEY", key)
    found = KeyChecks({"office": preset}, patience=60).results()["office"]
    assert found.status == status
    assert said in found.detail
    assert "sk-" not in found.detail


@pytest.mark.parametrize("key", [KEY, "sk-wrong-0123456789", "sk-with a space"])
def test_the_doctor_tells_of_keys_without_printing_them(home: Path, url: str, key: str):
    describe(home, url)
    done = agentlab("doctor", "--json", home=home, OFFICE_KEY=key)
    found = findings(done)["office"]
    assert found["found"].startswith("OFFICE_KEY ")
    assert found["state"] in ("ok", "note")
    assert "sk-" not in done.stdout + done.stderr


def test_the_doctor_asks_nobody_whose_key_is_not_set(home: Path, url: str):
    describe(home, url)
    found = findings(agentlab("doctor", "--json", home=home))
    assert "office" not in found
    assert found["keys"]["state"] == "note"


def test_a_dead_network_is_a_note_and_does_not_fail_the_doctor(home: Path):
    with silent_server() as silent:
        describe(home, silent)
        done = agentlab("doctor", "--json", home=home, OFFICE_KEY=KEY)
    found = findings(done)["office"]
    assert found["state"] == "note"
    assert "not checked" in found["found"]


def test_a_name_server_that_never_answers_holds_nobody_up(monkeypatch: pytest.MonkeyPatch):
    """With the usual threads for look-ups this test would not end."""
    asked = Event()

    def never(*_: object, **__: object) -> None:
        asked.set()
        stuck = socket.socketpair()
        stuck[0].recv(1)

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setenv("OFFICE_KEY", KEY)
    preset = PRESETS["openai"].model_copy(
        update={"name": "office", "base_url": "http://office.invalid/v1", "key_env": "OFFICE_KEY"}
    )
    checks = KeyChecks({"office": preset}, patience=1.5)
    assert checks.results()["office"].status == "unreachable"
    assert asked.wait(60)
