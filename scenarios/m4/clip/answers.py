"""Starters, reference solutions, other right answers, and wrong ones: loss, towers, names."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def function(head: str, body: str) -> str:
    """A function of the program."""
    return f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


_UNIT = "unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)\n"
_SLOPES = """\
a, b, n = unit(pictures), unit(captions), len(pictures)
scores = a @ b.T / temperature
across, down = softmax(scores), softmax(scores.T).T
loss = (surprise(scores) + surprise(scores.T)) / 2
slope = (across + down - 2 * np.eye(n)) / (2 * n * temperature)
return loss, through(slope @ b, pictures, a), through(slope.T @ a, captions, b)
"""
_PARTS = (
    function("unit(rows)", "return rows / np.linalg.norm(rows, axis=1, keepdims=True)"),
    function(
        "softmax(scores)",
        """\
        grown = np.exp(scores - scores.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)
        """,
    ),
    function(
        "surprise(scores)",
        """\
        scores = scores - scores.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(scores).sum(axis=1)) - np.diag(scores))
        """,
    ),
    function(
        "through(slope, rows, units)",
        """\
        along = (slope * units).sum(axis=1, keepdims=True)
        return (slope - along * units) / np.linalg.norm(rows, axis=1, keepdims=True)
        """,
    ),
)


def _loss(body: str = _SLOPES, swap: tuple[str, str] = ("", "")) -> str:
    parts = "\n\n".join((*_PARTS, function("contrast(pictures, captions, temperature)", body)))
    return "import numpy as np\n\n\n" + (parts.replace(*swap) if swap[0] else parts)


_ALONE = "import numpy as np\n\n\n"
CONTRAST = programs(
    starter=_loss(
        '''\
"""(loss, slope of the pictures, slope of the captions) of rows that belong together."""
a, b, n = unit(pictures), unit(captions), len(pictures)
scores = a @ b.T / temperature
slope = (softmax(scores) - np.eye(n)) / (n * temperature)
return surprise(scores), slope @ b, slope.T @ a
'''
    ),
    solution=_loss(),
    also={
        "row-by-row": _ALONE
        + function(
            "contrast(pictures, captions, temperature)",
            """\
            n, loss = len(pictures), 0.0
            long, wide = (np.sqrt((x**2).sum(1)) for x in (pictures, captions))
            s = np.array([[p @ c / (lp * lc) for c, lc in zip(captions, wide)]
                          for p, lp in zip(pictures, long)])
            pull = np.zeros((n, n))
            for i in range(n):
                for line, put in ((s[i], (i, slice(None))), (s[:, i], (slice(None), i))):
                    chances = np.exp((line - line.max()) / temperature)
                    total = chances.sum()
                    loss += np.log(total) - (line[i] - line.max()) / temperature
                    pull[put] += chances / total
                pull[i, i] -= 2
            pull /= 2 * n * temperature
            one, other = np.zeros_like(pictures), np.zeros_like(captions)
            for i in range(n):
                for j in range(n):
                    p, c = pictures[i] / long[i], captions[j] / wide[j]
                    one[i] += pull[i, j] * (c - s[i, j] * p) / long[i]
                    other[j] += pull[i, j] * (p - s[i, j] * c) / wide[j]
            return loss / (2 * n), one, other
            """,
        ),
        "jacobians": _loss(
            """\
            a, b, n = unit(pictures), unit(captions), len(pictures)
            scores = a @ b.T / temperature
            both = np.stack([scores, scores.T])
            both = both - both.max(axis=2, keepdims=True)
            logs = both - np.log(np.exp(both).sum(axis=2, keepdims=True))
            loss = -np.einsum("dii->", logs) / (2 * n)
            slope = (np.exp(logs[0]) + np.exp(logs[1]).T) / 2 - np.eye(n)
            slope /= n * temperature
            flat = np.eye(a.shape[1])
            one = [(flat - np.outer(u, u)) @ g / np.linalg.norm(x)
                   for u, g, x in zip(a, slope @ b, pictures)]
            other = [(flat - np.outer(u, u)) @ g / np.linalg.norm(x)
                     for u, g, x in zip(b, slope.T @ a, captions)]
            return loss, np.array(one), np.array(other)
            """
        ),
        "a-class": _ALONE
        + "class Side:\n"
        + indent(
            function(
                "__init__(self, rows)",
                "self.size = np.sqrt(np.einsum('ij,ij->i', rows, rows))[:, None]\n"
                "self.unit = rows / self.size",
            )
            + "\n"
            + function(
                "slope(self, given)",
                "return (given - self.unit * np.sum(given * self.unit, 1)[:, None]) / self.size",
            ),
            "    ",
        )
        + "\n\n"
        + function(
            "contrast(pictures, captions, temperature)",
            """\
            p, c, n = Side(pictures), Side(captions), len(captions)
            s = p.unit @ c.unit.T / temperature
            top, left = s.max(0), s.max(1)
            sums = np.exp(s - top).sum(0), np.exp(s.T - left).sum(0)
            loss = (np.log(sums[0]) + top + np.log(sums[1]) + left - 2 * s.diagonal()).mean() / 2
            g = (np.exp(s - top) / sums[0] + (np.exp(s.T - left) / sums[1]).T) / 2
            g[range(n), range(n)] -= 1
            g = g / n / temperature
            return loss, p.slope(g.dot(c.unit)), c.slope(g.T.dot(p.unit))
            """,
        ),
    },
    wrong={
        "one-way": _loss(
            _SLOPES.replace(
                "(surprise(scores) + surprise(scores.T)) / 2", "surprise(scores)"
            ).replace("(across + down - 2 * np.eye(n)) / (2 * n", "(across - np.eye(n)) / (n")
        ),
        "upside-down": _loss(
            _SLOPES.replace("a @ b.T / temperature", "a @ b.T * temperature").replace(
                "/ (2 * n * temperature)", "* temperature / (2 * n)"
            )
        ),
        "itself-left-out": _loss(
            swap=(
                "return np.mean(np.log(np.exp(scores).sum(axis=1)) - np.diag(scores))",
                "others = np.exp(scores) * (1 - np.eye(len(scores)))\n"
                "    return np.mean(np.log(others.sum(axis=1)) - np.diag(scores))",
            )
        ),
        "of-any-length": _loss(
            _SLOPES.replace("unit(pictures), unit(captions)", "pictures, captions").replace(
                "through(slope @ b, pictures, a), through(slope.T @ a, captions, b)",
                "slope @ b, slope.T @ a",
            )
        ),
        "length-forgotten": _loss(
            _SLOPES.replace(
                "through(slope @ b, pictures, a), through(slope.T @ a, captions, b)",
                "slope @ b, slope.T @ a",
            )
        ),
        "overflows": _loss(swap=(" - scores.max(axis=1, keepdims=True)", "")),
    },
    mistakes={
        "one-way": "the loss is",
        "upside-down": "the loss is",
        "itself-left-out": "the loss is",
        "of-any-length": "the loss is",
        "length-forgotten": "the slope of the pictures",
        "overflows": "at temperature 0.001",
    },
)

_PREPARED = """\
rng = np.random.default_rng(0)
x0, y0, spread = x.mean(axis=0), y.mean(axis=0), x.std(axis=0) * x.shape[1] ** 0.5
x, y = (x - x0) / spread, y - y0
one, other = (rng.normal(size=(rows.shape[1], {width})).astype("float32") / rows.shape[1] ** 0.5
              for rows in (x, y))
