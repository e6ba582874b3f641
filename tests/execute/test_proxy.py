"""The list of hosts that may be reached, and the proxy that keeps to it. Loopback only."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from execute.holds import skip_if_it_cannot

from agentlab.errors import ConfigError
from agentlab_tools.execute import Sandbox, SandboxUnavailable
from agentlab_tools.execute.plan import Network
from agentlab_tools.execute.proxy import Rule, open_network


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{self.path} {self.headers.get('Proxy-Authorization')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Generator[int]:
    """An HTTP server on loopback that says what it was asked for."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
async def network(port: int) -> AsyncGenerator[Network]:
    async with open_network((f"127.0.0.1:{port}", "rebound.test", "*.wild.test")) as opened:
        assert opened is not None
        yield opened


async def _ask(network: Network, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(network.socket)
    writer.write(request)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("rule", "host", "port", "allowed"),
    [
        ("example.com", "example.com", 443, True),
        ("example.com", "example.com", 80, True),
        ("example.com", "example.com", 22, False),
        ("example.com:8080", "example.com", 8080, True),
        ("example.com:8080", "example.com", 443, False),
        ("EXAMPLE.com.", "example.com", 443, True),
        ("example.com", "evil-example.com", 443, False),
        ("example.com", "example.com.evil", 443, False),
        ("example.com", "sub.example.com", 443, False),
        ("*.example.com", "sub.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "notexample.com", 443, False),
        ("[::1]:80", "::1", 80, True),
        ("127.0.0.1:9", "127.0.0.1", 9, True),
    ],
)
def test_a_rule_covers_its_host_and_no_other(
    rule: str, host: str, port: int, allowed: bool
) -> None:
    assert Rule.parse(rule).allows(host, port) is allowed


@pytest.mark.parametrize(
    "text", ["", "*", "*.*", "a.*.b", "http://x", "x/y", "u@x", "x:port", "x:99999"]
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no host to allow"):
        Rule.parse(text)


async def test_plain_requests_reach_a_host_on_the_list(network: Network, port: int) -> None:
    request = (
        f"GET http://127.0.0.1:{port}/a?b HTTP/1.1\r\nHost: x\r\nProxy-Authorization: s\r\n\r\n"
    )
    answer = await _ask(network, request.encode())
    assert answer.startswith(b"HTTP/1.0 200")
    assert answer.endswith(b"/a?b None")  # what is meant for the proxy stays with it


async def test_a_tunnel_reaches_a_host_on_the_list(network: Network, port: int) -> None:
    reader, writer = await asyncio.open_unix_connection(network.socket)
    writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"GET /through HTTP/1.0\r\n\r\n")
    assert b"/through" in await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT 127.0.0.1:1 HTTP/1.1",
        "CONNECT localhost:{port} HTTP/1.1",
        "CONNECT [::1]:{port} HTTP/1.1",
        "CONNECT 127.0.0.1:{port}.evil.test:{port} HTTP/1.1",
        "CONNECT 0x7f000001:{port} HTTP/1.1",
        "CONNECT 2130706433:{port} HTTP/1.1",
        "GET http://127.0.0.1:{port}@evil.test/ HTTP/1.1",
        "GET https://127.0.0.1:{port}/ HTTP/1.1",
        "GET / HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1",
        "CONNECT 127.0.0.1 HTTP/1.1",
        "CONNECT",
        "\x00\xff nonsense",
    ],
)
async def test_everything_else_is_refused(network: Network, port: int, request_line: str) -> None:
    line = request_line.replace("{port}", str(port))
    answer = await _ask(network, f"{line}\r\n\r\n".encode("latin-1"))
    assert answer.split(b" ")[1] in {b"403", b"400"}, answer


async def test_a_name_that_leads_to_a_private_address_is_refused(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(host: str, port: int, **_: object) -> list[object]:
        address = {"rebound.test": "127.0.0.1", "cloud.wild.test": "169.254.169.254"}[host]
        return [(2, 1, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    for host in ("rebound.test", "cloud.wild.test"):
        answer = await _ask(network, f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
        assert b"private address" in answer


async def test_an_endless_head_is_hung_up_on(network: Network) -> None:
    answer = await _ask(network, b"GET " + b"x" * 100_000)
    assert answer == b""


async def test_code_inside_reaches_what_is_on_the_list_and_nothing_else(port: int) -> None:
    try:
        async with Sandbox.open(allow_hosts=[f"127.0.0.1:{port}"], spare=False) as sandbox:
            assert sandbox.describe().network == (f"127.0.0.1:{port}",)
            get = "import urllib.request\nurllib.request.urlopen({!r}, timeout=10).read()"
            allowed = await sandbox.run_python(get.format(f"http://127.0.0.1:{port}/hello"))
            assert allowed.value == "b'/hello None'"
            other = await sandbox.run_python(get.format(f"http://localhost:{port}/"))
            assert "403" in (other.error or "")
            direct = await sandbox.run_python(
                f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"
            )
            assert direct.outcome == "error"
    except SandboxUnavailable as error:
        skip_if_it_cannot("bubblewrap", error)


async def test_without_namespaces_a_list_can_not_be_kept_and_is_refused() -> None:
    for backend in ("landlock", "none"):
        with pytest.raises(SandboxUnavailable, match="host"):
            async with Sandbox.open(backend=backend, allow_hosts=["x.test"], accept_none=True):
                pass
