"""Hosted services by name: what `connect` opens, what they offer, and whether their keys work.

    connect("openai:gpt-5")                             Chat Completions, or Responses where wanted
    connect("anthropic:claude-sonnet-5")                Messages
    connect("groq:…"), connect("ollama:…"), …           every service in `presets`
    connect("http://localhost:8000/v1#model")           any address; sends no key unless given one

Keys are given as `api_key`, or looked up under the service's variable in `env`. With `env=None`
that is the process's environment at the time of the call: the only place here where it is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Literal, cast

from agentlab.backend import Backend, is_address
from agentlab.backends.address import shown_address
from agentlab.backends.anthropic_messages import MessagesDialect
from agentlab.backends.call_ids import ANY
from agentlab.backends.clients import Options, anthropic_wire, openai_wire
from agentlab.backends.failures import translate
from agentlab.backends.hosted_backend import Dialect, HostedBackend
from agentlab.backends.openai_chat import ChatDialect
from agentlab.backends.openai_responses import ResponsesDialect
from agentlab.backends.presets import (
    ANTHROPIC_SETTINGS,
    PRESETS,
    RESPONSES_SETTINGS,
    Preset,
    ProtocolName,
    load_presets,
)
from agentlab.backends.wire import Wire
from agentlab.errors import AgentLabError, AuthError, ConfigError, MissingKey
from agentlab.messages import Value
from agentlab.values import unknown as nearest

LOCAL_ALTERNATIVE = "local:smollm2"
"""What is proposed to someone without a key."""


_DIALECTS: dict[ProtocolName, Callable[[Preset, str, Options], Dialect]] = {
    "chat": ChatDialect,
    "responses": ResponsesDialect,
    "anthropic": MessagesDialect,
}


def open_backend(
    name: str,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    env: Mapping[str, str] | None = None,
    services: Mapping[str, Preset] | Path | None = None,
    protocol: ProtocolName | None = None,
    **options: Any,
) -> Backend:
    """The hosted model under `name`; nothing is sent before the first request.

    Args:
        name: `service:model`, or `http(s)://address#model`.
        api_key: the key; None looks it up in `env`.
        base_url: another address than the preset's.
        env: where keys are looked up; None for the process's environment.
        services: presets to look in, or a TOML file that extends the built-in ones.
        protocol: another protocol than the service's usual one.
        options: see `Options`.

    Raises:
        ConfigError: no such service or option, or no model named.
        MissingKey: the service needs a key, and none was given.
    """
    preset, model = _find(name, services)
    if not model:
        raise ConfigError(f"{name!r} names no model: write {name.rstrip(':#')}:<model>")
    preset = _spoken(preset, model, protocol)
    if base_url is not None:
        preset = preset.model_copy(update={"base_url": base_url})
    unknown = set(options) - set(Options.__dataclass_fields__)
    if unknown:
        names = [*[*signature(open_backend).parameters][1:-1], *Options.__dataclass_fields__]
        raise ConfigError(f"{name} has no option {nearest(min(unknown), names)}")
    chosen = Options(**options)
    wire = _wire(preset, model, find_key(preset, api_key, env), chosen)
    dialect = _DIALECTS[preset.protocol](preset, model, chosen)
    return HostedBackend(preset, model, chosen, wire=wire, dialect=dialect)


def find_key(preset: Preset, api_key: str | None, env: Mapping[str, str] | None) -> str:
    """The key for a service; empty if it needs none.

    Raises:
        MissingKey: it needs one, and neither argument has it.
    """
    if api_key is not None:
        return api_key
    if not preset.key_env:
        return ""
    key = (os.environ if env is None else env).get(preset.key_env, "").strip()
    if not key:
        raise MissingKey(
            f"no API key for {preset.name}: set {preset.key_env}, "
            f"or use a local model, e.g. {LOCAL_ALTERNATIVE}"
        )
    return key


def _find(name: str, services: Mapping[str, Preset] | Path | None) -> tuple[Preset, str]:
    if is_address(name):
        url, _, model = name.partition("#")
        return PRESETS["openai"].model_copy(
            update={
                "name": shown_address(url),
                "base_url": url,
                "key_env": "",
                "provider": "",
                "responses_models": "",
                "call_ids": ANY,
                "folds": False,
                "think_tags": True,
                "settings": PRESETS["vllm"].settings,
            }
        ), model
    presets = load_presets(services) if isinstance(services, Path) else services or PRESETS
    scheme, _, model = name.partition(":")
    if scheme not in presets:
        raise ConfigError(f"no service is called {scheme!r}; there are {', '.join(presets)}")
    return presets[scheme], model


def _spoken(preset: Preset, model: str, protocol: ProtocolName | None) -> Preset:
    """The preset for the protocol the model is asked over."""
    if protocol is None and preset.responses_models and re.search(preset.responses_models, model):
        protocol = "responses"
    if protocol is None or protocol == preset.protocol:
        return preset
    names = {"responses": RESPONSES_SETTINGS, "anthropic": ANTHROPIC_SETTINGS}
    update: dict[str, Any] = {
        "protocol": protocol,
        "settings": names.get(protocol, preset.settings),
    }
    if preset.provider != "openai":
        # servers that speak a protocol beside their own pass over its typed output without a word
        update["output"] = ("tool", "prompt")
    if protocol == "anthropic":
        # this protocol requires a bound on the answer's length
        update["extra"] = {**PRESETS["anthropic"].extra, **preset.extra}
    return preset.model_copy(update=update)


async def list_models(
    preset: Preset,
    *,
    api_key: str | None = None,
    env: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> tuple[str, ...]:
    """The models a service offers, by name, sorted.

    Raises:
        MissingKey: it needs a key, and none was given.
        BackendError: it does not answer, or does not accept the key.
    """
    wire = _wire(preset, "", find_key(preset, api_key, env), options or Options())
    path = "/v1/models?limit=1000" if preset.protocol == "anthropic" else "/models"
    try:
        listing = await _get(wire, path)
    finally:
        await wire.aclose()
    models = cast(list[dict[str, Any]], listing.get("data") or listing.get("models") or [])
    names = (str(model.get("id") or model.get("name", "")) for model in models)
    return tuple(sorted({name.removeprefix("models/") for name in names if name}))


class KeyCheck(Value):
    """Whether a service can be used. Never holds the key."""

    service: str
    variable: str
    """Where the key is looked up; empty if the service needs none."""
    status: Literal["ok", "missing", "refused", "unreachable"]
    detail: str = ""
    """What is wrong and what to do; empty if nothing is."""


async def check_key(
    preset: Preset,
    *,
    api_key: str | None = None,
    env: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> KeyCheck:
    """Ask a service whether it accepts its key. Every outcome is a value."""

    def found(status: Literal["ok", "missing", "refused", "unreachable"], detail: str = "") -> Any:
        return KeyCheck(service=preset.name, variable=preset.key_env, status=status, detail=detail)

    try:
        wire = _wire(preset, "", find_key(preset, api_key, env), options or Options())
    except MissingKey as error:
        return found("missing", str(error))
    try:
        await _get(wire, preset.check_path)
    except AuthError as error:
        return found("refused", str(error))
    except AgentLabError as error:
        return found("unreachable", str(error))
    finally:
        await wire.aclose()
    return found("ok")


def _wire(preset: Preset, model: str, key: str, options: Options) -> Wire:
    make = anthropic_wire if preset.protocol == "anthropic" else openai_wire
    return make(preset, model, key, options)


async def _get(wire: Wire, path: str) -> dict[str, Any]:
    failure: AgentLabError
    try:
        answer = await wire.client().get(path, cast_to=object)
        return cast(dict[str, Any], answer) if isinstance(answer, dict) else {}
    except Exception as error:  # noqa: BLE001 - what it is not is raised as it was
        failure = translate(error, wire.service)
    raise failure
