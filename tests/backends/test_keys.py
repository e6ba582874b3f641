"""Keys go to the service and nowhere else."""

from __future__ import annotations

import logging
import pickle
import sys
import traceback
from pathlib import Path
from typing import Any

import httpx2
import pytest
from loopback import Loopback, cut, sse, status
from recorded import PROTOCOLS, chunk, events

from agentlab.backend import Backend, Reply
from agentlab.backends import connect
from agentlab.backends.hosted import check_key, find_key, list_models
from agentlab.backends.presets import PRESETS
from agentlab.backends.retry import RetryPolicy
from agentlab.errors import AgentLabError, ConfigError, MissingKey
from agentlab.messages import Message

KEY = "sk-proj-TOPSECRET0123456789"
MODELS = {"chat": "openai:gpt-5", "responses": "openai:gpt-5", "anthropic": "anthropic:claude-x"}
ONCE = RetryPolicy(attempts=1)
ECHO = {"error": {"message": f"what is {KEY}?", "type": "invalid_request_error"}}
protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


def backend_for(server: Loopback, protocol: str, **options: Any) -> Backend:
    url = server.url if protocol == "anthropic" else f"{server.url}/v1"
    return connect(
        MODELS[protocol], base_url=url, api_key=KEY, protocol=protocol, retry=ONCE, **options
    )


@protocols
async def test_the_key_goes_to_the_service(protocol: str) -> None:
    async with Loopback(sse(PROTOCOLS[protocol]["text"])) as server:
        backend = backend_for(server, protocol)
        async for _ in backend.stream([Message.user("Hi")]):
            pass
        await backend.aclose()
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in server.requests[0].body
    assert KEY not in server.requests[0].path


@protocols
async def test_no_error_tells_the_key_however_it_is_looked_at(protocol: str) -> None:
    broken = PROTOCOLS[protocol]["text"][:40]
    echoed = events(ECHO) if protocol == "chat" else events({"type": "error", **ECHO}, named=True)
    answers = (
        status(400, ECHO), status(401, ECHO), status(403, ECHO), status(404, ECHO),
        status(429, ECHO), status(500, ECHO), status(502, f"<html>{KEY}</html>".encode()),
        status(200, ECHO), status(200, KEY.encode()), cut(broken), sse(echoed),
        sse(b"data: " + KEY.encode() + b"\n\n"),
        sse(b'data: {"type":"' + KEY.encode() + b'","choices":7}\n\n'),
    )  # fmt: skip
    async with Loopback(*answers) as server:
        backend = backend_for(server, protocol)
        for _ in answers:
            with pytest.raises(AgentLabError) as caught:
                async for _ in backend.stream([Message.user("Hi")]):
                    pass
            error = caught.value
            seen = "".join(traceback.TracebackException.from_exception(error).format())
            assert KEY not in seen
            assert KEY not in repr(error) + str(error) + repr(vars(error)) + repr(error.args)
            # the SDK's exception holds the request, and the request the key
            assert error.__cause__ is None
            assert error.__context__ is None
        await backend.aclose()
    assert len(server.requests) == len(answers)


