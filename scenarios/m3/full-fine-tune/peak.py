"""What training a model of some shape really takes: a script of its own, in a fresh process.

Reads [[shape, texts, length], …] as JSON from stdin, and writes what each took. Every shape has a
process of its own, so that none sees what another left behind. On Linux it is forked once PyTorch
is loaded; elsewhere a fork after that is not safe, and it loads PyTorch itself.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
from typing import Any

import torch  # noqa: TID253 - a program of its own
from torch.nn.functional import cross_entropy  # noqa: TID253
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: TID253
from transformers.utils import logging  # noqa: TID253

_PAGE = resource.getpagesize()
_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes that ru_maxrss counts in."""
_BEGINS = "fork" if sys.platform == "linux" else "spawn"


def most() -> int:
    """Bytes that this process had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def trained(shape: dict[str, int], texts: int, length: int) -> dict[str, int]:
    """Two steps of AdamW on a model with drawn weights, in float32; what that took, in bytes."""
    before = most()
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=shape["vocabulary"],
            hidden_size=shape["width"],
            num_hidden_layers=shape["layers"],
            intermediate_size=shape["inner"],
            num_attention_heads=shape["heads"],
            num_key_value_heads=shape["groups"],
            tie_word_embeddings=True,
        )
    )
    optimizer: Any = torch.optim.AdamW(model.parameters(), lr=1e-4)
    ids = torch.randint(0, shape["vocabulary"], (texts, length + 1))

    def loss() -> Any:
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        return cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    gradients = 0
    for _ in range(2):  # before the first, the optimizer has no averages yet
        loss().backward()
        gradients = sum(bytes_of(p.grad) for p in model.parameters())
        optimizer.step()
        optimizer.zero_grad()
    peak = most() - before
    averages = [part for state in optimizer.state.values() for part in state.values()]
    return {
        "weights": sum(bytes_of(p) for p in model.parameters()),
        "gradients": gradients,
        "optimizer": sum(bytes_of(part) for part in averages),
        "activations": kept(model, loss),
        "peak": peak,
    }


def bytes_of(tensor: torch.Tensor) -> int:
    """Bytes of a tensor's numbers."""
    return tensor.numel() * tensor.element_size()


def kept(model: Any, loss: Any) -> int:
    """Bytes that a forward pass leaves behind for the way back, the weights themselves apart."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    found: dict[int, int] = {}
    held: list[Any] = []  # a storage that is freed would lend its address to the next

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
            held.append(storage)
        return tensor

    hooks: Any = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks:
        loss()
    return sum(found.values())


def apart(shape: dict[str, int], texts: int, length: int) -> dict[str, int]:
    """The same, in a process of its own.

    Raises:
        EOFError: it was killed.
    """
    context: Any = multiprocessing.get_context(_BEGINS)
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_tell, args=(there, shape, texts, length))
    child.start()
    there.close()
    found: dict[str, int] = here.recv()
    child.join()
    return found


def _tell(there: Any, shape: dict[str, int], texts: int, length: int) -> None:
    _warm_up()
    there.send(trained(shape, texts, length))


def _warm_up() -> None:
    """What is loaded on first use belongs to no shape."""
    torch.set_num_threads(1)  # threads would not survive a fork
    logging.set_verbosity_error()
    small = {"vocabulary": 64, "width": 32, "layers": 1, "inner": 32, "heads": 2, "groups": 1}
    trained(small, 1, 4)


def main() -> None:
    """Measure what stdin asks for."""
    _warm_up()
    print(json.dumps([apart(*asked) for asked in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
