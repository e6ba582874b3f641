"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs

_NUMPY = "import numpy as np\n\n\n"


def _function(head: str, body: str) -> str:
    return f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


_CONV = """\
n, channels, _, _ = x.shape
f, _, a, b = filters.shape
x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
rows = (x.shape[2] - a) // stride + 1
columns = (x.shape[3] - b) // stride + 1
out = np.zeros((n, f, rows, columns))
for r in range(rows):
    for c in range(columns):
        seen = x[:, :, r * stride : r * stride + a, c * stride : c * stride + b]
        out[:, :, r, c] = np.tensordot(seen, filters, axes=([1, 2, 3], [1, 2, 3]))
return out
"""
_POOL = """\
rows = (x.shape[2] - size) // stride + 1
columns = (x.shape[3] - size) // stride + 1
out = np.zeros((*x.shape[:2], rows, columns))
for r in range(rows):
    for c in range(columns):
        seen = x[:, :, r * stride : r * stride + size, c * stride : c * stride + size]
        out[:, :, r, c] = seen.max(axis=(2, 3))
return out
"""


def _maps(conv: str = _CONV, pool: str = _POOL, before: str = "") -> str:
    one = _function("conv2d(x, filters, stride, padding)", conv)
    other = _function("max_pool(x, size, stride)", pool)
    return f"import numpy as np\n{before}\n\n{one}\n\n{other}"


CONVOLVE = programs(
    starter=_maps(
        '''\
"""(n, channels, h, w) and (f, channels, a, b) make (n, f, rows, columns)."""
a, b = filters.shape[2:]
rows, columns = x.shape[2] - a + 1, x.shape[3] - b + 1
out = np.zeros((len(x), len(filters), rows, columns))
for r in range(rows):
    for c in range(columns):
        seen = x[:, 0, r : r + a, c : c + b]
        out[:, :, r, c] = np.tensordot(seen, filters[:, 0], axes=([1, 2], [1, 2]))
return out
''',
        '''\
"""The largest of each window that lies wholly in (n, channels, h, w)."""
n, channels, h, w = x.shape
whole = x[:, :, : h // size * size, : w // size * size]
return whole.reshape(n, channels, h // size, size, w // size, size).max(axis=(3, 5))
''',
    ),
    solution=_maps(),
    also={
        "windows": _maps(
            """\
room = ((0, 0), (0, 0), (padding, padding), (padding, padding))
seen = sliding_window_view(np.pad(x, room), filters.shape[2:], axis=(2, 3))
return np.einsum("ncyxab,fcab->nfyx", seen[:, :, ::stride, ::stride], filters)
""",
            """\
seen = sliding_window_view(x, (size, size), axis=(2, 3))
return seen[:, :, ::stride, ::stride].max(axis=(-1, -2))
""",
            "from numpy.lib.stride_tricks import sliding_window_view\n",
        ),
        "shifted-copies": _maps(
            """\
room = ((0, 0), (0, 0), (padding, padding), (padding, padding))
x = np.pad(x, room)
a, b = filters.shape[2:]
rows, columns = x.shape[2] - a + 1, x.shape[3] - b + 1
out = 0
for i in range(a):
    for j in range(b):
        copy = x[:, :, i : i + rows, j : j + columns]
        out = out + np.einsum("nchw,fc->nfhw", copy, filters[:, :, i, j])
return out[:, :, ::stride, ::stride]
""",
            """\
rows, columns = x.shape[2] - size + 1, x.shape[3] - size + 1
out = np.full((*x.shape[:2], rows, columns), -np.inf)
for i in range(size):
    for j in range(size):
        out = np.maximum(out, x[:, :, i : i + rows, j : j + columns])
return out[:, :, ::stride, ::stride]
""",
        ),
        "one-matrix-product": _maps(
            """\
n, channels, h, w = x.shape
f, _, a, b = filters.shape
wide = np.zeros((n, channels, h + 2 * padding, w + 2 * padding))
wide[:, :, padding : padding + h, padding : padding + w] = x
tops = range(0, wide.shape[2] - a + 1, stride)
lefts = range(0, wide.shape[3] - b + 1, stride)
seen = [wide[:, :, r : r + a, c : c + b].reshape(n, -1) for r in tops for c in lefts]
out = np.stack(seen, axis=1) @ filters.reshape(f, -1).T
return out.transpose(0, 2, 1).reshape(n, f, len(tops), len(lefts))
"""
        ),
    },
    wrong={
        "turned-round": _maps(
            _CONV.replace("(seen, filters,", "(seen, filters[:, :, ::-1, ::-1],")
        ),
        "room-on-one-side": _maps(
            _CONV.replace(
                "(padding, padding), (padding, padding)", "(0, 2 * padding), (0, 2 * padding)"
            )
        ),
        "beyond-the-edge": _maps(pool=_POOL.replace("- size) // stride + 1", "- 1) // stride + 1")),
        "no-less-than-nought": _maps(
            pool=_POOL.replace(".max(axis=(2, 3))", ".max(axis=(2, 3), initial=0)")
        ),
    },
    mistakes={
        "turned-round": "3 by 3, stride 1, padding 0: at",
        "room-on-one-side": "padding 1: at",
        "beyond-the-edge": "the shape is",
        "no-less-than-nought": "pooled",
    },
)


