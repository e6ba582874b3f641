"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs

_CLASS = '''\
import math


class Value:
    """A number, and how it was made: of which, and how much it grows with each."""

    def __init__(self, data, made_of=()):
        self.data = data
        self.grad = 0.0
        self.made_of = made_of

    def __add__(self, other):
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def tanh(self):
        out = math.tanh(self.data)
        return Value(out, ((self, 1 - out * out),))

    def relu(self):
        return Value(max(self.data, 0.0), ((self, float(self.data > 0)),))
'''


def _engine(body: str, head: str = "backward(self)") -> str:
    return f"{_CLASS}\n    def {head}:\n{indent(dedent(body).strip(), '        ')}\n"


_ORDER = """\
order, seen, stack = [], set(), [(self, False)]
while stack:
    node, done = stack.pop()
    if done:
        order.append(node)
    elif id(node) not in seen:
        seen.add(id(node))
        stack.append((node, True))
        stack.extend((part, False) for part, _ in node.made_of)
"""

ENGINE = programs(
    starter=_engine(
        '''\
"""Give every value this one was made of its slope."""
self.grad = blame
for part, slope in self.made_of:
    part.backward(blame * slope)
''',
        "backward(self, blame=1.0)",
    ),
    solution=_engine(
        _ORDER
        + """\
blame = {id(self): 1.0}
for node in reversed(order):
    own = blame[id(node)]
    node.grad += own
    for part, slope in node.made_of:
        blame[id(part)] = blame.get(id(part), 0.0) + own * slope
"""
    ),
    also={
        "whoever-waits-for-nobody": _engine(
            """\
users, stack, seen = {}, [self], {id(self)}
while stack:
    for part, _ in stack.pop().made_of:
        users[id(part)] = users.get(id(part), 0) + 1
        if id(part) not in seen:
            seen.add(id(part))
            stack.append(part)
ready, blame = [self], {id(self): 1.0}
while ready:
    node = ready.pop()
    own = blame.pop(id(node))
    node.grad = node.grad + own
    for part, slope in node.made_of:
        blame[id(part)] = blame.get(id(part), 0.0) + own * slope
        users[id(part)] -= 1
        if users[id(part)] == 0:
            ready.append(part)
"""
        ),
        "numbered-when-made": _CLASS.replace(
            "        self.grad = 0.0\n",
            "        self.grad = 0.0\n        self.number = Value.count = Value.count + 1\n",
        ).replace('each."""\n', 'each."""\n\n    count = 0\n')
        + indent(
            dedent(
                """
                def backward(self):
                    import heapq

                    waiting, blame = [(-self.number, self)], {self.number: 1.0}
                    while waiting:
                        _, node = heapq.heappop(waiting)
                        own = blame.pop(node.number)
                        node.grad += own
                        for part, slope in node.made_of:
                            if part.number not in blame:
                                heapq.heappush(waiting, (-part.number, part))
                                blame[part.number] = 0.0
                            blame[part.number] += own * slope
                """
            ),
            "    ",
        ),
        "blame-cleared-on-the-way": _engine(
            _ORDER
            + """\
kept = {id(node): node.grad for node in order}
for node in order:
    node.grad = 0.0
self.grad = 1.0
for node in reversed(order):
    for part, slope in node.made_of:
        part.grad += slope * node.grad
for node in order:
    node.grad += kept[id(node)]
"""
        ),
    },
    wrong={
        "walks-every-path": _engine(
            """\
self.grad += blame
for part, slope in self.made_of:
    part.backward(blame * slope)
""",
            "backward(self, blame=1.0)",
        ),
        "level-by-level": _engine(
            """\
blame, level = {id(self): 1.0}, [self]
while level:
    below = {}
    for node in level:
        own = blame[id(node)]
        node.grad += own
        for part, slope in node.made_of:
            blame[id(part)] = slope * own
            below[id(part)] = part
    level = list(below.values())
"""
        ),
        "left-over-blame": _engine(
            _ORDER
            + """\
self.grad = 1.0
for node in reversed(order):
    for part, slope in node.made_of:
        part.grad += slope * node.grad
"""
        ),
        "too-deep": _engine(
            """\
order, seen = [], set()

def visit(node):
    if id(node) not in seen:
        seen.add(id(node))
        for part, _ in node.made_of:
            visit(part)
        order.append(node)

visit(self)
blame = {id(self): 1.0}
for node in reversed(order):
    own = blame[id(node)]
    node.grad += own
    for part, slope in node.made_of:
        blame[id(part)] = blame.get(id(part), 0.0) + own * slope
"""
        ),
        "forgets-the-first-end": _engine(
            _ORDER
            + """\
for node in order:
    node.grad = 0.0
self.grad = 1.0
for node in reversed(order):
    for part, slope in node.made_of:
        part.grad += slope * node.grad
"""
        ),
    },
    mistakes={
        "walks-every-path": "added to itself 40 times",
        "level-by-level": "used more than once",
        "left-over-blame": "two ends",
        "too-deep": "a chain of 5,000",
        "forgets-the-first-end": "two ends",
    },
)


