"""Starters, reference solutions, other right answers, and answers that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_GRADIENT_STARTER = '''import numpy as np


def gradient(f, x):
    """The slope of f at x by each of its numbers, in the shape of x; f takes an array like x."""
    h = 1e-12
    slopes = np.zeros_like(x)
    for n in range(x.size):
        x.flat[n] += h
        higher = f(x)
        x.flat[n] -= 2 * h
        lower = f(x)
        slopes.flat[n] = (higher - lower) / (2 * h)
    return slopes
'''
_GRADIENT = """import numpy as np


def gradient(f, x):
    x = np.array(x, dtype=float)
    slopes = np.zeros(x.shape)
    for n in range(x.size):
        h = 1e-5 * max(1.0, abs(x.flat[n]))
        higher, lower = x.copy(), x.copy()
        higher.flat[n] += h
        lower.flat[n] -= h
        slopes.flat[n] = (f(higher) - f(lower)) / (higher.flat[n] - lower.flat[n])
    return slopes
"""
_GRADIENT_ALSO = {
    "moved-and-put-back": """import numpy as np


def gradient(f, x):
    place = x.astype(np.float64).reshape(-1)
    found = []
    for n, value in enumerate(place.tolist()):
        h = 3e-6 * (1 + abs(value))
        place[n] = value + h
        above = f(place.reshape(x.shape))
        place[n] = value - h
        below = f(place.reshape(x.shape))
        place[n] = value
        found.append((above - below) / 2 / h)
    return np.array(found).reshape(x.shape)
""",
    "along-the-axes": """import numpy as np


def gradient(f, x):
    size = 1e-5 * np.maximum(1, np.abs(x)).ravel()
    moves = (row.reshape(x.shape) for row in np.diag(size))
    slopes = [(f(x + move) - f(x - move)) / (2 * move.sum()) for move in moves]
    return np.reshape(slopes, x.shape)
""",
    "along-i": """import numpy as np


def gradient(f, x):
    slopes = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[place] += 1e-40j
        slopes[place] = f(moved).imag / 1e-40
    return slopes
""",
}
_GRADIENT_WRONG = {
    "too-small": _GRADIENT.replace("1e-5 *", "1e-13 *"),
    "too-large": _GRADIENT.replace("1e-5 *", "0.01 *"),
    "one-sided": """import numpy as np


def gradient(f, x):
    here = f(x)
    slopes = np.zeros(x.shape)
    for n in range(x.size):
        moved = x.astype(float)
        moved.flat[n] += 1e-4
        slopes.flat[n] = (f(moved) - here) / 1e-4
    return slopes
""",
    "one-step-for-all": _GRADIENT.replace("1e-5 * max(1.0, abs(x.flat[n]))", "1e-5"),
    "whole-numbers-stay-whole": _GRADIENT.replace("x, dtype=float", "x"),
    "moves-the-caller": """import numpy as np


def gradient(f, x):
    x = np.asarray(x, dtype=float)
    slopes = np.zeros(x.shape)
    for n in range(x.size):
        h = 1e-5 * max(1.0, abs(x.flat[n]))
        x.flat[n] += h
        higher = f(x)
        x.flat[n] -= 2 * h
        slopes.flat[n] = (higher - f(x)) / (2 * h)
        x.flat[n] += 2 * h
    return slopes
""",
    "flat": _GRADIENT.replace("return slopes", "return slopes.ravel()"),
    "all-at-once": """import numpy as np


def gradient(f, x):
    h = 1e-5 * np.maximum(1.0, np.abs(x))
    return (f(x + h) - f(x - h)) / (2 * h)
""",
    "asks-too-often": """import numpy as np


def gradient(f, x):
    slopes = np.zeros(x.shape)
    for n in range(x.size):
        found = []
        for share in (1e-5, 5e-6):
            move = np.zeros(x.shape)
            move.flat[n] = share * max(1.0, abs(x.flat[n]))
            found.append((f(x + move) - f(x - move)) / (2 * move.flat[n]))
        slopes.flat[n] = (4 * found[1] - found[0]) / 3
    return slopes
