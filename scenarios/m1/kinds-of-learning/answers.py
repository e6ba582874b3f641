"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import indent

from agentlab.labs.declare import programs


def _code(*parts: str) -> str:
    return "import numpy as np\n\n\n" + "\n\n\n".join(part.strip() for part in parts) + "\n"


def _learn(body: str, helper: str = "") -> str:
    whole = f"def learn(x, y, fresh):\n{indent(body.strip(), '    ')}"
    return _code(helper, whole) if helper else _code(whole)


_NEAREST = """
def guess(x, y, fresh):
    return y[np.argmax(fresh @ x.T, axis=1)]
"""
_MEANS = """
def guess(x, y, fresh):
    means = np.stack([x[y == group].mean(axis=0) for group in range(4)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return np.argmax(fresh @ means.T, axis=1)
"""
_RIDGE = """
def guess(x, y, fresh):
    wanted = np.eye(4)[y] - 0.25
    weights = x.T @ np.linalg.solve(x @ x.T + 0.5 * np.eye(len(x)), wanted)
    return np.argmax(fresh @ weights, axis=1)
"""
_HELD_OUT = """
order = np.random.default_rng(0).permutation(len(x))
right = []
for part in np.array_split(order, 6):
    rest = np.setdiff1d(order, part)
    right.extend(guess(x[rest], y[rest], x[part]) == y[part])
return guess(x, y, fresh), np.mean(right)
"""
_SEEN = "return guess(x, y, fresh), np.mean(guess(x, y, x) == y)"

LABELLED = programs(
    starter=_learn(
        '"""x (n, 384) of groups y (n,), and fresh (m, 384): their groups, and the share expected '
        f'right."""\n{_SEEN}',
        _NEAREST,
    ),
    solution=_learn(_HELD_OUT, _MEANS),
    also={
        "ridge-regression": _learn(_HELD_OUT, _RIDGE),
        "each-left-out-once": _learn(
            """
likeness = x @ x.T
np.fill_diagonal(likeness, -np.inf)
return y[np.argmax(fresh @ x.T, axis=1)], np.mean(y[likeness.argmax(axis=1)] == y)
"""
        ),
        "softmax-by-gradient": _learn(
            """
order = np.random.default_rng(3).permutation(len(x))
hits = []
for part in np.split(order, 5):
    rest = ~np.isin(order, part)
    scores = fresh_scores(x[order[rest]], y[order[rest]], x[part])
    hits += list(scores.argmax(axis=1) == y[part])
return fresh_scores(x, y, fresh).argmax(axis=1), sum(hits) / len(hits)
""",
            """
def fresh_scores(x, y, fresh):
    weights = np.zeros((x.shape[1], 4))
    for _ in range(200):
        scores = x @ weights
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        weights -= 10 * x.T @ (chances - np.eye(4)[y]) / len(x)
    return fresh @ weights
""",
        ),
    },
    wrong={
        "asked-what-it-knows": _learn(_SEEN, _RIDGE),
        "itself-among-its-neighbours": _learn(
            """
likeness = x @ x.T
near = np.argsort(-likeness, axis=1)[:, :2]
hit = (y[near] == y[:, None]).any(axis=1)
return y[np.argmax(fresh @ x.T, axis=1)], hit.mean()
"""
        ),
        "modest-and-dull": _learn("return np.full(len(fresh), np.bincount(y).argmax()), 0.25"),
        "ten-labels-will-do": _learn(
            """
return guess(x[:10], y[:10], fresh), np.mean(guess(x[:10], y[:10], x[10:]) == y[10:])
""",
            _NEAREST,
        ),
    },
    mistakes={
        "asked-what-it-knows": "honest",
        "itself-among-its-neighbours": "honest",
        "modest-and-dull": "right",
        "ten-labels-will-do": "right",
    },
)


