"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Example
from agentlab.labs.declare import Answers, programs
from agentlab.limits import Limits

_RNN = 'return np.tanh(x @ w["x"] + h @ w["h"] + w["b"])'


def _steps(lstm: str, rnn: str = _RNN, head: str = "") -> str:
    parts = (("rnn_step(x, h, w)", rnn), ("lstm_step(x, h, c, w)", lstm))
    functions = [f"def {name}:\n{indent(dedent(body).strip(), '    ')}\n" for name, body in parts]
    return "\n\n".join(("import numpy as np\n" + dedent(head), *functions))


_SIGMOID = """

def sigmoid(z):
    return 1 / (1 + np.exp(-z))
"""
_GATES = 'i, f, o, g = np.split(x @ w["x"] + h @ w["h"] + w["b"], 4, axis=1)\n'
_LSTM = (
    _GATES
    + """\
c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
return sigmoid(o) * np.tanh(c), c
"""
)

STEP = programs(
    starter=_steps(
        '"""The next state and the next cell, each (rows, size)."""\n'
        + _GATES
        + """\
new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
return sigmoid(o) * np.tanh(c), new
""",
        '"""The next state, (rows, size), from x (rows, inputs) and h (rows, size)."""\n'
        'return np.tanh(x @ w["x"] + h @ w["h"])',
        _SIGMOID,
    ),
    solution=_steps(_LSTM, head=_SIGMOID),
    also={
        "gates-one-by-one": _steps(
            """\
n = h.shape[1]

def part(k):
    at = slice(k * n, (k + 1) * n)
    return x @ w["x"][:, at] + h @ w["h"][:, at] + w["b"][at]

kept = c / (1 + np.exp(-part(1)))
c = kept + np.tanh(part(3)) / (1 + np.exp(-part(0)))
return np.tanh(c) / (1 + np.exp(-part(2))), c
"""
        ),
        "side-by-side": _steps(
            """\
both = np.concatenate([x, h], axis=1)
z = both @ np.concatenate([w["x"], w["h"]]) + w["b"]
z = z.reshape(len(x), 4, -1)
gates = 0.5 + 0.5 * np.tanh(z[:, :3] / 2)
c = gates[:, 1] * c + gates[:, 0] * np.tanh(z[:, 3])
return gates[:, 2] * np.tanh(c), c
""",
            """\
both = np.concatenate([x, h], axis=1)
return np.tanh(both @ np.concatenate([w["x"], w["h"]]) + w["b"])
""",
        ),
        "row-by-row": _steps(
            """\
states, cells = [], []
for one, state, cell in zip(x, h, c):
    z = one @ w["x"] + state @ w["h"] + w["b"]
    i, f, o, g = z.reshape(4, -1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    cells.append(cell)
    states.append(sigmoid(o) * np.tanh(cell))
return np.array(states), np.array(cells)
""",
            'return np.array([np.tanh(a @ w["x"] + b @ w["h"] + w["b"]) for a, b in zip(x, h)])',
            _SIGMOID,
        ),
    },
    wrong={
        "the-old-cell-shown": _steps(
            _GATES
            + "new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)\n"
            + "return sigmoid(o) * np.tanh(c), new\n",
            head=_SIGMOID,
        ),
        "one-gate-for-two": _steps(
            _LSTM.replace("sigmoid(i) * np", "(1 - sigmoid(f)) * np"), head=_SIGMOID
        ),
        "written-over": _steps(
            _GATES
            + "c *= sigmoid(f)\nc += sigmoid(i) * np.tanh(g)\n"
            + "return sigmoid(o) * np.tanh(c), c\n",
            head=_SIGMOID,
        ),
    },
    mistakes={
        "the-old-cell-shown": "the state is off",
        "one-gate-for-two": "lstm",
        "written-over": "kept",
    },
)

_RNN_BACK = 'return (by_new * (1 - new**2)) @ w["h"].T'
_LSTM_BACK = """\
c, i, f, o, g = kept
t = np.tanh(f * c + i * g)
by_c = by_c + by_h * o * (1 - t**2)
by_z = [
    by_c * g * i * (1 - i),
    by_c * c * f * (1 - f),
    by_h * t * o * (1 - o),
    by_c * i * (1 - g**2),
]
return np.concatenate(by_z, axis=1) @ w["h"].T, by_c * f
"""
_CLIP = """\
norm = np.sqrt(sum((slope**2).sum() for slope in slopes.values()))
scale = limit / norm if norm > limit else 1.0
return {name: slope * scale for name, slope in slopes.items()}
"""