""",
}
_GRADIENT_MISTAKES = {
    "too-small": "slopes",
    "too-large": "slopes",
    "one-sided": "slopes",
    "one-step-for-all": "far out",
    "whole-numbers-stay-whole": "whole numbers",
    "moves-the-caller": "kept",
    "flat": "shape",
    "all-at-once": "slopes",
    "asks-too-often": "asked",
}
GRADIENT = programs(
    starter=_GRADIENT_STARTER,
    solution=_GRADIENT,
    also=_GRADIENT_ALSO,
    wrong=_GRADIENT_WRONG,
    mistakes=_GRADIENT_MISTAKES,
)

_LOSS_STARTER = '''import numpy as np


def loss_and_slopes(scores, labels, scale, bias):
    """(the mean loss, its slope by the scale, its slopes by the bias); a row of scores each."""
    rows = np.arange(len(labels))
    powers = np.exp(scale * scores + bias)
    chances = powers / powers.sum(axis=1, keepdims=True)
    loss = -np.log(chances[rows, labels]).mean()
    gap = chances
    return loss, gap.sum(), gap.sum(axis=0)
'''
_LOSS = """import numpy as np


def loss_and_slopes(scores, labels, scale, bias):
    rows = np.arange(len(labels))
    shifted = scale * scores + bias
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[rows, labels]).mean()
    gap = powers / total
    gap[rows, labels] -= 1
    gap /= len(labels)
    return loss, (gap * scores).sum(), gap.sum(axis=0)
"""
_LOSS_ALSO = {
    "with-logarithms": """import numpy as np


def loss_and_slopes(scores, labels, scale, bias):
    z = np.asarray(scale * scores + bias)
    logs = z - np.logaddexp.reduce(z, axis=1)[:, None]
    wanted = np.eye(z.shape[1])[labels]
    gap = np.exp(logs) - wanted
    return -(logs * wanted).sum(1).mean(), (gap * scores).sum(1).mean(), gap.mean(0)
""",
    "row-by-row": """import math


def loss_and_slopes(scores, labels, scale, bias):
    loss, by_scale, by_bias = 0.0, 0.0, [0.0] * len(bias)
    for row, label in zip(scores.tolist(), labels.tolist()):
        z = [scale * score + b for score, b in zip(row, bias)]
        top = max(z)
        total = sum(math.exp(value - top) for value in z)
        loss += top + math.log(total) - z[label]
        for n, score in enumerate(row):
            gap = math.exp(z[n] - top) / total - (n == label)
            by_scale += gap * score
            by_bias[n] += gap
    count = len(labels)
    return loss / count, by_scale / count, [slope / count for slope in by_bias]
""",
    "by-products": """import numpy as np


def loss_and_slopes(scores, labels, scale, bias):
    # a column of ones turns the bias into one more weight
    z = scale * scores + bias
    top = z.max(1)[:, None]
    chances = np.exp(z - top - np.log(np.exp(z - top).sum(1))[:, None])
    right = np.zeros(z.shape)
    right[range(len(z)), labels] = 1
    gap = (chances - right) / len(z)
    own = np.take_along_axis(z - top, labels[:, None], 1)[:, 0]
    loss = np.mean(np.log(np.exp(z - top).sum(1)) - own)
    return loss, np.einsum("nk,nk->", gap, scores), np.ones(len(z)) @ gap
