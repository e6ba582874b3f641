"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_LEVELS = """
import numpy as np
from statistics import NormalDist

BLOCK, GROUP, EDGE = 64, 256, 0.9677083
quantile = NormalDist().inv_cdf
above = [quantile(0.5 + (EDGE - 0.5) * n / 8) for n in range(9)]
below = [-quantile(0.5 + (EDGE - 0.5) * n / 7) for n in range(1, 8)]
LEVELS = np.array(sorted(below + above)) / above[-1]
MIDDLES = (LEVELS[1:] + LEVELS[:-1]) / 2
"""
_SCALES = """
    filled = np.zeros(-(-len(scales) // GROUP) * GROUP)
    filled[: len(scales)] = scales
    groups = filled.reshape(-1, GROUP)
    most = groups.max(axis=1, keepdims=True).astype(np.float32)
    most[most == 0] = 1
    eighths = np.round(groups / most * 255).astype(np.uint8)
    scales = (eighths / 255 * most).ravel()[: len(scales)]
"""
_PACK = """
{levels}

def packed(weights):
    blocks = weights.astype(float).reshape(-1, BLOCK)
    scales = np.abs(blocks).max(axis=1)
{scales}
    safe = np.where(scales == 0, 1, scales)
    codes = np.searchsorted(MIDDLES, blocks / safe[:, None]).astype(np.uint8).ravel()
    return dict(codes={codes}, {kept})


def unpacked(kept, shape):
    codes = kept["codes"]
{unscale}
    codes = {uncode}
    return (LEVELS[codes].reshape(-1, BLOCK) * scales[:, None]).reshape(shape)
"""
_KEPT = "eighths=eighths.ravel()[: len(scales)], most=most.ravel()"
_UNSCALE = (
    '    most = np.repeat(kept["most"], GROUP)[: len(kept["eighths"])]\n'
    '    scales = kept["eighths"] / 255 * most'
)
_USUAL = {
    "levels": _LEVELS.strip(),
    "scales": _SCALES.strip("\n"),
    "codes": "codes[0::2] << 4 | codes[1::2]",
    "kept": _KEPT,
    "unscale": _UNSCALE,
    "uncode": "np.stack([codes >> 4, codes & 15], axis=1).ravel()",
}


def _pack(**changes: str) -> str:
    return _PACK.format(**{**_USUAL, **changes})


_IN_SIXTEEN = {
    "scales": "",
    "kept": "scales=scales.astype(np.float16)",
    "unscale": '    scales = kept["scales"].astype(float)',
}

PACK = programs(
    starter='''
import numpy as np


def packed(weights):
    """What is kept of a matrix: a dict of arrays."""
    most = np.abs(weights).max()
    return dict(codes=np.round(weights / most * 7).astype(np.int8), most=most)


def unpacked(kept, shape):
    """The matrix again, from what was kept."""
    return kept["codes"].reshape(shape) / 7 * kept["most"]
''',
    solution=_pack(),
    also={
        "scales-by-their-logarithm": _pack(
            scales="""
    logs = np.log2(np.maximum(scales, 1e-12))
    least, step = logs.min(), max(np.ptp(logs) / 254, 1e-9)
    eighths = np.where(scales == 0, 0, 1 + np.round((logs - least) / step)).astype(np.uint8)
    scales = np.where(eighths == 0, 0, 2 ** (least + (eighths - 1.0) * step))
""".strip("\n"),
            kept="eighths=eighths, least=least, step=step",
            unscale='    eighths = kept["eighths"].astype(float)\n'
            '    scales = 2 ** (kept["least"] + (eighths - 1) * kept["step"])\n'
            "    scales[eighths == 0] = 0",
        ),
        "the-best-of-three-scales": _LEVELS.strip()
        + """


def packed(weights):
    blocks = weights.reshape(-1, BLOCK)
    exact = np.abs(blocks).max(axis=1)
    starts = np.arange(0, len(exact), GROUP)
    most = np.maximum(np.maximum.reduceat(exact, starts), 1e-12).astype(np.float32)
    spread = np.repeat(most, GROUP)[: len(exact)]
    best = np.full(len(exact), np.inf)
    kept, codes = np.zeros(len(exact), np.uint8), np.zeros(blocks.shape, np.uint8)
    for factor in (1, 0.96, 0.92):
        tried = np.rint(factor * exact / spread * 255).astype(np.uint8)
        scales = np.maximum(tried / 255 * spread, 1e-15)[:, None]
        near = np.searchsorted(MIDDLES, blocks / scales)
        off = np.square(LEVELS[near] * scales - blocks).sum(axis=1)
        better = off < best
        best[better], kept[better], codes[better] = off[better], tried[better], near[better]
    return {"c": codes.reshape(-1, 2) @ np.array([16, 1], np.uint8), "s": kept, "m": most}


def unpacked(kept, shape):
    high, low = np.divmod(kept["c"], 16)
    scales = kept["s"] / 255 * np.repeat(kept["m"], GROUP)[: len(kept["s"])]
    return (LEVELS[np.stack([high, low], -1)].reshape(-1, BLOCK) * scales[:, None]).reshape(shape)
""",
        "a-scale-at-a-time": _pack(
            levels=_LEVELS.strip() + "\n\n\ndef all_in_one(numbers):\n"
            "    number = 0\n    for one in numbers:\n        number = number * 16 + int(one)\n"
            '    return number.to_bytes(len(numbers) // 2, "big")\n',
            codes='np.frombuffer(b"".join(all_in_one(codes[n : n + BLOCK]) '
            "for n in range(0, len(codes), BLOCK)), np.uint8)",
        ),
    },
    wrong={
        "even-levels": _pack(
            levels=_LEVELS.strip().replace(
                "np.array(sorted(below + above)) / above[-1]", "np.arange(-8, 8) / 8"
            )
        ),
        "scales-in-sixteen-bits": _pack(**_IN_SIXTEEN),
        "larger-blocks-instead": _pack(
            levels=_LEVELS.strip().replace("64, 256", "128, 256"), **_IN_SIXTEEN
        ),
        "a-byte-a-code": _pack(codes="codes", uncode="codes"),
        "a-scale-a-row": _pack()
        .replace("float).reshape(-1, BLOCK)", "float)")
        .replace(".reshape(-1, BLOCK)", ".reshape(len(scales), -1)"),
        "codes-before-scales-are-rounded": _pack(
            scales="    exact = scales\n" + _SCALES.strip("\n")
        ).replace("np.where(scales == 0, 1, scales)", "np.where(exact == 0, 1, exact)"),
        "remembers": "import numpy as np\n\nseen = []\n\n\ndef packed(weights):\n"
        "    seen.append(weights)\n    return {'n': np.array(len(seen) - 1)}\n\n\n"
        "def unpacked(kept, shape):\n    return seen[int(kept['n'])]\n",
    },
    mistakes={
        "even-levels": "off by",
        "scales-in-sixteen-bits": "bits a weight",
        "larger-blocks-instead": "off by",
        "a-byte-a-code": "bits a weight",
        "a-scale-a-row": "off by",
        "codes-before-scales-are-rounded": "with outliers: off by",
        "remembers": "list index",
    },
)


_HEAD = """
import torch
from torch import nn

from four_bits import packed, unpacked

"""
_INIT = """
class FourBit(nn.Module):
    def __init__(self, weight, rank, alpha):
        super().__init__()
        out, width = weight.shape
        self.shape, self.scale = (out, width), {scale}
        codes, scales = packed(weight)
        self.register_buffer("codes", codes)
        self.register_buffer("scales", scales)
        self.a = nn.Parameter((torch.randn(rank, width) / width**0.5).to({number}))
        self.b = nn.Parameter(torch.{b}(out, rank).to({number}))

    def forward(self, x):
        base = {base}
        return base + self.scale * (x @ self.a.to(x.dtype).T @ self.b.to(x.dtype).T)
"""
_PRODUCT = """
class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, codes, scales, shape):
        ctx.save_for_backward(codes, scales)
        ctx.shape = shape
        return x @ unpacked(codes, scales, shape).T

    @staticmethod
    def backward(ctx, slope):
        codes, scales = ctx.saved_tensors
        return slope @ unpacked(codes, scales, ctx.shape), None, None, None

"""
_APPLIED = "Product.apply(x, self.codes, self.scales, self.shape)"
_PLAIN = "x @ unpacked(self.codes, self.scales, self.shape).T"


def _layer(
    base: str = _APPLIED,
    head: str = _HEAD + _PRODUCT,
    scale: str = "alpha / rank",
    number: str = "torch.bfloat16",
    b: str = "zeros",
) -> str:
    return head + _INIT.format(base=base, scale=scale, number=number, b=b)


LAYER = programs(
    starter='''
import torch
from torch import nn

from four_bits import packed, unpacked


class FourBit(nn.Module):
    """A frozen layer in four bits, and an adapter beside it."""

    def __init__(self, weight, rank, alpha):
        super().__init__()
        out, width = weight.shape
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.a = nn.Parameter(torch.randn(rank, width) / width**0.5)
        self.b = nn.Parameter(torch.zeros(out, rank))
        self.scale = alpha / rank

    def forward(self, x):
        x = x.to(self.weight.dtype)
        return x @ self.weight.T + self.scale * (x @ self.a.T @ self.b.T)
''',
    solution=_layer(),
    also={
        "computed-again": _layer(
            "checkpoint(self.frozen, x, use_reentrant=False)",
            _HEAD + "from torch.utils.checkpoint import checkpoint\n\n",
        )
        + "\n    def frozen(self, x):\n        return "
        + _PLAIN
        + "\n",
        "saved-as-what-it-was-made-of": _layer(
            "self.frozen(x)",
        )
        + """
    def frozen(self, x):
        def save(tensor):
            return None if tensor.data_ptr() == at else tensor

        def load(kept):
            return made().T if kept is None else kept

        def made():
            return unpacked(self.codes, self.scales, self.shape)

        wide = made().T
        at = wide.data_ptr()
        with torch.autograd.graph.saved_tensors_hooks(save, load):
            return x @ wide
""",
        "rows-at-a-time": """
import torch
from torch import nn
from torch.nn import functional as F

import four_bits


class Frozen(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, layer):
        ctx.layer = layer
        return torch.cat([F.linear(x, part) for part in layer.parts()], dim=-1)

    @staticmethod
    def backward(ctx, slope):
        back, at = 0, 0
        for part in ctx.layer.parts():
            back = back + slope[..., at : at + len(part)] @ part
            at += len(part)
        return back, None


class FourBit(nn.Module):
    def __init__(self, weight, rank, alpha):
        super().__init__()
        self.width, self.scale = weight.shape[1], alpha / rank
        self.kept = [four_bits.packed(rows) for rows in weight.split(64)]
        self.down = nn.Linear(weight.shape[1], rank, bias=False, dtype=torch.bfloat16)
        self.up = nn.Linear(rank, weight.shape[0], bias=False, dtype=torch.bfloat16)
        nn.init.zeros_(self.up.weight)

    def parts(self):
        for codes, scales in self.kept:
            yield four_bits.unpacked(codes, scales, (2 * len(codes) // self.width, self.width))

    def forward(self, x):
        return Frozen.apply(x, self) + self.up(self.down(x)) * self.scale
""",
    },
    wrong={
        "leaves-the-weights-behind": _layer(_PLAIN, _HEAD),
        "cuts-the-way-back": _layer(_PLAIN.replace("x @", "x.detach() @"), _HEAD),
        "keeps-the-weights-too": _layer().replace(
            "codes, scales = packed(weight)",
            "codes, scales = packed(weight)\n        self.plain = weight.bfloat16()",
        ),
        "adapter-in-thirty-two-bits": _layer(number="torch.float32"),
        "no-scale": _layer(scale="1"),
        "begins-with-a-push": _layer(b="randn"),
        "learns-its-scales": _layer().replace(
            'self.register_buffer("scales", scales)', "self.scales = nn.Parameter(scales)"
        ),
    },
    mistakes={
        "leaves-the-weights-behind": "wait for the way back",
        "cuts-the-way-back": "earlier layers",
        "keeps-the-weights-too": "it holds",
        "adapter-in-thirty-two-bits": "32 bits",
        "no-scale": "what it makes",
        "begins-with-a-push": "before it learnt",
        "learns-its-scales": "numbers",
    },
)


_NAMES = """
def layers(config):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    head = hidden // config["num_attention_heads"]
    keys = {keys}
    if config["model_type"] == "phi3":
        return {phi}
    return [
        (hidden, hidden), (keys, hidden), (keys, hidden), (hidden, hidden),
        (wide, hidden), (wide, hidden), (hidden, wide),
    ]


def needs(config, recipe, rank):
    linear = sum(out * width for out, width in layers(config))
    learnt = sum(rank * (out + width) for out, width in layers(config))
    bits = {bits} if recipe == "qlora" else 16
    ends = 2 * config["vocab_size"] * config["hidden_size"]
    depth = config["num_hidden_layers"]
    norms = (2 * depth + 1) * config["hidden_size"]
    return depth * (linear * bits / 8 + {each} * learnt) + {around} * ends + 2 * norms


def job(folder, config, room):
    fits = needs(config, "lora", 8) <= room
    return {chosen}, {{"model": "hf:" + folder, "rank": 8}}
"""
_RIGHT = {
    "keys": 'config["num_key_value_heads"] * head',
    "phi": "[\n            (hidden + 2 * keys, hidden), (hidden, hidden),\n"
    "            (2 * wide, hidden), (hidden, wide),\n        ]",
    "bits": "4.25",
    "each": "16",
    "around": "2",
    "chosen": '"lora" if fits else "qlora"',
}


def _names(**changes: str) -> str:
    return _NAMES.format(**{**_RIGHT, **changes})


NAMES = programs(
    starter='''
def needs(config, recipe, rank):
    """The bytes that training takes: weights, adapter, slopes and averages."""
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    linear = 4 * hidden * hidden + 3 * hidden * wide
    weights = config["num_hidden_layers"] * linear + 2 * config["vocab_size"] * hidden
    return weights * (4 if recipe == "qlora" else 16) / 8


def job(folder, config, room):
    """(the recipe, its settings) for a model in a folder, with so many bytes of room."""
    return "qlora", {"model": "hf:" + folder, "rank": 8}
''',
    solution=_names(),
    also={
        "one-family-from-another": """
from math import prod


def needs(config, recipe, rank):
    d, f, n = (config[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    k = d * config["num_key_value_heads"] // config["num_attention_heads"]
    shapes = {"q": (d, d), "k": (k, d), "v": (k, d), "o": (d, d)}
    shapes |= {"gate": (f, d), "up": (f, d), "down": (d, f)}
    if config["model_type"] == "phi3":
        for name, parts in (("qkv", "q k v"), ("gate_up", "gate up")):
            joined = [shapes.pop(part) for part in parts.split()]
            shapes[name] = (sum(out for out, _ in joined), d)
    frozen = sum(map(prod, shapes.values()))
    adapter = rank * sum(map(sum, shapes.values()))
    rest = 2 * config["vocab_size"] * d
    a_weight = {"lora": 2, "qlora": 0.5 + 2 / 64}[recipe]
    return n * (frozen * a_weight + adapter * (4 + 4 + 8)) + rest * 2


def job(folder, config, room):
    for recipe in ("lora", "qlora"):
        if needs(config, recipe, 8) < room:
            break
    return [recipe, dict(rank=8, model=f"hf:{folder}", alpha=16)]
""",
        "by-what-differs": _names(
            phi="[(hidden, hidden), (hidden + keys * 2, hidden), (wide * 2, hidden), "
            "(hidden, wide)]",
            bits="4 + 16 / 64",
            each="(4 + 4 + 2 * 4)",
            chosen='("qlora", "lora")[fits]',
        ),
        "a-class": """
class Plan:
    def __init__(self, config):
        self.c, self.numbers, self.ends = config, 0, 0
        d, f = config["hidden_size"], config["intermediate_size"]
        kv = d // config["num_attention_heads"] * config["num_key_value_heads"]
        if config["model_type"] == "phi3":
            self.add(d, d + 2 * kv), self.add(d, d), self.add(d, 2 * f), self.add(f, d)
        else:
            for width, out in [(d, d)] * 2 + [(d, kv)] * 2 + [(d, f)] * 2 + [(f, d)]:
                self.add(width, out)

    def add(self, width, out):
        self.numbers += width * out
        self.ends += width + out

    def bytes(self, recipe, rank):
        bits = 16 if recipe != "qlora" else 34 / 8
        each = self.numbers * bits / 8 + self.ends * rank * 16
        return each * self.c["num_hidden_layers"] + 4 * self.c["vocab_size"] * self.c["hidden_size"]


def needs(config, recipe, rank):
    return Plan(config).bytes(recipe, rank)


def job(folder, config, room):
    if Plan(config).bytes("lora", 8) > room:
        return "qlora", {"rank": 8, "model": f"hf:{folder}"}
    return "lora", {"rank": 8, "model": f"hf:{folder}"}
""",
    },
    wrong={
        "all-of-it-in-four-bits": _names(around='(2 if recipe == "lora" else 4.25 / 8)'),
        "codes-without-scales": _names(bits="4"),
        "keys-as-wide-as-questions": _names(keys="hidden"),
        "phi-like-the-others": _names(
            phi="[(hidden, hidden)] * 2 + [(keys, hidden)] * 2 + [(wide, hidden)] * 2 "
            "+ [(hidden, wide)]"
        ),
        "no-optimizer": _names(each="8"),
        "always-four-bits": _names(chosen='"qlora"'),
    },
    mistakes={
        "all-of-it-in-four-bits": "Llama 3 8B, qlora",
        "codes-without-scales": "qlora",
        "keys-as-wide-as-questions": "Llama 3 8B, lora",
        "phi-like-the-others": "Phi-3 mini",
        "no-optimizer": "counted",
        "always-four-bits": "lora is right",
    },
)

_SERVE = 'base = "{}"\nadapter = "{}"'

SERVE = programs(
    starter=_SERVE.format("F16", "merged"),
    solution=_SERVE.format("Q4_0", "beside"),
    also={
        "merged-and-rounded-otherwise": _SERVE.format("Q4_0", "merged"),
        "more-kinds-in-one-file": _SERVE.format("Q3_K_M", "beside"),
        "with-reasons": "# 91.7 MB and 9.8\nadapter: str = 'beside'\nbase: str = 'Q4_0'",
    },
    wrong={
        "merged-and-rounded-as-before": _SERVE.format("Q4_1", "merged"),
        "as-packaged": _SERVE.format("Q4_1", "beside"),
    },
    mistakes={
        "merged-and-rounded-as-before": "asked about order",
        "as-packaged": "MB to serve",
    },
)
