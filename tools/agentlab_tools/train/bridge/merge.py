"""A model and what is put on it, as one file, which can be quantized as a whole.

    merge("local:smollm2+mine.lora.gguf", Path("mine.gguf"), name="mine")

What is rounded afterwards is the sum; an adapter beside a quantized base stays in float16, and is
the better of the two where it may stay beside it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agentlab.backends.llamacpp import gguf as frame
from agentlab.backends.llamacpp import registry
from agentlab_tools.train.bridge.export import Precision, export
from agentlab_tools.train.bridge.load import load
from agentlab_tools.train.served import plain


def merge(model: str, target: Path, *, name: str, precision: Precision = "F16") -> Path:
    """Write what a model's name means as one GGUF; returns the target.

    Args:
        model: as `load` takes it.
        name: what the merged model is called in the file.

    Raises:
        ModelNotFound, ModelUnreadable, MissingExtra, ConfigError: as `load`.
        OSError: as `export`.
    """
    loaded = load(model)
    return export(loaded.model, loaded.tokenizer, target, name=name, precision=precision)


@contextmanager
def as_one_file(model: str, *, name: str, beside: Path) -> Generator[Path]:
    """A GGUF that is all of a model: its own, or else a merged one that is gone afterwards.

    Args:
        beside: the folder where a merged one may be for a while.

    Raises:
        As `merge`.
    """
    base, _ = registry.split(plain(model))
    if registry.is_gguf(base):
        entry = registry.find(model)
        if not entry.adapters:
            frame.check(entry.path)
            yield entry.path
            return
    with tempfile.TemporaryDirectory(prefix=".merged-", dir=beside) as folder:
        yield merge(model, Path(folder) / "merged.gguf", name=name)