""",
}
_LOSS_WRONG = {
    "stops-at-the-chances": _LOSS.replace("    gap[rows, labels] -= 1\n", ""),
    "forgets-the-inner-slope": _LOSS.replace("(gap * scores).sum()", "gap.sum()"),
    "scale-in-the-wrong-place": _LOSS.replace("gap.sum(axis=0)", "scale * gap.sum(0)"),
    "adds-up": (_LOSS.replace("    gap /= len(labels)\n", "").replace(".mean()", ".sum()")),
    "slopes-of-the-sum": _LOSS.replace("    gap /= len(labels)\n", ""),
    "overflows": (
        _LOSS.replace("    shifted = shifted - shifted.max(axis=1, keepdims=True)\n", "")
    ),
    "one-bias": _LOSS.replace("gap.sum(axis=0)", "[gap.sum()]"),
    "in-the-scores": (
        _LOSS.replace(
            "    shifted = scale * scores + bias\n",
            "    kept = scores.copy()\n    scores *= scale\n    shifted = scores + bias\n",
        ).replace("gap * scores", "gap * kept")
    ),
}
_LOSS_MISTAKES = {
    "stops-at-the-chances": "slopes",
    "forgets-the-inner-slope": "slopes",
    "scale-in-the-wrong-place": "slopes",
    "adds-up": "loss",
    "slopes-of-the-sum": "slopes",
    "overflows": "30 rows of 5 scores",
    "one-bias": "slopes",
    "in-the-scores": "kept",
}
LOSS = programs(
    starter=_LOSS_STARTER,
    solution=_LOSS,
    also=_LOSS_ALSO,
    wrong=_LOSS_WRONG,
    mistakes=_LOSS_MISTAKES,
)

_EDGE_STARTER = '''import numpy as np


def longest_step(gradient, x):
    """The longest step with which gradient descent from x still comes down in this bowl."""
    return 0.1
'''
_EDGE = """import numpy as np


def longest_step(gradient, x):
    direction = np.linspace(1, 2, len(x))
    here = gradient(x)
    for _ in range(300):
        direction = direction / np.linalg.norm(direction)
        direction = gradient(x + direction) - here
    return 2 / np.linalg.norm(direction)
"""
_EDGE_ALSO = {
    "second-derivatives": """import numpy as np


def longest_step(gradient, x):
    here = gradient(x)
    rows = [gradient(x + move) - here for move in np.eye(len(x))]
    return 2 / np.linalg.eigvalsh(np.array(rows)).max()
""",
    "tried-out": """import numpy as np


def falls(gradient, x, step):
    first = np.linalg.norm(gradient(x))
    for _ in range(2000):
        x = x - step * gradient(x)
        size = np.linalg.norm(gradient(x))
        if size > 1e3 * first or size < 1e-12 * first:
            break
    return size < first


def longest_step(gradient, x):
    low, high = 1e-9, 1e9
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if falls(gradient, x, middle) else (low, middle)
    return low
""",
    "by-walking-uphill": """import numpy as np


def longest_step(gradient, x):
    place, ratio = x.astype(float), 1.0
    lowest = np.linalg.lstsq(
        np.array([gradient(x + move) - gradient(x) for move in np.eye(len(x))]).T,
        -gradient(x),
        rcond=None,
    )[0] + x
    away = place - lowest
    for _ in range(500):
        up = gradient(lowest + away)
        ratio = np.linalg.norm(up) / np.linalg.norm(away)
        away = up / np.linalg.norm(up)
    return 2.0 / ratio
""",
}
_EDGE_WRONG = {
    "one-over": _EDGE.replace("return 2 /", "return 1 /"),
    "along-the-axes": """import numpy as np


def longest_step(gradient, x):
    here = gradient(x)
    steepest = max((gradient(x + move) - here) @ move for move in np.eye(len(x)))
    return 2 / steepest
""",
    "all-curvatures": """import numpy as np


def longest_step(gradient, x):
    here = gradient(x)
    return 2 / sum((gradient(x + move) - here) @ move for move in np.eye(len(x)))
""",
    "by-the-slope": """import numpy as np


def longest_step(gradient, x):
    return 2 / np.linalg.norm(gradient(x))
