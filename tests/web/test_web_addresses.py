"""Only the public internet is reached, by the very addresses that were checked."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web.site import Site

from agentlab.errors import ConfigError
from agentlab.plugins.tools import open_tools
from agentlab.tooling import ToolContext
from agentlab_tools.hosts import is_public
from agentlab_tools.web import Fetcher, FetchError

PUBLIC = "93.184.216.34"
PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1",
    "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "::ffff:0:127.0.0.1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2a00:1450::1"],
)
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_wrapped(address: ipaddress.IPv4Address) -> None:
    plain = is_public(str(address))
    assert is_public(f"::ffff:{address}") is plain
    assert is_public(str(ipaddress.IPv6Address((0x64FF9B << 96) | int(address)))) is plain
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80))))


class Net:
    """Names lead where the test says, and connections are only written down."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.looked_up = 0
        self.connected: list[tuple[str, str, object]] = []
        self.replies: list[httpx.Response] = []

    async def resolve(self, _host: str, _port: int) -> Sequence[str]:
        self.looked_up += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def fetcher(self, **options: object) -> Fetcher:
        mock = httpx.MockTransport(self._reply)
        given: dict[str, object] = {"robots": False, **options}
        return Fetcher(resolve=self.resolve, inner=lambda: mock, **given)  # type: ignore[arg-type]

    def _reply(self, request: httpx.Request) -> httpx.Response:
        name = request.headers["host"]
        self.connected.append((request.url.host, name, request.extensions.get("sni_hostname")))
        if request.url.host == "192.0.32.1":
            raise httpx.ConnectError("refused")
        if self.replies:
            return self.replies.pop(0)
        body = httpx.ByteStream(b"hello")
        return httpx.Response(200, headers={"content-type": "text/plain"}, stream=body)


async def test_the_checked_address_is_connected_to_and_the_name_kept_for_tls() -> None:
    net = Net([PUBLIC])
    page = await net.fetcher().page("https://example.com/a")
    assert page.text == "hello"
    assert page.url == "https://example.com/a"
    assert net.connected == [(PUBLIC, "example.com", "example.com")]


async def test_a_name_that_changes_its_address_is_looked_up_once() -> None:
    net = Net([PUBLIC], ["127.0.0.1"])
    await net.fetcher().page("http://rebound.example/")
    assert net.looked_up == 1
    assert [where for where, _, _ in net.connected] == [PUBLIC]


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["::1", PUBLIC], []]
)
async def test_a_name_with_any_private_address_is_not_connected_to(addresses: list[str]) -> None:
    net = Net(addresses)
    with pytest.raises(FetchError, match=r"not on the public internet|there is no host"):
        await net.fetcher().page("http://mixed.example/")
    assert net.connected == []


async def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    net = Net(["192.0.32.1", PUBLIC])
    await net.fetcher().page("http://example.com/")
    assert [where for where, _, _ in net.connected] == ["192.0.32.1", PUBLIC]


@pytest.mark.parametrize("robots", [False, True])
async def test_every_hop_of_a_redirect_is_checked_again(robots: bool) -> None:
    net = Net([PUBLIC], ["169.254.169.254"])
    net.replies = [httpx.Response(302, headers={"location": "http://meta.example/latest/"})]
    with pytest.raises(FetchError, match=r"meta\.example is not on the public internet"):
        await net.fetcher(robots=robots).page("http://example.com/")
    assert len(net.connected) == 1