def _cluster(body: str, helper: str = "") -> str:
    whole = f"def cluster(x, k):\n{indent(body.strip(), '    ')}"
    return _code(helper, whole) if helper else _code(whole)


_ONCE = """
def once(x, k, rng):
    centres = x[rng.choice(len(x), k, replace=False)]
    for _ in range(50):
        apart = ((x[:, None, :] - centres) ** 2).sum(axis=-1)
        groups = apart.argmin(axis=1)
        for n in range(k):
            if (groups == n).any():
                centres[n] = x[groups == n].mean(axis=0)
    return groups, ((x - centres[groups]) ** 2).sum()
"""
_QUICK = """
def once(x, centres):
    for _ in range(60):
        groups = ((centres**2).sum(axis=1) - 2 * x @ centres.T).argmin(axis=1)
        moved = centres.copy()
        for n in set(groups):
            moved[n] = x[groups == n].mean(axis=0)
        if np.allclose(moved, centres):
            break
        centres = moved
    return groups, ((x - centres[groups]) ** 2).sum()
"""
CLUSTERED = programs(
    starter=_cluster(
        '"""x (n, 384): the number of its group, 0 to k - 1, for every row."""\n'
        "return once(x, k, np.random.default_rng(0))[0]",
        _ONCE,
    ),
    solution=_cluster(
        """
rng = np.random.default_rng(0)
tries = [once(x, x[rng.choice(len(x), k, replace=False)]) for _ in range(40)]
return min(tries, key=lambda one: one[1])[0]
""",
        _QUICK,
    ),
    also={
        "far-starts": _cluster(
            """
rng, best, least = np.random.default_rng(7), None, np.inf
for _ in range(30):
    centres = x[[rng.integers(len(x))]]
    while len(centres) < k:
        apart = ((x[:, None] - centres) ** 2).sum(axis=-1).min(axis=1)
        centres = np.vstack([centres, x[rng.choice(len(x), p=apart / apart.sum())]])
    groups, spread = once(x, centres)
    if spread < least:
        best, least = groups, spread
return best
""",
            _QUICK,
        ),
        "in-fewer-dimensions": _cluster(
            """
centred = x - x.mean(axis=0)
_, _, axes = np.linalg.svd(centred, full_matrices=False)
flat, rng = centred @ axes[:60].T, np.random.default_rng(1)
rough = [once(flat, flat[rng.choice(len(x), k, replace=False)])[0] for _ in range(40)]
fine = [once(x, np.stack([x[g == n].mean(axis=0) for n in range(k)])) for g in rough]
return sorted(fine, key=lambda one: one[1])[0][0]
""",
            _QUICK,
        ),
        "shaken-loose": _cluster(
            """
rng = np.random.default_rng(5)
tries = [once(x, x[rng.choice(len(x), k, replace=False)]) for _ in range(20)]
best, least = min(tries, key=lambda one: one[1])
for _ in range(100):
    centres = np.stack([x[best == n].mean(axis=0) for n in range(k)])
    centres[rng.integers(k)] = x[rng.integers(len(x))]
    groups, spread = once(x, centres)
    if spread < least:
        best, least = groups, spread
return best
""",
            _QUICK,
        ),
    },
    wrong={
        "one-more-round": _cluster(
            "return once(x, k, np.random.default_rng(1))[0]",
            _ONCE.replace("range(50)", "range(500)"),
        ),
        "keeps-the-last": _cluster(
            """
rng = np.random.default_rng(0)
for _ in range(40):
    groups, spread = once(x, x[rng.choice(len(x), k, replace=False)])
return groups
""",
            _QUICK,
        ),
        "one-round-each": _cluster(
            """
rng = np.random.default_rng(0)
tries = [once(x, x[rng.choice(len(x), k, replace=False)]) for _ in range(40)]
return min(tries, key=lambda one: one[1])[0]
""",
            _QUICK.replace("range(60)", "range(1)"),
        ),
        "into-equal-parts": _cluster(
            """
axis = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][0]
return np.argsort(np.argsort(x @ axis)) * k // len(x)
"""
        ),
    },
    mistakes={
        "one-more-round": "its spread is",
        "keeps-the-last": "its spread is",
        "one-round-each": "its spread is",
        "into-equal-parts": "its spread is",
    },
)


