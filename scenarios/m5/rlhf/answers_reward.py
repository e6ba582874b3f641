"""Answers to `reward`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_HEARD = '''\
import numpy as np
import torch
from torch.nn import functional


def heard(pieces):
    """What may matter in each piece: (n, several)."""
    moves, tone = np.diff(pieces, axis=1), pieces % 12
    found = []
    for one in range(4):
        for other in range(one + 1, 4):
            apart = abs(pieces[:, :, one] - pieces[:, :, other]) % 12
            same = (apart[:, 1:] == apart[:, :-1]) & (moves[..., one] * moves[..., other] > 0)
            found += [same & np.isin(apart[:, 1:], (0, 7)), np.isin(apart, (0, 3, 4, 8, 9))]
            found += [np.isin(apart, (1, 2, 10, 11)), apart == 6]
    for voice in range(4):
        far = abs(moves[..., voice])
        found += [far == 0, far > 2, far > 4, far > 7]
    found += [np.isin(tone, (1, 3, 6, 10)), np.diff(pieces, axis=2) > 0]
    found += [tone[:, -1:, 3] == 0, np.isin(tone[:, -1:], (0, 4, 7))]
    return np.stack([one.reshape(len(pieces), -1).mean(axis=1) for one in found], axis=1)


'''
_FIT = """\
def fit(a, b, first, rounds=300):
    both = np.concatenate([heard(a), heard(b)])
    mean, spread = both.mean(axis=0), both.std(axis=0) + 1e-6
    lead = torch.tensor((heard(a) - heard(b)) / spread, dtype=torch.float32)
    sign = torch.where(torch.tensor(first), 1.0, -1.0)
    weights = torch.zeros(lead.shape[1], requires_grad=True)
    adam = torch.optim.Adam([weights], lr=0.02)
    for _ in range(rounds):
        loss = functional.softplus(-sign * (lead @ weights)).mean() + 0.01 * (weights**2).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    learnt = weights.detach().numpy()

    def score(pieces):
        return ((heard(pieces) - mean) / spread) @ learnt

    return score
"""
_WHOLE = _HEARD + _FIT
_NET = """\
import numpy as np
import torch
from torch import nn


def seen(pieces):
    pieces = torch.as_tensor(np.asarray(pieces))
    moves = (pieces[:, 1:] - pieces[:, :-1]).clamp(-12, 12) + 12
    now = pieces[:, 1:]
    apart = [(now[..., i] - now[..., j]) % 12 for i in range(4) for j in range(i + 1, 4)]
    parts = (moves, 25), (torch.stack(apart, dim=-1), 12), (now % 12, 12)
    return torch.cat([nn.functional.one_hot(x, n).flatten(2) for x, n in parts], dim=-1).float()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(220, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.layers(x).mean(dim=1)[:, 0]


def fit(a, b, first, rounds=150):
    better = np.where(first[:, None, None], a, b)
    worse = np.where(first[:, None, None], b, a)
    better, worse = seen(better), seen(worse)
    net = Net()
    adam = torch.optim.AdamW(net.parameters(), lr=0.003, weight_decay=1.0)
    for _ in range(rounds):
        some = torch.randint(len(better), (64,))
        loss = -nn.functional.logsigmoid(net(better[some]) - net(worse[some])).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    @torch.no_grad()
    def score(pieces):
        return net(seen(pieces)).numpy()

    return score
"""
_NEWTON = """\
def fit(a, b, first):
    x = heard(a) - heard(b)
    spread = x.std(axis=0) + 1e-6
    x, y = x / spread, np.asarray(first, dtype=float)
    weights = np.zeros(x.shape[1])
    for _ in range(8):
        chance = 1 / (1 + np.exp(-(x @ weights)))
        slope = x.T @ (chance - y) + 10 * weights
        bend = (x * (chance * (1 - chance))[:, None]).T @ x + 10 * np.eye(len(weights))
        weights -= np.linalg.solve(bend, slope)
    return lambda pieces: heard(pieces) / spread @ weights
"""
_SEVERAL = """\
def fit(a, b, first, models=5):
    votes = []
    for number in range(models):
        dice = np.random.default_rng(number)
        some = dice.integers(len(a), size=len(a))
        votes.append(one(a[some], b[some], first[some]))
    return lambda pieces: sum(vote(pieces) for vote in votes) / models


"""


def _but(*changes: tuple[str, str], of: str = _WHOLE) -> str:
    for old, new in changes:
        if of.count(old) != 1:
            raise ValueError(f"{old!r} stands {of.count(old)} times")
        of = of.replace(old, new)
    return of


REWARD = programs(
    starter=_but(
        (
            "functional.softplus(-sign * (lead @ weights)).mean() + 0.01 * (weights**2).sum()",
            "-(sign * (lead @ weights)).mean()",
        ),
    ),
    solution=_WHOLE,
    also={
        "a-net": _NET,
        "newtons-steps": _HEARD + _NEWTON,
        "several-that-vote": _HEARD + _SEVERAL + _FIT.replace("def fit(", "def one("),
    },
    wrong={
        "upside-down": _but(("softplus(-sign", "softplus(sign")),
        "too-sure": _but(
            ("rounds=150", "rounds=1500"), ("weight_decay=1.0", "weight_decay=0.0"), of=_NET
        ),
        "note-by-note": _but(
            (
                "    return torch.cat([nn.functional.one_hot(x, n).flatten(2) for x, n in parts], "
                "dim=-1).float()",
                "    return nn.functional.one_hot(pieces.flatten(1) - 36, 46).flatten(1).float()",
            ),
            ("nn.Linear(220, 32), nn.ReLU(), nn.Linear(32, 1)", "nn.Linear(64 * 46, 1)"),
            ("self.layers(x).mean(dim=1)[:, 0]", "self.layers(x)[:, 0]"),
            of=_NET,
        ),
        "in-company": _but(
            (
                "        return ((heard(pieces) - mean) / spread) @ learnt\n",
                "        scores = ((heard(pieces) - mean) / spread) @ learnt\n"
                "        return (scores - scores.mean()) / scores.std()\n",
            )
        ),
    },
    mistakes={
        "upside-down": "agree",
        "too-sure": "costs",
        "note-by-note": "agree",
        "in-company": "in other company",
    },
)
