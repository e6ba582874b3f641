"""Writing small GGUF files: just enough to test adapters and damaged files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: str | float) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    return struct.pack("<If", 6, value)


def write_gguf(
    path: Path, metadata: dict[str, str | float], tensors: dict[str, np.ndarray]
) -> Path:
    """Write float32 tensors, given in rows; GGUF names the shortest stride first."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_string(key) + _value(value) for key, value in metadata.items())
    data = b""
    for name, tensor in tensors.items():
        shape = tensor.shape[::-1]
        head += _string(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", 0, len(data))
        data += tensor.astype(np.float32).tobytes()
        data += b"\0" * (-len(data) % 32)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path


def write_lora(path: Path, *, size: int, seed: int, strength: float) -> Path:
    """A LoRA of rank 4 on the output of the first attention layer, of random weights."""
    numbers = np.random.default_rng(seed)
    tensors = {
        "blk.0.attn_output.weight.lora_a": numbers.normal(0, 1, (4, size)),
        "blk.0.attn_output.weight.lora_b": numbers.normal(0, strength, (size, 4)),
    }
    metadata: dict[str, str | float] = {
        "general.architecture": "llama",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 4.0,
    }
    return write_gguf(path, metadata, tensors)