_MOVES = """\
dice = np.random.default_rng(0)
wide = dice.normal(size=(20, 24, 32))
first = net(wide[:, :, 8:])
if first.shape[2] == 1:
    spot = np.zeros((20, 24, 24))
    spot[:, 9:15, 9:15] = dice.normal(size=(20, 6, 6))
    same = [np.allclose(net(np.roll(spot, by, axis=2)), net(spot)) for by in range(1, 5)]
    return (0, 0) if all(same) else None
for step in range(1, 7):
    moved = net(wide[:, :, 8 - step : 32 - step])
    follows = np.isclose(moved[:, :, 1:], first[:, :, :-1]).all(axis=(0, 1))
    if follows.any():
        return step, int(follows.argmax())
return None
"""


def _moves(body: str = _MOVES) -> str:
    return _NUMPY + _function("moves(net)", body)


MOVES = programs(
    starter=_moves(
        '''\
"""(points for one place, columns that the edge spoils), (0, 0) or None."""
dice = np.random.default_rng(0)
wide = dice.normal(size=(20, 24, 32))
first = net(wide[:, :, 8:])
moved = net(wide[:, :, 7:31])  # all that was there lies one point further right
follows = np.isclose(moved[:, :, 1:], first[:, :, :-1])
return (1, 0) if follows.all() else None
'''
    ),
    solution=_moves(),
    also={
        "rolled-round": _moves(
            """\
dice = np.random.default_rng(3)
scene = dice.uniform(-1, 1, size=(30, 24, 24))
spot = np.zeros((30, 24, 24))
spot[:, 8:14, 8:14] = scene[:, :6, :6]
before = net(scene)
if before.shape[1:] == (1, 1):
    there = net(spot)
    for by in (1, 2, 3, 5):
        if np.abs(net(np.roll(spot, by, axis=2)) - there).max() > 1e-9:
            return None
    return 0, 0
for step in range(1, 9):
    gaps = np.abs(net(np.roll(scene, step, axis=2))[:, :, 1:] - before[:, :, :-1])
    good = np.flatnonzero(gaps.max(axis=(0, 1)) < 1e-9)
    if len(good):
        return step, int(good[0])
return None
"""
        ),
        "from-the-middle-outward": _moves(
            """\
dice = np.random.default_rng(5)
wide = dice.normal(size=(40, 24, 30))
spot = np.zeros((40, 24, 24))
spot[:, 10:13, 10:13] = dice.normal(size=(40, 3, 3))
start = net(wide[:, :, 6:])
places = start.shape[2]
if places == 1:
    one, two, three = net(spot), net(np.roll(spot, 1, axis=2)), net(np.roll(spot, -2, axis=2))
    return (0, 0) if np.allclose(one, two) and np.allclose(one, three) else None
for step in range(1, 7):
    then = net(wide[:, :, 6 - step : 30 - step])
    column = places // 2
    while column and np.allclose(then[:, :, column], start[:, :, column - 1]):
        column -= 1
    if column < places // 2:
        return step, column
return None
"""
        ),
        "one-spot-then-noise": _moves(
            """\
dice = np.random.default_rng(9)
spot = np.zeros((12, 24, 24))
spot[:, 9:14, 9:14] = dice.normal(size=(12, 5, 5))
seen = [net(np.roll(spot, by, axis=2)) for by in range(7)]
places = seen[0].shape[2]
if places == 1:
    return (0, 0) if all(np.allclose(seen[0], other) for other in seen) else None
steps = [
    by for by in range(1, 7)
    if np.allclose(seen[by][:, :, 4:-2], seen[0][:, :, 3:-3])
] if places > 6 else [
    by for by in range(1, 7) if np.allclose(seen[by][:, :, 2:], seen[0][:, :, 1:-1])
]
if not steps:
    return None
noise = dice.normal(size=(50, 24, 24))
gaps = net(np.roll(noise, steps[0], axis=2))[:, :, 1:] - net(noise)[:, :, :-1]
spoilt = 0
while np.abs(gaps[:, :, spoilt]).max() > 1e-9:
    spoilt += 1
return steps[0], spoilt
"""
        ),
    },
    wrong={
        "trusts-the-shape": _moves(
            """\
columns = net(np.zeros((1, 24, 24))).shape[2]
return (0, 0) if columns == 1 else (round(24 / columns), 0)
"""
        ),
        "all-must-follow": _moves(_MOVES.replace("follows.any()", "follows.all()")),
        "on-black-only": _moves(
            _MOVES.replace(
                "first = net(wide[:, :, 8:])",
                "wide[:, :9] = wide[:, 15:] = 0; wide[:, :, :17] = wide[:, :, 23:] = 0\n"
                "first = net(wide[:, :, 8:])",
            )
        ),
        "an-even-shift": _moves(_MOVES.replace("for by in range(1, 5)]", "for by in (2, 4)]")),
    },
    mistakes={
        "trusts-the-shape": "nowhere",
        "all-must-follow": "edge",
        "on-black-only": "edge",
        "an-even-shift": "nowhere",
    },
)


