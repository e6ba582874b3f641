"""Gemma 3 270M in PyTorch, read from its GGUF, with a LoRA beside its upper layers.

    net = Gemma(weights())
    net.open_detours(seed=0)
    hidden = net.read(net.embedded(ids), 0, LAYERS)     (rows, n, WIDTH)
    net.logits(hidden[chosen])                          (chosen, vocabulary)

As published (Gemma Team, 2025, arXiv:2503.19786): norms before and after each half of a layer, q
and k normed by head, one key head for four queries, and a slow rotation in every sixth layer. All
others look back 512 tokens, more than a row has here. Norms in the GGUF hold 1 + w already.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agentlab.backends.llamacpp.registry import locate

if TYPE_CHECKING:
    from torch import Tensor

MODEL = "gemma3-270m"
LAYERS, WIDTH, HEADS, HEAD = 18, 640, 4, 256
FIRST = 9
"""The lowest layer with a detour. What is below need not be gone back through."""
RANK, ALPHA = 8, 16.0
PARTS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_EVERY = 6
_BASES = (10_000.0, 1_000_000.0)
_EPSILON = 1e-6
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9


def weights() -> dict[str, Tensor]:
    """Every weight in float32, by GGUF's name.

    Raises:
        ModelNotFound, ModelUnreadable: the model is not installed, or damaged.
    """
    import gguf
    import numpy as np
    import torch

    path = locate(MODEL)
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found: dict[str, Tensor] = {}
    for name, shape, number, at in _tensors(data):
        kind = gguf.GGMLQuantizationType(number)
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        raw = np.frombuffer(data, np.uint8, math.prod(shape) // elements * size, at)
        plain = gguf.dequantize(raw.reshape(math.prod(shape[1:]), -1), kind)
        found[name] = cast(Any, torch).from_numpy(plain.reshape(shape[::-1]).copy())
    return found


def _tensors(data: mmap.mmap) -> Iterator[tuple[str, tuple[int, ...], int, int]]:
    """Name, shape, type and place of every tensor; words of the vocabulary are passed over.

    gguf's own reader makes an object of each of 262,144 words, which takes six times as long as
    everything else here.
    """
    at = 4

    def take(form: str) -> tuple[int, ...]:
        nonlocal at
        values = struct.unpack_from(f"<{form}", data, at)
        at += struct.calcsize(f"<{form}")
        return values

    def text() -> str:
        nonlocal at
        (length,) = take("Q")
        at += length
        return data[at - length : at].decode()

    _, tensors, fields = take("IQQ")
    for _ in range(fields):
        text()
        (kind,) = take("I")
        count = 1
        if kind == _ARRAY:
            kind, count = take("IQ")
        if kind == _STRING:
            for _ in range(count):
                at += 8 + struct.unpack_from("<Q", data, at)[0]
        else:
            at += _SIZES[kind] * count
    entries: list[tuple[str, tuple[int, ...], int, int]] = []
    for _ in range(tensors):
        name = text()
        shape = take("Q" * take("I")[0])
        entries.append((name, shape, *cast(tuple[int, int], take("IQ"))))
    start = -(-at // 32) * 32
    for name, shape, kind, offset in entries:
        yield name, shape, kind, start + offset


@dataclass
class Detour:
    """A LoRA's two matrices: (RANK, in) and (out, RANK)."""

    a: Tensor
    b: Tensor


