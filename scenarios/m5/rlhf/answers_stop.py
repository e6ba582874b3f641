"""Answers to `stop`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_NATS = """\
def stop(run, most=8):
    far = [step for step, nats in enumerate(run["kl"]) if nats > most]
    return far[0] - 1 if far else len(run["kl"]) - 1
"""
_VOTES = """\
def stop(run):
    best, step, total = 0, 0, 0
    for at, votes in enumerate(run["votes"]):
        total += votes - 4.0
        if total > best:
            best, step = total, at
    return step // 2
"""
STOP = programs(
    starter="""\
def stop(run):
    best = max(run["reward"])
    return run["reward"].index(best)
""",
    solution=_NATS,
    also={
        "by-votes": _VOTES,
    },
    wrong={
        "never": "def stop(run):\n    return len(run['kl']) - 1\n",
        "what-the-others-like": """\
def stop(run):
    means = [sum(scores) / len(scores) for scores in run["others"]]
    return means.index(max(means))
""",
        "mean-less-spread": """\
import numpy as np


def stop(run):
    others = np.array(run["others"]) - run["others"][0]
    return int((others.mean(axis=1) - 2 * others.std(axis=1)).argmax())
""",
        "at-once": "def stop(run):\n    return 0\n",
    },
    mistakes={
        "never": "less",
        "what-the-others-like": "less",
        "mean-less-spread": "less",
        "at-once": "needed",
    },
)
