"""The tools `fetch_page` and `web_search`; on the command line `-t fetch_page:HOST` as well."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from pydantic import Field

from agentlab.display import safe
from agentlab.errors import ToolError
from agentlab.places.home import environment
from agentlab.tooling import Tool, tool
from agentlab_tools.quoted import quoted
from agentlab_tools.web.fetch import Fetcher, FetchError
from agentlab_tools.web.pages import Page
from agentlab_tools.web.search import Hit, SearchError, SearchService, find_service

PART = 8000
"""Characters of a page that are handed over at once."""
_RESULTS = 5


def page_tool(fetcher: Fetcher, *, name: str = "fetch_page", part_chars: int = PART) -> Tool[Any]:
    """A tool that reads web pages with this fetcher."""

    @tool(name=name, timeout=fetcher.limits.seconds + 10, read_only=True)
    async def fetch_page(
        url: Annotated[str, Field(description="the page's address", min_length=1, max_length=2000)],
        part: Annotated[int, Field(description="of a long page", ge=1, le=10000)] = 1,
    ) -> str:
        """Read a web page or a PDF from the web: its text and its links."""
        try:
            page = await fetcher.page(url)
        except FetchError as error:
            raise ToolError(str(error)) from error
        return quoted(written(page, part, part_chars), "a page of the web")

    return fetch_page


def written(page: Page, part: int, part_chars: int) -> str:
    """One part of a page: where it is from, its text, and with the last part its links.

    Raises:
        ToolError: it has no such part.
    """
    parts = max(1, -(-len(page.text) // part_chars))
    if part > parts:
        raise ToolError(f"the page has {parts} part{'s' if parts > 1 else ''}, and no part {part}")
    lines = [f"Source: {page.url}"]
    if page.title:
        lines.append(f"Title: {page.title}")
    if parts > 1:
        lines.append(f"Part {part} of {parts}")
    lines += ["", page.text[(part - 1) * part_chars : part * part_chars] or "(no text)"]
    if part == parts:
        if not page.whole:
            lines += ["", "(the page goes on; it is too long to be read whole)"]
        if page.links:
            lines += ["", "Links:", *(f"- {link.text}: {link.url}" for link in page.links)]
    return safe("\n".join(lines))


def search_tool(service: Callable[[], SearchService], *, name: str = "web_search") -> Tool[Any]:
    """A tool that searches the web through a service, which is looked up when it is first used."""

    @tool(name=name, read_only=True)
    async def web_search(
        query: Annotated[str, Field(description="a few words", min_length=1, max_length=400)],
    ) -> str:
        """Search the web. Gives titles, addresses and snippets; read a page for more."""
        try:
            hits = await service().search(query, _RESULTS)
        except SearchError as error:
            raise ToolError(str(error)) from error
        if not hits:
            return "nothing was found"
        return quoted("\n\n".join(map(_told, hits)), "what a search of the web found")

    return web_search


def _told(hit: Hit) -> str:
    return "\n".join(filter(None, (hit.title, hit.url, hit.snippet)))


fetch_page = page_tool(Fetcher())
web_search = search_tool(lambda: find_service(environment()))


@asynccontextmanager
async def toolset(hosts: Sequence[str]) -> AsyncGenerator[tuple[Tool[Any], ...]]:
    """`fetch_page` that may read from hosts which are not public, as `-t fetch_page:wiki.internal`.

    Raises:
        ConfigError: what was named is no host.
    """
    yield (page_tool(Fetcher(private_hosts=[host for host in hosts if host])),)
