"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import indent

from agentlab.labs.declare import programs


def _code(*parts: str) -> str:
    return "import numpy as np\n\n\n" + "\n\n\n".join(part.strip() for part in parts) + "\n"


def _function(head: str, body: str, *helpers: str) -> str:
    return _code(*helpers, f"def {head}:\n{indent(body.strip(), '    ')}")


def _cost(body: str, *helpers: str) -> str:
    return _function("cost(kind, guess, truth)", body, *helpers)


_COSTS = """
gap = guess - truth
if kind == "squared":
    return gap**2, 2 * gap
if kind == "absolute":
    return np.abs(gap), np.sign(gap)
chance = 0.5 * (1 + np.tanh(guess / 2))
return np.logaddexp(0, guess) - truth * guess, chance - truth
"""
_NAIVE_LOG = """
chance = 1 / (1 + np.exp(-guess))
return -np.log(np.where(truth == 1, chance, 1 - chance)), chance - truth
"""
COSTS = programs(
    starter=_cost(
        '"""What each guess costs, and its slope by the guess: two arrays of the same shape."""\n'
        + _COSTS.split("chance", maxsplit=1)[0].replace("2 * gap", "gap")
        + _NAIVE_LOG
    ),
    solution=_cost(_COSTS),
    also={
        "a-table-of-functions": _cost(
            "return {'squared': squared, 'absolute': absolute, 'log': log}[kind](guess, truth)",
            "def squared(guess, truth):\n    return (guess - truth) ** 2, 2.0 * (guess - truth)",
            """
def absolute(guess, truth):
    return np.maximum(guess - truth, truth - guess), 1.0 * (guess > truth) - (guess < truth)
""",
            """
def log(guess, truth):
    way = 1 - 2 * truth
    small = np.exp(-np.abs(guess))
    wrong = np.maximum(way * guess, 0) + np.log1p(small)
    share = np.where(way * guess >= 0, 1 / (1 + small), small / (1 + small))
    return wrong, way * share
""",
        ),
        "one-by-one": _cost(
            """
guess, truth = np.asarray(guess, dtype=float), np.asarray(truth, dtype=float)
found = [one(kind, g, t) for g, t in zip(guess.ravel(), truth.ravel())]
costs, slopes = np.array(found).T
return costs.reshape(guess.shape), slopes.reshape(guess.shape)
""",
            """
def one(kind, g, t):
    gap = float(g - t)
    if kind == "squared":
        return gap * gap, gap + gap
    if kind == "absolute":
        return abs(gap), (gap > 0) - (gap < 0)
    if g >= 0:
        e = np.exp(-g)
        return (1 - t) * g + np.log1p(e), 1 / (1 + e) - t
    e = np.exp(g)
    return -t * g + np.log1p(e), e / (1 + e) - t
""",
        ),
        "match": _cost(
            """
match kind:
    case "squared":
        return np.square(guess - truth), 2 * np.subtract(guess, truth)
    case "absolute":
        return np.abs(guess - truth), np.sign(np.subtract(guess, truth))
    case "log":
        against = np.where(truth == 1, -guess, guess)
        costs = np.logaddexp(0, against)
        return costs, np.where(truth == 1, -1.0, 1.0) * np.exp(against - costs)
"""
        ),
    },
    wrong={
        "overflows": _cost(_COSTS.split("chance", maxsplit=1)[0] + _NAIVE_LOG),
        "clipped": _cost(
            _COSTS.split("chance", maxsplit=1)[0]
            + _NAIVE_LOG.replace(
                "return", "chance = np.clip(chance, 1e-7, 1 - 1e-7)\nreturn"
            ).replace("np.exp(-guess)", "np.exp(-np.clip(guess, -500, 500))")
        ),
        "half-a-slope": _cost(_COSTS.replace("2 * gap", "gap")),
        "by-the-mean": _cost(
            _COSTS.replace("return gap**2, 2 * gap", "return gap**2, 2 * gap / gap.size")
        ),
    },
    mistakes={
        "overflows": "costs",
        "clipped": "costs",
        "half-a-slope": "slopes",
        "by-the-mean": "slopes",
    },
)