_READER_HEAD = "import numpy as np\n\nfrom engine import Adam, Value, conv2d, max_pool, peaks\n\n\n"


def _class(name: str, begin: str, method: str, body: str) -> str:
    one = _function("__init__(self, x, y)", begin)
    other = _function(method, body)
    return f"{_READER_HEAD}class {name}:\n" + indent(f"{one}\n{other}", "    ")


def _reader(begin: str, read: str) -> str:
    return _class("Reader", begin, "read(self, pictures)", read)


_DENSE = """\
rng = np.random.default_rng(0)
width = {width}
self.one = Value(rng.normal(size=(width, 64)) * np.sqrt(2 / width))
self.two = Value(rng.normal(size=(64, {kinds})) * np.sqrt(2 / 64))
self.lean, self.end = Value(np.zeros(64)), Value(np.zeros({kinds}))
adam = Adam([self.one, self.lean, self.two, self.end])
for _ in range({rounds}):
    order = rng.permutation(len(x))
    for at in range(0, len(x), 50):
        rows = order[at : at + 50]
        seen = {seen}
        self.scores(seen).surprise(y[rows]).backward()
        adam.step()
"""
_SCORES = _function(
    "scores(self, pictures)",
    """\
hidden = (Value(pictures.reshape(len(pictures), -1)) @ self.one + self.lean).relu()
return hidden @ self.two + self.end
""",
)
_PLAIN_READ = "return self.scores(pictures).data.argmax(axis=1)"


