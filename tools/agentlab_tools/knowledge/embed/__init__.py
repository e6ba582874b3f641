"""Embedders by name: texts to vectors of length 1.

    open_embedder("minilm")                         in this process, offline: the default
    open_embedder("openai:text-embedding-3-small")  a hosted service, by the names of `connect`
    open_embedder("http://host/v1#model")           any server that speaks OpenAI's protocol
    open_embedder("st:BAAI/bge-small-en-v1.5")      sentence-transformers: a hub's name, or a folder
    open_embedder("llama:models/embedding.gguf")    a GGUF embedding model, by llama.cpp

Nothing heavy is imported until a name asks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab.errors import ConfigError

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Embedder

DEFAULT = "minilm"


def shown_spec(spec: str) -> str:
    """The name as an index keeps it: of an address, not what it hides."""
    if not spec.startswith(("http://", "https://")):
        return spec
    from agentlab.backends.address import shown_address

    url, _, model = spec.partition("#")
    return f"{shown_address(url)}#{model}"


def open_embedder(spec: str = DEFAULT, **options: Any) -> Embedder:
    """The embedder under a name; `options` are those of its constructor.

    Raises:
        ConfigError: no embedder answers to the name (MissingExtra, MissingKey or ModelNotFound
            where that is the reason).
    """
    kind, colon, rest = spec.partition(":")
    if spec == DEFAULT:
        from agentlab_tools.knowledge.embed.minilm import MiniLM

        return MiniLM(**options)
    if kind == "st" and rest:
        from agentlab_tools.knowledge.embed.transformer import (
            SentenceTransformerEmbedder,
        )

        return SentenceTransformerEmbedder(rest, **options)
    if (kind == "llama" and rest) or spec.endswith(".gguf"):
        from agentlab_tools.knowledge.embed.llama import LlamaEmbedder

        return LlamaEmbedder(Path(rest if kind == "llama" else spec).expanduser(), **options)
    if colon and rest:
        from agentlab_tools.knowledge.embed.hosted import HostedEmbedder

        return HostedEmbedder(spec, **options)
    raise ConfigError(
        f"no embedder is called {spec!r}: use {DEFAULT}, openai:<model> (or another service), "
        "http://host/v1#<model>, st:<name or folder>, or llama:<file.gguf>"
    )