def _chooser(choose: str, learn: str = "", begin: str = "", head: str = "") -> str:
    learn = learn or "self.asked[prompt] += 1\nself.right[prompt] += reward"
    begin = begin or "self.asked = [0] * prompts\nself.right = [0] * prompts"
    methods = (
        ("__init__(self, prompts)", begin),
        ("choose(self)", choose),
        ("learn(self, prompt, reward)", learn),
    )
    body = "\n\n".join(
        f"    def {name}:\n{indent(text.strip(), '        ')}" for name, text in methods
    )
    return f"import math\nimport random\n\n\n{head}class Chooser:\n{body}\n"


_RATES = "rates = [right / asked for right, asked in zip(self.right, self.asked)]\n"
_THOMPSON = """
drawn = [
    random.betavariate(1 + right, 1 + asked - right)
    for right, asked in zip(self.right, self.asked)
]
return drawn.index(max(drawn))
"""
_FIRST = "if 0 in self.asked:\n    return self.asked.index(0)\n"

REWARDED = programs(
    starter=_chooser(
        '''"""The number of the prompt to ask with next, from 0."""
rates = [right / max(asked, 1) for right, asked in zip(self.right, self.asked)]
return rates.index(max(rates))'''
    ),
    solution=_chooser(_THOMPSON),
    also={
        "hopes-for-the-best": _chooser(
            _FIRST
            + """
total = sum(self.asked)
hopes = [
    right / asked + math.sqrt(0.5 * math.log(total) / asked)
    for right, asked in zip(self.right, self.asked)
]
return hopes.index(max(hopes))
"""
        ),
        "tries-less-and-less": _chooser(
            """
if random.random() < 6 / (6 + sum(self.asked)):
    return random.randrange(len(self.asked))
rates = [(right + 1) / (asked + 1) for right, asked in zip(self.right, self.asked)]
return max(range(len(rates)), key=lambda prompt: (rates[prompt], random.random()))
"""
        ),
        "praised-beforehand": _chooser(
            "rates = [right / asked for right, asked in zip(self.right, self.asked)]\n"
            "return rates.index(max(rates))",
            begin="self.asked = [3] * prompts\nself.right = [3] * prompts",
        ),
        "weighs-them": _chooser(
            """
weights = [
    math.exp((right + 1) / (asked + 2) / 0.1) for right, asked in zip(self.right, self.asked)
]
return random.choices(range(len(weights)), weights)[0]
"""
        ),
    },
    wrong={
        "never-settles": _chooser(
            _FIRST
            + "if random.random() < 0.6:\n    return random.randrange(len(self.asked))\n"
            + _RATES
            + "return rates.index(max(rates))"
        ),
        "counts-what-it-won": _chooser(
            "if random.random() < 0.1:\n    return random.randrange(len(self.right))\n"
            "return self.right.index(max(self.right))"
        ),
        "one-after-another": _chooser("return sum(self.asked) % len(self.asked)"),
        "learns-for-all": _chooser(
            _THOMPSON,
            learn="""
for n in range(len(self.asked)):
    self.asked[n] += 1
    self.right[n] += reward
""",
        ),
        "first-impression": _chooser(
            """
if sum(self.asked) < 30 * len(self.asked):
    return sum(self.asked) % len(self.asked)
rates = [right / asked for right, asked in zip(self.right, self.asked)]
return rates.index(max(rates))
"""
        ),
    },
    mistakes={
        "never-settles": "regret",
        "counts-what-it-won": "regret",
        "one-after-another": "regret",
        "learns-for-all": "regret",
        "first-impression": "regret",
    },
)
