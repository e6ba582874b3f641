"""One map from everything that can go wrong with a hosted service to AgentLab's errors.

Exceptions are told apart by their classes. Both SDKs are generated alike and stand on the same HTTP
library, so one map serves both; an SDK is looked up among the loaded modules, for one that was
never imported can't have raised anything. What a service says in an error is shortened and cleared
of the key before anyone sees it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, cast

from agentlab.errors import (
    AgentLabError,
    AuthError,
    BadRequest,
    ContextOverflow,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
    StreamBroken,
)

_LONGEST_DETAIL = 400
_LOGIN_ERRORS = ("CredentialsError", "WorkloadIdentityError")
_SHORTEST_KEY = 8
"""What is shorter stands in for a key where none is needed, and may be part of any word."""

_STATUS_OF_TYPE = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "insufficient_quota": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "unavailable_error": 503,
}
"""What a service calls an error, where it comes without an HTTP status (inside a stream)."""

_WORDS = ("message", "detail", "error_msg", "error_message", "msg")
"""Where services put what they have to say of an error."""

_OVERFLOW = (
    "context_length_exceeded",
    "exceed_context_size_error",
    "maximum context length",
    "context window",
    "prompt is too long",
    "exceeds the available context size",
    "input is too long",
)


@dataclass(frozen=True)
class Service:
    """Who is being asked, for the words of an error."""

    name: str
    model: str
    key_env: str = ""
    """The variable its key is read from; empty where none is needed."""
    key: str = field(default="", repr=False)
    url: str = ""

    def clean(self, text: object) -> str:
        """A service's own words: on one line, short, without the key."""
        line = " ".join(str(text).split())
        if len(self.key) >= _SHORTEST_KEY:
            line = line.replace(self.key, "[key]")
        return line if len(line) <= _LONGEST_DETAIL else line[:_LONGEST_DETAIL] + " …"


def translate(error: Exception, service: Service) -> AgentLabError:
    """The AgentLab error that `error` is; those that already are one stay as they are.

    Raises:
        Exception: `error` itself, where it comes from no SDK: that is a bug, to be shown as one.
    """
    if isinstance(error, AgentLabError):
        return error
    import httpx2  # whoever asked a service has it loaded

    sdk = _sdk_of(error)
    if sdk is not None and isinstance(error, sdk.APIStatusError):
        cause: Any = error
        headers = cause.response.headers
        return from_status(cause.response.status_code, cause.body, service, headers=headers)
    timeouts = (httpx2.TimeoutException, TimeoutError, *((sdk.APITimeoutError,) if sdk else ()))
    if isinstance(error, timeouts):
        return ServiceUnavailable(f"{service.name} did not answer in time")
    if isinstance(error, (httpx2.DecodingError, httpx2.StreamError)) or (
        sdk is not None and isinstance(error, sdk.APIResponseValidationError)
    ):
        return StreamBroken(f"{service.name} sent an answer that can't be read")
    broken = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError, httpx2.CloseError)
    cut = isinstance(error, broken)
    if cut or (sdk is not None and isinstance(error.__cause__, broken)):
        return StreamBroken(f"the connection to {service.name} broke off")
    unreachable = (httpx2.HTTPError, *((sdk.APIConnectionError,) if sdk else ()))
    if isinstance(error, unreachable):
        where = f" at {service.url}" if service.url else ""
        return ServiceUnavailable(
            f"{service.name} can't be reached{where}: check the address and the network"
        )
    if sdk is None:
        raise error
    # the rest never saw an answer of the service: a login that failed, a request not to be made
    detail = service.clean(error)
    if isinstance(error, _logins(sdk)):
        return AuthError(f"{service.name} could not be logged in to: {detail}")
    return BadRequest(f"{service.name}: {detail}")


def _sdk_of(error: Exception) -> Any:
    """The SDK that `error` comes from; None for none. It is loaded, or it could not have raised."""
    for name, root in (("openai", "OpenAIError"), ("anthropic", "AnthropicError")):
        sdk: Any = sys.modules.get(name)
        if sdk is not None and isinstance(error, getattr(sdk, root)):
            return sdk
    return None


def _logins(sdk: Any) -> tuple[type[Exception], ...]:
    """The SDK's exceptions for a login that failed before anything was asked."""
    return tuple(getattr(sdk, name) for name in _LOGIN_ERRORS if hasattr(sdk, name))