"""
_CONTRASTED = """\
pace = Adam([one, other], pace={pace})
for _ in range({rounds}):
    order = rng.permutation(len(x))
    for at in range(0, len(x) - {batch} + 1, {batch}):
        rows = order[at : at + {batch}]
        a, b = {worn}
        _, slope, back = contrast(a @ one, b @ other, temperature={temperature})
        pace.step([a.T @ slope, b.T @ back])
"""
_TOWERS = """\
return lambda pictures: (pictures - x0) / spread @ one, lambda captions: (captions - y0) @ other
"""
_WORN = "x[rows] * (rng.random(x[rows].shape) > 0.3), y[rows] * (rng.random(y[rows].shape) > 0.3)"
_HEAD = "import numpy as np\nfrom towers import Adam, contrast, unit\n\n\n"


def _trained(
    *,
    temperature: float = 0.1,
    batch: int = 256,
    rounds: int = 12,
    width: int = 96,
    pace: float = 0.005,
    worn: str = _WORN,
    before: str = "",
) -> str:
    how = {"temperature": temperature, "batch": batch, "rounds": rounds, "pace": pace}
    learning = _CONTRASTED.format(worn=worn, **how)
    return _HEAD + function(
        "train(x, y)", before + _PREPARED.format(width=width) + learning + _TOWERS
    )


TRAIN = programs(
    starter=_HEAD
    + 'WORDS = ["a pet", "something to eat"]\n\n\n'
    + function(
        "train(x, y)",
        '"""Two functions into one space, from pairs (n, 192) and (n, 384)."""\n'
        + _PREPARED.format(width=64)
        + """\
