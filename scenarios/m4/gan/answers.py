"""Starters, reference solutions, other right answers, and wrong ones: losses and distances.

Those that diagnose and train stand in `diagnoses.py` and `games.py`.
"""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def function(head: str, body: str) -> str:
    """One function of a program."""
    return f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


_NUMPY = "import numpy as np\n\n\n"
_SOFT = """\
def soft(x):
    return np.logaddexp(0, x)


def share(x):
    return np.exp(-soft(-x))


"""
_BOTH = """\
loss = soft(-real).mean() + soft(fake).mean()
return loss, -share(-real) / len(real), share(fake) / len(fake)
"""
_ONE = "return soft(-fake).mean(), -share(-fake) / len(fake)"


def _losses(both: str = _BOTH, one: str = _ONE, before: str = _SOFT) -> str:
    parts = function("discriminator(real, fake)", both), function("generator(fake)", one)
    return _NUMPY + before + "\n\n".join(parts)


_SIGMOID = """\
def share(x):
    return 1 / (1 + np.exp(-x))


"""
_MINIMAX = "return -soft(fake).mean(), -share(fake) / len(fake)"

LOSSES = programs(
    starter=_losses(
        '''\
        """The loss, and its slopes by each score of real and of fake."""
        r, f = share(real), share(fake)
        loss = -np.log(r).mean() - np.log(1 - f).mean()
        return loss, (r - 1) / len(real), f / len(fake)
        ''',
        '''\
        """The loss, and its slopes by each score of fake."""
        f = share(fake)
        return np.log(1 - f).mean(), -f / len(fake)
        ''',
        _SIGMOID,
    ),
    solution=_losses(),
    also={
        "by-tanh": _losses(
            before="""\
def soft(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def share(x):
    return (1 + np.tanh(x / 2)) / 2


""",
            both="""\
loss = soft(-real).mean() + soft(fake).mean()
return loss, (share(real) - 1) / len(real), share(fake) / len(fake)
""",
            one="return soft(-fake).mean(), (share(fake) - 1) / len(fake)",
        ),
        "score-by-score": _losses(
            before="""\
import math


def surprise(score, wanted):
    way = score if wanted else -score
    if way > 0:
        low = math.exp(-way)
        loss, sure = math.log1p(low), 1 / (1 + low)
    else:
        low = math.exp(way)
        loss, sure = math.log1p(low) - way, low / (1 + low)
    return loss, (sure - 1) * (1 if wanted else -1)


def all_of(scores, wanted):
    found = np.array([surprise(float(score), wanted) for score in scores])
    return found[:, 0].mean(), found[:, 1] / len(scores)


""",
            both="""\
one, real_slopes = all_of(real, True)
other, fake_slopes = all_of(fake, False)
return one + other, real_slopes, fake_slopes
""",
            one="return all_of(fake, True)",
        ),
        "as-two-answers": _losses(
            before="""\
def surprise(scores, label):
    \"\"\"Cross-entropy over the two answers made (0) and real (1), with scores 0 and x.\"\"\"
    two = np.stack([np.zeros_like(scores), scores], axis=1)
    two = two - two.max(axis=1, keepdims=True)
    chances = np.exp(two) / np.exp(two).sum(axis=1, keepdims=True)
    loss = np.log(np.exp(two).sum(axis=1)) - two[:, label]
    return loss.mean(), (chances[:, 1] - label) / len(scores)


""",
            both="""\
(one, real_slopes), (other, fake_slopes) = surprise(real, 1), surprise(fake, 0)
return one + other, real_slopes, fake_slopes
""",
            one="return surprise(fake, 1)",
        ),
    },
    wrong={
        "minimax": _losses(one=_MINIMAX),
        "exp-first": _losses(
            """\
r, f = share(real), share(fake)
loss = -np.log(r).mean() - np.log(1 - f).mean()
return loss, (r - 1) / len(real), f / len(fake)
""",
            "f = share(fake)\nreturn -np.log(f).mean(), (f - 1) / len(fake)",
            _SIGMOID,
        ),
        "never-quite-0": _losses(
            """\
r, f = share(real), share(fake)
loss = -np.log(r + 1e-12).mean() - np.log(1 - f + 1e-12).mean()
return loss, (r - 1) / len(real), f / len(fake)
""",
            "f = share(fake)\nreturn -np.log(f + 1e-12).mean(), (f - 1) / len(fake)",
            _SIGMOID,
        ),
        "one-mean-of-both": _losses(
            """\
n = len(real) + len(fake)
loss = np.concatenate([soft(-real), soft(fake)]).mean()
return loss, -share(-real) / n, share(fake) / n
"""
        ),
        "pushed-down": _losses(one="return soft(-fake).mean(), share(-fake) / len(fake)"),
    },
    mistakes={
        "minimax": "generator",
        "exp-first": "far",
        "never-quite-0": "far",
        "one-mean-of-both": "discriminator",
        "pushed-down": "generator",
    },
)


