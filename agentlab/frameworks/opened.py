"""A model for a framework: a backend, or its name, with options as frameworks call them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from agentlab.agent.generators import owned
from agentlab.agent.taken import backend as of_ours
from agentlab.backend import Backend, Delta, Reply, Settings
from agentlab.backends import connect
from agentlab.backends.schemes import is_local
from agentlab.errors import ConfigError, StreamBroken
from agentlab.values import unknown

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed")
"""What can be said of sampling: when the model is made, and again for one reply."""


def opened(
    model: Backend | str,
    *,
    timeout: float | None = None,
    max_retries: int | None = None,
    api_key: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Backend:
    """The backend of a framework's model.

    Args:
        model: a backend, or its name as `connect` takes it.
        timeout: of a service: seconds a reply may take, with all retries.
        max_retries: of a service: how often a request is sent again.
        api_key: of a service; looked up in the environment where not given.
        options: of `connect`.

    Raises:
        ConfigError: no backend has that name; or options are given that it has no use for.
    """
    service = {"timeout": timeout, "max_retries": max_retries, "api_key": api_key}
    given = {name: value for name, value in service.items() if value is not None}
    if not isinstance(model, str):
        if lost := [*given, *(options or {})]:
            raise ConfigError(
                f"{lost[0]} is for a model that is named, and this one is open already: "
                "give it to connect(…)"
            )
        return of_ours(model)
    if given and is_local(model):
        raise ConfigError(
            f"{next(iter(given))} is for hosted models, and {model} runs in this process: "
            "leave it out"
        )
    named = dict(options or {})
    if api_key is not None:
        named["api_key"] = api_key
    if timeout is not None:
        from agentlab.backends.wire import Timeouts

        named["timeouts"] = Timeouts(total=timeout)
    if max_retries is not None:
        from agentlab.backends.retry import RetryPolicy

        named["retry"] = RetryPolicy(attempts=max_retries + 1)
    return connect(model, **named)


def opened_by(fields: Any) -> tuple[Backend, Settings]:
    """The backend and the usual settings of a framework's model, by the fields it was made with.

    Raises:
        ConfigError: as `opened` and `sampled`.
    """
    changes = {name: getattr(fields, name) for name in SAMPLING}
    settings = sampled(Settings(stop=tuple(fields.stop or ())), changes)
    backend = opened(
        fields.model,
        timeout=fields.timeout,
        max_retries=fields.max_retries,
        api_key=None if fields.api_key is None else fields.api_key.get_secret_value(),
        options=fields.options,
    )
    return backend, settings


def checked(maker: str, options: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse in one line what a framework's class would refuse in pydantic's many.

    Raises:
        ConfigError: `maker` has no such option, or a value of sampling does not fit.
    """
    for name in options:
        if name not in known:
            raise ConfigError(f"{maker} has no option {unknown(name, known)}")
    sampled(Settings(), {name: options.get(name) for name in SAMPLING})


async def reply_of(items: AsyncIterator[Delta | Reply], model: str) -> Reply:
    """The reply at the end of a stream.

    Raises:
        StreamBroken: there is none.
    """
    async with owned(items) as stream:
        async for item in stream:
            if isinstance(item, Reply):
                return item
    raise StreamBroken(f"{model} ended without a reply")


def sampled(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some of them said again; None says nothing.

    Raises:
        ConfigError: a value does not fit.
    """
    said = {name: value for name, value in changes.items() if value is not None}
    return Settings(**{**base.model_dump(exclude_unset=True), **said}) if said else base
