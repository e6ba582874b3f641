"""Every exception of the SDKs and of their HTTP library has its place in AgentLab's error tree."""

from __future__ import annotations

import inspect
import time
from email.utils import formatdate
from types import ModuleType
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from agentlab.backends.failures import Service, from_status, retry_after, translate
from agentlab.errors import (
    AgentLabError,
    AuthError,
    BackendError,
    RateLimited,
    ServiceUnavailable,
    StreamBroken,
)

KEY = "sk-proj-1234567890"
SERVICE = Service(name="openai", model="gpt-5", key_env="OPENAI_API_KEY", key=KEY, url="http://x")
REQUEST = httpx2.Request("POST", "http://x/v1", headers={"authorization": f"Bearer {KEY}"})
RESPONSE = httpx2.Response(500, request=REQUEST)


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    return [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    ]


def made(kind: type[Exception]) -> Exception:
    """An instance, without going through constructors that differ from class to class."""
    error = kind.__new__(kind)
    fields: dict[str, Any] = {"request": REQUEST, "response": RESPONSE, "body": {}, "code": None}
    fields |= {
        "status_code": 500,
        "message": f"failed with {KEY}",
        "_request": REQUEST,
        "request_id": None,
    }
    for name, value in fields.items():
        try:
            setattr(error, name, value)
        except AttributeError:
            continue
    error.args = (f"failed with {KEY}",)
    return error


# these never come out of a request: they are about decoding URLs and cookies, or misuse
NEVER = {"InvalidURL", "CookieConflict", "InvalidWebhookSignatureError", "NotGiven"}


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for module in (openai, anthropic, httpx2)
        for kind in exceptions_of(module)
        if kind.__name__ not in NEVER
    ],
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_every_exception_is_translated_and_tells_no_key(kind: type[Exception]) -> None:
    failure = translate(made(kind), SERVICE)
    assert isinstance(failure, BackendError)
    assert "\n" not in str(failure)
    assert KEY not in repr(failure)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (openai.APITimeoutError(request=REQUEST), ServiceUnavailable),
        (anthropic.APITimeoutError(request=REQUEST), ServiceUnavailable),
        (openai.APIConnectionError(request=REQUEST), ServiceUnavailable),
        (httpx2.ConnectError("refused"), ServiceUnavailable),
        (httpx2.ReadTimeout("slow"), ServiceUnavailable),
        (TimeoutError(), ServiceUnavailable),
        (httpx2.ReadError("reset"), StreamBroken),
        (httpx2.RemoteProtocolError("incomplete chunked read"), StreamBroken),
        (httpx2.DecodingError("bad gzip"), StreamBroken),
    ],
)
def test_what_the_network_does_is_told_apart(error: Exception, kind: type[Exception]) -> None:
    assert type(translate(error, SERVICE)) is kind


def test_a_connection_reset_on_the_way_out_is_a_broken_stream() -> None:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = httpx2.RemoteProtocolError("disconnected without a response")
    assert isinstance(translate(error, SERVICE), StreamBroken)


def test_a_bug_is_not_dressed_up_as_a_failed_service() -> None:
    with pytest.raises(KeyError):
        translate(KeyError("oops"), SERVICE)


def test_our_own_errors_pass_as_they_are() -> None:
    error = AgentLabError("mine")
    assert translate(error, SERVICE) is error


def test_a_refused_key_names_the_variable_and_repeats_nothing_the_service_said() -> None:
    body = {"error": {"message": f"Incorrect API key provided: {KEY[:6]}***. Find it at …"}}
    failure = from_status(401, body, SERVICE)
    assert isinstance(failure, AuthError)
    assert str(failure) == "openai does not accept the key in OPENAI_API_KEY: set a valid one"


def test_what_a_service_says_is_cleared_of_the_key_and_shortened() -> None:
    body = {"error": {"message": f"bad\n{KEY} " + "x" * 9999}}
    said = str(from_status(400, body, SERVICE))
    assert KEY not in said
    assert "bad [key] xxx" in said
    assert len(said) < 600


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        "Bad Gateway",
        [],
        [{"error": {"message": "no"}}],
        {"detail": "no"},
        7,
        {"error": []},
    ],
)
def test_a_body_of_any_shape_is_taken(body: object) -> None:
    assert isinstance(from_status(502, body, SERVICE), ServiceUnavailable)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": formatdate(0, usegmt=True)}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "?"}, None),
    ],
)
def test_the_wait_that_is_asked_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_wait_until_a_date() -> None:
    wait = retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert wait is not None
    assert 50 < wait <= 61


def test_the_wait_comes_with_the_error() -> None:
    failure = from_status(429, {}, SERVICE, {"retry-after": "7"})
    assert isinstance(failure, RateLimited)
    assert failure.retry_after == 7
