"""The SDKs' clients, made the same way for every protocol.

The SDKs read variables of their own from the environment (addresses, organisations, more headers);
here each of them is given or left out on purpose, so a request depends on its arguments alone.
Retries are ours, so the SDKs' are off.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any, cast
from urllib.request import getproxies

from agentlab.backends.address import keep_out_of_logs, parted, shown_address
from agentlab.backends.failures import Service
from agentlab.backends.limiter import Limiter
from agentlab.backends.presets import Preset
from agentlab.backends.prices import Price
from agentlab.backends.retry import RetryPolicy
from agentlab.backends.structured import Mode
from agentlab.backends.wire import Client, Timeouts, Wire
from agentlab.errors import ConfigError, MissingExtra


@dataclass(frozen=True)
class Options:
    """What all hosted backends can be told."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeouts: Timeouts = field(default_factory=Timeouts)
    limiter: Limiter | None = None
    """Shared with whoever else was given it."""
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    """Model to price, before the preset's and the list's."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """More fields of every request, e.g. `{"reasoning_effort": "low"}`."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """More headers of every request. They may hold secrets, so they are not shown."""
    output: tuple[Mode, ...] | None = None
    """The ways to typed output, instead of the preset's."""
    transport: Any = None
    """An httpx2 transport to send through, e.g. a MockTransport; None: the network."""


def openai_wire(preset: Preset, model: str, key: str, options: Options) -> Wire:
    """A way to a service by the `openai` SDK.

    Raises:
        MissingExtra: the SDK is not installed.
    """
    _need("openai")

    def make() -> Client:
        import openai

        client = openai.AsyncOpenAI(**_settings(preset, key, options))
        client.organization = None
        client.project = None
        return cast(Client, client)

    return _wire(preset, model, key, options, make)


def anthropic_wire(preset: Preset, model: str, key: str, options: Options) -> Wire:
    """A way to a service by the `anthropic` SDK.

    Raises:
        MissingExtra: the SDK is not installed.
    """
    _need("anthropic")

    def make() -> Client:
        import anthropic

        settings = _settings(preset, key, options)
        return cast(Client, anthropic.AsyncAnthropic(**settings, open_telemetry=False))

    return _wire(preset, model, key, options, make)


def _settings(preset: Preset, key: str, options: Options) -> dict[str, Any]:
    """What both SDKs are told. Retries, limits and connections are ours."""
    keep_out_of_logs(preset.base_url)
    address, headers, query = parted(preset.base_url)
    return {
        # a service without keys still needs the header to be well formed
        "api_key": key or "none",
        "base_url": address,
        "max_retries": 0,
        "timeout": _timeout(options.timeouts),
        "default_headers": {**headers, **options.headers},
        "default_query": query,
        "http_client": _http(options.transport, options.timeouts),
    }


def _wire(preset: Preset, model: str, key: str, options: Options, make: Any) -> Wire:
    if any(not 32 < ord(char) < 127 for char in key):
        where = f" in {preset.key_env}" if preset.key_env else ""
        raise ConfigError(f"the key for {preset.name}{where} holds a space or a letter no key has")
    service = Service(
        name=preset.name,
        model=model,
        key_env=preset.key_env,
        key=key,
        url=shown_address(preset.base_url),
    )
    return Wire(
        service, make, limiter=options.limiter, retry=options.retry, timeouts=options.timeouts
    )


def _timeout(timeouts: Timeouts) -> Any:
    from httpx2 import Timeout

    # no bound on the wait for a free connection: that wait is the limiter's business
    return Timeout(timeouts.read, connect=timeouts.connect, pool=None)


def _http(transport: Any, timeouts: Timeouts) -> Any:
    """The HTTP client for an SDK to use.

    The SDKs' own would try to close itself in whatever event loop is running when it is forgotten,
    which fails, loudly, in a program that runs one loop after another.
    """
    from httpx2 import AsyncClient, Limits

    if transport is None and not getproxies():
        from agentlab.backends.connections import Connections

        transport = Connections(_certificates())
    return AsyncClient(
        # without a transport the library makes its own, which know the way through proxies
        transport=transport,
        verify=_certificates(),
        timeout=_timeout(timeouts),
        limits=Limits(max_connections=None, max_keepalive_connections=100),
        follow_redirects=True,
    )


@cache
def _certificates() -> ssl.SSLContext:
    """The trusted certificates, read once for all clients: that takes longer than a request."""
    from httpx2 import create_ssl_context

    return create_ssl_context()


def _need(sdk: str) -> None:
    if find_spec(sdk) is None:
        raise MissingExtra(f"the {sdk} package", "hosted")