def _dense(seen: str = "x[rows]", rounds: int = 10, before: str = "", doc: str = "") -> str:
    begin = before + _DENSE.format(width="18 * 18", kinds=10, rounds=rounds, seen=seen)
    return _reader(begin, doc + _PLAIN_READ) + "\n" + indent(_SCORES, "    ")


def _learnt(filters: int = 32, size: int = 9, rounds: int = 8, padding: int = 4) -> str:
    begin = f"""\
rng = np.random.default_rng(0)
filters = Value(rng.normal(size=({filters}, {size}, {size})) / 30)
bias, end = Value(np.zeros({filters})), Value(np.zeros(10))
weights = Value(rng.normal(size=({filters}, 10)) / np.sqrt({filters}))
self.parts = filters, bias, weights, end
adam = Adam(self.parts)
for _ in range({rounds}):
    order = rng.permutation(len(x))
    for at in range(0, len(x), 50):
        rows = order[at : at + 50]
        self.scores(x[rows]).surprise(y[rows]).backward()
        adam.step()
self.filters = filters.data
"""
    scores = _function(
        "scores(self, pictures)",
        f"""\
filters, bias, weights, end = self.parts
return (peaks(pictures, filters, padding={padding}) + bias).relu() @ weights + end
""",
    )
    read = """\
parts = [pictures[at : at + 100] for at in range(0, len(pictures), 100)]
return np.concatenate([self.scores(part).data.argmax(axis=1) for part in parts])
"""
    return _reader(begin, read) + "\n" + indent(scores, "    ")


def _head(filters: str, features: str, rounds: int = 40) -> str:
    begin = f"""\
rng = np.random.default_rng(0)
{filters}
seen = self.features(x)
self.mean, self.spread = seen.mean(axis=0), seen.std(axis=0) + 0.01
weights, end = Value(np.zeros((seen.shape[1], 10))), Value(np.zeros(10))
self.parts = weights, end
adam = Adam(self.parts, pace=0.01)
seen = (seen - self.mean) / self.spread
for _ in range({rounds}):
    order = rng.permutation(len(x))
    for at in range(0, len(x), 100):
        rows = order[at : at + 100]
        (Value(seen[rows]) @ weights + end).surprise(y[rows]).backward()
        adam.step()
"""
    made = _function("features(self, pictures)", features)
    read = """\
weights, end = self.parts
seen = (self.features(pictures) - self.mean) / self.spread
return (seen @ weights.data + end.data).argmax(axis=1)
"""
    return _reader(dedent(begin), read) + "\n" + indent(made, "    ")


_CUT = """\
self.filters = []
while len(self.filters) < 128:
    top, left = rng.integers(0, 10, size=2)
    piece = x[rng.integers(len(x)), top : top + 9, left : left + 9]
    if piece.std() > 0.2:
        piece = piece - piece.mean()
        self.filters.append(piece / np.linalg.norm(piece))
self.filters = np.array(self.filters)"""
_BEST = """\
parts = [pictures[at : at + 50] for at in range(0, len(pictures), 50)]
return np.concatenate([peaks(part, Value(self.filters), padding=4).data for part in parts])
"""
_USUAL = """\
maps = np.maximum(conv2d(pictures[:, np.newaxis], self.filters[:, np.newaxis]), 0)
return max_pool(maps, 2, 2).reshape(len(pictures), -1)
"""
_FEW = "self.filters = rng.normal(size=(12, 5, 5)) / 5"