_SGD = """
def sgd(step):
    return lambda x, slope: x - step * slope
"""
_MOMENTUM = """
def momentum(step, keep=0.9):
    speed = 0.0

    def move(x, slope):
        nonlocal speed
        speed = keep * speed + slope
        return x - step * speed

    return move
"""
_ADAM = """
def adam(step, keep=0.9, keep_squares=0.999):
    mean, square, moves = 0.0, 0.0, 0

    def move(x, slope):
        nonlocal mean, square, moves
        moves += 1
        mean = keep * mean + (1 - keep) * slope
        square = keep_squares * square + (1 - keep_squares) * slope**2
        fair_mean = mean / (1 - keep**moves)
        fair_square = square / (1 - keep_squares**moves)
        return x - step * fair_mean / (np.sqrt(fair_square) + 1e-8)

    return move
"""
_IN_PLACE = """
def sgd(step):
    def move(x, slope):
        x -= step * slope
        return x

    return move
"""
_BIASED = _ADAM.replace(" / (1 - keep**moves)", "").replace(" / (1 - keep_squares**moves)", "")
MOVERS = programs(
    starter=_code(
        _SGD,
        """
def momentum(step, keep=0.9):
    return sgd(step)  # as if it had no past
""",
        _BIASED,
    ),
    solution=_code(_SGD, _MOMENTUM, _ADAM),
    also={
        "classes": _code(
            """
class sgd:
    def __init__(self, step):
        self.step = step

    def __call__(self, x, slope):
        return x + self.step * -slope
""",
            """
class momentum:
    def __init__(self, step, keep=0.9):
        self.step, self.keep, self.speed = step, keep, None

    def __call__(self, x, slope):
        past = np.zeros(x.shape) if self.speed is None else self.speed
        self.speed = self.keep * past + slope
        return x - self.step * self.speed
""",
            """
class adam:
    def __init__(self, step, keep=0.9, keep_squares=0.999):
        self.step, self.keeps, self.past, self.n = step, (keep, keep_squares), [0.0, 0.0], 0

    def __call__(self, x, slope):
        self.n += 1
        fair = []
        for k, new in enumerate((slope, slope * slope)):
            self.past[k] = self.past[k] + (1 - self.keeps[k]) * (new - self.past[k])
            fair.append(self.past[k] / (1 - self.keeps[k] ** self.n))
        return x - self.step * fair[0] / (fair[1] ** 0.5 + 1e-8)
""",
        ),
        "generators": _code(
            """
def started(moves):
    next(moves)
    return lambda x, slope: moves.send((x, slope))
""",
            """
def sgd(step):
    return momentum(step, keep=0.0)
""",
            """
def momentum(step, keep=0.9):
    def moves():
        x, slope = yield
        speed = slope
        while True:
            x, slope = yield x - step * speed
            speed = slope + keep * speed

    return started(moves())
""",
            """
def adam(step, keep=0.9, keep_squares=0.999):
    def moves():
        mean = square = 0
        left, left_squares = 1.0, 1.0
        x, slope = yield
        while True:
            mean, square = keep * mean + (1 - keep) * slope, (
                keep_squares * square + (1 - keep_squares) * slope**2
            )
            left, left_squares = left * keep, left_squares * keep_squares
            fair = np.sqrt(square / (1 - left_squares)) + 1e-8
            x, slope = yield x - step * (mean / (1 - left)) / fair

    return started(moves())
""",
        ),
        "all-slopes-kept": _code(
            _SGD,
            """
def momentum(step, keep=0.9):
    seen = []

    def move(x, slope):
        seen.append(np.array(slope))
        return x - step * sum(keep**age * old for age, old in enumerate(reversed(seen)))

    return move
""",
            """
def adam(step, keep=0.9, keep_squares=0.999):
    seen = []

    def move(x, slope):
        seen.append(np.array(slope))
        ages = np.arange(len(seen))[::-1].reshape(-1, *[1] * np.ndim(slope))
        first = np.average(seen, axis=0, weights=np.broadcast_to(keep**ages, np.shape(seen)))
        weights = np.broadcast_to(keep_squares**ages, np.shape(seen))
        second = np.average(np.square(seen), axis=0, weights=weights)
        return x - step * first / (np.sqrt(second) + 1e-8)

    return move
""",
        ),
    },
    wrong={
        "no-correction": _code(_SGD, _MOMENTUM, _BIASED),
        "one-past-for-all": _code(
            _SGD,
            _MOMENTUM.replace("(step, keep=0.9)", "(step, keep=0.9, past={})")
            .replace("    speed = 0.0\n", "")
            .replace("        nonlocal speed\n", "")
            .replace(
                "speed = keep * speed + slope",
                'past["speed"] = keep * past.get("speed", 0) + slope',
            )
            .replace("step * speed", 'step * past["speed"]'),
            _ADAM,
        ),
        "moves-what-it-is-given": _code(
            _IN_PLACE,
            _MOMENTUM,
            _ADAM,
        ),
        "weighs-the-new": _code(_SGD, _MOMENTUM.replace("+ slope", "+ (1 - keep) * slope"), _ADAM),
    },
    mistakes={
        "no-correction": "moves",
        "one-past-for-all": "apart",
        "moves-what-it-is-given": "kept",
        "weighs-the-new": "moves",
    },
)