@protocols
async def test_no_log_of_any_level_tells_the_key(
    protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Loopback(status(429, ECHO), sse(PROTOCOLS[protocol]["text"])) as server:
        backend = backend_for(server, protocol)
        with pytest.raises(AgentLabError):
            async for _ in backend.stream([Message.user("Hi")]):
                pass
        async for _ in backend.stream([Message.user("Hi")]):
            pass
        await backend.aclose()
    assert caplog.records
    for record in caplog.records:
        assert KEY not in record.getMessage() + str(record.exc_text)
        assert KEY not in repr(record.args)


@protocols
async def test_nothing_a_backend_shows_tells_the_key(protocol: str) -> None:
    async with Loopback(sse(PROTOCOLS[protocol]["text"])) as server:
        backend = backend_for(server, protocol, headers={"X-Other": f"token {KEY}"})
        said = [item async for item in backend.stream([Message.user("Hi")])]
        wire = backend._wire  # type: ignore[attr-defined]
        shown = [backend, backend.identity, wire, wire.service, backend._options, *said]  # type: ignore[attr-defined]
        assert KEY not in "".join(repr(thing) + str(thing) for thing in shown)
        assert KEY not in backend.identity.model_dump_json()
        assert isinstance(said[-1], Reply)
        assert KEY not in said[-1].model_dump_json()
        assert KEY.encode() not in pickle.dumps(said)
        await backend.aclose()


async def test_a_key_in_an_answer_is_the_models_own_business() -> None:
    # what a model says is never rewritten; keys are kept out of what *we* say
    async with Loopback(sse(events(chunk({"content": KEY}), chunk({}, "stop")))) as server:
        backend = backend_for(server, "chat")
        said = [item async for item in backend.stream([Message.user("Hi")])]
        await backend.aclose()
    assert isinstance(said[-1], Reply)
    assert said[-1].message.text == KEY


def test_a_missing_key_names_the_variable_and_a_way_without() -> None:
    for name, preset in PRESETS.items():
        if preset.key_env:
            with pytest.raises(MissingKey, match=f"set {preset.key_env}, or use .*local:"):
                connect(f"{name}:m", env={})


def test_keys_are_looked_up_where_the_caller_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-process")
    openai = PRESETS["openai"]
    assert find_key(openai, None, {"OPENAI_API_KEY": " given \n"}) == "given"
    assert find_key(openai, "argument", {"OPENAI_API_KEY": "given"}) == "argument"
    assert find_key(openai, None, None) == "from-the-process"
    with pytest.raises(MissingKey):
        find_key(openai, None, {"ANTHROPIC_API_KEY": "given"})
    assert find_key(PRESETS["ollama"], None, {}) == ""


async def test_a_service_without_keys_gets_none_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://wrong.example")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://wrong.example")
    async with Loopback(sse(PROTOCOLS["chat"]["text"])) as server:
        for name in (f"{server.url}/v1#m", "ollama:m"):
            backend = connect(name, **({} if "#" in name else {"base_url": f"{server.url}/v1"}))
            async for _ in backend.stream([Message.user("Hi")]):
                pass
            await backend.aclose()
    assert len(server.requests) == 2
    for request in server.requests:
        assert KEY not in repr(request.headers)


@pytest.mark.parametrize("key", ["sk bad", "sk-\u201cquoted\u201d", "sk-\n"])
def test_a_key_that_cannot_be_one_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        connect("openai:m", api_key=key)
    assert key not in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)


# Checking keys and listing models


def answering(code: int, body: Any) -> Any:
    return httpx2.MockTransport(lambda _: httpx2.Response(code, json=body))


@pytest.mark.parametrize("name", ["openai", "anthropic", "openrouter", "huggingface"])
@pytest.mark.parametrize(
    ("code", "found"), [(200, "ok"), (401, "refused"), (403, "refused"), (503, "unreachable")]
)
async def test_a_check_asks_the_service_and_tells_no_key(name: str, code: int, found: str) -> None:
    from agentlab.backends.clients import Options

    options = Options(transport=answering(code, {"data": [], **ECHO}))
    outcome = await check_key(PRESETS[name], api_key=KEY, options=options)
    assert outcome.status == found
    assert outcome.variable == PRESETS[name].key_env
    assert KEY not in outcome.model_dump_json()
    assert bool(outcome.detail) == (found != "ok")


async def test_a_check_without_a_key_names_the_variable() -> None:
    outcome = await check_key(PRESETS["groq"], env={})
    assert (outcome.status, outcome.variable) == ("missing", "GROQ_API_KEY")
    assert "GROQ_API_KEY" in outcome.detail


async def test_a_check_of_a_server_that_is_not_there() -> None:
    preset = PRESETS["ollama"].model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    assert (await check_key(preset)).status == "unreachable"


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini"])
async def test_models_are_listed_by_name(name: str) -> None:
    from agentlab.backends.clients import Options

    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"data": [{"id": "b"}, {"id": "models/a"}, {"id": "b"}]})

    options = Options(transport=httpx2.MockTransport(answer))
    assert await list_models(PRESETS[name], api_key=KEY, options=options) == ("a", "b")
    base = PRESETS[name].base_url
    path = "/v1/models?limit=1000" if name == "anthropic" else "/models"
    assert str(asked[0].url) == base + path


def test_importing_the_backends_imports_no_sdk() -> None:
    import subprocess

    code = (
        "import sys; from agentlab.backends import hosted, fallback, limiter; "
        "hosted.open_backend('openai:m', api_key='k'); "
        "print([m for m in ('openai', 'anthropic', 'httpx2', 'genai_prices') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
