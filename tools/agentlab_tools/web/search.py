"""Searching the web through a service that the user chose: SearXNG, Brave or Tavily.

What differs between them is data, so another one is a few lines:

    Provider(name="mine", method="GET", path="/find", address_env="MINE_URL", key_env="",
             query="q", count="n", results="hits", snippet="text")
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import httpx

from agentlab.display import one_line
from agentlab.errors import AgentLabError
from agentlab_tools.web.body import FetchError, read_body

MAX_BYTES = 4 << 20
"""Of an answer, as sent and when unpacked."""
_TITLE, _SNIPPET = 200, 500


class SearchError(AgentLabError):
    """A search found no answer: nothing is set up, or the service refused."""


@dataclass(frozen=True)
class Provider:
    """How to ask one service.

    Attributes:
        base: its address, where it is always the same.
        address_env: the variable with its address, where everyone runs their own.
        key_env: the variable with the key.
        key_header: the header it is sent in, and what stands before it there.
        query, count: the fields of the request with the words, and how many results.
        fixed: further fields.
        results: where the list of results is in the answer, dots between levels.
        title, url, snippet: the fields of one result.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    base: str = ""
    address_env: str = ""
    key_env: str = ""
    key_header: tuple[str, str] = ("Authorization", "Bearer ")
    query: str = "q"
    count: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    results: str = "results"
    title: str = "title"
    url: str = "url"
    snippet: str = "content"


PROVIDERS: tuple[Provider, ...] = (
    Provider(
        name="searxng",
        method="GET",
        path="/search",
        address_env="SEARXNG_URL",
        fixed={"format": "json"},
    ),
    Provider(
        name="brave",
        method="GET",
        path="/res/v1/web/search",
        base="https://api.search.brave.com",
        key_env="BRAVE_API_KEY",
        key_header=("X-Subscription-Token", ""),
        count="count",
        results="web.results",
        snippet="description",
    ),
    Provider(
        name="tavily",
        method="POST",
        path="/search",
        base="https://api.tavily.com",
        key_env="TAVILY_API_KEY",
        query="query",
        count="max_results",
    ),
)


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    title: str
    url: str
    snippet: str


@dataclass(frozen=True)
class SearchService:
    """A provider, and what it takes to use it."""

    provider: Provider
    base: str
    key: str = field(default="", repr=False)
    timeout: float = 20.0

    async def search(self, query: str, count: int = 5) -> list[Hit]:
        """What is found for a few words, best first.

        Raises:
            SearchError: the service can't be reached, refuses, or answers what it should not.
        """
        provider = self.provider
        fields: dict[str, Any] = {**provider.fixed, provider.query: query}
        if provider.count:
            fields[provider.count] = count
        header, before = provider.key_header
        headers = {"Accept-Encoding": "gzip"}
        if self.key:
            headers[header] = f"{before}{self.key}"
        sent: dict[str, Any] = {"params": fields} if provider.method == "GET" else {"json": fields}
        address = f"{self.base.rstrip('/')}{provider.path}"
        try:
            async with (
                asyncio.timeout(self.timeout),
                httpx.AsyncClient(timeout=self.timeout) as client,
                client.stream(provider.method, address, headers=headers, **sent) as answer,
            ):
                if answer.status_code != 200:
                    raise SearchError(self._refusal(answer.status_code))
                body = await read_body(answer, MAX_BYTES)
        except TimeoutError:
            raise SearchError(f"{provider.name} took more than {self.timeout:g} seconds") from None
        except FetchError as error:
            raise SearchError(f"{provider.name} can't be understood: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = one_line(str(error), 200) or type(error).__name__
            raise SearchError(f"{provider.name} can't be reached: {said}") from error
        return self._hits(body.data)[:count]

    def _refusal(self, status: int) -> str:
        provider = self.provider
        if status in (401, 403) and provider.key_env:
            return f"{provider.name} does not accept the key in {provider.key_env}"
        if status in (401, 403):
            return f"{provider.name} does not answer in JSON: allow it in its settings.yml"
        if status == 429:
            return f"{provider.name} was asked too often: try again later"
        return f"{provider.name} answers with status {status}"

    def _hits(self, answer: bytes) -> list[Hit]:
        provider = self.provider
        try:
            found: Any = json.loads(answer)
            for step in provider.results.split("."):
                found = found.get(step, {})
            rows = cast(list[dict[str, Any]], list(found))
            return [
                Hit(
                    title=one_line(str(row.get(provider.title) or ""), _TITLE),
                    url=one_line(str(row[provider.url]), 2000),
                    snippet=one_line(str(row.get(provider.snippet) or ""), _SNIPPET),
                )
                for row in rows
            ]
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise SearchError(f"{provider.name} answers in a way that is not understood") from error


def find_service(environ: Mapping[str, str]) -> SearchService:
    """The first service that is set up.

    Raises:
        SearchError: none is; the text says what to set.
    """
    for provider in PROVIDERS:
        base = provider.base or environ.get(provider.address_env, "").strip()
        key = environ.get(provider.key_env, "").strip() if provider.key_env else ""
        if base and (key or not provider.key_env):
            return SearchService(provider, base, key)
    names = ", ".join(provider.address_env or provider.key_env for provider in PROVIDERS)
    raise SearchError(f"no search service is set up: set one of {names}")
