"""A small llama whose layers hold one kind of weights each, made from nothing but a hash.

Its numbers mean nothing; they only have to be the same everywhere, of a useful size, and stored in
every format that models are met in. 5 MB, made in a few milliseconds, so that it need not be
shipped.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

WIDTH, HEADS, KV_HEADS, HIDDEN, VOCABULARY = 256, 4, 2, 512, 512
CONTEXT = 1024
EPSILON = 1e-5
ROPE_BASE = 10000.0


@dataclass(frozen=True)
class Kind:
    """A format of weights: blocks of random bytes, but for the scales, which are set to fit."""

    name: str
    code: int
    """GGUF's number for it."""
    block: int
    """Weights in a block."""
    size: int
    """Bytes in a block."""
    scales: tuple[tuple[int, int], ...]
    """(offset of a scale's high byte in the block, that byte): a float16 within a quarter."""


# The scales make weights of a deviation of about 1/16, so that activations neither grow nor fade.
KINDS: tuple[Kind, ...] = (
    Kind("Q4_0", 2, 32, 18, ((1, 0x23),)),
    Kind("Q4_1", 3, 32, 20, ((1, 0x23), (3, 0xAE))),
    Kind("Q5_0", 6, 32, 22, ((1, 0x1F),)),
    Kind("Q8_0", 8, 32, 34, ((1, 0x12),)),
    Kind("Q4_K", 12, 256, 144, ((1, 0x0C), (3, 0x18))),
    Kind("Q5_K", 13, 256, 176, ((1, 0x08), (3, 0x18))),
    Kind("Q6_K", 14, 256, 210, ((209, 0x03),)),
    Kind("F16", 1, 1, 2, ()),
)
_F32, _F16 = 0, KINDS[-1]
# any sign and mantissa, and one exponent: from 1/32 to 1/16
_ONE_SIZE = bytes(byte & 0x83 | 0x28 for byte in range(256))

Value: TypeAlias = int | float | str


def metadata() -> Mapping[str, Value]:
    """What the file says of itself."""
    return {
        "general.architecture": "llama",
        "llama.vocab_size": VOCABULARY,
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": len(KINDS),
        "llama.feed_forward_length": HIDDEN,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.attention.layer_norm_rms_epsilon": EPSILON,
        "llama.rope.freq_base": ROPE_BASE,
        "tokenizer.ggml.model": "none",
    }


def tensors() -> Iterator[tuple[str, tuple[int, ...], int, bytes]]:
    """(name, shape with the shortest stride first, format's number, bytes) of every tensor."""
    narrow = WIDTH // HEADS * KV_HEADS
    shapes = {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (WIDTH, narrow),
        "attn_v": (WIDTH, narrow),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (WIDTH, HIDDEN),
        "ffn_up": (WIDTH, HIDDEN),
        "ffn_down": (HIDDEN, WIDTH),
    }
    ones = struct.pack(f"<{WIDTH}f", *[1.0] * WIDTH)
    for name in ("token_embd", "output"):
        yield f"{name}.weight", (WIDTH, VOCABULARY), _F16.code, _weights(name, _F16, VOCABULARY)
    yield "output_norm.weight", (WIDTH,), _F32, ones
    for layer, kind in enumerate(KINDS):
        for part in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{part}.weight", (WIDTH,), _F32, ones
        for part, shape in shapes.items():
            name = f"blk.{layer}.{part}.weight"
            yield name, shape, kind.code, _weights(name, kind, shape[0] * shape[1] // WIDTH)


def gguf() -> bytes:
    """The whole file."""
    listed = list(tensors())
    facts = metadata()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(facts))
    head += b"".join(_text(key) + _value(value) for key, value in facts.items())
    body = bytearray()
    for name, shape, code, data in listed:
        head += _text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", code, len(body))
        body += data + bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + body


def prompt(count: int) -> list[int]:
    """So many tokens to read."""
    numbers = struct.unpack(f"<{count}H", hashlib.shake_256(b"prompt").digest(2 * count))
    return [number % VOCABULARY for number in numbers]


def _weights(name: str, kind: Kind, rows: int) -> bytes:
    """Rows of `WIDTH` weights each."""
    blocks = rows * WIDTH // kind.block
    data = bytearray(hashlib.shake_256(name.encode()).digest(blocks * kind.size))
    if kind is _F16:
        data[1::2] = data[1::2].translate(_ONE_SIZE)
    for offset, byte in kind.scales:
        data[offset :: kind.size] = bytes([byte]) * blocks
    return bytes(data)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<II", 4, value)