@pytest.mark.parametrize(
    "to",
    ["file:///etc/passwd", "ftp://example.com/", "http://user:pass@example.com/", "gopher://x",
     "http://example.com:22/", "http://[::1", "javascript:alert(1)", "//:0/", "data:text/html,x"],
)  # fmt: skip
async def test_a_redirect_to_what_is_not_the_web_is_refused(to: str) -> None:
    net = Net([PUBLIC])
    net.replies = [httpx.Response(302, headers={"location": to})]
    with pytest.raises(FetchError):
        await net.fetcher().page("http://example.com/")
    assert len(net.connected) == 1


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://0x7f000001/",
     "http://127.1/", "http://0177.0.0.1/", "http://[::1]/", "http://[::ffff:7f00:1]/",
     "http://127.0.0.1./", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "localhost",
     "http://0/", "http://[0:0:0:0:0:ffff:127.0.0.1]/"],
)  # fmt: skip
async def test_no_way_to_write_loopback_gets_through(address: str, site: Site) -> None:
    """By the system's own resolver; port and path are the site's, which must not be asked."""
    before, slash, _ = address.rstrip("/").partition("#")
    with pytest.raises(FetchError):
        await Fetcher(robots=False).page(f"{before}:{site.port}{slash}/")
    assert site.asked == []


@pytest.mark.parametrize(
    "address",
    ["", "   ", "file:///etc/passwd", "ftp://example.com", "http://", "http://user@example.com/",
     "http://example.com:25/", "http://example.com:99999/", "http://exa mple.com/\x00",
     "about:blank", "http://[fe80::1%25eth0]/", "https://" + "a" * 70_000],
)  # fmt: skip
async def test_what_is_no_address_of_the_web_is_one_clear_line(address: str) -> None:
    net = Net(["127.0.0.1"])
    with pytest.raises(FetchError) as refused:
        await net.fetcher().page(address)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300
    assert net.connected == []


async def test_a_private_host_is_reached_when_it_is_named_and_only_it(site: Site) -> None:
    site.put("/", "<p>hello from within the company, where one may read</p>")
    page = await site.fetcher().page(site.url())
    assert "hello from within" in page.text
    with pytest.raises(FetchError, match="not on the public internet"):
        await site.fetcher().page(f"http://127.0.0.2:{site.port}/")
    with pytest.raises(ConfigError, match="no host to allow"):
        Fetcher(private_hosts=["http://x/"])


async def test_a_public_page_cannot_lead_to_a_private_host_that_is_not_named(site: Site) -> None:
    there = site.lead("/away", f"http://localhost:{site.port}/secret")
    with pytest.raises(FetchError, match="localhost is not on the public internet"):
        await site.fetcher().page(there)
    assert "/secret" not in site.asked


async def test_the_command_line_names_private_hosts(site: Site) -> None:
    site.put("/", "<p>hello</p>")
    async with open_tools([f"fetch_page:127.0.0.1:{site.port}"]) as (tool,):
        assert tool.name == "fetch_page"
        answer = await tool.run(tool.arguments.model_validate({"url": site.url()}), ToolContext())
    assert "hello" in answer


async def test_tls_is_checked_against_the_name_not_the_address(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real handshake: the server's certificate is for one name, at one address."""
    authority, server = _certificate(tmp_path, "named.example")
    site.put("/", "<p>hello over TLS</p>")
    with _tls_front(server, site.port) as port:
        trusted = ssl.create_default_context(cafile=str(authority))
        monkeypatch.setattr("agentlab_tools.web.fetch._tls", lambda: trusted)

        async def resolve(_host: str, _port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        hosts = [f"named.example:{port}", f"other.example:{port}"]
        fetcher = Fetcher(private_hosts=hosts, robots=False, resolve=resolve)
        page = await fetcher.page(f"https://named.example:{port}/")
        assert "hello over TLS" in page.text
        with pytest.raises(FetchError, match=r"other\.example"):
            await fetcher.page(f"https://other.example:{port}/")


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "authority.pem").write_bytes(public)
    (folder / "server.pem").write_bytes(private + public)
    return folder / "authority.pem", folder / "server.pem"


class _tls_front:
    """The site, behind TLS."""

    def __init__(self, certificate: Path, _port: int) -> None:
        from http.server import BaseHTTPRequestHandler, HTTPServer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = b"<p>hello over TLS</p>"
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(HTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that does not trust us hangs up

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> int:
        self._thread.start()
        return self._server.server_address[1]

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
