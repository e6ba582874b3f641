"""Compute, without llama.cpp, the logits that a working llama.cpp has to come near.

    python scripts/make_proof.py        writes agentlab/backends/llamacpp/proof/reference.json

Both models of the proof are read here as plain numbers (the `gguf` package turns every format into
float32) and run by a few lines of NumPy in float32. Of the compiled runtime only the tokenizer
takes part, so a fault in its kernels can't have got into the reference. Needs the extra `train` and
takes a minute.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from gguf import GGUFReader, dequantize

from agentlab.backends.llamacpp.proof import child, specimen
from agentlab.backends.llamacpp.registry import find

Array = np.ndarray[Any, np.dtype[np.float32]]

TEXT = """An agent is a loop around a language model. The model reads the conversation so far and \
writes what comes next; where it writes a call of a tool, the loop makes the call and hands back \
what came of it, and where it writes an answer, the loop ends. Everything else is care: a limit on \
steps and on money, a trace of what happened, a sandbox for code that nobody has read, and a check \
of what the answer does. A small model gets a call wrong more often than a large one, so its words \
are held to a grammar while they are written, and an error goes back to it in plain words, from \
which it may learn within the same conversation. """


class Llama:
    """A model of the llama architecture, as float32."""

    def __init__(self, path: Path, adapter: Path | None = None) -> None:
        reader = GGUFReader(path)
        self.weights = {tensor.name: _floats(tensor) for tensor in reader.tensors}
        fact = {name: field.contents() for name, field in reader.fields.items()}
        self.layers = int(cast(int, fact["llama.block_count"]))
        self.heads = int(cast(int, fact["llama.attention.head_count"]))
        self.kv_heads = int(cast(int, fact["llama.attention.head_count_kv"]))
        self.epsilon = float(cast(float, fact["llama.attention.layer_norm_rms_epsilon"]))
        self.base = float(cast(float, fact["llama.rope.freq_base"]))
        if adapter is not None:
            reader = GGUFReader(adapter)
            low = {tensor.name: _floats(tensor) for tensor in reader.tensors}
            alpha = float(cast(float, reader.fields["adapter.lora.alpha"].contents()))
            for name in [name.removesuffix(".lora_a") for name in low if name.endswith(".lora_a")]:
                down, up = low[f"{name}.lora_a"], low[f"{name}.lora_b"]
                self.weights[name] = self.weights[name] + alpha / len(down) * (up @ down)

    def logits(self, ids: Sequence[int]) -> Array:
        """After each token, for every token of the vocabulary."""
        weights = self.weights
        x = weights["token_embd.weight"][list(ids)]
        head = x.shape[1] // self.heads
        turn = self._turns(len(ids), head)
        hidden = np.triu(np.full((len(ids), len(ids)), -np.inf, np.float32), 1)
        for layer in range(self.layers):
            part = {
                name: weights[f"blk.{layer}.{name}.weight"]
                for name in "attn_norm attn_q attn_k attn_v attn_output ffn_norm".split()
            }
            y = self._norm(x, part["attn_norm"])
            q, k, v = (
                (y @ part[name].T).reshape(len(ids), -1, head).transpose(1, 0, 2)
                for name in ("attn_q", "attn_k", "attn_v")
            )
            q, k = _rotated(q, turn), _rotated(k, turn)
            k, v = (np.repeat(each, self.heads // self.kv_heads, 0) for each in (k, v))
            scores = q @ k.transpose(0, 2, 1) / np.sqrt(np.float32(head)) + hidden
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            seen = (scores / scores.sum(-1, keepdims=True)) @ v
            x = x + seen.transpose(1, 0, 2).reshape(len(ids), -1) @ part["attn_output"].T
            y = self._norm(x, part["ffn_norm"])
            gate = y @ weights[f"blk.{layer}.ffn_gate.weight"].T
            up = y @ weights[f"blk.{layer}.ffn_up.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ weights[f"blk.{layer}.ffn_down.weight"].T
        x = self._norm(x, weights["output_norm.weight"])
        output = weights.get("output.weight", weights["token_embd.weight"])
        return (x @ output.T).astype(np.float32)

    def _norm(self, x: Array, weight: Array) -> Array:
        size = np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon)
        return cast(Array, x / size * weight)

    def _turns(self, count: int, head: int) -> tuple[Array, Array]:
        speeds = self.base ** (-np.arange(0, head, 2) / head)
        angles = np.outer(np.arange(count), speeds)
        return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotated(x: Array, turn: tuple[Array, Array]) -> Array:
    cos, sin = turn
    even, odd = x[..., ::2], x[..., 1::2]
    turned = np.stack((even * cos - odd * sin, even * sin + odd * cos), -1)
    return turned.astype(np.float32).reshape(x.shape)


def _floats(tensor: Any) -> Array:
    numbers = dequantize(tensor.data, tensor.tensor_type)
    return numbers.astype(np.float32).reshape(tuple(int(n) for n in tensor.shape[::-1]))


def expected(name: str, model: Llama, tokens: Sequence[int]) -> Mapping[str, Any]:
    """What `child` compares: some tokens' logits after so many tokens, and how far all spread."""
    prompt = child.PROMPTS[name]
    ends = range(prompt, prompt + child.SINGLE + 1)
    ids = tokens[: ends[-1]]
    assert len(ids) == ends[-1]
    logits = model.logits(ids)
    size = logits.shape[1]
    likely = {int(token) for end in ends for token in np.argsort(logits[end - 1])[-8:]}
    chosen = sorted(likely | set(range(0, size, size // 96)))
    return {
        "tokens": list(ids),
        "chosen": chosen,
        "after": {
            str(end): {
                "spread": round(float(logits[end - 1].std()), 4),
                "logits": [round(float(logits[end - 1][token]), 3) for token in chosen],
            }
            for end in ends
        },
    }


def main() -> None:
    """Write the file."""
    packaged = find("local:agent")
    (adapter,) = packaged.adapters.values()
    lib: Any = importlib.import_module("llama_cpp")
    llama = lib.Llama(str(packaged.path), vocab_only=True, verbose=False)
    text = llama.tokenize(TEXT.encode() * 4, add_bos=False)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "specimen.gguf"
        small.write_bytes(specimen.gguf())
        models = {
            "specimen": (Llama(small), specimen.prompt(specimen.CONTEXT)),
            "packaged": (Llama(packaged.path), text),
            "adapter": (Llama(packaged.path, adapter), text),
        }
        found = {name: expected(name, *both) for name, both in models.items()}
    target = Path(child.__file__).with_name("reference.json")
    target.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