def _rules(matmul: str, add: str, surprise: str) -> str:
    parts = (
        ("matmul_back(grad, a, b)", matmul),
        ("add_back(grad, a, b)", add),
        ("surprise(scores, right)", surprise),
    )
    functions = [f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n" for head, body in parts]
    return "import numpy as np\n\n\n" + "\n\n".join(functions)


_FIT = '''\


def fit(grad, shape):
    """Summed over what was stretched."""
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad
'''
_ADD = "return fit(grad, a.shape), fit(grad, b.shape)"
_SURPRISE = """\
rows = np.arange(len(right))
shifted = scores - scores.max(axis=1, keepdims=True)
logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
slope = np.exp(logs)
slope[rows, right] -= 1
return -logs[rows, right].mean(), slope / len(right)
"""
_FITTING_MATMUL = """\
return (
    fit(grad @ np.swapaxes(b, -1, -2), a.shape),
    fit(np.swapaxes(a, -1, -2) @ grad, b.shape),
)
"""
_SOLVED = _rules(_FITTING_MATMUL, _ADD, _SURPRISE) + _FIT

RULES = programs(
    starter=_rules(
        '"""The slopes by a and by b, where grad is that by a @ b."""\n'
        "return grad @ b.T, a.T @ grad",
        '"""The slopes by a and by b, where grad is that by a + b."""\nreturn grad, grad',
        '''\
"""The mean of -log p of the right ones, and its slope by the scores."""
rows = np.arange(len(right))
powers = np.exp(scores)
chances = powers / powers.sum(axis=1, keepdims=True)
slope = chances.copy()
slope[rows, right] -= 1
return -np.log(chances[rows, right]).mean(), slope
''',
    ),
    solution=_SOLVED,
    also={
        "by-einsum": _rules(
            """\
letters = "nij,njk->nik" if b.ndim == 3 else "nij,jk->nik" if a.ndim == 3 else "ij,jk->ik"
one, two = letters.split("->")[0].split(",")
out = letters.split("->")[1]
return np.einsum(f"{out},{two}->{one}", grad, b), np.einsum(f"{one},{out}->{two}", a, grad)
""",
            """\
def back(shape):
    wide = (1,) * (grad.ndim - len(shape)) + shape
    axes = tuple(n for n, size in enumerate(wide) if size == 1)
    return grad.sum(axis=axes, keepdims=True).reshape(shape)

return back(a.shape), back(b.shape)
""",
            """\
best = scores.max(axis=1)
sums = np.log(np.exp(scores - best[:, None]).sum(axis=1)) + best
wanted = np.eye(scores.shape[1])[right]
loss = np.mean(sums - (scores * wanted).sum(axis=1))
return loss, (np.exp(scores - sums[:, None]) - wanted) / len(scores)
""",
        ),
        "row-by-row": _rules(
            """\
if a.ndim == 2:
    return grad @ b.T, a.T @ grad
many = b if b.ndim == 3 else [b] * len(a)
pairs = [matmul_back(*three) for three in zip(grad, a, many)]
by_a, by_b = [np.stack(part) for part in zip(*pairs)]
return by_a, by_b.sum(axis=0) if b.ndim == 2 else by_b
""",
            """\
def back(shape):
    made = np.zeros(shape)
    for place in np.ndindex(*grad.shape):
        own = place[len(place) - len(shape):]
        made[tuple(0 if size == 1 else n for n, size in zip(own, shape))] += grad[place]
    return made

return back(a.shape), back(b.shape)
""",
            """\
loss, slopes = 0.0, []
for row, n in zip(scores, right):
    chances = np.exp(row - row.max())
    chances = chances / chances.sum()
    loss += row.max() + np.log(np.exp(row - row.max()).sum()) - row[n]
    chances[n] -= 1
    slopes.append(chances / len(right))
return loss / len(right), np.array(slopes)
""",
        ),
        "flattened": _rules(
            """\
if b.ndim == 3:
    return grad @ b.transpose(0, 2, 1), a.transpose(0, 2, 1) @ grad
flat = a.reshape(-1, a.shape[-1])
return grad @ b.T, flat.T @ grad.reshape(-1, grad.shape[-1])
""",
            """\
ones = np.ones(grad.shape)
made = []
for part in (a, b):
    back = grad.reshape(-1, *grad.shape[grad.ndim - part.ndim:]).sum(axis=0)
    for axis in range(part.ndim):
        if part.shape[axis] < back.shape[axis]:
            back = back.sum(axis=axis, keepdims=True)
    made.append(np.asarray(back))
return tuple(made)
""",
            _SURPRISE,
        ),
    },
    wrong={
        "square-by-luck": _SOLVED.replace(
            "fit(grad @ np.swapaxes(b, -1, -2), a.shape)",
            "fit(grad @ (b if b.shape[-1] == b.shape[-2] else np.swapaxes(b, -1, -2)), a.shape)",
        ),
        "the-batch-kept": _SOLVED.replace(
            "fit(np.swapaxes(a, -1, -2) @ grad, b.shape)", "np.swapaxes(a, -1, -2) @ grad"
        ),
        "mean-for-sum": _SOLVED.replace("grad = grad.sum(axis=0)", "grad = grad.mean(axis=0)"),
        "rows-only": _SOLVED.replace("if size == 1:", "if False:"),
        "sum-for-mean": _SOLVED.replace("slope / len(right)", "slope"),
        "as-in-the-book": _SOLVED.replace("scores - scores.max(axis=1, keepdims=True)", "scores"),
        "takes-from-the-caller": _SOLVED.replace(
            "shifted = scores - scores.max(axis=1, keepdims=True)",
            "shifted = np.subtract(scores, scores.max(axis=1, keepdims=True), out=scores)",
        ),
    },
    mistakes={
        "square-by-luck": "off by",
        "the-batch-kept": "has the shape",
        "mean-for-sum": "off by",
        "rows-only": "has the shape",
        "sum-for-mean": "losses",
        "as-in-the-book": "losses",
        "takes-from-the-caller": "kept",
    },
)


def _train(body: str, head: str = "from engine import Value") -> str:
    text = indent(dedent(body).strip(), "    ")
    return f"import numpy as np\n{head}\n\n\ndef train(scores, right):\n{text}\n".replace(
        "\n\n\n\n", "\n\n\n"
    )


TRAIN = programs(
    starter=_train(
        '''\
"""scores (names, 49152), right (names,): what to add to the scores of every token, (49152,)."""
lean = Value(np.zeros(scores.shape[1], dtype=np.float32))
for _ in range(40):
    loss = (Value(scores) + lean).surprise(right)
    loss.backward()
    lean.data = lean.data + 5 * lean.grad
return lean.data
'''
    ),
    solution=_train(
        """\
lean = Value(np.zeros(scores.shape[1], dtype=np.float32))
for _ in range(40):
    lean.grad = np.zeros_like(lean.data)
    loss = (Value(scores) + lean).surprise(right)
    loss.backward()
    lean.data = lean.data - 5 * lean.grad
return lean.data
"""
    ),
    also={
        "anew-each-time": _train(
            """\
lean = np.zeros(scores.shape[1], dtype=np.float32)
for step in range(60):
    value = Value(lean)
    (Value(scores) + value).surprise(right).backward()
    lean = lean - 6 * 0.97**step * value.grad
return lean
"""
        ),
        "with-momentum": _train(
            """\
lean, speed = Value(np.zeros((1, scores.shape[1]), dtype=np.float32)), 0
for _ in range(30):
    lean.grad = 0
    (Value(scores) + lean).surprise(right).backward()
    speed = 0.7 * speed - 2 * lean.grad
    lean.data = lean.data + speed
return lean.data[0]
"""
        ),
        "by-hand": _train(
            """\
lean = np.zeros(scores.shape[1], dtype=np.float32)
for _ in range(40):
    powers = np.exp(scores + lean - (scores + lean).max(axis=1, keepdims=True))
    slope = (powers / powers.sum(axis=1, keepdims=True)).mean(axis=0)
    np.subtract.at(slope, right, 1 / len(right))
    lean -= 5 * slope
return lean
""",
            "",
        ),
    },
    wrong={
        "uphill": _train(
            """\
lean = Value(np.zeros(scores.shape[1], dtype=np.float32))
for _ in range(40):
    lean.grad = np.zeros_like(lean.data)
    (Value(scores) + lean).surprise(right).backward()
    lean.data = lean.data + 5 * lean.grad
return lean.data
"""
        ),
        "a-step-or-two": _train(
            """\
lean = Value(np.zeros(scores.shape[1], dtype=np.float32))
for _ in range(2):
    lean.grad = np.zeros_like(lean.data)
    (Value(scores) + lean).surprise(right).backward()
    lean.data = lean.data - 5 * lean.grad
return lean.data
"""
        ),
        "scores-moved-instead": _train(
            """\
lean, moved = np.zeros(scores.shape[1], dtype=np.float32), Value(scores)
for _ in range(40):
    moved.grad = np.zeros_like(moved.data)
    moved.surprise(right).backward()
    moved.data = moved.data - 5 * moved.grad
return lean + (moved.data - scores)[0]
"""
        ),
    },
    mistakes={
        "uphill": "fresh names",
        "a-step-or-two": "fresh names",
        "scores-moved-instead": "fresh names",
    },
)