def _back(lstm: str = _LSTM_BACK, rnn: str = _RNN_BACK, clip: str = _CLIP) -> str:
    parts = (
        ("rnn_back(by_new, new, w)", rnn),
        ("lstm_back(by_h, by_c, kept, w)", lstm),
        ("clip(slopes, limit)", clip),
    )
    functions = [f"def {name}:\n{indent(dedent(body).strip(), '    ')}\n" for name, body in parts]
    return "\n\n".join(("import numpy as np\n", *functions))


BACK = programs(
    starter=_back(
        '"""The slopes by the state and the cell before."""\n'
        + _LSTM_BACK.replace("by_c = by_c + by_h * o * (1 - t**2)", "..."),
        '"""The slope by the state before, (rows, size)."""\nreturn by_new @ w["h"].T',
        '"""Slopes by name, at most `limit` long together."""\n'
        "return {name: np.clip(slope, -limit, limit) for name, slope in slopes.items()}",
    ),
    solution=_back(),
    also={
        "gate-by-gate": _back(
            """\
c, i, f, o, g = kept
n, t = c.shape[1], np.tanh(f * c + i * g)
inside = by_c + by_h * o * (1 - t * t)
before = 0
for k, by in enumerate((
    inside * g * (i - i * i),
    inside * c * (f - f * f),
    by_h * t * (o - o * o),
    inside * i * (1 - g) * (1 + g),
)):
    before = before + by @ w["h"][:, k * n : (k + 1) * n].T
return before, inside * f
""",
            'return (w["h"] @ (by_new - by_new * new * new).T).T',
            """\
flat = np.concatenate([slope.ravel() for slope in slopes.values()])
scale = max(1.0, np.linalg.norm(flat) / limit)
return {name: slope / scale for name, slope in slopes.items()}
""",
        ),
        "by-einsum": _back(
            """\
c, i, f, o, g = kept
t = np.tanh(f * c + i * g)
total = by_c + by_h * o / np.cosh(f * c + i * g) ** 2
by_gates = np.stack([total * g, total * c, by_h * t, total * i], axis=1)
slopes = np.stack([i * (1 - i), f * (1 - f), o * (1 - o), 1 - g * g], axis=1)
w_h = w["h"].reshape(len(w["h"]), 4, -1)
return np.einsum("rkn,mkn->rm", by_gates * slopes, w_h), total * f
""",
            'return np.einsum("rn,rn,mn->rm", by_new, 1 - new * new, w["h"])',
            """\
norm = sum(np.vdot(slope, slope) for slope in slopes.values()) ** 0.5
return {name: slope * min(1, limit / max(norm, 1e-12)) for name, slope in slopes.items()}
""",
        ),
        "one-row-at-a-time": _back(
            """\
made = []
for n in range(len(by_h)):
    c, i, f, o, g = (part[n] for part in kept)
    t = np.tanh(f * c + i * g)
    cell = by_c[n] + by_h[n] * o * (1 - t**2)
    z = np.concatenate([
        cell * g * i * (1 - i), cell * c * f * (1 - f), by_h[n] * t * o * (1 - o),
        cell * i * (1 - g**2),
    ])
    made.append((w["h"] @ z, cell * f))
return tuple(np.array(part) for part in zip(*made))
""",
            'return np.array([w["h"] @ (np.diag(1 - n**2) @ by) for by, n in zip(by_new, new)])',
            """\
norm = np.linalg.norm([np.linalg.norm(slope) for slope in slopes.values()])
if norm <= limit:
    return slopes
return {name: slope / norm * limit for name, slope in slopes.items()}
""",
        ),
    },
    wrong={
        "the-tanh-left-out": _back(rnn='return by_new @ w["h"].T'),
        "the-cell-only": _back(
            _LSTM_BACK.replace("by_c = by_c + by_h * o * (1 - t**2)", "by_c = by_c + by_h * 0")
        ),
        "the-gates-left-out": _back(
            "c, i, f, o, g = kept\nt = np.tanh(f * c + i * g)\n"
            "by_c = by_c + by_h * o * (1 - t**2)\nreturn 0 * by_h, by_c * f\n"
        ),
        "each-number-by-itself": _back(
            clip="return {name: np.clip(slope, -limit, limit) for name, slope in slopes.items()}"
        ),
        "each-array-by-itself": _back(
            clip="""\
made = {}
for name, slope in slopes.items():
    norm = np.linalg.norm(slope)
    made[name] = slope * (limit / norm if norm > limit else 1.0)
return made
"""
        ),
        "always-the-limit": _back(clip=_CLIP.replace("if norm > limit else 1.0", "if norm else 1")),
    },
    mistakes={
        "the-tanh-left-out": "rnn",
        "the-cell-only": "lstm",
        "the-gates-left-out": "lstm",
        "each-number-by-itself": "long, not",
        "each-array-by-itself": "long, not",
        "always-the-limit": "long, not",
    },
)


