"""Connections: used again one by one, not more kept than wanted, and the proxy is respected."""

from __future__ import annotations

import asyncio
import ssl

import httpx2
import pytest
from loopback import Loopback, hang, http_head, sse, status
from recorded import CHAT

from agentlab.backend import Reply
from agentlab.backends import connect
from agentlab.backends.connections import Connections
from agentlab.messages import Message

CERTIFICATES = ssl.create_default_context()


async def fetch(client: httpx2.AsyncClient, url: str) -> str:
    return (await client.get(url)).text


async def test_many_at_once_open_many_and_the_next_ones_use_them_again() -> None:
    async with Loopback(sse(b"data: 1\n\n", wait=0.02)) as server:
        async with httpx2.AsyncClient(transport=Connections(CERTIFICATES)) as client:
            for _ in range(3):
                said = await asyncio.gather(*(fetch(client, server.url) for _ in range(10)))
                assert said == ["data: 1\n\n"] * 10
            assert server.connections == 10
        await server.all_closed()


async def test_no_more_are_kept_idle_than_wanted() -> None:
    async with Loopback(sse(b"data: 1\n\n", wait=0.02)) as server:
        async with httpx2.AsyncClient(transport=Connections(CERTIFICATES, keep=3)) as client:
            await asyncio.gather(*(fetch(client, server.url) for _ in range(10)))
            while server.open > 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert server.open == 3
        await server.all_closed()


async def test_one_request_at_a_time_uses_one_connection_through_failures_too() -> None:
    answers = (status(500), status(200, {"a": 1}), status(404), status(200, {"a": 2}))
    async with Loopback(*answers) as server:
        async with httpx2.AsyncClient(transport=Connections(CERTIFICATES)) as client:
            for _ in answers:
                await client.get(server.url)
        assert server.connections == 1


async def test_closing_closes_what_is_in_use() -> None:
    async with Loopback(hang(b"data: 1\n\n")) as server:
        client = httpx2.AsyncClient(transport=Connections(CERTIFICATES))
        request = client.build_request("GET", server.url)
        response = await client.send(request, stream=True)
        await client.aclose()
        await server.all_closed()
        await response.aclose()


async def test_a_connection_the_server_dropped_is_not_used_again() -> None:
    async def once(connection: object) -> None:
        head = http_head(200, "text/plain", content_length=2)
        await connection.send(head + b"ok")  # type: ignore[attr-defined]
        connection.writer.close()  # type: ignore[attr-defined]

    async with Loopback(once) as server:
        async with httpx2.AsyncClient(transport=Connections(CERTIFICATES)) as client:
            for _ in range(3):
                assert await fetch(client, server.url) == "ok"
                await asyncio.sleep(0.01)
        assert server.connections == 3


async def test_a_proxy_in_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Loopback(sse(CHAT["text"])) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        backend = connect("http://models.example/v1#m")
        said = [item async for item in backend.stream([Message.user("Hi")])]
        await backend.aclose()
    assert isinstance(said[-1], Reply)
    assert proxy.requests[0].path == "http://models.example/v1/chat/completions"