_PARTS = """\
a, b = np.cov(x.T), np.cov(y.T)
gap = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
"""
_ROOTS = """\
roots = np.sqrt(np.linalg.eigvals(a @ b).real.clip(0))
return gap + np.trace(a) + np.trace(b) - 2 * roots.sum()
"""


def _frechet(body: str) -> str:
    return _NUMPY + function("frechet(x, y)", body)


FRECHET = programs(
    starter=_frechet(
        '''\
        """How far two sets of features (rows, features) are apart, each taken for a Gaussian."""
        gap = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
        return gap + ((x.std(axis=0) - y.std(axis=0)) ** 2).sum()
        '''
    ),
    solution=_frechet(_PARTS + _ROOTS),
    also={
        "root-of-one-first": _frechet(
            _PARTS
            + """\
sizes, axes = np.linalg.eigh(a)
root = (axes * np.sqrt(sizes.clip(0))) @ axes.T
between = np.linalg.eigvalsh(root @ b @ root)
return gap + np.trace(a + b) - 2 * np.sqrt(between.clip(0)).sum()
"""
        ),
        "without-covariances": _frechet(
            """\
n, m = len(x), len(y)
gap = x.mean(axis=0) - y.mean(axis=0)
x, y = (x - x.mean(axis=0)) / np.sqrt(n), (y - y.mean(axis=0)) / np.sqrt(m)
common = np.linalg.norm(x @ y.T, ord="nuc")
return gap @ gap + (x ** 2).sum() + (y ** 2).sum() - 2 * common
"""
        ),
        "factors": _frechet(
            """\
def factor(rows):
    rows = (rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1)
    return np.linalg.qr(rows, mode="r")


one, other = factor(x), factor(y)
gap = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
cross = np.linalg.svd(one @ other.T, compute_uv=False)
return gap + np.square(one).sum() + np.square(other).sum() - 2 * cross.sum()
"""
        ),
    },
    wrong={
        "means-alone": _frechet("return ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()"),
        "roots-of-entries": _frechet(
            _PARTS + "return gap + np.trace(a + b - 2 * np.sqrt(np.abs(a @ b)))"
        ),
        "as-if-symmetric": _frechet(
            _PARTS + _ROOTS.replace("eigvals(a @ b).real", "eigvalsh(a @ b)")
        ),
        "roots-multiplied": _frechet(
            _PARTS
            + """\
def root(c):
    sizes, axes = np.linalg.eigh(c)
    return (axes * np.sqrt(sizes.clip(0))) @ axes.T


return gap + np.trace(a) + np.trace(b) - 2 * np.trace(root(a) @ root(b))
"""
        ),
        "must-be-regular": _frechet(
            _PARTS
            + """\
low = np.linalg.cholesky(a)
roots = np.sqrt(np.linalg.eigvalsh(low.T @ b @ low))
return gap + np.trace(a) + np.trace(b) - 2 * roots.sum()
"""
        ),
        "a-little-added": _frechet(
            _PARTS + "a, b = (c + 0.1 * np.eye(len(c)) for c in (a, b))\n" + _ROOTS
        ),
    },
    mistakes={
        "means-alone": "wider in some features",
        "roots-of-entries": "spreads",
        "as-if-symmetric": "spreads",
        "roots-multiplied": "spreads",
        "must-be-regular": "not positive definite",
        "a-little-added": "singular",
    },
)