def from_body(body: object, service: Service) -> AgentLabError | None:
    """The error that an answer reports inside a stream, or with status 200; None if it is none."""
    if isinstance(body, list):  # Gemini wraps its errors in a list
        body = next(iter(cast(list[object], body)), None)
    if not isinstance(body, Mapping):
        return None
    fields = cast(Mapping[str, Any], body)
    error = fields.get("error")
    if not error and fields.get("choices"):
        error = _error_of_choice(fields["choices"])
        if not error:
            return None
    if not error and not _is_error(fields):
        return None
    details = cast(Mapping[str, Any], error) if isinstance(error, Mapping) else fields
    whole = {"error": error if isinstance(error, str) else details}
    for name in ("status", "code", "type", "statusCode", "status_code"):
        value = details.get(name)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return from_status(value, whole, service)
        if value in _STATUS_OF_TYPE:
            return from_status(_STATUS_OF_TYPE[value], whole, service)
    if isinstance(error, str):
        return ServiceUnavailable(f"{service.name} failed: {service.clean(error)}")
    status = 400 if details.get("type") == "invalid_request_error" else 500
    return from_status(status, whole, service)


def _is_error(fields: Mapping[str, Any]) -> bool:
    """Whether something without `error` is one all the same: an object of that name, or words.

    What every protocol says carries a type, choices, or an answer; words by themselves do not.
    """
    if fields.get("object") == "error" or fields.get("type") == "error":
        return True
    if fields.get("type") or any(
        fields.get(name) for name in ("usage", "output", "content", "delta")
    ):
        return False
    return any(isinstance(fields.get(name), str) and fields[name] for name in _WORDS)


def _error_of_choice(choices: Any) -> object:
    """The error inside the first choice, where a router puts what the service behind it said."""
    first = cast(list[object], choices)[0] if isinstance(choices, list) else None
    return cast(dict[str, Any], first).get("error") if isinstance(first, dict) else None


def from_status(
    status: int, body: object, service: Service, headers: Mapping[str, str] | None = None
) -> AgentLabError:
    """The error an HTTP status and its body stand for."""
    detail, code = _detail(body, service)
    name = service.name
    if any(sign in f"{code} {detail}".lower() for sign in _OVERFLOW):
        return ContextOverflow(f"the conversation is too long for {service.model}: {detail}")
    wait = retry_after(headers) if headers else None
    match status:
        case 401:
            set_it = f" in {service.key_env}" if service.key_env else ""
            return AuthError(f"{name} does not accept the key{set_it}: set a valid one")
        case 402:
            return QuotaExhausted(f"{name}: no credit left: {detail}")
        case 403:
            return AuthError(f"{name} does not allow this with the key given: {detail}")
        case 404:
            return ModelNotFound(f"{name} has no model {service.model!r}: {detail}")
        case 429 if "insufficient_quota" in code or "billing_hard_limit_reached" in code:
            return QuotaExhausted(f"{name}: no credit left: {detail}")
        case 429:
            return RateLimited(f"{name} gets too many requests: {detail}", wait)
        case 408 | 409 | 425 | 499:
            return ServiceUnavailable(
                f"{name} could not take the request ({status}): {detail}", wait
            )
        case _ if status >= 500 or status < 400:
            return ServiceUnavailable(f"{name} failed ({status}): {detail}", wait)
        case _:
            return BadRequest(f"{name} refuses the request ({status}): {detail}")


def _detail(body: object, service: Service) -> tuple[str, str]:
    """What the service says, and what it calls it."""
    if isinstance(body, list):  # Gemini wraps its errors in a list
        body = next(iter(cast(list[object], body)), None)
    if not isinstance(body, Mapping):
        return service.clean(body or "no reason given"), ""
    fields = cast(Mapping[str, Any], body)
    # the OpenAI SDK hands over what is inside `error`, the Anthropic SDK the whole body
    inner = fields.get("error", fields)
    if not isinstance(inner, Mapping):
        return service.clean(inner), ""
    details = cast(Mapping[str, Any], inner)
    reason = next((details[name] for name in _WORDS if details.get(name)), "no reason given")
    return service.clean(reason), f"{details.get('code', '')} {details.get('type', '')}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as the service asks: in ms, in seconds, or as a date (RFC 9110, 10.2.3)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        if value.replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