def _fit(body: str, *helpers: str) -> str:
    return _function("fit(tokens, seconds)", body, *helpers)


_DESCENT = """
size = tokens.max()
x, move = np.zeros(2), adam(0.01)
given = np.column_stack([np.ones(len(tokens)), tokens / size])
best, least = x, np.inf
for n in range(4000):
    gap = given @ x - seconds
    cost = np.abs(gap).mean()
    if cost < least:
        best, least = x, cost
    x = move(x, given.T @ np.sign(gap) / len(gap))
return best[0], best[1] / size
"""
_PLAIN = """
x, move = np.zeros(2), sgd({step})
given = np.column_stack([np.ones(len(tokens)), tokens])
for n in range({moves}):
    gap = given @ x - seconds
    x = move(x, given.T @ {slope} / len(gap))
return x
"""
_LEAST_SQUARES = """
given = np.column_stack([np.ones(len(tokens)), tokens])
return np.linalg.lstsq(given, seconds, rcond=None)[0]
"""
FIT = programs(
    starter=_fit(
        '"""What a reading costs: (seconds to begin, seconds a token)."""\n'
        + _PLAIN.format(step="1e-5", moves=4000, slope="(2 * gap)").strip(),
        _SGD,
    ),
    solution=_fit(_DESCENT, _ADAM),
    also={
        "middle-of-all-pairs": _fit(
            """
rows, others = np.triu_indices(len(tokens), 1)
apart = tokens[others] - tokens[rows]
used = np.abs(apart) > 20
each = np.median((seconds[others] - seconds[rows])[used] / apart[used])
return np.median(seconds - each * tokens), each
"""
        ),
        "squares-weighed-anew": _fit(
            """
given = np.column_stack([np.ones(len(tokens)), tokens])
weights = np.ones(len(tokens))
for _ in range(60):
    root = np.sqrt(weights)
    x = np.linalg.lstsq(given * root[:, None], seconds * root, rcond=None)[0]
    weights = 1 / np.maximum(np.abs(seconds - given @ x), 1e-4)
return x
"""
        ),
        "huber-with-momentum": _fit(
            """
middle, width = tokens.mean(), tokens.std()
given = np.column_stack([np.ones(len(tokens)), (tokens - middle) / width])
x, move = np.array([np.median(seconds), 0.0]), momentum(0.05)
for _ in range(3000):
    gap = np.clip((given @ x - seconds) / 0.02, -1, 1)
    x = move(x, 0.02 * given.T @ gap / len(gap))
return x[0] - x[1] * middle / width, x[1] / width
""",
            _MOMENTUM,
        ),
        "no-start-and-plain-steps": _fit(
            _PLAIN.format(step="1e-7", moves=4000, slope="np.sign(gap)"), _SGD
        ),
        "through-two-of-them": _fit(
            """
best, least = None, np.inf
for a in range(len(tokens)):
    for b in range(a):
        if tokens[a] != tokens[b]:
            each = (seconds[a] - seconds[b]) / (tokens[a] - tokens[b])
            start = seconds[a] - each * tokens[a]
            cost = np.abs(start + each * tokens - seconds).sum()
            if cost < least:
                best, least = (start, each), cost
return best
"""
        ),
    },
    wrong={
        "least-squares": _fit(_LEAST_SQUARES),
        "hardly-moved": _fit(_PLAIN.format(step="1e-9", moves=4000, slope="np.sign(gap)"), _SGD),
        "adam-on-squares": _fit(
            _DESCENT.replace("np.abs(gap).mean()", "(gap**2).mean()").replace(
                "np.sign(gap)", "(2 * gap)"
            ),
            _ADAM,
        ),
    },
    mistakes={
        "least-squares": "near",
        "hardly-moved": "near",
        "adam-on-squares": "near",
    },
)


