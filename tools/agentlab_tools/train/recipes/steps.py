"""The arithmetic of a training step, the same in every recipe.

loss = summed_loss(model, row)                  -log p of the tokens to learn
for group in optimizer.param_groups: group["lr"] = cosine(step, …)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from agentlab.errors import ConfigError
from agentlab_tools.train.bridge.score import UNSCORED
from agentlab_tools.train.recipes.examples import Example, Row, pack

if TYPE_CHECKING:
    from torch import Tensor, device, dtype
    from torch.nn import Module
    from torch.optim import Optimizer

Precision: TypeAlias = Literal["auto", "bf16", "fp32"]
NOT_MEASURED = "nothing was held out, so what came of it is not measured here"


@dataclass(frozen=True)
class Place:
    """Where training happens, and with which numbers matrices are multiplied there."""

    device: device
    number: dtype

    @classmethod
    def best(cls, precision: Precision = "auto") -> Place:
        """The GPU where there is one, else the processor.

        Args:
            precision: `auto` is bfloat16 where the hardware multiplies it, and float32 elsewhere,
                since emulating it is slower.
        """
        import torch

        gpu = torch.cuda.is_available()
        if precision == "auto":
            able = cast(dict[str, Any], cast(Any, torch).cpu.get_capabilities())
            fast = gpu or able.get("avx512_bf16") or able.get("amx_bf16")
            precision = "bf16" if fast else "fp32"
        number = torch.bfloat16 if precision == "bf16" else torch.float32
        return cls(torch.device("cuda" if gpu else "cpu"), number)

    def autocast(self) -> AbstractContextManager[Any]:
        """Matrix products in `number`; sums, norms and the loss in float32."""
        import torch

        if self.number == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.number)


def logits_and_labels(model: Any, row: Row) -> tuple[Tensor, Tensor]:
    """What the model foretells at each place that is learnt, and what comes there.

    Returns:
        (learnt, vocabulary) in float32, and (learnt,). Nothing is computed for other places: the
        last layer, as wide as the vocabulary, is a good part of a small model's work.
    """
    import torch

    place = next(model.parameters()).device
    ids, positions = (torch.tensor([n], device=place) for n in (row.ids, row.positions))
    labels = torch.tensor(row.labels[1:], device=place)
    learnt = (labels != UNSCORED).nonzero().squeeze(1)
    # positions that begin again tell transformers where one example ends and the next begins
    outputs = model(
        input_ids=ids,
        position_ids=positions,
        attention_mask=_sight(row, place) if row.shares else None,
        logits_to_keep=learnt,
        use_cache=False,
    )
    return outputs.logits[0].float(), labels[learnt]


def _sight(row: Row, place: device) -> Tensor:
    """Which tokens (rows) see which (columns), where examples share a beginning: (1, 1, n, n)."""
    import torch

    owners, roots = (torch.tensor(n, device=place) for n in (row.owners, row.roots))
    visible = (owners[None] == owners[:, None]) | (owners[None] == roots[:, None])
    return visible.tril()[None, None]


def summed_loss(model: Any, row: Row) -> Tensor:
    """The sum of -log p over the tokens a row teaches, in nats."""
    from torch.nn.functional import cross_entropy

    logits, labels = logits_and_labels(model, row)
    return cross_entropy(logits, labels, reduction="sum")


def divergence(wanted: Tensor, said: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(wanted ‖ said) at a temperature, summed over places, in nats.

    Gradients shrink with the temperature's square, which is made up for (Hinton et al., 2015,
    arXiv:1503.02531, section 2).

    Args:
        wanted, said: logits, (places, vocabulary).
    """
    from torch.nn.functional import kl_div, log_softmax

    theirs, ours = (log_softmax(logits / temperature, dim=-1) for logits in (wanted, said))
    return kl_div(ours, theirs, reduction="sum", log_target=True) * temperature**2


