"""The packaged model's own numbers: its weights, its tokens' vectors, and what tuning added to it.

SmolLM2-135M-Instruct (Apache-2.0), and the adapter that makes `local:agent` of it (Apache-2.0).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agentlab.backends.llamacpp.registry import find
from agentlab_tools.train.bridge.gguf_file import open_gguf

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

LAYERS = 30
WIDTH = 576
"""Numbers that stand for a token inside the model."""
HEAD = 64
"""Numbers of it that one head of the attention turns and compares."""
BASE = 100_000.0
RANK = 16
"""Of the adapter's change to each weight."""
TUNED = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def files() -> tuple[Path, Path]:
    """(the model, the adapter).

    Raises:
        ModelNotFound: the package is not installed.
    """
    found = find("local:agent")
    (adapter,) = found.adapters.values()
    return found.path, adapter


def weight(name: str) -> NDArray[float32]:
    """A weight of the model, as a layer multiplies by it: (out, in); or a scale: (in,)."""
    return _read(_tensors()[f"{name}.weight"])


def rows(numbers: list[int]) -> NDArray[float32]:
    """The vectors of those tokens: (tokens, 576)."""
    return _read(_tensors()["token_embd.weight"], numbers)


@lru_cache(maxsize=1)
def factors() -> dict[str, tuple[NDArray[float32], NDArray[float32]]]:
    """For every tuned weight the B (out, 16) and A (16, in) whose product was added to it."""
    import numpy as np

    reader = open_gguf(files()[1])
    scale = float(cast(float, reader.fields["adapter.lora.alpha"].contents())) / RANK
    found = {tensor.name: np.asarray(tensor.data, np.float32) for tensor in reader.tensors}
    names = [f"blk.{layer}.{kind}" for layer in range(LAYERS) for kind in TUNED]
    return {
        name: (found[f"{name}.weight.lora_b"] * np.float32(scale), found[f"{name}.weight.lora_a"])
        for name in names
    }


def change(name: str) -> NDArray[float32]:
    """What tuning added to a weight: (out, in)."""
    b, a = factors()[name]
    return b @ a


def write_adapter(path: Path, made: dict[str, tuple[NDArray[float32], NDArray[float32]]]) -> None:
    """The factors as an adapter that llama.cpp puts on beside the model."""
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_name("linear-algebra")
    writer.add_float32("adapter.lora.alpha", 1.0)
    for name, (b, a) in made.items():
        # llama.cpp divides by the rank, which may be another one for each weight
        scaled = np.ascontiguousarray(b * np.float32(b.shape[1]), np.float32)
        writer.add_tensor(f"{name}.weight.lora_a", np.ascontiguousarray(a, np.float32))
        writer.add_tensor(f"{name}.weight.lora_b", scaled)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@lru_cache(maxsize=1)
def _tensors() -> dict[str, Any]:
    return {tensor.name: tensor for tensor in open_gguf(files()[0]).tensors}


def _read(tensor: Any, numbers: list[int] | None = None) -> NDArray[float32]:
    import numpy as np
    from gguf import dequantize

    data = tensor.data if numbers is None else tensor.data[numbers]
    return np.asarray(dequantize(data, tensor.tensor_type), np.float32)