pace = Adam([one, other])
for step in range(400):
    rows = rng.integers(len(x), size=256)
    gap = x[rows] @ one - y[rows] @ other
    pace.step([x[rows].T @ gap / 256, -y[rows].T @ gap / 256])
    if step % 100 == 99:
        print(f"loss {(gap**2).sum(axis=1).mean():.6f}")
"""
        + _TOWERS,
    ),
    solution=_trained(),
    also={
        "by-hand-of-1936": _HEAD
        + function(
            "train(x, y)",
            """\
            x0, y0 = x.mean(axis=0), y.mean(axis=0)
            x, y = x - x0, y - y0
            def flattened(rows):
                sizes, axes = np.linalg.eigh(rows.T @ rows / len(rows))
                return axes / np.sqrt(sizes + sizes.mean()) @ axes.T
            a, b = flattened(x), flattened(y)
            u, s, v = np.linalg.svd(a @ (x.T @ y / len(x)) @ b, full_matrices=False)
            one, other = a @ u * np.sqrt(s), b @ v.T * np.sqrt(s)
            return lambda pictures: (pictures - x0) @ one, lambda captions: (captions - y0) @ other
            """,
        ),
        "pictures-turned-into-words": _HEAD
        + function(
            "train(x, y)",
            """\
            x0, y0 = x.mean(axis=0), y.mean(axis=0)
            x, y = x - x0, y - y0
            loose = 0.2 * np.trace(x.T @ x) / x.shape[1]
            one = np.linalg.solve(x.T @ x + loose * np.eye(x.shape[1]), x.T @ y)
            return lambda pictures: (pictures - x0) @ one, lambda captions: captions - y0
            """,
        ),
        "smaller-batches-narrower": _trained(batch=128, rounds=9, width=64, temperature=0.15),
        "three-together": _HEAD
        + function(
            "once(x, y, seed)",
            _PREPARED.format(width=64).replace("default_rng(0)", "default_rng(seed)")
            + _CONTRASTED.format(temperature=0.12, batch=256, rounds=6, pace=0.01, worn=_WORN)
            + _TOWERS,
        )
        + "\n\n"
        + function(
            "train(x, y)",
            """\
            made = [once(x, y, seed) for seed in range(3)]
            def joined(side):
                return lambda rows: np.hstack([unit(towers[side](rows)) for towers in made])
            return joined(0), joined(1)
            """,
        ),
    },
    wrong={
        "pairs-mixed-up": _trained(before="y = np.random.default_rng(1).permutation(y)\n"),
        "no-temperature": _trained(temperature=1),
        "far-too-cold": _trained(temperature=0.001),
        "four-at-a-time": _trained(batch=4, rounds=1),
    },
    mistakes=dict.fromkeys(
        ("pairs-mixed-up", "no-temperature", "far-too-cold", "four-at-a-time"),
        "among the best 5",
    ),
)
