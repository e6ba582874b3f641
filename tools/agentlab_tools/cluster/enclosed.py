"""Files that are sent along to nodes which lack them: of a model, or of a training's settings.

    text, files = enclosed("local:smollm2+mine.gguf", Path.cwd())        at home
    references = referred(ray, files)
    name = unpacked(text, files, references, inputs, ray.get)            on a node

A file that a node has under the same path, and with the same content, is used where it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from agentlab.backends.llamacpp import registry
from agentlab.errors import ConfigError

Files: TypeAlias = dict[str, str]
"""The SHA-256 of each file, by its path at home."""
References: TypeAlias = Mapping[str, list[Any]]
"""By SHA-256, a reference to the file's bytes, in a list: so it is fetched only where asked for."""


def enclosed(value: str, folder: Path) -> tuple[str, Files]:
    """A model's name, or another setting, with whole paths; and the files that it names.

    Args:
        folder: what relative paths are meant from.
    """
    files: Files = {}
    pieces: list[str] = []
    for piece in _pieces(value):
        path = (folder / Path(piece).expanduser()).resolve()
        if path.is_file():
            files[str(path)] = _hash(path)
        pieces.append(str(path) if path.is_file() else piece)
    return "+".join(pieces), files


def referred(ray: Any, files: Files) -> References:
    """References to the content of files, for nodes to fetch it by."""
    return {sha256: [ray.put(Path(path).read_bytes())] for path, sha256 in files.items()}


def unpacked(
    value: str, files: Files, references: References, inputs: Path, get: Callable[[Any], bytes]
) -> str:
    """What `enclosed` returned, with paths that hold on this node.

    Args:
        inputs: where to put what is missing here.
        get: fetches what a reference refers to.
    """
    return "+".join(
        str(_here(Path(piece), files[piece], references, inputs, get)) if piece in files else piece
        for piece in _pieces(value)
    )


def _here(
    path: Path, sha256: str, references: References, inputs: Path, get: Callable[[Any], bytes]
) -> Path:
    if path.is_file() and _hash(path) == sha256:
        return path
    target = inputs / sha256[:12] / path.name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        partial.write_bytes(get(references[sha256][0]))
        partial.replace(target)
    return target


def _pieces(value: str) -> Iterable[str]:
    """The model and the adapters of a model's name; anything else is one piece."""
    if "+" not in value or not value.endswith(".gguf"):
        return (value,)
    try:
        base, adapters = registry.split(value)
    except ConfigError:
        return (value,)
    return (base, *adapters)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
