"""Hosted services as data: where they are, what they speak, which settings they take.

    connect("groq:llama-3.3-70b-versatile")

looks up `groq` here. A service that is missing is added in a TOML file, or one that is here is
changed there; whatever is left out comes from the service named by `like` (or `openai`), but for
the key, which is never sent to another address than its own:

    [services.office]
    like = "vllm"
    base_url = "https://llm.office.example/v1"
    key_env = "OFFICE_LLM_KEY"
    settings = { top_k = "top_k" }

    [services.office.prices."big-model"]       # US dollars for a million tokens
    input = 1.0
    output = 4.0
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from agentlab.backend import Stop
from agentlab.backends.call_ids import ANY, NINE
from agentlab.backends.prices import FREE, Price
from agentlab.backends.structured import Mode
from agentlab.errors import ConfigError, Refused
from agentlab.messages import Value
from agentlab.values import tables

ProtocolName: TypeAlias = Literal["chat", "responses", "anthropic"]
PROTOCOLS: Final = get_args(ProtocolName)

_OPENAI = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_completion_tokens",
    "stop": "stop",
    "seed": "seed",
    "logprobs": "logprobs",
    "parallel_tool_calls": "parallel_tool_calls",
}
_COMPATIBLE = {**_OPENAI, "max_tokens": "max_tokens"}
_OPEN_ENGINE = {**_COMPATIBLE, "top_k": "top_k", "min_p": "min_p"}
RESPONSES_SETTINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "parallel_tool_calls": "parallel_tool_calls",
}
"""What the Responses protocol takes, whatever the service."""
ANTHROPIC_SETTINGS = {
    "max_tokens": "max_tokens",
    "stop": "stop_sequences",
    "parallel_tool_calls": "disable_parallel_tool_use",
}
"""What the Messages protocol takes. Since API version 2026-10-21 it has no sampler settings."""


_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "chat": _COMPATIBLE,
    "responses": RESPONSES_SETTINGS,
    "anthropic": ANTHROPIC_SETTINGS,
}


def _without(names: Mapping[str, str], *gone: str, **changed: str) -> dict[str, str]:
    return {name: wire for name, wire in {**names, **changed}.items() if name not in gone}


class Preset(Value):
    """One hosted service."""

    name: str
    protocol: ProtocolName = "chat"
    base_url: str
    key_env: str = ""
    """The variable that holds the key; empty if the service needs none."""
    settings: dict[str, str] = _OPENAI
    """The settings it takes, and what it calls them. The others raise ConfigError."""
    output: tuple[Mode, ...] = ("native", "tool", "prompt")
    """The ways to typed output, best first."""
    responses_models: str = ""
    """A regular expression for models that are asked over the Responses protocol."""
    reasoning_field: str = ""
    """The field of a past answer in which its reasoning is sent back; empty: not at all."""
    provider: str = ""
    """The service's name in the price list."""
    prices: dict[str, Price] = {}
    """Prices that go before those in the list."""
    call_ids: str = ANY
    """A regular expression for the ids of calls that it takes in a history."""
    folds: bool = False
    """Whether it takes only a plain object at the top of a tool's schema."""
    think_tags: bool = False
    """Whether `<think>…</think>` at the beginning of an answer's text is its reasoning."""
    stops: dict[str, Stop] = {}
    """Its own words for why an answer ended, beside those that are known."""
    check_path: str = "/models"
    """A path that only a valid key can read."""
    extra: dict[str, Any] = {}
    """Fields of every request."""


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="openai",
            base_url="https://api.openai.com/v1",
            key_env="OPENAI_API_KEY",
            call_ids=".{1,40}",
            folds=True,
            responses_models=r"^(o\d+-pro|gpt-[\d.]+-pro|.*codex.*|.*deep-research.*|computer-use.*)",
            provider="openai",
        ),
        Preset(
            name="anthropic",
            protocol="anthropic",
            base_url="https://api.anthropic.com",
            key_env="ANTHROPIC_API_KEY",
            settings=ANTHROPIC_SETTINGS,
            call_ids="[a-zA-Z0-9_-]{1,64}",
            folds=True,
            provider="anthropic",
            check_path="/v1/models",
            extra={"max_tokens": 16_384},
        ),
        Preset(
            name="gemini",
            base_url="https://generativelanguage.googleapis.com/v1beta/openai",
            key_env="GEMINI_API_KEY",
            settings=_without(_COMPATIBLE, "seed", "logprobs", "parallel_tool_calls"),
            provider="google",
        ),
        Preset(
            name="huggingface",
            base_url="https://router.huggingface.co/v1",
            key_env="HF_TOKEN",
            settings=_COMPATIBLE,
            think_tags=True,
            check_path="https://huggingface.co/api/whoami-v2",
        ),
        Preset(
            name="openrouter",
            base_url="https://openrouter.ai/api/v1",
            key_env="OPENROUTER_API_KEY",
            settings={**_OPEN_ENGINE, "repeat_penalty": "repetition_penalty"},
            provider="openrouter",
            check_path="/key",
            extra={"usage": {"include": True}},
        ),
        Preset(
            name="mistral",
            base_url="https://api.mistral.ai/v1",
            key_env="MISTRAL_API_KEY",
            settings=_without(_COMPATIBLE, "logprobs", seed="random_seed"),
            call_ids=NINE,
            provider="mistral",
        ),
        Preset(
            name="groq",
            base_url="https://api.groq.com/openai/v1",
            key_env="GROQ_API_KEY",
            settings=_without(_OPENAI, "logprobs"),
            think_tags=True,
            provider="groq",
        ),
        Preset(
            name="ollama",
            base_url="http://localhost:11434/v1",
            settings=_without(_COMPATIBLE, "logprobs", "parallel_tool_calls"),
            think_tags=True,
            prices={"*": FREE},
        ),
        Preset(
            name="vllm",
            base_url="http://localhost:8000/v1",
            settings={**_OPEN_ENGINE, "repeat_penalty": "repetition_penalty"},
            reasoning_field="reasoning",
            think_tags=True,
            prices={"*": FREE},
        ),
        Preset(
            name="llama-server",
            base_url="http://localhost:8080/v1",
            settings={**_OPEN_ENGINE, "repeat_penalty": "repeat_penalty"},
            reasoning_field="reasoning_content",
            think_tags=True,
            prices={"*": FREE},
        ),
    )
}
"""Every service known by name."""