class Gemma:
    """The model, and the detours that are trained.

    Args:
        weights: see `weights`; they are not changed.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self._weights = weights
        self.detours: dict[str, Detour] = {}
        """By GGUF's name of the weight they go beside."""

    def open_detours(self, seed: int) -> list[Tensor]:
        """Put a LoRA beside every matrix of the upper layers; returns what is to be trained."""
        import torch

        dice = torch.Generator().manual_seed(seed)
        for layer in range(FIRST, LAYERS):
            for part in PARTS:
                name = f"blk.{layer}.{part}.weight"
                out, into = self._weights[name].shape
                a = torch.randn(RANK, into, generator=dice) / math.sqrt(into)
                b = torch.zeros(out, RANK)
                self.detours[name] = Detour(a.requires_grad_(), b.requires_grad_())
        return [half for one in self.detours.values() for half in (one.a, one.b)]

    def embedded(self, ids: Tensor) -> Tensor:
        """Tokens, (rows, n), as the first layer takes them: (rows, n, WIDTH)."""
        return self._weights["token_embd.weight"][ids] * math.sqrt(WIDTH)

    def read(self, x: Tensor, start: int, end: int) -> Tensor:
        """Through the layers from `start` to `end`, which is left out."""
        turns = [_turns(x.shape[1], base) for base in _BASES]
        for layer in range(start, end):
            x = self._layer(layer, x, turns[(layer + 1) % _EVERY == 0])
        return x

    def logits(self, x: Tensor) -> Tensor:
        """What comes next, from places after the last layer: (places, vocabulary)."""
        from torch.nn.functional import linear

        return linear(self._norm(x, "output_norm.weight"), self._weights["token_embd.weight"])

    def _layer(self, layer: int, x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        from torch.nn.functional import gelu, scaled_dot_product_attention

        def name(part: str) -> str:
            return f"blk.{layer}.{part}.weight"

        rows, n, _ = x.shape
        h = self._norm(x, name("attn_norm"))
        q, k, v = (self._through(h, name(f"attn_{part}")) for part in "qkv")
        q = _turned(self._norm(q.view(rows, n, HEADS, HEAD), name("attn_q_norm")), turns)
        k = _turned(self._norm(k.view(rows, n, 1, HEAD), name("attn_k_norm")), turns)
        shape = (rows, HEADS, n, HEAD)
        v = v.view(rows, n, 1, HEAD).transpose(1, 2).expand(shape)
        seen = scaled_dot_product_attention(q, k.expand(shape), v, is_causal=True)
        seen = seen.transpose(1, 2).reshape(rows, n, HEADS * HEAD)
        x = x + self._norm(self._through(seen, name("attn_output")), name("post_attention_norm"))
        h = self._norm(x, name("ffn_norm"))
        gate = gelu(self._through(h, name("ffn_gate")), approximate="tanh")
        h = self._through(gate * self._through(h, name("ffn_up")), name("ffn_down"))
        return x + self._norm(h, name("post_ffw_norm"))

    def _through(self, x: Tensor, name: str) -> Tensor:
        from torch.nn.functional import linear

        made = linear(x, self._weights[name])
        if (detour := self.detours.get(name)) is not None:
            made = made + linear(linear(x, detour.a), detour.b) * (ALPHA / RANK)
        return made

    def _norm(self, x: Tensor, name: str) -> Tensor:
        from torch.nn.functional import rms_norm

        return rms_norm(x, (x.shape[-1],), self._weights[name], _EPSILON)


def _turns(n: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of n places: (n, HEAD) each."""
    import torch

    angles = torch.arange(n)[:, None] * base ** (-torch.arange(0, HEAD, 2) / HEAD)
    both = torch.cat((angles, angles), -1)
    return both.cos(), both.sin()


def _turned(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """(rows, n, heads, HEAD) as (rows, heads, n, HEAD), each place by its angles."""
    import torch

    x = x.transpose(1, 2)
    first, second = x.chunk(2, -1)
    return x * turns[0] + torch.cat((-second, first), -1) * turns[1]


def write_adapter(net: Gemma, path: Path) -> None:
    """The detours as a GGUF adapter, which llama.cpp puts on beside the model."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name, detour in net.detours.items():
        for half, values in (("a", detour.a), ("b", detour.b)):
            kept: Any = values.detach().numpy()
            writer.add_tensor(f"{name}.lora_{half}", kept.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
