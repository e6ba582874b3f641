"""Answers to `learn`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_HEAD = """\
import torch
from torch import nn
from torch.nn import functional

from notes import SIZE, clock
from parts import Layer

SEEN = 96


"""
_NET = """\
class Net(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.notes, self.beats = nn.Embedding(SIZE, width), nn.Embedding(16, width)
        nn.init.normal_(self.notes.weight, std=0.1)
        nn.init.normal_(self.beats.weight, std=0.1)
        self.layers = nn.Sequential(Layer(width), Layer(width))
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, SIZE)

    def forward(self, tokens, times):
        x = self.notes(tokens) + self.beats(times % 16)
        return self.out(self.norm(self.layers(x)))


"""
_LEARN = """\
def learn(pieces, rounds=160):
    tokens = torch.tensor([token for piece in pieces for token in piece])
    times = torch.tensor([time for piece in pieces for time in clock(piece)])
    net = Net()
    adam = torch.optim.AdamW(net.parameters(), betas=(0.9, 0.98), weight_decay=0.1)
    for n in range(rounds):
        for group in adam.param_groups:
            group["lr"] = 0.005 * min((n + 1) / 30, 1, 1.5 * (rounds - n) / rounds)
        rows = torch.randint(len(tokens) - SEEN, (16, 1)) + torch.arange(SEEN)
        scores = net(tokens[rows], times[rows])
        loss = functional.cross_entropy(scores[:, :-1].flatten(0, 1), tokens[rows][:, 1:].flatten())
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        if n % 50 == 49:
            print(f"round {n + 1}: {loss.item():.2f} nats")
    return net.eval()


"""
_FORETELL = """\
def foretell(net, beginnings):
    last = [min(len(beginning), SEEN) - 1 for beginning in beginnings]
    tokens = torch.zeros(len(beginnings), SEEN, dtype=torch.long)
    times = torch.zeros(len(beginnings), SEEN, dtype=torch.long)
    for row, beginning in enumerate(beginnings):
        tokens[row, : last[row] + 1] = torch.tensor(beginning[-SEEN:])
        times[row, : last[row] + 1] = torch.tensor(clock(beginning)[-SEEN:])
    scores = net(tokens, times)[range(len(beginnings)), last]
    return scores.log_softmax(dim=-1)
"""
_WHOLE = _HEAD + _NET + _LEARN + _FORETELL


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


_BIGRAM = (
    ("        self.layers = nn.Sequential(Layer(width), Layer(width))\n", ""),
    ("self.out(self.norm(self.layers(x)))", "self.out(self.norm(x))"),
    ("self.notes(tokens) + self.beats(times % 16)", "self.notes(tokens)"),
)
_RECURRENT = _but(
    ("from parts import Layer\n", ""),
    (
        "        self.layers = nn.Sequential(Layer(width), Layer(width))\n",
        "        self.layers = nn.LSTM(width, 160, batch_first=True)\n"
        "        self.back = nn.Linear(160, width)\n",
    ),
    ("self.norm(self.layers(x))", "self.norm(self.back(self.layers(x)[0]))"),
)
_CONVOLVED = _but(
    (
        "from parts import Layer\n\nSEEN = 96\n",
        """\
SEEN = 96


class Layer(nn.Module):
    def __init__(self, width, apart):
        super().__init__()
        self.room = 2 * apart
        self.norm = nn.LayerNorm(width)
        self.seen = nn.Conv1d(width, 2 * width, 3, dilation=apart)
        self.back = nn.Linear(2 * width, width)

    def forward(self, x):
        before = functional.pad(self.norm(x).transpose(1, 2), (self.room, 0))
        return x + self.back(functional.gelu(self.seen(before)).transpose(1, 2))
""",
    ),
    (
        "nn.Sequential(Layer(width), Layer(width))",
        "nn.Sequential(*[Layer(width, 2**n) for n in range(4)])",
    ),
    ("rounds=160", "rounds=130"),
)
_PIECEWISE = _but(
    (
        "        rows = torch.randint(len(tokens) - SEEN, (16, 1)) + torch.arange(SEEN)\n",
        "        starts = begins[torch.randint(len(begins), (16,))]\n"
        "        starts = starts + (torch.rand(16) * 200).long()\n"
        "        rows = starts.clamp(max=len(tokens) - SEEN)[:, None] + torch.arange(SEEN)\n",
    ),
    (
        "    net = Net()\n",
        "    lengths = torch.tensor([0] + [len(piece) for piece in pieces[:-1]])\n"
        "    begins = lengths.cumsum(0)\n"
        "    net = Net(width=80)\n",
    ),
)

LEARN = programs(
    starter=_but(*_BIGRAM, ("rounds=160", "rounds=100")),
    solution=_WHOLE,
    also={
        "recurrent": _RECURRENT,
        "convolutions-that-look-back": _CONVOLVED,
        "from-each-piece-alike": _PIECEWISE,
    },
    wrong={
        "says-what-it-is-shown": _but(
            ("scores[:, :-1]", "scores"),
            ("tokens[rows][:, 1:]", "tokens[rows]"),
            ("rounds=160", "rounds=30"),
        ),
        "scores-are-no-chances": _but(
            ("scores.log_softmax(dim=-1)", "scores"), ("rounds=160", "rounds=5")
        ),
        "stopped-too-soon": _but(("rounds=160", "rounds=40")),
        "foretells-after-the-padding": _but(
            ("[range(len(beginnings)), last]", "[:, -1]"), ("rounds=160", "rounds=30")
        ),
    },
    mistakes={
        "says-what-it-is-shown": "are needed",
        "scores-are-no-chances": "sum up to",
        "stopped-too-soon": "are needed",
        "foretells-after-the-padding": "are needed",
    },
)
