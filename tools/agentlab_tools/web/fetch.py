"""Fetching a page: only from public hosts, only what robots.txt allows, never too much of it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version

import httpx

from agentlab.display import one_line
from agentlab_tools.hosts import PORTS, Rule
from agentlab_tools.web.body import Body, FetchError, read_body
from agentlab_tools.web.pages import Page, Unreadable, kind_of, read_page
from agentlab_tools.web.robots import AGENT, MAX_BYTES, Robots
from agentlab_tools.web.transport import CheckedTransport, Resolve, look_up

_CACHED, _CACHED_FOR = 8, 300.0
_PORTS_FROM = 1024
_ACCEPT = "text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,application/json;q=0.8"


@dataclass(frozen=True)
class FetchLimits:
    """What one page may take.

    Attributes:
        seconds: for everything: robots.txt, redirects, the page, and reading it.
        max_bytes: of a body, as sent and when unpacked, each counted; the rest is left out.
        redirects: how often the address may lead elsewhere.
    """

    seconds: float = 30.0
    max_bytes: int = 5 << 20
    redirects: int = 5


class Fetcher:
    """Reads pages, and keeps the last few for a while so that their parts can be asked for.

    Args:
        private_hosts: hosts that need not be on the public internet: `name`, `name:port`,
            `*.name`, or an address.
        robots: whether to keep to robots.txt.
        resolve, inner: how hosts are looked up and connections made, for tests.
    """

    def __init__(
        self,
        *,
        private_hosts: Sequence[str] = (),
        limits: FetchLimits | None = None,
        robots: bool = True,
        resolve: Resolve = look_up,
        inner: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._private = tuple(Rule.parse(host) for host in private_hosts)
        self.limits = limits or FetchLimits()
        self._robots = Robots() if robots else None
        self._resolve = resolve
        self._inner = inner or _connections
        self._pages: dict[str, tuple[float, Page]] = {}

    async def page(self, address: str) -> Page:
        """A page's title, text and links.

        Raises:
            FetchError: it can't be had, or may not.
        """
        url = _parsed(address)
        cached = self._pages.get(str(url))
        if cached is not None and cached[0] > time.monotonic():
            return cached[1]
        try:
            async with asyncio.timeout(self.limits.seconds):
                page = await self._page(url)
        except TimeoutError:
            raise FetchError(f"{url.host} took more than {self.limits.seconds:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # the latter from a redirect
            reason = one_line(str(error), 200) or type(error).__name__
            raise FetchError(f"{url.host} can't be read: {reason}") from error
        if len(self._pages) >= _CACHED:
            self._pages.pop(next(iter(self._pages)))
        self._pages[str(url)] = (time.monotonic() + _CACHED_FOR, page)
        return page

    async def _page(self, url: httpx.URL) -> Page:
        async with self._client() as client:
            for _ in range(self.limits.redirects + 1):
                await self._ask_robots(client, url)
                async with client.stream("GET", url) as response:
                    if response.has_redirect_location:
                        url = self._next(response)
                        continue
                    if response.status_code != 200:
                        status = f"{response.status_code} {response.reason_phrase}".strip()
                        raise FetchError(f"{url} answers: {one_line(status, 60)}")
                    declared = response.headers.get("content-type", "")
                    body = await read_body(response, self.limits.max_bytes)
                return await self._read(url, declared, body)
        raise FetchError(f"{url.host} redirects more than {self.limits.redirects} times")

    async def _read(self, url: httpx.URL, declared: str, body: Body) -> Page:
        try:
            kind = kind_of(declared, body.data)
            if kind == "pdf" and not body.whole:
                raise Unreadable(f"the PDF is larger than {self.limits.max_bytes >> 20} MB")
            seconds = self.limits.seconds
            return await read_page(
                kind, declared, body.data, str(url), whole=body.whole, seconds=seconds
            )
        except Unreadable as error:
            raise FetchError(f"{url} can't be read: {error}") from error

    async def _ask_robots(self, client: httpx.AsyncClient, url: httpx.URL) -> None:
        if self._robots is None:
            return

        async def read(address: str) -> tuple[int, bytes]:
            target = httpx.URL(address)
            try:
                for _ in range(self.limits.redirects + 1):
                    async with client.stream("GET", target) as response:
                        if response.has_redirect_location:
                            target = self._next(response)
                            continue
                        if response.status_code != 200:
                            return response.status_code, b""
                        return 200, (await read_body(response, MAX_BYTES)).data
            except (httpx.HTTPError, httpx.InvalidURL):
                return 0, b""
            return 404, b""  # RFC 9309, 2.3.1.2: as if there were none

        site = str(url.copy_with(path="/", query=None)).rstrip("/")
        if not await self._robots.allows(site, str(url), read):
            raise FetchError(f"{url.host} does not let programs read {url.path} (robots.txt)")

    def _next(self, response: httpx.Response) -> httpx.URL:
        try:
            return _checked(response.url.join(response.headers["location"]))
        except httpx.InvalidURL:
            raise FetchError(f"{response.url.host} redirects to what is no address") from None

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[httpx.AsyncClient]:
        transport = CheckedTransport(self._private, self._inner(), self._resolve)
        headers = {
            "User-Agent": f"{AGENT}/{version('agentlab-kit')} (reads one page for its user)",
            "Accept": _ACCEPT,
            "Accept-Encoding": "gzip",
        }
        timeout = httpx.Timeout(min(10.0, self.limits.seconds))
        async with httpx.AsyncClient(
            transport=transport, headers=headers, timeout=timeout, trust_env=False
        ) as client:
            yield client


def _parsed(address: str) -> httpx.URL:
    """What a model or a person wrote, who may leave out the scheme.

    Raises:
        FetchError: it is no address, or not one of the web.
    """
    text = address.strip()
    try:
        return _checked(httpx.URL(text if "://" in text else f"https://{text}"))
    except (httpx.InvalidURL, ValueError):
        raise FetchError(f"{one_line(text, 80)!r} is no address") from None


def _checked(url: httpx.URL) -> httpx.URL:
    """An address that may be asked for, without its fragment.

    Raises:
        FetchError: it is not of the web.
    """
    url = url.copy_with(fragment=None)
    if url.scheme not in ("http", "https") or not url.host:
        address = one_line(str(url), 80)
        raise FetchError(f"{address!r} is no address of the web: use http:// or https://")
    if url.userinfo:
        raise FetchError("an address with a name or password in it is not fetched")
    port = url.port or 443
    if port < _PORTS_FROM and port not in PORTS:
        raise FetchError(f"nothing is fetched from port {port}")
    return url


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _connections() -> httpx.AsyncBaseTransport:
    none_kept = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=_tls(), limits=none_kept, trust_env=False)
