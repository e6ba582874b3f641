"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _functions(*parts: tuple[str, str]) -> str:
    made = [f"def {name}:\n{indent(dedent(body).strip(), '    ')}\n" for name, body in parts]
    return "\n\n".join(("import numpy as np\n", *made))


_SINUSOID = """\
angles = positions[:, None] * base ** (-np.arange(0, width, 2) / width)
return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
"""
_SHIFT = """\
angles = by * base ** (-np.arange(0, width, 2) / width)
c, s = np.diag(np.cos(angles)), np.diag(np.sin(angles))
return np.block([[c, -s], [s, c]])
"""


def _tables(table: str = _SINUSOID, move: str = _SHIFT) -> str:
    return _functions(("sinusoid(positions, width, base)", table), ("shift(by, width, base)", move))


SINUSOID = programs(
    starter=_tables(
        '''\
"""A row for each position: (positions, width)."""
angles = positions[:, None] * base ** (-np.arange(width // 2) / width)
return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
''',
        '"""The matrix that takes each row `by` places on: (width, width)."""\n'
        "return np.eye(width)",
    ),
    solution=_tables(),
    also={
        "in-turns": _tables(
            """\
table = np.zeros((len(positions), width))
for i in range(width // 2):
    angle = positions / base ** (2 * i / width)
    table[:, 2 * i], table[:, 2 * i + 1] = np.sin(angle), np.cos(angle)
return table
""",
            """\
made = np.zeros((width, width))
for i in range(0, width, 2):
    c, s = np.cos(by / base ** (i / width)), np.sin(by / base ** (i / width))
    made[i : i + 2, i : i + 2] = [[c, -s], [s, c]]
return made
""",
        ),
        "complex": _tables(
            """\
turn = np.exp(1j * np.outer(positions, base ** (-np.arange(0, width, 2) / width)))
return np.hstack([turn.real, turn.imag])
""",
            """\
turn = np.exp(1j * by * base ** (-np.arange(0, width, 2) / width))
c, s = np.diag(turn.real), np.diag(turn.imag)
return np.vstack([np.hstack([c, s]), np.hstack([-s, c])])
""",
        ),
        "by-least-squares": _tables(
            move="""\
some = np.arange(8 * width) * 3.7
here, there = sinusoid(some, width, base), sinusoid(some + by, width, base)
return np.linalg.lstsq(here, there, rcond=1e-12)[0]
"""
        ),
    },
    wrong={
        "half-the-way": _tables(
            _SINUSOID.replace("np.arange(0, width, 2)", "np.arange(width // 2)")
        ),
        "by-length": _tables("positions = positions / positions.max()\n" + _SINUSOID),
        "the-way-back": _tables(move=_SHIFT.replace("[[c, -s], [s, c]]", "[[c, s], [-s, c]]")),
        "one-row-fits": _tables(
            move="""\
here, there = (sinusoid(np.array([p]), width, base)[0] for p in (0, by))
return np.outer(here, there) / (here @ here)
"""
        ),
    },
    mistakes={
        "half-the-way": "alike",
        "by-length": "alike",
        "the-way-back": "moved by",
        "one-row-fits": "moved by",
    },
)

_ROTATE = """\
angles = positions[:, None] * base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
c, s = np.cos(angles), np.sin(angles)
out = np.empty_like(x, dtype=float)
half = x.shape[-1] // 2
if pairs == "neighbours":
    one, two = slice(0, None, 2), slice(1, None, 2)
else:
    one, two = slice(0, half), slice(half, None)
out[..., one] = x[..., one] * c - x[..., two] * s
out[..., two] = x[..., one] * s + x[..., two] * c
return out
"""
_REORDER = """\
rows = weight.reshape(heads, -1, 2, weight.shape[1])
return rows.transpose(0, 2, 1, 3).reshape(weight.shape)
"""
_SETTING = """\
family = header["general.architecture"]
base = header.get(f"{family}.rope.freq_base", 10_000.0)
return base, "neighbours" if family == "llama" else "halves"
"""


def _turns(rotate: str = _ROTATE, reorder: str = _REORDER, setting: str = _SETTING) -> str:
    return _functions(
        ("rotate(x, positions, base, pairs)", rotate),
        ("reorder(weight, heads)", reorder),
        ("setting(header)", setting),
    )


