"""Answers to `optimise`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_PREFER = """\
import numpy as np
import torch

from composer import load

KINDS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4), (0, 3), (0, 4, 7, 10), (0, 3, 7, 10))
CHORDS = {frozenset((root + tone) % 12 for tone in kind) for root in range(12) for kind in KINDS}


def parallels(piece):
    moves, found = np.diff(piece, axis=0), 0
    for one in range(4):
        for other in range(one + 1, 4):
            apart = abs(piece[:, one] - piece[:, other]) % 12
            same = (apart[1:] == apart[:-1]) & np.isin(apart[1:], (0, 7))
            found += (same & (moves[:, one] * moves[:, other] > 0)).sum()
    return found


def pleasing(piece):
    moves, tones = np.diff(piece, axis=0), piece % 12
    points = 8 * np.mean([frozenset(chord) in CHORDS for chord in tones.tolist()])
    points -= 0.7 * parallels(piece)
    points -= 10 * (abs(moves) > 4).mean() + 10 * np.isin(tones, (1, 3, 6, 10)).mean()
    points -= 10 * (np.diff(piece, axis=1) > 0).mean()
    points -= 4 * (moves == 0).mean() + 10 * (moves == 0).all(axis=1).mean()
    points += 5 * len({tuple(chord) for chord in piece.tolist()}) / len(piece)
    return points + (tones[-1, 3] == 0)


def prefer(a, b):
    return pleasing(a) > pleasing(b)


"""
_LOSS = """\
def loss(now, old, before, drawn, rewards, beta, clip=0.2):
    lead = (rewards - rewards.mean())[:, None]
    taken = drawn[..., None]
    ratio = (now.gather(2, taken) - old.gather(2, taken))[..., 0].exp()
    gain = torch.minimum(ratio * lead, ratio.clamp(1 - clip, 1 + clip) * lead)
    leash = (now.exp() * (now - before)).sum(dim=-1)
    return (beta * leash - gain).mean()


"""
_TRAIN = """\
def train(score, steps=50, beta=0.2):
    net, bach = load(), load()
    adam = torch.optim.Adam(net.parameters(), lr=0.001)
    for step in range(steps):
        pieces = net.write(128)
        with torch.no_grad():
            rewards, old, before = score(pieces), net(pieces), bach(pieces)
        for _ in range(2):
            for some in torch.randperm(128).split(64):
                value = loss(
                    net(pieces[some]), old[some], before[some], pieces[some], rewards[some], beta
                )
                adam.zero_grad()
                value.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                adam.step()
        if step % 10 == 9:
            print(f"step {step + 1}: reward {rewards.mean():.2f}")
    return net
"""
_WHOLE = _PREFER + _LOSS + _TRAIN


def _but(*changes: tuple[str, str], of: str = _WHOLE) -> str:
    for old, new in changes:
        if of.count(old) != 1:
            raise ValueError(f"{old!r} stands {of.count(old)} times")
        of = of.replace(old, new)
    return of


_STILL = """\
import numpy as np
import torch

from composer import load


def pleasing(piece):
    return -abs(np.diff(piece, axis=0)).mean()


def prefer(a, b):
    return bool(pleasing(a) > pleasing(b))


"""
_REINFORCE = """\
def train(score, steps=60, beta=0.2):
    net, bach = load(), load()
    adam = torch.optim.Adam(net.parameters(), lr=0.001)
    for _ in range(steps):
        pieces = net.write(160)
        now = net(pieces)
        said = now.gather(2, pieces[..., None])[..., 0]
        with torch.no_grad():
            was = bach(pieces).gather(2, pieces[..., None])[..., 0]
            rewards = -beta * (said - was)
            rewards[:, -1] += score(pieces)
            ahead = rewards.flip(1).cumsum(1).flip(1)
            lead = ahead - ahead.mean(dim=0)
        value = -(lead * said).mean()
        adam.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
    return net
"""
_FILTER = """\
def train(score, rounds=4):
    net = load()
    adam = torch.optim.Adam(net.parameters(), lr=0.0005)
    for _ in range(rounds):
        pieces = net.write(3000)
        best = pieces[score(pieces).argsort(descending=True)[:300]]
        for _ in range(2):
            for some in torch.randperm(len(best)).split(50):
                said = net(best[some]).gather(2, best[some][..., None])
                adam.zero_grad()
                (-said.mean()).backward()
                adam.step()
    return net
"""
_ADAPTED = (
    ("steps=50", "steps=40"),
    (
        "        for _ in range(2):\n",
        "        beta *= 1.1 if nats(net, bach) > 10 else 0.9\n        for _ in range(2):\n",
    ),
    (
        "def train(",
        "@torch.no_grad()\n"
        "def nats(net, bach):\n"
        "    pieces = net.write(64)\n"
        "    now, before = net(pieces), bach(pieces)\n"
        "    return (now.exp() * (now - before)).sum(dim=-1).sum(dim=1).mean().item()\n\n\n"
        "def train(",
    ),
)

OPTIMISE = programs(
    starter=_STILL + _LOSS + _but(("steps=50, beta=0.2", "steps=30, beta=0.0"), of=_TRAIN),
    solution=_WHOLE,
    also={
        "reinforce-with-the-leash-in-the-reward": _PREFER + _REINFORCE,
        "learns-from-its-best": _PREFER + _FILTER,
        "a-leash-that-is-let-out": _but(*_ADAPTED),
    },
    wrong={
        "no-leash": _but(("steps=50, beta=0.2", "steps=30, beta=0.0")),
        "on-yesterdays-leash": _but(("(now - before)", "(now - old)"), ("steps=50", "steps=30")),
        "too-short-a-leash": _but(("steps=50, beta=0.2", "steps=20, beta=5.0")),
        "likes-it-still": _STILL
        + _LOSS
        + _but(("steps=50, beta=0.2", "steps=40, beta=0.05"), of=_TRAIN),
        "upside-down": _but(
            ("steps=50", "steps=20"),
            ("return (beta * leash - gain).mean()", "return (beta * leash + gain).mean()"),
        ),
    },
    mistakes={
        "no-leash": "nats a piece from",
        "on-yesterdays-leash": "nats a piece from",
        "too-short-a-leash": "needed",
        "likes-it-still": "hacked",
        "upside-down": "needed",
    },
)
