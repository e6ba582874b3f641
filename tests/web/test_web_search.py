"""Searching through each service, as the services' own documentation shows their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx
import pytest
import respx
from web.site import Answer, Site, bomb, packed

from agentlab.messages import ToolCall, ToolResult
from agentlab_tools.web import find_service, search_tool
from agentlab_tools.web.search import SearchError

SEARXNG = {
    "query": "tea",
    "number_of_results": 0,
    "results": [
        {"url": "https://a.example/", "title": "A", "content": "first\n snippet", "score": 1.0},
        {"url": "https://b.example/", "title": "B", "engine": "x"},
    ],
}
BRAVE = {
    "type": "search",
    "web": {
        "type": "search",
        "results": [{"title": "A", "url": "https://a.example/", "description": "first snippet"}],
    },
}
TAVILY = {
    "query": "tea",
    "results": [
        {"title": "A", "url": "https://a.example/", "content": "first snippet", "score": 0.9}
    ],
}
SERVICES = [
    ({"SEARXNG_URL": "http://127.0.0.1:8888/"}, "http://127.0.0.1:8888/search", "GET", SEARXNG),
    ({"BRAVE_API_KEY": "k"}, "https://api.search.brave.com/res/v1/web/search", "GET", BRAVE),
    ({"TAVILY_API_KEY": "k"}, "https://api.tavily.com/search", "POST", TAVILY),
]


async def ask(environ: Mapping[str, str], query: str = "tea") -> ToolResult:
    tool = search_tool(lambda: find_service(environ))
    return await tool.call(
        ToolCall(id="1", name="web_search", arguments=json.dumps({"query": query}))
    )


@pytest.mark.parametrize(("environ", "address", "method", "answer"), SERVICES)
@respx.mock
async def test_each_service_is_asked_in_its_way_and_its_answer_understood(
    environ: dict[str, str], address: str, method: str, answer: object
) -> None:
    route = respx.request(method, address).respond(json=answer)
    result = await ask(environ)
    assert result.error is None
    assert "what a search of the web found" in result.content.splitlines()[0]
    assert "A\nhttps://a.example/\nfirst snippet" in result.content
    sent = route.calls.last.request
    asked = json.loads(sent.content) if sent.content else dict(sent.url.params)
    assert "tea" in asked.values()


@respx.mock
async def test_keys_go_where_each_service_wants_them_and_nowhere_else() -> None:
    brave = respx.get(url__startswith="https://api.search.brave.com").respond(json=BRAVE)
    tavily = respx.post("https://api.tavily.com/search").respond(json=TAVILY)
    for environ in ({"BRAVE_API_KEY": "brave-key"}, {"TAVILY_API_KEY": "tavily-key"}):
        result = await ask(environ)
        assert "-key" not in result.content
    assert brave.calls.last.request.headers["x-subscription-token"] == "brave-key"
    assert tavily.calls.last.request.headers["authorization"] == "Bearer tavily-key"
    for call in (brave.calls.last, tavily.calls.last):
        assert "-key" not in str(call.request.url)
        assert b"-key" not in call.request.content


async def test_without_a_service_the_variables_to_set_are_named() -> None:
    result = await ask({})
    assert result.error == "tool_error"
    assert result.content.count("\n") == 0
    for name in ("SEARXNG_URL", "BRAVE_API_KEY", "TAVILY_API_KEY"):
        assert name in result.content


def test_ones_own_instance_comes_first() -> None:
    service = find_service({"SEARXNG_URL": "http://x", "TAVILY_API_KEY": "k"})
    assert service.provider.name == "searxng"
    assert "k" not in repr(find_service({"TAVILY_API_KEY": "k-secret"})).replace("key", "")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(401), "does not accept the key in BRAVE_API_KEY"),
        (httpx.Response(429), "asked too often"),
        (httpx.Response(500), "status 500"),
        (httpx.Response(302, headers={"location": "http://x"}), "status 302"),
        (httpx.Response(200, text="<html>"), "not understood"),
        (httpx.Response(200, json=[1]), "not understood"),
        (httpx.Response(200, json={"web": {"results": [{"title": "no url"}]}}), "not understood"),
    ],
)
@respx.mock
async def test_what_goes_wrong_is_one_line_without_the_key(
    answer: httpx.Response, said: str
) -> None:
    respx.get(url__startswith="https://api.search.brave.com").mock(return_value=answer)
    result = await ask({"BRAVE_API_KEY": "secret-key"})
    assert result.error == "tool_error"
    assert said in result.content
    assert "\n" not in result.content
    assert "secret-key" not in result.content


@respx.mock
async def test_a_searxng_without_json_says_what_to_allow() -> None:
    respx.get("http://searx.test/search").respond(403)
    assert "settings.yml" in (await ask({"SEARXNG_URL": "http://searx.test"})).content


@respx.mock
async def test_a_dead_service_is_one_line() -> None:
    respx.get("http://searx.test/search").mock(side_effect=httpx.ConnectError("no route"))
    with pytest.raises(SearchError, match="searxng can't be reached: no route"):
        await find_service({"SEARXNG_URL": "http://searx.test"}).search("tea")


@respx.mock
async def test_nothing_found_is_said() -> None:
    respx.get("http://searx.test/search").respond(json={"results": []})
    assert (await ask({"SEARXNG_URL": "http://searx.test"})).content == "nothing was found"


async def test_an_answer_without_end_is_read_no_further_than_the_limit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a real server, packed so that it unpacks to a thousand times as much."""
    monkeypatch.setattr("agentlab_tools.web.search.MAX_BYTES", 1 << 20)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    for body in (bomb(200 << 20), packed("") * 3000):
        site.answers["/search?format=json&q=tea"] = Answer(body, 200, headers, True)
        result = await ask({"SEARXNG_URL": site.url("/")})
        assert result.error == "tool_error"
        assert "not understood" in result.content
    await site.gone()
    assert max(site.sent) < 10 << 20


async def test_an_answer_nested_without_end_is_one_clear_line(site: Site) -> None:
    site.put("/search?format=json&q=tea", "[" * 100_000, "application/json")
    result = await ask({"SEARXNG_URL": site.url("/")})
    assert "answers in a way that is not understood" in result.content