ROTATE = programs(
    starter=_turns(
        '''\
"""Pairs turned by position: x is (..., tokens, width), positions (tokens,)."""
angles = np.arange(x.shape[-2])[:, None] * base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
c, s = np.cos(angles), np.sin(angles)
out = np.empty_like(x, dtype=float)
out[..., 0::2] = x[..., 0::2] * c - x[..., 1::2] * s
out[..., 1::2] = x[..., 0::2] * s + x[..., 1::2] * c
return out
''',
        '"""The rows of a weight, (heads * width, in), from neighbours to halves."""\n'
        "return weight",
        '"""The base and the pairs that go with a file\'s header."""\n'
        'return 10_000.0, "neighbours"',
    ),
    solution=_turns(),
    also={
        "complex": _turns(
            """\
width = x.shape[-1]
turn = np.exp(1j * np.outer(positions, base ** (-np.arange(0, width, 2) / width)))
if pairs == "halves":
    z = (x[..., : width // 2] + 1j * x[..., width // 2 :]) * turn
    return np.concatenate([z.real, z.imag], axis=-1)
z = (x[..., ::2] + 1j * x[..., 1::2]) * turn
return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)
""",
            """\
width = len(weight) // heads
order = [h * width + i for h in range(heads) for k in (0, 1) for i in range(k, width, 2)]
return weight[order]
""",
            """\
found = [value for name, value in header.items() if name.endswith("rope.freq_base")]
llama = header["general.architecture"] == "llama"
return (found or [10000.0])[0], "neighbours" if llama else "halves"
""",
        ),
        "half-turned": _turns(
            """\
width = x.shape[-1]
angles = np.outer(positions, base ** (-np.arange(0, width, 2) / width))
if pairs == "halves":
    angles = np.concatenate([angles, angles], axis=-1)
    other = np.concatenate([-x[..., width // 2 :], x[..., : width // 2]], axis=-1)
else:
    angles = np.repeat(angles, 2, axis=-1)
    other = np.stack([-x[..., 1::2], x[..., ::2]], axis=-1).reshape(x.shape)
return x * np.cos(angles) + other * np.sin(angles)
""",
            """\
parts = np.split(weight, heads)
return np.concatenate([p for part in parts for p in (part[::2], part[1::2])])
""",
        ),
        "by-matrices": _turns(
            """\
width = x.shape[-1]
out = np.zeros(x.shape)
for t, p in enumerate(positions):
    turn = np.zeros((width, width))
    for i in range(width // 2):
        a, b = (2 * i, 2 * i + 1) if pairs == "neighbours" else (i, i + width // 2)
        angle = p * base ** (-2 * i / width)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
    out[..., t, :] = x[..., t, :] @ turn.T
return out
"""
        ),
    },
    wrong={
        "always-from-0": _turns(
            _ROTATE.replace("positions[:, None]", "np.arange(x.shape[-2])[:, None]")
        ),
        "one-kind-of-pairs": _turns(_ROTATE.replace('pairs == "neighbours"', "True")),
        "the-way-back": _turns("positions = -positions\n" + _ROTATE),
        "stretched": _turns(
            _ROTATE.replace("* s + x[..., two] * c", "* s + x[..., two] / np.where(c, c, 1)")
        ),
        "all-heads-as-one": _turns(
            reorder="rows = weight.reshape(1, -1, 2, weight.shape[1])\n"
            "return rows.transpose(0, 2, 1, 3).reshape(weight.shape)\n"
        ),
        "as-in-the-paper": _turns(setting='return 10_000.0, "neighbours"\n'),
    },
    mistakes={
        "always-from-0": "at position 0",
        "one-kind-of-pairs": "another turn",
        "the-way-back": "another turn",
        "stretched": "lengths change",
        "all-heads-as-one": "scores are off",
        "as-in-the-paper": "header",
    },
)


def _train(body: str) -> str:
    text = indent(dedent(body).strip(), "    ")
    return f"from nets import Net, fit, share_right\n\n\ndef train(rng):\n{text}\n"


LENGTHS = programs(
    starter=_train(
        '''\
"""A net that names the symbol before each, in lines of 32, 64 and 128."""
net = Net("learnt", rng)
print("loss", round(fit(net, rng), 3))
for length in (32, 64, 128):
    print(length, round(share_right(net, length, seed=1), 2))
return net
'''
    ),
    solution=_train('net = Net("rotary", rng)\nfit(net, rng)\nreturn net'),
    also={
        "a-bias": _train('net = Net("bias", rng)\nfit(net, rng, lr=0.03)\nreturn net'),
        "a-small-base": _train(
            'net = Net("rotary", rng, base=10)\nfit(net, rng, lr=0.005)\nreturn net'
        ),
        "picked-by-trying": _train(
            """\
tried = []
for kind in ("learnt", "rotary"):
    net = Net(kind, rng, base=300)
    fit(net, rng, rounds=250)
    tried.append((share_right(net, 128, seed=5), kind, net))
return max(tried)[2]
"""
        ),
    },
    wrong={
        "none": _train('net = Net("none", rng)\nfit(net, rng)\nreturn net'),
        "a-sinusoid": _train('net = Net("sinusoid", rng)\nfit(net, rng)\nreturn net'),
        "learnt-anywhere": _train('net = Net("learnt", rng)\nfit(net, rng, start=96)\nreturn net'),
        "too-soon": _train('net = Net("rotary", rng)\nfit(net, rng, rounds=20)\nreturn net'),
    },
    mistakes={
        "none": "fails at 32:",
        "a-sinusoid": "fails at 64:",
        "learnt-anywhere": "fails at",
        "too-soon": "fails at 32:",
    },
)


def _room(body: str) -> str:
    return f"def room(count, told, size):\n{indent(dedent(body).strip(), '    ')}\n"


ROOM = programs(
    starter=_room(
        '''\
"""What is kept of `count` tokens, `size` at most: a list of (first, end, by)."""
return [(count - size, count, size - count)]
'''
    ),
    solution=_room(
        """\
late = count - size + told
return [(0, told, 0), (late, count, told - late)]
"""
    ),
    also={
        "half-and-half": _room(
            """\
begin = max(told, size // 2)
rest = size - begin
return [(0, begin, 0), (count - rest, count, begin - (count - rest))]
"""
        ),
        "a-little-to-spare": _room(
            """\
gone = count - size + 4
return [(0, told, 0), (told + gone, count, -gone)]
"""
        ),
        "token-by-token": _room(
            """\
kept = list(range(told)) + list(range(count - size + told, count))
return [(old, old + 1, new - old) for new, old in enumerate(kept)]
"""
        ),
    },
    wrong={
        "the-newest": _room("return [(count - size, count, size - count)]"),
        "the-oldest": _room("return [(0, size, 0)]"),
        "with-a-hole": _room("late = count - size + told\nreturn [(0, told, 0), (late, count, 0)]"),
        "one-too-many": _room(
            "late = count - size + told - 1\nreturn [(0, told, 0), (late, count, told - late)]"
        ),
    },
    mistakes={
        "the-newest": "first",
        "the-oldest": "last",
        "with-a-hole": "free is place",
        "one-too-many": "there is room for",
    },
)
