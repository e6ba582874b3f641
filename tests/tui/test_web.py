"""The app in a browser: only this machine, only who has the address."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from agentlab_tui.web import HOST, command_line, make_server

aiohttp = pytest.importorskip("aiohttp")
test_utils = pytest.importorskip("aiohttp.test_utils")

pytestmark = pytest.mark.filterwarnings("ignore")  # the server's own, of its libraries


@pytest.fixture
async def visit(unused_port: int):
    server, secret = make_server("true", unused_port)
    app = await server._make_app()
    running = test_utils.TestServer(app, host=HOST, port=unused_port)
    client = test_utils.TestClient(running)
    await client.start_server()
    yield client, secret
    await client.close()


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


async def test_without_the_secret_nothing_opens(visit) -> None:
    client, _ = visit
    for path in ("/", "/ws", "/static/", "/?key=wrong"):
        assert (await client.get(path)).status == 403


async def test_with_the_secret_the_page_opens_and_is_remembered(visit) -> None:
    client, secret = visit
    answer = await client.get(f"/?key={secret}")
    assert answer.status == 200
    assert "AgentLab" in await answer.text()
    assert (await client.get("/")).status == 200
    cookie = answer.cookies["agentlab"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"


async def test_a_page_of_another_site_is_turned_away(visit) -> None:
    client, secret = visit
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert (await client.get(f"/ws?key={secret}", headers=headers)).status == 403


def test_the_page_runs_the_same_app(tmp_path: Path) -> None:
    words = shlex.split(command_line(runs=tmp_path / "my runs", labs=(), backend="local:smollm2"))
    assert words[1:4] == ["-m", "agentlab", "tui"]
    assert str(tmp_path / "my runs") in words
    assert words[-2:] == ["--backend", "local:smollm2"]


async def test_the_page_has_a_title_and_loads_nothing_from_another_host(visit) -> None:
    client, secret = visit
    answer = await client.get(f"/?key={secret}")
    page = await answer.text()
    assert "<title>AgentLab</title>" in page
    loaded = re.findall(r"""(?<![\w-])(?:href|src|url)\s*[=(]\s*["']([^"']+)""", page)
    assert "/static/js/textual.js" in loaded
    assert any("RobotoMono" in path for path in loaded)
    for path in loaded:
        assert path == "data:," or path.startswith("/static/"), path
        if path != "data:,":
            assert (await client.get(path)).status == 200
    sources = re.findall(r"(?:https?|wss?)://([^/:\s]+)", answer.headers["Content-Security-Policy"])
    assert set(sources) == {HOST, "localhost"}


async def test_keys_go_to_the_app_from_the_first_moment(visit) -> None:
    """The terminal's own line for keys is focused as soon as it is there."""
    client, secret = visit
    page = await (await client.get(f"/?key={secret}")).text()
    assert '.xterm-helper-textarea"' in page
    assert "keys.focus()" in page
    script = await (await client.get("/static/js/textual.js")).text()
    assert "xterm-helper-textarea" in script  # what the server's terminal calls it
