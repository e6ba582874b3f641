"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _function(head: str, body: str, before: str = "") -> str:
    return f"{before}def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


def _forward(body: str, before: str = "") -> str:
    return "import numpy as np\n\n\n" + _function("forward(x, layers, bend)", body, before)


_LOOP = """\
given = []
for number, (weights, bias) in enumerate(layers):
    x = x @ weights + bias
    if number == len(layers) - 1:
        {last}
    elif bend == "relu":
        x = {relu}
    else:
        {sigmoid}
    given.append(x)
return given
"""
_SOFTMAX = "x = np.exp(x - x.max(axis=1, keepdims=True)); x = x / x.sum(axis=1, keepdims=True)"
_PLAIN = {
    "last": _SOFTMAX,
    "relu": "np.maximum(x, 0)",
    "sigmoid": "x = 1 / (1 + np.exp(-x))",
}

FORWARD = programs(
    starter=_forward(
        '''\
"""What every layer gives: a list of arrays, (rows, neurons) each."""
given = []
for weights, bias in layers:
    x = x @ weights + bias
    given.append(x)
return given
'''
    ),
    solution=_forward(_LOOP.format(**_PLAIN)),
    also={
        "by-tanh": _forward(
            _LOOP.format(**{**_PLAIN, "sigmoid": "x = 0.5 + 0.5 * np.tanh(x / 2)"})
        ),
        "masked": _forward(
            _LOOP.format(
                last="x = np.exp(x - np.logaddexp.reduce(x, axis=1)[:, np.newaxis])",
                relu="x * (x > 0)",
                sigmoid="x = np.exp(-np.logaddexp(0, -x))",
            )
        ),
        "neuron-by-neuron": _forward(
            """\
given = []
for number, (weights, bias) in enumerate(layers):
    last = number == len(layers) - 1
    rows = []
    for row in x:
        sums = [
            sum(a * w for a, w in zip(row, weights[:, n])) + bias[n]
            for n in range(len(bias))
        ]
        if last:
            powers = [math.exp(s - max(sums)) for s in sums]
            sums = [power / sum(powers) for power in powers]
        elif bend == "relu":
            sums = [max(s, 0.0) for s in sums]
        else:
            sums = [0.5 * (1 + math.tanh(s / 2)) for s in sums]
        rows.append(sums)
    x = np.array(rows)
    given.append(x)
return given
""",
            "import math\n\n\n",
        ),
    },
    wrong={
        "bends-the-scores": _forward(
            """\
given = []
for weights, bias in layers:
    x = x @ weights + bias
    x = np.maximum(x, 0) if bend == "relu" else 0.5 * (1 + np.tanh(x / 2))
    given.append(x)
powers = np.exp(x - x.max(axis=1, keepdims=True))
given[-1] = powers / powers.sum(axis=1, keepdims=True)
return given
"""
        ),
        "powers-too-large": _forward(
            _LOOP.format(
                **{**_PLAIN, "last": "x = np.exp(x); x = x / x.sum(axis=1, keepdims=True)"}
            )
        ),
        "chances-of-all-rows": _forward(
            _LOOP.format(**{**_PLAIN, "last": "x = np.exp(x - x.max()); x = x / x.sum()"})
        ),
    },
    mistakes={
        "bends-the-scores": "the last layer",
        "powers-too-large": "the net of 3 layers: the last layer gives nan",
        "chances-of-all-rows": "the last layer",
    },
)

_HEAD = "import numpy as np\n\nfrom engine import forward\n\n\n"
_DEAD = "return [int((out.max(axis=0) == 0).sum()) for out in forward(x, layers, 'relu')[:-1]]"
_SATURATED = """\
hidden = forward(x, layers, "sigmoid")[:-1]
return [float((out * (1 - out) < 0.0025).mean()) for out in hidden]
"""


def _counted(dead: str = _DEAD, saturated: str = _SATURATED) -> str:
    one, other = _function("dead(x, layers)", dead), _function("saturated(x, layers)", saturated)
    return f"{_HEAD}{one}\n\n{other}"


