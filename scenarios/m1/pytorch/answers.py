"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _class(name: str, head: str, init: str, forward: str, about: str = "") -> str:
    told = f'    """{about}"""\n\n' if about else ""
    init, forward = (indent(dedent(part).strip(), " " * 8) for part in (init, forward))
    return (
        "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\n"
        f"class {name}(nn.Module):\n{told}    def __init__(self, {head}):\n"
        f"        super().__init__()\n{init}\n\n    def forward(self, x):\n{forward}\n"
    )


def _net(init: str, forward: str, about: str = "") -> str:
    return _class("Net", "pictures", init, forward, about)


_BUFFERS = """
self.register_buffer("mean", pictures.mean(dim=0))
self.register_buffer("spread", pictures.std())
"""
_SEQUENCE = """
self.layers = nn.Sequential(
    nn.Linear(196, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
)
"""
_LIST = """
self.layers = [nn.Linear(196, 64), nn.Linear(64, 64)]
self.out = nn.Linear(64, 10)
"""
_EACH = """
x = (x - self.mean) / self.spread
for layer in self.layers:
    x = torch.relu(layer(x))
return self.out(x)
"""
_ALL = "return self.layers((x - self.mean) / self.spread)"

NET = programs(
    starter=_net(
        "self.mean = pictures.mean(dim=0)\nself.spread = pictures.std()\n" + _LIST,
        _EACH,
        "Ten scores for each picture (n, 196), set off by the mean of those it is made with.",
    ),
    solution=_net(_BUFFERS + _LIST.replace("[", "nn.ModuleList([").replace("]", "])"), _EACH),
    also={
        "parameters-that-stay": _net(
            """
            self.mean = nn.Parameter(pictures.mean(dim=0), requires_grad=False)
            self.spread = nn.Parameter(pictures.std(), requires_grad=False)
            """
            + indent(_SEQUENCE, " " * 12),
            _ALL,
        ),
        "weights-of-its-own": _net(
            """
            self.register_buffer("mean", pictures.mean())
            self.one = nn.Parameter(torch.randn(196, 96) / 14)
            self.other = nn.Parameter(torch.randn(96, 10) / 10)
            self.bias = nn.Parameter(torch.zeros(96))
            """,
            "return F.gelu((x - self.mean) @ self.one + self.bias) @ self.other",
        ),
        "looks-through-windows": _net(
            """
            self.register_buffer("mean", pictures.mean(dim=0).reshape(1, 14, 14))
            self.seen = nn.Conv2d(1, 8, 3)
            self.out = nn.Linear(8 * 6 * 6, 10)
            """,
            """
            x = F.relu(self.seen(x.reshape(-1, 1, 14, 14) - self.mean))
            return self.out(F.max_pool2d(x, 2).flatten(1))
            """,
        ),
    },
    wrong={
        "still-a-list": _net(_BUFFERS + _LIST, _EACH),
        "plain-tensors": _net(
            "self.mean = pictures.mean()\nself.spread = pictures.std()\n" + _SEQUENCE, _ALL
        ),
        "by-the-batch": _net(_SEQUENCE, "return self.layers((x - x.mean()) / x.std())"),
        "made-where-it-runs": _net(
            _BUFFERS + _SEQUENCE,
            "x = torch.cat([x - self.mean, torch.zeros(len(x), 0)], dim=1)\n"
            "return self.layers(x / self.spread)",
        ),
    },
    mistakes={
        "still-a-list": "are not among its parameters",
        "plain-tensors": "it gives other scores",
        "by-the-batch": "among 16",
        "made-where-it-runs": "on another device",
    },
)


def _loop(
    batches: str = "for some, right in DataLoader(TensorDataset(x, y), 64, shuffle=True):",
    scores: str = "net(some)",
    clear: str = "optimizer.zero_grad()",
    keep: str = "losses.append(loss.item())",
    train: str = "net.train()",
    ask: str = "net.eval()\nwith torch.no_grad():\n    return net(x).argmax(dim=1)",
    about: str = "",
) -> str:
    step = "\n".join(
        part
        for part in (
            f"loss = F.cross_entropy({scores}, right)",
            clear,
            "loss.backward()",
            "optimizer.step()",
            keep,
        )
        if part
    )
    told = f'    """{about}"""\n' if about else ""
    begin = "\n".join(
        part for part in (train, "optimizer = torch.optim.Adam(net.parameters(), lr=0.003)") if part
    )
    return (
        "import torch\nfrom torch.nn import functional as F\n"
        "from torch.utils.data import DataLoader, TensorDataset\n\n\n"
        f"def fit(net, x, y, rounds):\n{told}{indent(begin, '    ')}\n    losses = []\n"
        f"    for _ in range(rounds):\n        {batches}\n{indent(step, ' ' * 12)}\n"
        f"    return losses\n\n\ndef predict(net, x):\n{indent(ask, '    ')}\n"
    )


_APART = """\
pictures = DataLoader(x, 64, shuffle=True)
        labels = DataLoader(y, 64, shuffle=True)
        for some, right in zip(pictures, labels):"""
_ASKED = "return net(x).argmax(dim=1)"

