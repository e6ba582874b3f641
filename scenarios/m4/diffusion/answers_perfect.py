"""Starter, reference solution, other right answers, and wrong ones: the direction of least loss."""

from __future__ import annotations

from textwrap import indent

from agentlab.labs.declare import programs

_PLAIN = """\
import numpy as np


def mixed(pictures, noise, t):
    return (1 - t) * noise + t * pictures


def direction(pictures, noise):
    return pictures - noise


"""


def _best(body: str, before: str = _PLAIN, doc: str = "") -> str:
    return before + "def best(x, t, pictures):\n" + doc + indent(body, "    ")


_APART = "apart = ((x[:, None] - t * pictures) ** 2).sum(axis=2) / (2 * (1 - t) ** 2)\n"
_WEIGHTS = """\
weights = np.exp(apart.min(axis=1, keepdims=True) - apart)
weights /= weights.sum(axis=1, keepdims=True)
"""
_END = "return (weights @ pictures - x) / (1 - t)\n"

PERFECT = programs(
    starter=_best(
        "return (pictures.mean(axis=0) - x) / (1 - t)\n",
        _PLAIN.replace(
            "(1 - t) * noise + t * pictures",
            "noise + t * pictures",
        )
        .replace(
            "t):\n",
            't):\n    """Noise at t = 0, pictures at t = 1, and a straight way between."""\n',
        )
        .replace(
            "noise):\n",
            'noise):\n    """Where the way from noise to pictures leads, the same all along."""\n',
        ),
        '    """The mean of all directions that lead through x (n, d) to pictures (m, d)."""\n',
    ),
    solution=_best(_APART + _WEIGHTS + _END),
    also={
        "logarithms": _best(
            """\
squares = (x ** 2).sum(axis=1)[:, None] - 2 * t * x @ pictures.T
squares = squares + t ** 2 * (pictures ** 2).sum(axis=1)
chance = -squares / 2 / (1 - t) ** 2
top = chance.max(axis=1, keepdims=True)
total = top + np.log(np.exp(chance - top).sum(axis=1, keepdims=True))
mean = np.exp(chance - total) @ pictures
return mean - (x - t * mean) / (1 - t)
"""
        ),
        "row-by-row": _best(
            """\
found = []
for row in x:
    noises = (row - t * pictures) / (1 - t)
    chance = -(noises ** 2).sum(axis=1) / 2
    chance = np.exp(chance - chance.max())
    found.append(np.average(pictures - noises, axis=0, weights=chance))
return np.array(found)
"""
        ),
        "one-after-another": _best(
            """\
top = np.full(len(x), -np.inf)
total, mean = np.zeros(len(x)), np.zeros_like(x)
for picture in pictures:
    chance = -(((x - t * picture) / (1 - t)) ** 2).sum(axis=1) / 2
    most = np.maximum(top, chance)
    old, new = np.exp(top - most), np.exp(chance - most)
    total, mean = total * old + new, mean * old[:, None] + new[:, None] * picture
    top = most
return (mean / total[:, None] - x) / (1 - t)
""",
            _PLAIN.replace(
                "(1 - t) * noise + t * pictures", "noise + t * direction(pictures, noise)"
            ),
        ),
    },
    wrong={
        "as-chances-come": _best(
            _APART
            + "weights = np.exp(-apart)\nweights /= weights.sum(axis=1, keepdims=True)\n"
            + _END
        ),
        "never-quite-0": _best(
            _APART
            + "weights = np.exp(-apart) + 1e-12\nweights /= weights.sum(axis=1, keepdims=True)\n"
            + _END
        ),
        "the-nearest-alone": _best(
            _APART + "return (pictures[apart.argmin(axis=1)] - x) / (1 - t)\n"
        ),
        "as-if-unmixed": _best(_APART.replace("t * pictures", "pictures") + _WEIGHTS + _END),
        "spread-not-squared": _best(_APART.replace("(1 - t) ** 2", "(1 - t)") + _WEIGHTS + _END),
        "to-the-mean-at-once": _best(
            _APART
            + _WEIGHTS
            + _END.replace("(weights @ pictures - x) / (1 - t)", "weights @ pictures - x")
        ),
        "from-picture-to-noise": _best(
            _APART + _WEIGHTS + _END, _PLAIN.replace("pictures - noise", "noise - pictures")
        ),
    },
    mistakes={
        "as-chances-come": "late",
        "never-quite-0": "late",
        "the-nearest-alone": "best",
        "as-if-unmixed": "best",
        "spread-not-squared": "best",
        "to-the-mean-at-once": "best",
        "from-picture-to-noise": "way",
    },
)