def _teach(body: str, *helpers: str) -> str:
    return _function("teach(scores, stars)", body, *helpers)


_WALK = """
middle, width = scores.mean(axis=0), scores.std(axis=0)
given = np.column_stack([np.ones(len(scores)), (scores - middle) / width])
x, move = np.zeros(6), {mover}
x[0] = np.median(stars)
for _ in range(1500):
    gap = given @ x - stars
    x = move(x, given.T @ {slope} / len(gap))
weights = x[1:] / width
return x[0] - middle @ weights, weights
"""
_RAW = """
given = np.column_stack([np.ones(len(scores)), scores])
x, move = np.zeros(6), {mover}
for _ in range(1500):
    gap = given @ x - stars
    x = move(x, given.T @ np.sign(gap) / len(gap))
return x[0], x[1:]
"""
TEACH = programs(
    starter=_teach(
        '"""From (60, 5) scores and 60 stars: a start, and a weight for each of the scores."""\n'
        + _RAW.format(mover="sgd(0.01)").replace("np.sign(gap)", "(2 * gap)").strip(),
        _SGD,
    ),
    solution=_teach(_WALK.format(mover="sgd(0.01)", slope="np.sign(gap)"), _SGD),
    also={
        "hubers-loss-and-momentum": _teach(
            _WALK.format(mover="momentum(0.003)", slope="np.clip(gap, -1, 1)"), _MOMENTUM
        ),
        "adam": _teach(_WALK.format(mover="adam(0.02)", slope="np.sign(gap)"), _ADAM),
        "no-more-than-five": _teach(
            """
kept = stars <= 5
middle = scores[kept].mean(axis=0)
given = np.column_stack([np.ones(kept.sum()), scores[kept] - middle])
start, *weights = np.linalg.lstsq(given, stars[kept], rcond=None)[0]
return start - middle @ weights, weights
"""
        ),
        "squares-weighed-anew": _teach(
            """
given = np.column_stack([np.ones(len(scores)), scores - scores.mean(axis=0)])
weights = np.ones(len(scores))
for _ in range(60):
    root = np.sqrt(weights)
    x = np.linalg.lstsq(given * root[:, None], stars * root, rcond=None)[0]
    weights = 1 / np.maximum(np.abs(stars - given @ x), 0.01)
return x[0] - scores.mean(axis=0) @ x[1:], x[1:]
"""
        ),
    },
    wrong={
        "squares": _teach(_WALK.format(mover="sgd(0.01)", slope="(2 * gap)"), _SGD),
        "adam-will-do": _teach(_RAW.format(mover="adam(0.1)"), _ADAM),
        "always-three": _teach("return 3.0, np.zeros(5)"),
    },
    mistakes={"squares": "near", "adam-will-do": "near", "always-three": "near"},
)