def _train(body: str) -> str:
    text = indent(dedent(body).strip(), "    ")
    return (
        "import numpy as np\nfrom recurrent import Adam, Net, clip, draw\n\n\n"
        f"def train(rng):\n{text}\n"
    )


def _at_once(first: str, kind: str = "lstm", length: str = "100", rounds: int = 250) -> str:
    return _train(
        f"""\
net = Net("{kind}", 16, rng)
{first}
adam = Adam(net, lr=0.01)
for n in range({rounds}):
    loss, slopes = net.slopes(*draw(rng, 32, {length}))
    adam.step(clip(slopes, 1))
return net
"""
    )


_LONGER = "(5, 10, 15, 25, 40, 60, 100)[n * 7 // 250]"

REMEMBER = programs(
    starter=_train(
        '''\
"""A net that remembers the first symbol of lines of 7, 100 and 303."""
net = Net("lstm", 16, rng)
net.bias("forget")[:] = 1
adam = Adam(net, lr=0.01)
for n in range(250):
    loss, slopes = net.slopes(*draw(rng, 32, 100))
    adam.step(clip(slopes, 1))
    if n % 50 == 49:
        print(n + 1, round(float(loss), 3), "blame", net.blame[0], "to", net.blame[-1])
return net
'''
    ),
    solution=_at_once('net.bias("forget")[:] = 1', length=_LONGER),
    also={
        "without-a-bias": _at_once("", length=_LONGER),
        "never-above-25": _at_once(
            'net.bias("forget")[:] = 1', length="(5, 10, 15, 25)[n * 4 // 250]"
        ),
        "longer-when-it-knows": _train(
            """\
net, length = Net("lstm", 16, rng), 4.0
net.bias("forget")[:] = 2
adam = Adam(net)
for _ in range(250):
    loss, slopes = net.slopes(*draw(rng, 32, int(length)))
    adam.step(clip(slopes, 1))
    if loss < 0.1:
        length = min(100, length * 1.2 + 1)
return net
"""
        ),
    },
    wrong={
        "as-it-comes": _at_once(""),
        "an-rnn": _at_once("", kind="rnn", length=_LONGER),
        "short-ones-too-few": _at_once('net.bias("forget")[:] = 1', length="10", rounds=20),
    },
    mistakes={
        "as-it-comes": "fails at 100:",
        "an-rnn": "fails at",
        "short-ones-too-few": "fails at 100:",
    },
)

_ASKED = "Which word comes first?"
_LINES = (
    ("green", "hum tick tick knock drip hum knock"),
    ("red", "drip knock hum hum tick drip tick"),
    ("gold", "tick tick drip hum knock knock drip"),
    ("blue", "knock drip tick knock hum tick hum"),
)


def _agent(told: str, examples: tuple[Example, ...]) -> AgentAnswer:
    return AgentAnswer(
        instructions=told,
        examples=examples,
        settings=Settings(temperature=0, max_tokens=4, repeat_penalty=1.0),
        limits=Limits(steps=1),
    )


def _shown(*places: int, answer: int = 0) -> tuple[Example, ...]:
    lines = [f"{_LINES[n][0]} {_LINES[n][1]}" for n in places]
    return tuple(Example(user=line, answer=line.split()[answer]) for line in lines)


LOOK = Answers(
    starter=_agent("Which word comes first? Answer with one word.", ()),
    solution=_agent(_ASKED, _shown(0, 1, 2, 3)),
    also={
        "another-order": _agent("Which word comes first? Say it.", _shown(2, 0, 3, 1)),
        "two-of-each": _agent(_ASKED, _shown(0, 1, 2, 3, 1, 3, 0, 2)),
        "nothing-told": _agent("", _shown(2, 3, 1, 0)),
    },
    wrong={
        "the-last-word": _agent(_ASKED, _shown(0, 1, 2, 3, answer=-1)),
        "in-a-sentence": _agent(
            _ASKED,
            tuple(
                e.model_copy(update={"answer": f"It is {e.answer}."}) for e in _shown(0, 1, 2, 3)
            ),
        ),
    },
)
