"""Models that can be talked to, by name.

    connect("local:smollm2")              a packaged model, in this process
    connect("models/mine.gguf")           any GGUF file
    connect("hf:owner/repo/file.gguf")    a file on the Hugging Face hub
    connect("local:smollm2+mine.gguf")    any of these with a LoRA adapter put on
    connect("anthropic:claude-sonnet-5")  a hosted service; see `presets` for all of them
    connect("http://host/v1#model")       any server that speaks OpenAI's protocol

Nothing heavy is imported until a name asks for it. Other packages add schemes of their own through
the entry-point group `agentlab.backends`: `mine = "my_package:open"` serves `mine:…`, where
`open(name: str, **options) -> Backend` gets the whole name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeAlias, cast

from agentlab.backend import Backend
from agentlab.errors import ConfigError

Opener: TypeAlias = Callable[..., Backend]
"""Takes the whole name (`scheme:rest`, or a path) and the options given to `connect`."""

GROUP = "agentlab.backends"
"""The entry-point group that other packages register their schemes in."""

_LLAMACPP = "agentlab.backends.llamacpp.registry:open_backend"
_HOSTED = "agentlab.backends.hosted:open_backend"
SCHEMES: dict[str, str] = {
    "local": _LLAMACPP,
    "hf": _LLAMACPP,
    "openai": _HOSTED,
    "anthropic": _HOSTED,
    "gemini": _HOSTED,
    "huggingface": _HOSTED,
    "openrouter": _HOSTED,
    "mistral": _HOSTED,
    "groq": _HOSTED,
    "ollama": _HOSTED,
    "vllm": _HOSTED,
    "llama-server": _HOSTED,
    "http": _HOSTED,
    "https": _HOSTED,
}
"""Scheme to `module:function` of its opener."""


def connect(name: str, /, **options: Any) -> Backend:
    """The backend under `name`; `options` are those of its constructor.

    Raises:
        ConfigError: no backend answers to that name (ModelNotFound, ModelUnreadable, MissingExtra
            where that is the reason), or an option does not fit.
    """
    if not isinstance(cast(object, name), str):
        kind = type(name).__name__
        raise ConfigError(f"connect takes a model's name, e.g. 'local:smollm2', and no {kind}")
    scheme, colon, _ = name.partition(":")
    target = SCHEMES.get(scheme) if colon else None
    if target is None and name.endswith(".gguf"):
        target = _LLAMACPP
    if target is None and colon and options.get("services") is not None:
        target = _HOSTED  # a service of the user's own
    if target is not None:
        module, _, function = target.partition(":")
        opener = cast(Opener, getattr(importlib.import_module(module), function))
        return opener(name, **options)
    added = {entry.name: entry for entry in entry_points(group=GROUP)}
    if colon and scheme in added:
        return cast(Opener, added[scheme].load())(name, **options)
    known = ", ".join(f"{scheme}:…" for scheme in sorted({*SCHEMES, *added}))
    raise ConfigError(f"no backend answers to {name!r}: use a path ending in .gguf, or {known}")
