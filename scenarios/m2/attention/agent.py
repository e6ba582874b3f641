"""The agent with heads switched off: by an adapter that takes away all that they would have said.

A head's share of what a layer hands on is its 64 columns of the output weight. An adapter of rank
64 a head subtracts just those, so that llama.cpp serves the model without the head.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from agentlab import Agent, tool
from agentlab.backend import Backend, Reply, Settings
from agentlab.backends import connect
from agentlab.backends.llamacpp.registry import find
from agentlab.errors import ToolError
from agentlab.limits import Limits
from agentlab.messages import Message
from agentlab_tools.train.bridge.gguf_file import open_gguf

from .model import SIZE, Head, weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

AGENT = "local:agent"
_STEADY = Settings(temperature=0, max_tokens=36, repeat_penalty=1.0)
_SHOWN = 70
"""Characters of what it says in place of a call."""


@dataclass(frozen=True)
class Heard:
    """What came of asking the agent about some orders.

    Attributes:
        nats: -log p of the right number, all five digits of it, for each order, in its call.
        calls: what it calls with when nothing holds it, as JSON, or what it says.
    """

    nats: tuple[float, ...]
    calls: tuple[str, ...]


_heard: dict[tuple[tuple[str, ...], tuple[Head, ...], int], Heard] = {}


def numbers(seed: int, count: int) -> tuple[str, ...]:
    """Numbers of orders."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    return tuple("".join(rng.choice("0123456789") for _ in range(5)) for _ in range(count))


async def asked_for(orders: tuple[str, ...], off: tuple[Head, ...], free: int = 1) -> Heard:
    """What the agent makes of each order, with heads off.

    It always does the same, so it is asked once.

    Args:
        free: of how many of them to see what it calls by itself, too.
    """
    if (orders, off, free) not in _heard:
        _heard[orders, off, free] = await _asked(orders, off, free)
    return _heard[orders, off, free]


async def _asked(orders: Sequence[str], off: Sequence[Head], free: int) -> Heard:
    with tempfile.TemporaryDirectory() as folder:
        name = AGENT
        if off:
            path = Path(folder) / "off.gguf"
            _write(path, off)
            name = f"{AGENT}+{path}"
        model = connect(name, threads=1, n_ctx=512)
        try:
            nats = [await _nats(model, order) for order in orders]
            calls = [await _call(model, order, Path(folder)) for order in orders[:free]]
        finally:
            await model.aclose()
    return Heard(tuple(nats), tuple(calls))


@tool
def order_status(
    number: Annotated[str, Field(pattern="^[0-9]{5}$", description="the number of the order")],
) -> str:
    """Look up the status of an order."""
    return f"Order {number} was sent."


async def _nats(model: Backend, order: str) -> float:
    """-log p of an order's number in the call about it.

    The grammar lets it write that number alone, and what it reads is the same as without: a tool's
    pattern is not in the prompt. The probabilities are those before the grammar.
    """
    properties = {"number": {"type": "string", "pattern": f"^{order}$"}}
    spec = order_status.spec
    held = spec.model_copy(update={"parameters": {**spec.parameters, "properties": properties}})
    settings = _STEADY.model_copy(update={"tool_choice": spec.name, "logprobs": 1})
    asked = [Message.user(_question(order))]
    said = [one async for one in model.stream(asked, tools=[held], settings=settings)][-1]
    digits = [one for one in said.tokens if one.text.isdigit()] if isinstance(said, Reply) else []
    if "".join(one.text for one in digits) != order:
        raise ToolError(f"the call about order {order} did not come out: try again")
    return -sum(one.logprob for one in digits)


async def _call(model: Backend, order: str, folder: Path) -> str:
    """With what the agent calls by itself, or what it says instead."""
    agent = Agent(
        backend=model,
        tools=[order_status],
        settings=_STEADY,
        limits=Limits(steps=1),
        runs=folder,
    )
    answer = await agent.run(_question(order))
    for message in answer.messages:
        for call in message.tool_calls:
            return call.arguments
    return f"no call; it says: {' '.join(answer.text.split())[:_SHOWN]}"


def _question(order: str) -> str:
    return f"Where is my order {order}?"


def _write(path: Path, off: Sequence[Head]) -> None:
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_name("heads-off")
    writer.add_float32("adapter.lora.alpha", 1.0)
    for layer in sorted({layer for layer, _ in off}):
        name = f"blk.{layer}.attn_output"
        heads = sorted({head for at, head in off if at == layer})
        columns = np.concatenate([np.arange(SIZE * head, SIZE * (head + 1)) for head in heads])
        whole = weights()[name] + _tuned(name)
        picked = np.zeros((len(columns), whole.shape[1]), np.float32)
        picked[np.arange(len(columns)), columns] = 1
        # llama.cpp divides by the rank, which is another one in each layer
        taken = np.ascontiguousarray(-whole[:, columns] * np.float32(len(columns)), np.float32)
        writer.add_tensor(f"{name}.weight.lora_a", picked)
        writer.add_tensor(f"{name}.weight.lora_b", taken)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tuned(name: str) -> Array:
    """What tuning for tools added to a weight; the head's share of that has to go, too."""
    import numpy as np

    parts = _parts()
    a, b = parts[f"{name}.weight.lora_a"], parts[f"{name}.weight.lora_b"]
    return b @ a * np.float32(parts["alpha"] / len(a))


@lru_cache(maxsize=1)
def _parts() -> Mapping[str, Any]:
    """What the file of the agent's adapter holds: its tensors by name, and `alpha`."""
    import numpy as np

    (path,) = find(AGENT).adapters.values()
    reader: Any = open_gguf(path)
    parts = {one.name: np.asarray(one.data, np.float32) for one in reader.tensors}
    return {**parts, "alpha": float(reader.fields["adapter.lora.alpha"].contents())}
