"""Starters, reference solutions, other right answers, and wrong ones: routes and counts.

Those that train stand in `learning.py` and `sorting.py`.
"""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def function(head: str, body: str) -> str:
    """One function of a program."""
    return f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


def _moe(body: str, before: str = "") -> str:
    return "import numpy as np\n\n\n" + before + function("moe(x, gate, expert, k)", body)


_BEST = """\
scores = x @ gate.T
best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
"""
_WEIGHTS = """\
kept = np.take_along_axis(scores, best, axis=1)
weights = np.exp(kept - kept.max(axis=1, keepdims=True))
weights /= weights.sum(axis=1, keepdims=True)
"""
_SEND = """\
y = np.zeros_like(x)
for number in range(len(gate)):
    rows, place = np.nonzero(best == number)
    if len(rows):
        y[rows] += weights[rows, place, None] * expert(number, x[rows])
return y
"""

ROUTE = programs(
    starter=_moe(
        '''\
        """Each token's k best experts, mixed; `expert(number, rows)` is what one makes of rows."""
        scores = x @ gate.T
        weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        y = np.zeros_like(x)
        for number in range(len(gate)):
            y += weights[:, number, None] * expert(number, x)
        return y
        '''
    ),
    solution=_moe(_BEST + _WEIGHTS + _SEND),
    also={
        "masked-with-infinity": _moe(
            """\
            scores = x @ gate.T
            cut = np.full_like(scores, -np.inf)
            best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            np.put_along_axis(cut, best, np.take_along_axis(scores, best, axis=1), axis=1)
            weights = np.exp(cut - cut.max(axis=1, keepdims=True))
            weights = weights / weights.sum(axis=1, keepdims=True)
            there = np.zeros(scores.shape, dtype=bool)
            np.put_along_axis(there, best, True, axis=1)
            y = np.zeros(x.shape)
            for number, mine in enumerate(there.T):
                if mine.any():
                    y[mine] += weights[mine, number][:, None] * expert(number, x[mine])
            return y
            """
        ),
        "sorted-by-expert": _moe(
            _BEST
            + _WEIGHTS
            + """\
who, token = best.ravel(), np.repeat(np.arange(len(x)), k)
order = np.argsort(who, kind="stable")
names, starts = np.unique(who[order], return_index=True)
out = np.concatenate([
    expert(int(name), x[rows])
    for name, rows in zip(names, np.split(token[order], starts[1:]))
])
y = np.zeros(x.shape)
np.add.at(y, token[order], weights.ravel()[order][:, None] * out)
return y
"""
        ),
        "token-by-token": _moe(
            """\
            told = {}
            for n, token in enumerate(x):
                scores = [float(row @ token) for row in gate]
                best = sorted(range(len(gate)), key=lambda one: -scores[one])[:k]
                top = scores[best[0]]
                chances = [math.exp(scores[one] - top) for one in best]
                for one, chance in zip(best, chances):
                    told.setdefault(one, []).append((n, chance / sum(chances)))
            y = np.zeros(x.shape)
            for one, mine in told.items():
                outs = expert(one, np.array([x[n] for n, _ in mine]))
                for (n, weight), out in zip(mine, outs):
                    y[n] += weight * out
            return y
            """,
            "import math\n\n\n",
        ),
    },
    wrong={
        "all-asked-and-masked": _moe(
            _BEST
            + _WEIGHTS
            + """\
outs = np.stack([expert(number, x) for number in range(len(gate))], axis=1)
return (weights[:, :, None] * np.take_along_axis(outs, best[:, :, None], axis=1)).sum(axis=1)
"""
        ),
        "softmax-over-all": _moe(
            _BEST
            + """\
chances = np.exp(scores - scores.max(axis=1, keepdims=True))
chances /= chances.sum(axis=1, keepdims=True)
weights = np.take_along_axis(chances, best, axis=1)
"""
            + _SEND
        ),
        "at-least-the-kth": _moe(
            """\
            scores = x @ gate.T
            least = np.sort(scores, axis=1)[:, -k][:, None]
            cut = np.where(scores >= least, scores, -np.inf)
            weights = np.exp(cut - cut.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            y = np.zeros_like(x)
            for number in range(len(gate)):
                rows = np.flatnonzero(scores[:, number] >= least[:, 0])
                if len(rows):
                    y[rows] += weights[rows, number, None] * expert(number, x[rows])
            return y
            """
        ),
        "one-call-a-token": _moe(
            _BEST
            + _WEIGHTS
            + """\
y = np.zeros_like(x)
for n in range(len(x)):
    for number, weight in zip(best[n], weights[n]):
        y[n] += weight * expert(int(number), x[n : n + 1])[0]
return y
"""
        ),
        "left-in-order-of-experts": _moe(
            _BEST
            + _WEIGHTS
            + """\
y = np.zeros_like(x)
for place in range(k):
    order = np.argsort(best[:, place], kind="stable")
    outs = [
        expert(number, x[order][best[order, place] == number])
        for number in range(len(gate)) if (best[:, place] == number).any()
    ]
    y += weights[:, place, None] * np.concatenate(outs)
return y
"""
        ),
        "exp-first": _moe(
            _BEST
            + """\
kept = np.exp(np.take_along_axis(scores, best, axis=1))
weights = kept / kept.sum(axis=1, keepdims=True)
"""
            + _SEND
        ),
        "scores-for-weights": _moe(
            _BEST
            + """\
weights = np.take_along_axis(scores, best, axis=1)
weights = weights / weights.sum(axis=1, keepdims=True)
"""
            + _SEND
        ),
    },
    mistakes={
        "all-asked-and-masked": "chosen",
        "softmax-over-all": "mixed",
        "at-least-the-kth": "a token of nothing but 0",
        "one-call-a-token": "once",
        "left-in-order-of-experts": "mixed",
        "exp-first": "scores of 900",
        "scores-for-weights": "mixed",
    },
)
