"""What the lab runs in the sandbox, beside the learner's layer; what it finds is judged outside.

given["w"]      the weights of a layer, (out, in)
given["x"]      what comes to it, (2, 12, in)
given["g"]      the slope of the loss by what it makes, (2, 12, out)
"""

from __future__ import annotations

import gc
from typing import Any, cast

import torch  # noqa: TID253 - it runs in the sandbox only

Tensors = dict[str, torch.Tensor]


def layer(make: Any, given: Tensors, rank: int, alpha: float) -> tuple[Tensors, dict[str, Any]]:
    """What a layer holds, makes, leaves behind and leads back: arrays, and numbers."""
    before = _storages()
    net = make(given["w"].clone(), rank, alpha)
    held = _added(before)
    x = given["x"].bfloat16().requires_grad_()
    start = net(x).detach()
    learnt = _drawn(net)
    found: dict[str, Any] = {
        "held": held,
        "learnt": sum(part.numel() for part in learnt),
        "shapes": [list(part.shape) for part in learnt],
        "bits": max((8 * part.element_size() for part in learnt), default=0),
    }
    made, found["left"] = _watched(net, x)
    cast(Any, made).backward(given["g"].to(made.dtype))
    arrays = {"start": start, "made": made.detach()}
    if x.grad is not None:
        arrays["back"] = x.grad
    for part in learnt:
        name = "a" if part.shape[0] == rank else "b"
        arrays[name] = part.detach()
        if part.grad is not None:
            arrays[f"{name}_slope"] = part.grad
    found["others"] = sum(
        part.numel() for part in net.parameters() if part.grad is not None and part.numel() > 0
    ) - sum(part.numel() for part in learnt if part.grad is not None)
    return {name: part.float() for name, part in arrays.items()}, found


def _drawn(net: Any) -> list[torch.Tensor]:
    """What it trains, with numbers drawn into it, so that the adapter does something."""
    learnt = [part for part in net.parameters() if part.requires_grad]
    with torch.no_grad():
        for part in learnt:
            part.copy_(torch.randn(part.shape) * 0.1)
    return learnt


def _watched(net: Any, x: torch.Tensor) -> tuple[torch.Tensor, int]:
    """What it makes, and how many bytes wait for the way back, beside what came in."""
    own = _storages()
    saved: dict[int, int] = {}
    alive: list[Any] = []  # a storage that is freed would lend its address to the next

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
            alive.append(storage)
        return tensor

    hooks: Any = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks:
        made = net(x)
    now = _storages()
    skipped = {made.untyped_storage().data_ptr(), *own}
    others = {at: size for at, size in now.items() if at not in skipped}
    return made, sum({**others, **saved}.values())


def _storages() -> dict[int, int]:
    """The bytes of everything that a tensor or an array in this process lies in, by address."""
    gc.collect()
    found: dict[int, int] = {}
    for one in gc.get_objects():
        if type(one) is torch.Tensor or type(one) is torch.nn.Parameter:
            storage = one.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
    return found


def _added(before: dict[int, int]) -> int:
    return sum(size for at, size in _storages().items() if at not in before)