LOOP = programs(
    starter=_loop(
        batches=_APART,
        scores="net(some).softmax(dim=1)",
        clear="",
        keep="losses.append(loss)",
        train="",
        ask=_ASKED,
        about="Train for so many rounds; the loss of each step.",
    ),
    solution=_loop(),
    also={
        "rows-in-a-new-order": """
import torch
from torch import nn


def fit(net, x, y, rounds):
    net.train()
    measure = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(rounds):
        for rows in torch.randperm(len(x)).split(32):
            loss = measure(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
            losses.append(loss.detach())
    return losses


@torch.inference_mode()
def predict(net, x):
    was = net.training
    guesses = net.train(False)(x).max(dim=1).indices
    net.train(was)
    return guesses
""",
        "the-log-taken-once": _loop(
            clear="for weight in net.parameters():\n    weight.grad = None",
            keep="losses.append(float(loss))",
        ).replace(
            "F.cross_entropy(net(some), right)", "F.nll_loss(F.log_softmax(net(some), 1), right)"
        ),
        "slopes-by-hand": """
import torch
from torch.nn import functional as F


def fit(net, x, y, rounds):
    net = net.train()
    weights = list(net.parameters())
    speed = [torch.zeros_like(weight) for weight in weights]
    losses = []
    for _ in range(rounds):
        order = torch.randperm(len(x))
        x, y = x[order], y[order]
        for at in range(0, len(x), 50):
            loss = F.cross_entropy(net(x[at : at + 50]), y[at : at + 50])
            for weight in weights:
                weight.grad = None
            loss.backward()
            with torch.no_grad():
                for weight, moving in zip(weights, speed):
                    moving.mul_(0.9).add_(weight.grad)
                    weight -= 0.1 * moving
            losses.append(loss.item())
    return losses


def predict(net, x):
    net.eval()
    return torch.cat([net(part).detach().argmax(1) for part in x.split(100)])
""",
    },
    wrong={
        "shuffled-apart": _loop(batches=_APART),
        "never-cleared": _loop(clear=""),
        "softmax-twice": _loop(scores="net(some).softmax(dim=1)"),
        "keeps-every-graph": _loop(keep="losses.append(loss)"),
        "asks-while-training": _loop(ask=f"with torch.no_grad():\n    {_ASKED}"),
        "trains-while-asked": _loop(train=""),
    },
    mistakes={
        "shuffled-apart": "another row's label",
        "never-cleared": "earlier batches",
        "softmax-twice": "surprise",
        "keeps-every-graph": "live on",
        "asks-while-training": "changed its mind",
        "trains-while-asked": "were not training",
    },
)


def _half(init: str, forward: str, about: str = "", kind: str = "nn.Module") -> str:
    whole = _class("FeedForward", "width, hidden, epsilon", init, forward, about)
    return whole.replace("(nn.Module)", f"({kind})")


_PARTS = """
self.ffn_norm = nn.RMSNorm(width, eps=epsilon)
self.ffn_gate = nn.Linear(width, hidden, bias=False)
self.ffn_up = nn.Linear(width, hidden, bias=False)
self.ffn_down = nn.Linear(hidden, width, bias=False)
"""
_GATED = """
rows = self.ffn_norm(x)
return x + self.ffn_down(F.silu(self.ffn_gate(rows)) * self.ffn_up(rows))
"""

HALF = programs(
    starter=_half(
        """
        self.norm = nn.LayerNorm(width)
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width)
        )
        """,
        "return x + self.layers(self.norm(x))",
        "One half of a layer, (tokens, width) to the same.",
    ),
    solution=_half(_PARTS, _GATED),
    also={
        "written-out": _half(
            """
            self.epsilon = epsilon
            for name, shape in (
                ("norm", (width,)),
                ("gate", (hidden, width)),
                ("up", (hidden, width)),
                ("down", (width, hidden)),
            ):
                part = nn.Module()
                part.weight = nn.Parameter(torch.empty(shape))
                self.add_module(f"ffn_{name}", part)
            """,
            """
            size = (x.square().mean(dim=-1, keepdim=True) + self.epsilon).rsqrt()
            rows = x * size * self.ffn_norm.weight
            gate = rows @ self.ffn_gate.weight.T
            rows = gate * gate.sigmoid() * (rows @ self.ffn_up.weight.T)
            return x + rows @ self.ffn_down.weight.T
            """,
        ),
        "a-dict-of-modules": _half(
            """
            self["ffn_norm"] = nn.RMSNorm(width, epsilon)
            for name in ("gate", "up"):
                self[f"ffn_{name}"] = nn.Linear(width, hidden, bias=False)
            self["ffn_down"] = nn.Linear(hidden, width, bias=False)
            self.bend = nn.SiLU()
            """,
            """
            rows = self["ffn_norm"](x)
            return self["ffn_down"](self.bend(self["ffn_gate"](rows)) * self["ffn_up"](rows)).add(x)
            """,
            kind="nn.ModuleDict",
        ),
        "both-at-once": _half(
            _PARTS,
            """
            rows = F.rms_norm(x, x.shape[-1:], self.ffn_norm.weight, self.ffn_norm.eps)
            both = F.linear(rows, torch.cat([self.ffn_up.weight, self.ffn_gate.weight]))
            up, gate = both.chunk(2, dim=-1)
            return torch.addmm(x, up * F.silu(gate), self.ffn_down.weight.T)
            """,
        ),
    },
    wrong={
        "gate-and-up-swapped": _half(
            _PARTS,
            _GATED.replace("ffn_gate", "ffn_x")
            .replace("ffn_up", "ffn_gate")
            .replace("ffn_x", "ffn_up"),
        ),
        "the-usual-epsilon": _half(_PARTS.replace(", eps=epsilon", ""), _GATED),
        "only-what-is-added": _half(_PARTS, _GATED.replace("x + ", "")),
    },
    mistakes={
        "gate-and-up-swapped": "is off by",
        "the-usual-epsilon": "is off by",
        "only-what-is-added": "is off by",
    },
)
