"""Models that can be talked to, by name.

    connect("local:smollm2")              a packaged model, in this process
    connect("models/mine.gguf")           any GGUF file
    connect("hf:owner/repo/file.gguf")    a file on the Hugging Face hub
    connect("local:smollm2+mine.gguf")    any of these with a LoRA adapter put on
    connect("anthropic:claude-sonnet-5")  a hosted service; see `presets` for all of them
    connect("http://host/v1#model")       any server that speaks OpenAI's protocol

Nothing heavy is imported until a name asks for it. `schemes` says what the first word of a name
means; other packages add words of their own there.
"""

from __future__ import annotations

from typing import Any, cast

from agentlab.backend import Backend
from agentlab.backends.schemes import SERVICE, known, scheme_of
from agentlab.errors import ConfigError


def connect(name: str, /, **options: Any) -> Backend:
    """The backend under `name`; `options` are those of its constructor.

    Raises:
        ConfigError: no backend answers to that name (ModelNotFound, ModelUnreadable, MissingExtra
            where that is the reason), or an option does not fit.
    """
    if not isinstance(cast(object, name), str):
        kind = type(name).__name__
        raise ConfigError(f"connect takes a model's name, e.g. 'local:smollm2', and no {kind}")
    scheme = scheme_of(name)
    if scheme is None and ":" in name and options.get("services") is not None:
        scheme = SERVICE
    if scheme is None:
        words = ", ".join(f"{word}:…" for word in known())
        raise ConfigError(f"no backend answers to {name!r}: use a path ending in .gguf, or {words}")
    return scheme.open(name, **options)