COUNT = programs(
    starter=_counted(
        '''\
"""How many ReLUs of each hidden layer give 0 for every row of x."""
return [int((out[0] == 0).sum()) for out in forward(x, layers, "relu")[:-1]]
''',
        '''\
"""The share of what each hidden layer of sigmoids gives that has a slope below 0.0025."""
return [float((out > 0.9).mean()) for out in forward(x, layers, "sigmoid")[:-1]]
''',
    ),
    solution=_counted(),
    also={
        "by-the-sums": _counted(
            """\
found = []
for weights, bias in layers[:-1]:
    sums = x @ weights + bias
    found.append(int(np.all(sums <= 0, axis=0).sum()))
    x = np.maximum(sums, 0)
return found
""",
            """\
edge = 0.5 + np.sqrt(0.25 - 0.0025)
found = []
for out in forward(x, layers, "sigmoid")[:-1]:
    found.append(float(np.mean((out > edge) | (out < 1 - edge))))
return found
""",
        ),
        "nobody-ever-spoke": _counted(
            """\
*hidden, _ = forward(x, layers, "relu")
return [out.shape[1] - int(np.any(out > 0, axis=0).sum()) for out in hidden]
"""
        ),
        "one-by-one": _counted(
            """\
found = []
for out in forward(x, layers, "relu")[:-1]:
    found.append(sum(1 for n in range(out.shape[1]) if not any(row[n] for row in out)))
return found
""",
            """\
found = []
for out in forward(x, layers, "sigmoid")[:-1]:
    flat = [s * (1 - s) < 0.0025 for s in out.ravel()]
    found.append(sum(flat) / len(flat))
return found
""",
        ),
    },
    wrong={
        "mostly-silent": _counted(
            "hidden = forward(x, layers, 'relu')[:-1]\n"
            "return [int(((out == 0).mean(axis=0) > 0.9).sum()) for out in hidden]"
        ),
        "by-the-weights": _counted(
            "return [int((weights < 0).all(axis=0).sum()) for weights, _ in layers[:-1]]"
        ),
        "one-end-only": _counted(saturated=_SATURATED.replace("out * (1 - out)", "1 - out")),
        "saturated-neurons": _counted(
            saturated=_SATURATED.replace(
                "(out * (1 - out) < 0.0025)", "((out * (1 - out)).mean(axis=0) < 0.0025)"
            )
        ),
    },
    mistakes={
        "mostly-silent": "dead by layer",
        "by-the-weights": "dead by layer",
        "one-end-only": "saturated by layer",
        "saturated-neurons": "saturated by layer",
    },
)


_TRAIN_HEAD = "import numpy as np\n\nfrom engine import Value\n\n\n"


def _trained(
    begin: str = "np.sqrt(2 / a)",
    step: str = '1.0 if bend == "relu" else 2.0',
    rounds: int = 15,
    sizes: str = "[196, 64, 10]",
    rows: int = 100,
) -> str:
    return _TRAIN_HEAD + _function(
        "train(x, y, bend)",
        f'''\
"""A list of layers, (weights, bias) each: the last with ten scores, one a digit."""
rng = np.random.default_rng(0)
sizes, step = {sizes}, {step}
layers = []
for a, b in zip(sizes, sizes[1:]):
    layers.append((Value(rng.normal(size=(a, b)) * {begin}), Value(np.zeros(b))))
for _ in range({rounds}):
    order = rng.permutation(len(x))
    for at in range(0, len(x), {rows}):
        rows = order[at : at + {rows}]
        out = Value(x[rows])
        for number, (weights, bias) in enumerate(layers):
            out = out @ weights + bias
            if number < len(layers) - 1:
                out = out.relu() if bend == "relu" else out.sigmoid()
        out.surprise(y[rows]).backward()
        for layer in layers:
            for part in layer:
                part.data = part.data - step * part.grad
                part.grad = np.zeros_like(part.data)
return [(weights.data, bias.data) for weights, bias in layers]
''',
    )


_BY_HAND = """\
rng = np.random.default_rng(1)
one, two = rng.normal(size=(196, 80)) * 0.1, rng.normal(size=(80, 10)) * 0.1
lean, end = np.zeros(80), np.zeros(10)
moved = [np.zeros_like(part) for part in (one, lean, two, end)]
for turn in range(450):
    rows = rng.integers(len(x), size=100)
    sums = x[rows] @ one + lean
    hidden = np.maximum(sums, 0) if bend == "relu" else 0.5 * (1 + np.tanh(sums / 2))
    scores = hidden @ two + end
    gap = np.exp(scores - scores.max(axis=1, keepdims=True))
    gap /= gap.sum(axis=1, keepdims=True)
    gap[np.arange(100), y[rows]] -= 1
    gap /= 100
    back = gap @ two.T * (sums > 0 if bend == "relu" else hidden * (1 - hidden))
    slopes = x[rows].T @ back, back.sum(axis=0), hidden.T @ gap, gap.sum(axis=0)
    step = 0.1 if bend == "relu" else 0.3
    for part, move, slope in zip((one, lean, two, end), moved, slopes):
        move *= 0.9
        move += slope
        part -= step * move
return [(one, lean), (two, end)]
"""

