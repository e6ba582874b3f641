"""Answers to `stop`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_NATS = """\
def stop(run, most=7):
    far = [step for step, nats in enumerate(run["kl"]) if nats > most]
    return max(0, far[0] - 1) if far else len(run["kl"]) - 1
"""
_VOTES = """\
import numpy as np


def stop(run, width=9):
    votes = np.pad(np.array(run["votes"], dtype=float), width // 2, mode="edge")
    return int(np.convolve(votes, np.ones(width) / width, "valid").argmax())
"""
_BOTH = """\
def stop(run):
    far = [step for step, nats in enumerate(run["kl"]) if nats > 7]
    near = max(0, far[0] - 1) if far else len(run["kl"]) - 1
    best, liked, total = 0, 0, 0
    for step, votes in enumerate(run["votes"]):
        total += votes - 4
        if total > best:
            best, liked = total, step
    return (near + liked // 2) // 2
"""
_ROOT = """\
import math


def stop(run):
    for step, nats in enumerate(run["kl"]):
        if math.sqrt(max(nats, 0)) > 2.5:
            return max(0, step - 1)
    return len(run["kl"]) - 1
"""

STOP = programs(
    starter="""\
def stop(run):
    best = max(run["reward"])
    return run["reward"].index(best)
""",
    solution=_NATS,
    also={
        "by-votes-in-a-row": _VOTES,
        "between-nats-and-votes": _BOTH,
        "by-the-root-of-the-nats": _ROOT,
    },
    wrong={
        "never": "def stop(run):\n    return len(run['kl']) - 1\n",
        "what-the-others-like": """\
def stop(run):
    means = [sum(scores) / len(scores) for scores in run["others"]]
    return means.index(max(means))
""",
        "mean-less-two-spreads": """\
import numpy as np


def stop(run):
    others = np.array(run["others"]) - run["others"][0]
    return int((others.mean(axis=1) - 2 * others.std(axis=1)).argmax())
""",
        "after-twenty": "def stop(run):\n    return 20\n",
        "at-once": "def stop(run):\n    return 0\n",
    },
    mistakes={
        "never": "let go on",
        "what-the-others-like": "let go on",
        "mean-less-two-spreads": "let go on",
        "after-twenty": "let go on",
        "at-once": "are needed",
    },
)