""",
    "one-look": _EDGE.replace("range(300)", "range(2)"),
    "the-flattest": (_EDGE_ALSO["second-derivatives"].replace(".max()", ".min()")),
}
_EDGE_MISTAKES = {
    "one-over": "short",
    "along-the-axes": "long",
    "all-curvatures": "short",
    "by-the-slope": "of that step",
    "one-look": "long",
    "the-flattest": "long",
}
EDGE = programs(
    starter=_EDGE_STARTER,
    solution=_EDGE,
    also=_EDGE_ALSO,
    wrong=_EDGE_WRONG,
    mistakes=_EDGE_MISTAKES,
)

_CORRECT_STARTER = '''import numpy as np


def correct(scores, labels):
    """(a scale, a bias for each label) with which scale * scores + bias gets the labels right."""
    scale, bias = 1.0, np.zeros(2)
    for _ in range(10):
        pass  # take a step
    return scale, bias
'''
_SLOPES = _LOSS.partition("\n\n\n")[2]
_CORRECT = f"""import numpy as np


{_SLOPES}

def correct(scores, labels):
    scale, bias = 1.0, np.zeros(2)
    for _ in range(1000):
        _, by_scale, by_bias = loss_and_slopes(scores, labels, scale, bias)
        scale, bias = scale - 0.3 * by_scale, bias - 0.3 * by_bias
    return scale, bias
"""
_CORRECT_ALSO = {
    "by-numbers-alone": """import numpy as np


def loss(at, scores, labels):
    z = at[0] * scores + at[1:]
    z = z - z.max(axis=1, keepdims=True)
    return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).mean()


def correct(scores, labels):
    at = np.array([1.0, 0.0, 0.0])
    for _ in range(800):
        slopes = [
            (loss(at + move, scores, labels) - loss(at - move, scores, labels)) / 2e-5
            for move in 1e-5 * np.eye(3)
        ]
        at = at - 0.5 * np.array(slopes)
    return at[0], at[1:]
""",
    "with-momentum": (
        f"""import numpy as np


{_SLOPES}

def correct(scores, labels):
    at, speed = np.array([1.0, 0.0, 0.0]), np.zeros(3)
    for _ in range(400):
        _, by_scale, by_bias = loss_and_slopes(scores, labels, at[0], at[1:])
        speed = 0.9 * speed - 0.1 * np.array([by_scale, *by_bias])
        at = at + speed
    return at[0], at[1:]
"""
    ),
    "one-gap": """import numpy as np


def correct(scores, labels):
    # of two labels only the gap counts, and with its mean taken away the descent is round
    gap = scores[:, 1] - scores[:, 0]
    middle, spread = gap.mean(), gap.std()
    even = (gap - middle) / spread
    weight = shift = 0.0
    for _ in range(300):
        off = 1 / (1 + np.exp(-(weight * even + shift))) - labels
        weight -= 2 * (off * even).mean()
        shift -= 2 * off.mean()
    scale = weight / spread
    return scale, [0.0, shift - scale * middle]
""",
}
_CORRECT_WRONG = {
    "uphill": (_CORRECT.replace("scale - 0.3", "scale + 0.3").replace("bias - 0", "bias + 0")),
    "ten-steps": _CORRECT.replace("range(1000)", "range(10)"),
    "bias-alone": _CORRECT.replace("scale - 0.3 * by_scale", "scale"),
    "scale-alone": _CORRECT.replace("bias - 0.3 * by_bias", "bias"),
    "labels-swapped": _CORRECT.replace("gap[rows, labels]", "gap[rows, 1 - labels]"),
}
_CORRECT_MISTAKES = {
    "uphill": "right",
    "ten-steps": "sure",
    "bias-alone": "sure",
    "scale-alone": "right",
    "labels-swapped": "right",
}
CORRECT = programs(
    starter=_CORRECT_STARTER,
    solution=_CORRECT,
    also=_CORRECT_ALSO,
    wrong=_CORRECT_WRONG,
    mistakes=_CORRECT_MISTAKES,
)
