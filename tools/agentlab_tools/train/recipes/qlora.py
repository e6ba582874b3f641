"""QLoRA: a LoRA on a model that is kept in four bits a weight.

The frozen weights of a LoRA are only ever multiplied with. So they can lie in memory in four bits,
and be turned into ordinary numbers for the moment they are needed, forwards and backwards: what
takes two bytes a weight in LoRA takes a little over half a byte here, and a larger model fits. It
costs some time, and a rounding that the LoRA learns to live with.

    weights → blocks of 64 → each divided by its largest → the nearest of 16 levels (4 bits)

The levels are NF4: quantiles of a normal distribution, which weights roughly follow. Divided by the
largest of its block, a drawn normal weight falls on a level in 1.7 to 9.2 % of cases; levels used
equally often would round worse (`scenarios/m3/qlora/measure.py levels`).

Dettmers et al., 2023, QLoRA, arXiv:2305.14314 (scales are kept in float16 here, and not quantized
a second time). This layer is plain PyTorch, so that it runs on any processor or GPU.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, cast

from agentlab_tools.train.recipe import Recipe, Work
from agentlab_tools.train.recipes.lora import Settings, tune
from agentlab_tools.train.recipes.steps import Place

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 64


def train(settings: Settings, work: Work) -> None:
    """Tune a LoRA on a model kept in four bits."""
    from agentlab_tools.train.bridge.load import load

    work.seed_everything()
    place = Place.best(settings.precision)
    loaded = load(settings.model)
    before = _size(loaded.model)
    quantize_layers(loaded.model)
    # what is left, embeddings and norms, in the numbers that are multiplied with
    loaded.model.to(place.device)
    for parameter in loaded.model.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(place.number)
    work.say(f"the model takes {_size(loaded.model):.0f} MB of memory; it took {before:.0f}")
    tune(settings, work, loaded, place)


def quantize_layers(model: Any) -> None:
    """Turn every linear layer but the last into a four-bit one, in place.

    The last layer shares its weights with the embedding in many models, and chooses the token.
    """
    from torch import nn

    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and child is not model.get_output_embeddings():
                setattr(module, name, four_bit(child))


def four_bit(layer: Any) -> Any:
    """A frozen linear layer that keeps its weights in four bits."""
    import torch
    from torch import nn

    class Product(torch.autograd.Function):
        """x Wᵀ, whose W is made anew each time: kept for the way back, it would fill memory."""

        @staticmethod
        def forward(ctx: Any, x: Tensor, codes: Tensor, scales: Tensor, shape: Any) -> Tensor:
            ctx.save_for_backward(codes, scales)
            ctx.shape = shape
            return x @ unpacked(codes, scales, shape).to(x.dtype).T

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            codes, scales = ctx.saved_tensors
            return (
                grads[0] @ unpacked(codes, scales, ctx.shape).to(grads[0].dtype),
                None,
                None,
                None,
            )

    class FourBit(nn.Linear):
        """As `nn.Linear`; `weight` holds two codes in each byte."""

        def __init__(self, whole: Any) -> None:
            # as an argument: the class would hold what it takes from around it, all its weights
            nn.Module.__init__(self)
            self.in_features, self.out_features = whole.in_features, whole.out_features
            codes, scales = packed(whole.weight.detach())
            self.weight = nn.Parameter(codes, requires_grad=False)
            self.scales = nn.Parameter(scales, requires_grad=False)
            self.bias = whole.bias

        def forward(self, input: Tensor) -> Tensor:
            shape = (self.out_features, self.in_features)
            number = torch.get_autocast_dtype(input.device.type)
            casting = torch.is_autocast_enabled(input.device.type)
            x = input.to(number) if casting else input
            y = cast(Any, Product).apply(x, self.weight, self.scales, shape)
            return y if self.bias is None else y + self.bias

    return FourBit(layer)


def packed(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weights as four-bit codes, two to a byte, and one scale for each block.

    Raises:
        ValueError: the number of weights is not a multiple of the block.
    """
    import torch

    if weights.numel() % BLOCK:
        raise ValueError(f"{tuple(weights.shape)} weights do not fill blocks of {BLOCK}")
    blocks = weights.float().reshape(-1, BLOCK)
    scales = blocks.abs().amax(1, keepdim=True).clamp(min=1e-6).half()
    middles = torch.tensor(levels()).unfold(0, 2, 1).mean(1).to(blocks.device)
    codes = torch.bucketize(blocks / scales.float(), middles).to(torch.uint8).flatten()
    return codes[0::2] << 4 | codes[1::2], scales


def unpacked(codes: Tensor, scales: Tensor, shape: tuple[int, int]) -> Tensor:
    """The weights again, each rounded to its level."""
    import torch

    table = torch.tensor(levels(), device=codes.device)
    # both halves of a byte by one look-up
    both = torch.stack([table.repeat_interleave(16), table.repeat(16)], 1)
    return (both[codes.int()].view(-1, BLOCK) * scales.float()).view(shape)


@cache
def levels() -> tuple[float, ...]:
    """The sixteen numbers of NF4: seven below zero, zero, eight above, from -1 to 1."""
    edge = 0.9677083  # as in the paper's code: the mean of 1 - 1/30 and 1 - 1/32
    quantile = NormalDist().inv_cdf
    above = [quantile(edge + (0.5 - edge) * n / 8) for n in range(8)]
    below = [-quantile(edge + (0.5 - edge) * n / 7) for n in range(7)]
    return tuple(sorted(value / above[0] for value in (*below, 0.0, *above)))


def _size(model: Any) -> float:
    return sum(p.numel() * p.element_size() for p in model.parameters()) / 1e6


recipe = Recipe(
    "qlora",
    "Tune a LoRA on a model kept in four bits",
    Settings,
    train,
    ("torch", "transformers", "peft", "gguf"),
)