SHIFTED = programs(
    starter=_dense(doc='"""The digit in each picture of (n, 18, 18)."""\n'),
    solution=_learnt(),
    also={
        "cut-out-of-digits": _head(_CUT, _BEST),
        "shown-moved-ones": _dense(
            before="""\
ways = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
x, y = np.concatenate([np.roll(x, way, axis=(1, 2)) for way in ways]), np.tile(y, 25)
""",
            rounds=3,
        ),
        "moved-back-first": _reader(
            "x = self.middled(x)\n"
            + _DENSE.format(width="18 * 18", kinds=10, rounds=10, seen="x[rows]"),
            "return self.scores(self.middled(pictures)).data.argmax(axis=1)",
        )
        + "\n"
        + indent(_SCORES, "    ")
        + "\n"
        + indent(
            _function(
                "middled(self, pictures)",
                """\
made = np.zeros_like(pictures)
for number, picture in enumerate(pictures):
    ink = picture.sum()
    down = round(8.5 - float(picture.sum(axis=1) @ np.arange(18) / ink))
    right = round(8.5 - float(picture.sum(axis=0) @ np.arange(18) / ink))
    made[number] = np.roll(picture, (down, right), axis=(0, 1))
return made
""",
            ),
            "    ",
        ),
    },
    wrong={
        "pooled-by-two": _head(_FEW, _USUAL, rounds=15),
        "shown-to-the-right-only": _dense(
            seen="np.roll(x[rows], rng.integers(0, 3), axis=2)", rounds=20
        ),
        "no-room-at-the-edge": _learnt(size=13, padding=0),
        "the-mean-of-all-places": _head(
            _FEW,
            "maps = conv2d(pictures[:, np.newaxis], self.filters[:, np.newaxis], padding=4)\n"
            "return np.maximum(maps, 0).mean(axis=(2, 3))",
        ),
    },
    mistakes={
        "pooled-by-two": "moved by 2",
        "shown-to-the-right-only": "moved by 2",
        "no-room-at-the-edge": "moved by 2",
        "the-mean-of-all-places": "in the middle",
    },
)


def _finder(begin: str, find: str, more: str = "") -> str:
    made = _class("Finder", begin, "find(self, picture)", find)
    made = made.replace(
        "import numpy as np\n",
        "import numpy as np\nfrom numpy.lib.stride_tricks import sliding_window_view\n",
        1,
    )
    return made + ("\n" + indent(more, "    ") if more else "")


_WINDOWS = "windows = sliding_window_view(picture, (14, 14)).reshape(-1, 14, 14)\n"
_SUREST = f"""\
{_WINDOWS}scores = self.scores(windows).data
chances = np.exp(scores - scores.max(axis=1, keepdims=True))
chances /= chances.sum(axis=1, keepdims=True)
best = chances[:, :10].max(axis=1).argmax()
return chances[best, :10].argmax(), best // 23, best % 23
"""
_TEN = _DENSE.format(width="14 * 14", kinds=10, rounds=10, seen="x[rows]")
_NOTHING = """\
rng = np.random.default_rng(1)
nothing = []
for _ in range(2000):
    wide = np.zeros((42, 42))
    wide[14:28, 14:28] = x[rng.integers(len(x))]
    down, right = 14, 14
    while max(abs(down - 14), abs(right - 14)) < 3:
        down, right = rng.integers(1, 28, size=2)
    nothing.append(wide[down : down + 14, right : right + 14])
"""
_SCRAPS = """\
for _ in range(2000):
    wide = np.zeros((14, 14))
    for _ in range(rng.integers(1, 4)):
        (a, b), (r, c) = rng.integers(2, 6, size=2), rng.integers(0, 8, size=2)
        wide[r : r + 7, c : c + 7] = x[rng.integers(len(x)), a : a + 7, b : b + 7]
    nothing.append(wide)
"""
_JOINED = """\
x = np.concatenate([x, nothing])
y = np.concatenate([y, np.full(len(nothing), 10)])
"""
_ELEVEN = _DENSE.format(width="14 * 14", kinds=11, rounds=10, seen="x[rows]")
_LEAD = f"""\
{_WINDOWS}scores = self.scores(windows).data
best = (scores[:, :10].max(axis=1) - scores[:, 10]).argmax()
return scores[best, :10].argmax(), best // 23, best % 23
"""