def learnt(rows: Iterable[Row]) -> int:
    """How many tokens rows teach: a step's loss is divided by it, however they are spread."""
    return sum(label != UNSCORED for row in rows for label in row.labels[1:])


def backward(
    model: Any,
    rows: Sequence[Row],
    place: Place,
    loss_of: Callable[[Any, Row], Tensor] | None = None,
) -> float:
    """Add up the gradients of a step, one row in memory at a time; returns the mean loss.

    The sum is divided by the tokens of the whole step, so every token weighs the same, and the
    result is that of one large batch.

    Args:
        loss_of: a row's loss, summed over the tokens it teaches; `summed_loss` where not given.
    """
    loss_of = loss_of or summed_loss
    count, total = max(learnt(rows), 1), 0.0
    for row in rows:
        with place.autocast():
            loss: Any = loss_of(model, row) / count
        loss.backward()
        total += loss.item()
    return total


def perplexity(model: Any, rows: Sequence[Row], place: Place) -> float:
    """e to the mean -log p of the tokens these rows teach; NaN where there are none."""
    import torch

    was, total, count = model.training, 0.0, learnt(rows)
    model.eval()
    with torch.no_grad(), place.autocast():
        for row in rows:
            total += summed_loss(model, row).item()
    model.train(was)
    return math.exp(total / count) if count else math.nan


def came_to(before: float, after: float) -> str:
    """What training did to the perplexity on what was held out, in words."""
    if math.isnan(before):
        return NOT_MEASURED
    sentence = f"perplexity on what was held out: {before:.2f} before, {after:.2f} after"
    if after > before:
        return f"{sentence}. Training made it worse: try a lower learning rate, or fewer steps"
    return sentence


def cosine(step: int, total: int, peak: float, warm_up: float = 0.05) -> float:
    """The learning rate of a step: up to `peak` over the first part, then down along a cosine.

    It depends on the step alone, so a resumed run needs nothing to go on. It ends at a tenth of
    the peak (Loshchilov and Hutter, 2017, arXiv:1608.03983, without restarts).
    """
    warm = max(1, round(total * warm_up))
    if step <= warm:
        return peak * step / warm
    done = (step - warm) / max(1, total - warm)
    return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))


def set_rate(optimizer: Optimizer, rate: float) -> float:
    """Give an optimizer its learning rate; returns it."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def follow(mean: Module, net: Module, stays: float) -> None:
    """Move a mean of weights on towards the weights; so much of it stays."""
    import torch

    with torch.no_grad():
        for old, new in zip(mean.parameters(), net.parameters(), strict=True):
            old.lerp_(new, 1 - stays)


def packed(examples: Sequence[Example], size: int, say: Callable[[str], None]) -> list[Row]:
    """Rows of at most `size` tokens, telling how many examples are too long for one.

    Raises:
        ConfigError: all are.
    """
    return pack(fit(examples, size, say), size)


def fit(examples: Sequence[Example], size: int, say: Callable[[str], None]) -> list[Example]:
    """The examples of at most `size` tokens, telling how many are longer.

    Raises:
        ConfigError: all are.
    """
    short = [example for example in examples if len(example.ids) <= size]
    long = len(examples) - len(short)
    if examples and not short:
        raise ConfigError(f"every example is longer than {size} tokens: --set context={2 * size}")
    if long:
        say(f"{long} of {len(examples)} examples are longer than {size} tokens and are left out")
    return short


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Keep tensors and numbers in a checkpoint."""
    import torch

    torch.save(state, folder / "state.pt")


def save_weights(weights: dict[str, Tensor], path: Path) -> None:
    """Write weights as they are, to be read by whoever reads safetensors."""
    from safetensors import torch as safetensors

    write: Any = safetensors.save_file  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    write({name: part.cpu().contiguous() for name, part in weights.items()}, path)


def load_state(folder: Path) -> dict[str, Any]:
    """What `save_state` kept; nothing in the file is run."""
    import torch

    return torch.load(folder / "state.pt", weights_only=True, map_location="cpu")
