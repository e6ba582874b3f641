"""Starters, reference solutions, other right answers, and wrong ones: a generator that is trained.

Where no game is played, none of them needs PyTorch, and x and y come as arrays of NumPy.
"""

from __future__ import annotations

from textwrap import indent

from agentlab.labs.declare import programs

from .answers import function

_HEAD = """\
import torch
from film import frame
from torch import nn
from torch.nn import functional as F

NOISE, ROWS = 16, 64


def layers(*sizes):
    parts = []
    for one, other in zip(sizes, sizes[1:]):
        parts += [nn.Linear(one, other), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts[:-1])


def made_of(generator, noise, digits):
    return generator(torch.cat([noise, F.one_hot(digits, 10)], dim=1)).sigmoid()


"""
_BEGIN = """\
generator, discriminator = layers(NOISE + 10, 256, 256, 196), layers(196, 256, 256, 10)
players = [torch.optim.Adam(net.parameters(), {rate}) for net in (generator, discriminator)]
"""
_SHOW = """\
    if n % ({rounds} // 10) == 0:
        frame(made_of({shown}, still, torch.arange(20) % 10))
"""
_MEAN_BEGIN = """\
mean = layers(NOISE + 10, 256, 256, 196)
mean.load_state_dict(generator.state_dict())
"""
_MEAN = """\
    with torch.no_grad():
        for kept, now in zip(mean.parameters(), generator.parameters()):
            kept.lerp_(now, max(0.01, 1 / n))
"""
_FIRST = """\
    rows = torch.randint(len(x), (ROWS,))
    real, digits = x[rows], y[rows]
    made = made_of(generator, torch.randn(ROWS, NOISE), digits)
"""
_D = """\
    loss = F.softplus(-scored(real, digits)).mean() + F.softplus(scored(made, digits)).mean()
"""
_G = """\
    made = made_of(generator, torch.randn(ROWS, NOISE), digits)
    loss = F.softplus(-scored(made, digits)).mean()
"""
_STEP = """\
    players[{}].zero_grad()
    loss.backward()
    players[{}].step()
"""
_SCORED = "return discriminator(pictures).gather(1, digits[:, None])[:, 0]"
_DRAW = """\
return made_of(made, torch.randn(len(digits), NOISE), digits)
"""


def _game(
    *,
    d: str = _D,
    g: str = _G,
    first: str = _FIRST,
    scored: str = _SCORED,
    rounds: int = 1200,
    rate: str = "0.003, betas=(0.5, 0.99)",
    turns: int = 1,
    mean: bool = True,
    doc: tuple[str, str] = ("", ""),
    begin: str = _BEGIN,
) -> str:
    """A program in which the two play, with some of its parts replaced."""
    shown = "mean" if mean else "generator"
    reply = g + _STEP.format(0, 0)
    if turns > 1:
        reply = f"    for _ in range({turns}):\n" + indent(reply, "    ")
    body = (
        doc[0]
        + begin.format(rate=rate)
        + (_MEAN_BEGIN if mean else "")
        + "still = torch.randn(20, NOISE)\n\n\n"
        + function("scored(pictures, digits)", scored)
        + f"\n\nfor n in range(1, {rounds} + 1):\n"
        + first
        + d.replace("scored(made, digits)", "scored(made.detach(), digits)")
        + _STEP.format(1, 1)
        + reply
        + (_MEAN if mean else "")
        + _SHOW.format(rounds=rounds, shown=shown)
        + f"return {shown}\n"
    )
    parts = function("train(x, y)", body), function("draw(made, digits)", doc[1] + _DRAW)
    return _HEAD + "\n\n".join(parts)


