"""Fewer bits a weight: a smaller, often faster file, and a model that knows a little less.

    quantize(Path("mine.gguf"), Path("mine-q4.gguf"), "Q4_K_M")

The work is llama.cpp's. The K kinds keep weights in blocks of 256; a matrix whose rows are not a
multiple of that gets the nearest older kind instead, so `kinds_in` tells what a file really holds.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from agentlab.backends.llamacpp import gguf as frame
from agentlab.backends.llamacpp.model import bindings
from agentlab.errors import ConfigError, ModelUnreadable
from agentlab_tools.train.bridge.gguf_file import open_gguf

Kind: TypeAlias = Literal[
    "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_0", "Q4_1", "Q4_K_M", "Q4_0", "Q3_K_M", "Q2_K"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""From most bits a weight to fewest."""
_NO_ROOM = 1 << 20


def quantize(source: Path, target: Path, kind: Kind, *, threads: int = 1) -> Path:
    """Write a GGUF with its matrices in another kind; returns the target.

    Best from F32 or F16. A quantized source is dequantized first, and both roundings stay in it.

    Raises:
        ConfigError: there is no such kind, or source and target are one file.
        ModelNotFound, ModelUnreadable: the source is not there, or is damaged.
        MissingExtra: llama-cpp-python is not installed.
        OSError: the disk is full, or the folder is not there. Nothing is left behind.
    """
    if kind not in KINDS:
        raise ConfigError(f"no quantization called {kind!r}: there is {', '.join(KINDS)}")
    frame.check(source)
    if target.exists() and target.samefile(source):
        raise ConfigError(f"{target} can't be quantized onto itself: name another file")
    lib: Any = bindings()
    params = lib.llama_model_quantize_default_params()
    params.nthread = threads
    params.ftype = getattr(lib, f"LLAMA_FTYPE_MOSTLY_{kind}")
    params.allow_requantize = True
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        code = lib.llama_model_quantize(str(source).encode(), str(partial).encode(), params)
        if code != 0:
            if not target.parent.is_dir():
                raise FileNotFoundError(f"there is no folder {target.parent}")
            if shutil.disk_usage(target.parent).free < _NO_ROOM:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
            raise ModelUnreadable(f"llama.cpp can't quantize {source} to {kind}")
        frame.check(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def kinds_in(path: Path) -> Mapping[str, int]:
    """How many weights (numbers, not matrices) of each kind a GGUF holds, most first."""
    count: Counter[str] = Counter()
    for tensor in open_gguf(path).tensors:
        count[tensor.tensor_type.name] += int(tensor.n_elements)
    return dict(count.most_common())
