"""The web, for an agent: search it, and read a page of it.

    fetcher = Fetcher(private_hosts=["wiki.example.internal"])
    agent = Agent(backend=backend, tools=[page_tool(fetcher), web_search])

`fetch_page` reaches the public internet only, unless a host is named; it keeps to robots.txt, and
hands pages to the model as quoted text.
"""

from agentlab_tools.web.fetch import Fetcher, FetchError, FetchLimits
from agentlab_tools.web.pages import Page
from agentlab_tools.web.search import PROVIDERS, Hit, Provider, SearchService, find_service
from agentlab_tools.web.tools import fetch_page, page_tool, search_tool, web_search

__all__ = [
    "PROVIDERS",
    "FetchError",
    "FetchLimits",
    "Fetcher",
    "Hit",
    "Page",
    "Provider",
    "SearchService",
    "fetch_page",
    "find_service",
    "page_tool",
    "search_tool",
    "web_search",
]