_HINGE = """\
    loss = F.relu(1 - scored(real, digits)).mean() + F.relu(1 + scored(made, digits)).mean()
"""
_SQUARES = """\
    loss = ((scored(real, digits) - 1) ** 2).mean() + (scored(made, digits) ** 2).mean()
"""
_PAIRED = """\
    real.requires_grad_(n % 8 == 0)
    truth = scored(real, digits)
    loss = F.softplus(scored(made, digits) - truth).mean()
    if real.requires_grad:
        (slope,) = torch.autograd.grad(truth.sum(), real, create_graph=True)
        loss = loss + 0.16 * slope.square().sum(dim=1).mean()
"""

_TABLE = "import numpy as np\n\n\n"
_KEPT = "return x, y"
_ROWS = """\
(x, y), rng = made, np.random.default_rng()
rows = [rng.choice(np.flatnonzero(y == digit)) for digit in np.asarray(digits)]
"""


def _learnt_by_heart(draw: str, train: str = _KEPT) -> str:
    return _TABLE + function("train(x, y)", train) + "\n\n" + function("draw(made, digits)", draw)


GAME = programs(
    starter=_game(
        rounds=200,
        rate="0.002, betas=(0.5, 0.99)",
        turns=5,
        mean=False,
        doc=(
            '"""What `draw` needs, from pictures (n, 196) and their digits (n,)."""\n',
            '"""A picture (196) of each digit, with shades from 0 to 1."""\n',
        ),
    ),
    solution=_game(),
    also={
        "hinge": _game(
            d=_HINGE, g=_G.replace("F.softplus(-scored(made, digits))", "-scored(made, digits)")
        ),
        "in-pairs-and-held-flat": _game(
            d=_PAIRED,
            g=_G.replace("softplus(-scored", "softplus(truth.detach() - scored"),
        ),
        "squares": _game(
            d=_SQUARES,
            g=_G.replace("F.softplus(-scored(made, digits))", "((scored(made, digits) - 1) ** 2)"),
        ),
    },
    wrong={
        "five-turns-and-the-mean": _game(rounds=150, turns=5),
        "as-it-comes": _game(rounds=700, mean=False),
        "looks-at-pictures-alone": _game(rounds=250, scored="return discriminator(pictures)[:, 0]"),
        "learnt-by-heart": _learnt_by_heart(
            _ROWS + "return (x[rows] + 0.02 * rng.normal(size=(len(rows), 196))).clip(0, 1)\n"
        ),
        "between-two-neighbours": _learnt_by_heart(
            _ROWS
            + """\
drawn = []
for row in rows:
    same = np.flatnonzero(y == y[row])
    near = same[((x[same] - x[row]) ** 2).sum(axis=1).argsort()[1:6]]
    share = rng.uniform(0.3, 0.7)
    drawn.append(share * x[row] + (1 - share) * x[rng.choice(near)])
return np.array(drawn)
"""
        ),
        "the-mean-of-eight": _learnt_by_heart(
            """\
(x, y), rng = made, np.random.default_rng()
some = [rng.choice(np.flatnonzero(y == digit), 8) for digit in np.asarray(digits)]
return x[np.array(some)].mean(axis=1)
"""
        ),
        "a-gaussian-each": _learnt_by_heart(
            """\
rng = np.random.default_rng()
drawn = []
for digit in np.asarray(digits):
    middle, ways = made[digit]
    drawn.append(middle + rng.normal(size=20) @ ways)
return np.array(drawn).clip(0, 1)
""",
            """\
found = {}
for digit in range(10):
    some = x[y == digit]
    middle = some.mean(axis=0)
    _, sizes, ways = np.linalg.svd(some - middle, full_matrices=False)
    found[digit] = middle, sizes[:20, None] * ways[:20] / len(some) ** 0.5
return found
""",
        ),
    },
    mistakes={
        "five-turns-and-the-mean": "varied",
        "as-it-comes": "far",
        "looks-at-pictures-alone": "asked",
        "learnt-by-heart": "new",
        "between-two-neighbours": "new",
        "the-mean-of-eight": "varied",
        "a-gaussian-each": "far",
    },
)