FIND = programs(
    starter=_finder(
        _TEN,
        '"""(digit, row, column): where its 14 by 14 points begin in (36, 36)."""\n' + _SUREST,
        _SCORES,
    ),
    solution=_finder(_NOTHING + _SCRAPS + _JOINED + _ELEVEN, _LEAD, _SCORES),
    also={
        "slid-as-a-convolution": _finder(
            _NOTHING + _SCRAPS + _JOINED + _ELEVEN,
            """\
one = self.one.data.T.reshape(64, 1, 14, 14)
two = self.two.data.T.reshape(11, 64, 1, 1)
hidden = conv2d(picture[np.newaxis, np.newaxis], one) + self.lean.data[:, np.newaxis, np.newaxis]
maps = conv2d(np.maximum(hidden, 0), two)[0] + self.end.data[:, np.newaxis, np.newaxis]
lead = maps[:10].max(axis=0) - maps[10]
row, column = np.unravel_index(lead.argmax(), lead.shape)
return maps[:10, row, column].argmax(), row, column
""",
            _SCORES,
        ),
        "two-nets": _finder(
            f"""\
{_NOTHING}{_SCRAPS}whole = np.concatenate([x, nothing])
self.is_one = self.trained(whole, np.repeat([1, 0], [len(x), len(nothing)]), 2)
self.which = self.trained(x, y, 10)
""",
            f"""\
{_WINDOWS}windows = windows.reshape(-1, 196)
two = self.scores(windows, *self.is_one)
best = (two[:, 1] - two[:, 0]).argmax()
digit = self.scores(windows[best : best + 1], *self.which).argmax()
return digit, best // 23, best % 23
""",
            _function(
                "trained(self, x, y, kinds)",
                """\
rng = np.random.default_rng(2)
parts = Value(rng.normal(size=(196, 48)) / 10), Value(np.zeros(48))
parts += Value(rng.normal(size=(48, kinds)) / 5), Value(np.zeros(kinds))
adam = Adam(parts)
for turn in range(1000):
    rows = rng.integers(len(x), size=50)
    hidden = (Value(x[rows].reshape(50, 196)) @ parts[0] + parts[1]).relu()
    (hidden @ parts[2] + parts[3]).surprise(y[rows]).backward()
    adam.step()
return [part.data for part in parts]
""",
            )
            + "\n"
            + _function(
                "scores(self, rows, one, lean, two, end)",
                "return np.maximum(rows @ one + lean, 0) @ two + end",
            ),
        ),
        "nearest-for-its-ink": _finder(
            "self.x, self.y = x.reshape(len(x), -1), y\nself.squares = (self.x ** 2).sum(axis=1)",
            """\
windows = sliding_window_view(picture, (14, 14)).reshape(-1, 196)
ink = (windows ** 2).sum(axis=1)
near = ink[:, np.newaxis] - 2 * windows @ self.x.T + self.squares
share = near.min(axis=1) / (ink + 1)
share[ink < 8] = np.inf
best = share.argmin()
return self.y[near[best].argmin()], best // 23, best % 23
""",
        ),
    },
    wrong={
        "most-ink": _finder(
            _TEN,
            f"""\
{_WINDOWS}best = windows.sum(axis=(1, 2)).argmax()
return self.scores(windows[best : best + 1]).data.argmax(), best // 23, best % 23
""",
            _SCORES,
        ),
        "nothing-is-black": _finder(
            "nothing = np.zeros((500, 14, 14))\n" + _JOINED + _ELEVEN, _LEAD, _SCORES
        ),
        "nothing-is-noise": _finder(
            "nothing = np.random.default_rng(1).uniform(size=(2000, 14, 14))\n" + _JOINED + _ELEVEN,
            _LEAD,
            _SCORES,
        ),
    },
    mistakes={
        "most-ink": "of the places are found",
        "nothing-is-black": "of the places are found",
        "nothing-is-noise": "of the places are found",
    },
)