def load_presets(path: Path, base: Mapping[str, Preset] = PRESETS) -> dict[str, Preset]:
    """`base`, extended and changed by the services in a TOML file.

    Raises:
        ConfigError: the file can't be read, or a service in it is not described as it should be.
    """
    presets = dict(base)
    for name, service in tables(path, "services").items():
        presets[name] = _preset(name, service, presets, path)
    return presets


def _preset(name: str, told: Any, presets: Mapping[str, Preset], path: Path) -> Preset:
    where = f"{path}, [services.{name}]"
    if not isinstance(told, dict):
        raise ConfigError(f"{where}: must be a table")
    fields = dict(cast(dict[str, Any], told))
    like = fields.pop("like", name if name in presets else "openai")
    if like not in presets:
        raise ConfigError(
            f"{where}: like = {like!r} is not a service; there are {', '.join(presets)}"
        )
    spoken = fields.get("protocol", presets[like].protocol)
    changed = spoken != presets[like].protocol and spoken in _SETTINGS
    # what one protocol calls a setting, another passes over without a word
    names = _SETTINGS[spoken] if changed else presets[like].settings
    if changed and spoken == "anthropic":
        fields.setdefault("extra", PRESETS["anthropic"].extra | presets[like].extra)
    if changed or isinstance(fields.get("settings"), dict):
        more: Any = fields.get("settings") or {}
        if isinstance(more, dict):
            merged = {**names, **cast(dict[str, Any], more)}
            fields["settings"] = {key: value for key, value in merged.items() if value}
    if fields.get("base_url", presets[like].base_url) != presets[like].base_url:
        fields.setdefault("key_env", "")  # one service's key is not for another's address
        # nor are the peculiarities of the service it is like known to be its own
        fields.setdefault("call_ids", ANY)
        fields.setdefault("folds", spoken == "anthropic" and presets[like].folds)
        fields.setdefault("think_tags", True)
    try:
        return Preset.written({**presets[like].model_dump(), **fields, "name": name})
    except Refused as error:
        raise ConfigError(f"{where}: {error}") from None