TRAIN = programs(
    starter=_trained(begin="0", step="1.0"),
    solution=_trained(),
    also={
        "smaller-steps": _trained(step='0.3 if bend == "relu" else 1.0', rows=50, rounds=15),
        "narrow": _trained(sizes="[196, 40, 10]", step='0.5 if bend == "relu" else 1.5', rows=50),
        "momentum-by-hand": _TRAIN_HEAD + _function("train(x, y, bend)", _BY_HAND),
        "two-hidden-layers": _trained(
            sizes="[196, 64, 32, 10]", step='0.3 if bend == "relu" else 2.0', rows=50, rounds=25
        ),
    },
    wrong={
        "no-hidden-layer": _trained(sizes="[196, 10]", step="0.5"),
        "steps-too-long": _trained(step="2.2"),
        "begins-too-large": _trained(begin="2", step="0.5"),
        "never-trained": _trained(rounds=0),
    },
    mistakes={
        "no-hidden-layer": "no hidden layer",
        "steps-too-long": "ReLUs are dead",
        "begins-too-large": "saturated",
        "never-trained": "of fresh digits",
    },
)


_READER_HEAD = "import numpy as np\n\nfrom engine import forward\n\n\nclass Reader:\n"


def _reader(begin: str, read: str) -> str:
    one = _function("__init__(self, layers, x, y)", begin)
    other = _function("read(self, picture)", read)
    return _READER_HEAD + indent(f"{one}\n{other}", "    ")


_KEPT = "self.layers, self.x, self.y = layers, x, y\n"
_CHANCES = "chances = forward(picture[np.newaxis], self.layers, 'relu')[-1][0]\n"
_ANSWER = "return int(chances.argmax())"

DOUBT = programs(
    starter=_reader(
        _KEPT,
        '"""The digit in a picture of 196 shades, or None if there is none."""\n'
        + _CHANCES
        + _ANSWER,
    ),
    solution=_reader(
        _KEPT,
        f"""\
nearest = np.sqrt(((self.x - picture) ** 2).sum(axis=1).min())
if nearest > 3.2:
    return None
{_CHANCES}{_ANSWER}
""",
    ),
    also={
        "what-forty-directions-leave": _reader(
            _KEPT
            + """\
self.mean = x.mean(axis=0)
self.ways = np.linalg.svd(x - self.mean, full_matrices=False)[2][:40]
left = x - self.mean - (x - self.mean) @ self.ways.T @ self.ways
self.most = np.quantile((left ** 2).sum(axis=1), 0.99) * 1.1
""",
            f"""\
away = picture - self.mean
left = away - away @ self.ways.T @ self.ways
if (left ** 2).sum() > self.most:
    return None
{_CHANCES}{_ANSWER}
""",
        ),
        "its-own-kind": _reader(
            _KEPT + "self.means = np.array([x[y == digit].mean(axis=0) for digit in range(10)])",
            f"""\
{_CHANCES}digit = int(chances.argmax())
own = self.x[self.y == digit]
far = np.sort(((own - picture) ** 2).sum(axis=1))[:3].mean()
return digit if far < 3.5 ** 2 else None
""",
        ),
        "an-edge-from-the-known": _reader(
            _KEPT
            + """\
held = np.random.default_rng(0).permutation(len(x))
some, others = x[held[:200]], x[held[200:]]
squares = (others ** 2).sum(axis=1)
gaps = squares + (some ** 2).sum(axis=1)[:, np.newaxis] - 2 * some @ others.T
self.edge = np.quantile(gaps.min(axis=1), 0.97)
""",
            f"""\
if ((self.x - picture) ** 2).sum(axis=1).min() > self.edge:
    return None
{_CHANCES}{_ANSWER}
""",
        ),
    },
    wrong={
        "if-the-net-is-sure": _reader(
            _KEPT, f"{_CHANCES}if chances.max() < 0.9:\n    return None\n{_ANSWER}"
        ),
        "counts-the-ink": _reader(
            _KEPT + "self.most = x.sum(axis=1).max()",
            f"if picture.sum() > self.most:\n    return None\n{_CHANCES}{_ANSWER}",
        ),
        "doubts-nearly-all": _reader(
            _KEPT,
            "if ((self.x - picture) ** 2).sum(axis=1).min() > 3:\n"
            f"    return None\n{_CHANCES}{_ANSWER}",
        ),
    },
    mistakes={
        "if-the-net-is-sure": "of what is no digit",
        "counts-the-ink": "those quarters swapped",
        "doubts-nearly-all": "were refused",
    },
)
