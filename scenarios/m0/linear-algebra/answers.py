"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from textwrap import indent

from agentlab.labs.declare import programs


def _code(head: str, body: str) -> str:
    return f"import numpy as np\n\n\ndef {head}:\n{indent(body, '    ')}\n"


def _layer(body: str) -> str:
    return _code("layer(x, scale, weight)", body)


_NORMED = "x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * scale"

LAYER = programs(
    starter=_layer(
        '"""x (…, in), scale (in,), weight (out, in): what the layer makes of x, (…, out)."""\n'
        "x = x / np.sqrt((x * x).mean() + 1e-5) * scale\n"
        "return x @ weight"
    ),
    solution=_layer(f"x = {_NORMED}\nreturn x @ weight.T"),
    also={
        "dot-by-dot": _layer(
            """\
if x.ndim > 1:
    return np.stack([layer(part, scale, weight) for part in x])
size = (sum(float(number) ** 2 for number in x) / len(x) + 1e-5) ** 0.5
ready = np.array([number / size * s for number, s in zip(x, scale)])
return np.array([np.dot(row, ready) for row in weight])"""
        ),
        "einsum": _layer(
            """\
energy = np.einsum("...i,...i->...", x, x) / x.shape[-1]
ready = np.einsum("...i,i,...->...i", x, scale, (energy + 1e-5) ** -0.5)
return np.einsum("...i,oi->...o", ready, weight)"""
        ),
        "columns-added-up": _layer(
            """\
ready = x * scale / np.sqrt(np.mean(np.square(x), axis=-1)[..., np.newaxis] + 1e-5)
made = np.zeros((*x.shape[:-1], len(weight)))
for number in range(x.shape[-1]):
    made += ready[..., number, None] * weight[:, number]
return made"""
        ),
        "scale-in-the-weight": _layer(
            """\
size = np.linalg.norm(x, axis=-1, keepdims=True) / np.sqrt(x.shape[-1])
return np.inner(x, weight * scale) / np.sqrt(size**2 + 1e-5)"""
        ),
    },
    wrong={
        "square-by-luck": _layer(
            f"x = {_NORMED}\n"
            "return x @ weight if weight.shape[0] == weight.shape[1] else x @ weight.T"
        ),
        "one-size-for-all": _layer(
            "x = x / np.sqrt((x * x).mean() + 1e-5) * scale\nreturn x @ weight.T"
        ),
        "length-for-size": _layer(
            "x = x / np.linalg.norm(x, axis=-1, keepdims=True) * scale\nreturn x @ weight.T"
        ),
        "scaled-after": _layer(
            "x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)\n"
            "made = x @ weight.T\n"
            "return made * np.resize(scale, made.shape[-1])"
        ),
        "rows-only": _layer(
            "size = np.sqrt((x * x).mean(axis=1) + 1e-5)\n"
            "return (x / size[:, None] * scale) @ weight.T"
        ),
        "changes-what-it-got": _layer(
            "x /= np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)\nreturn x * scale @ weight.T"
        ),
    },
    mistakes={
        "square-by-luck": "attn_q",
        "one-size-for-all": "a row of vectors",
        "length-for-size": "off by",
        "scaled-after": "off by",
        "rows-only": "one vector",
        "changes-what-it-got": "kept",
    },
)


def _without(body: str) -> str:
    return _code("without(x, direction)", body)


WITHOUT = programs(
    starter=_without(
        '"""x (…, n) with nothing left in it of direction (n,): (…, n)."""\nreturn x - direction'
    ),
    solution=_without(
        "along = x @ direction / (direction @ direction)\nreturn x - along[..., None] * direction"
    ),
    also={
        "by-a-matrix": _without(
            """\
unit = direction / np.linalg.norm(direction)
keep = np.eye(len(unit)) - np.outer(unit, unit)
return x @ keep"""
        ),
        "one-at-a-time": _without(
            """\
if x.ndim > 1:
    return np.array([without(part, direction) for part in x])
unit = direction / np.sqrt(np.dot(direction, direction))
return x - np.dot(x, unit) * unit"""
        ),
        "by-least-squares": _without(
            """\
flat = x.reshape(-1, x.shape[-1]).T
along = np.linalg.lstsq(direction[:, None], flat, rcond=None)[0]
return (flat - direction[:, None] @ along).T.reshape(x.shape)"""
        ),
    },
    wrong={
        "length-forgotten": _without("return x - (x @ direction)[..., None] * direction"),
        "length-once": _without(
            "along = x @ direction / np.linalg.norm(direction)\n"
            "return x - along[..., None] * direction"
        ),
        "the-part-itself": _without(
            "along = x @ direction / (direction @ direction)\nreturn along[..., None] * direction"
        ),
        "the-same-from-all": _without(
            "unit = direction / np.linalg.norm(direction)\nreturn x - (x @ unit).mean() * unit"
        ),
    },
    mistakes={
        "length-forgotten": "times as long",
        "length-once": "times as long",
        "the-part-itself": "gone",
        "the-same-from-all": "a row of vectors",
    },
)


def _turn(body: str) -> str:
    return _code("turn(x, positions)", body)


_ANGLES = "angles = np.outer(positions, 100_000.0 ** (-np.arange(0, 64, 2) / 64))\n"
_PAIRS = """\
made = np.empty_like(x)
made[:, 0::2] = x[:, 0::2] * np.cos(angles) - x[:, 1::2] * np.sin(angles)
made[:, 1::2] = x[:, 0::2] * np.sin(angles) + x[:, 1::2] * np.cos(angles)
return made"""

TURN = programs(
    starter=_turn(
        '"""x (tokens, 64): every pair of neighbours turned by an angle of its own."""\n'
        f"angles = np.outer(positions, np.ones(32))\n{_PAIRS}"
    ),
    solution=_turn(_ANGLES + _PAIRS),
    also={
        "complex-numbers": _turn(
            f"{_ANGLES}turned = (x[:, 0::2] + 1j * x[:, 1::2]) * np.exp(1j * angles)\n"
            "return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)"
        ),
        "matrix-by-matrix": _turn(
            """\
made = np.array(x, dtype=float)
for token, position in enumerate(positions):
    for pair in range(32):
        angle = position / 100_000 ** (pair / 32)
        c, s = np.cos(angle), np.sin(angle)
        two = slice(2 * pair, 2 * pair + 2)
        made[token, two] = np.array([[c, -s], [s, c]]) @ x[token, two]
return made"""
        ),
        "one-great-matrix": _turn(
            """\
rows = []
for vector, position in zip(x, positions):
    great = np.zeros((64, 64))
    for n in range(0, 64, 2):
        angle = position * 100_000 ** (-n / 64)
        great[n, n] = great[n + 1, n + 1] = np.cos(angle)
        great[n + 1, n] = np.sin(angle)
        great[n, n + 1] = -great[n + 1, n]
    rows.append(great @ vector)
return np.vstack(rows)"""
        ),
    },
    wrong={
        "backwards": _turn(f"positions = -positions\n{_ANGLES}{_PAIRS}"),
        "other-pairs": _turn(
            _ANGLES
            + "a, b = x[:, :32], x[:, 32:]\n"
            + "return np.concatenate([a * np.cos(angles) - b * np.sin(angles),\n"
            + "                       a * np.sin(angles) + b * np.cos(angles)], axis=1)"
        ),
        "by-place-in-the-row": _turn(f"positions = np.arange(len(x))\n{_ANGLES}{_PAIRS}"),
        "second-from-the-new-first": _turn(
            f"{_ANGLES}made = x.copy()\n"
            "made[:, 0::2] = made[:, 0::2] * np.cos(angles) - made[:, 1::2] * np.sin(angles)\n"
            "made[:, 1::2] = made[:, 0::2] * np.sin(angles) + made[:, 1::2] * np.cos(angles)\n"
            "return made"
        ),
        "another-base": _turn(_ANGLES.replace("100_000.0", "10_000.0") + _PAIRS),
    },
    mistakes={
        "backwards": "turned",
        "other-pairs": "turned",
        "by-place-in-the-row": "turned",
        "second-from-the-new-first": "length",
        "another-base": "turned",
    },
)


def _halves(body: str) -> str:
    return _code("halves(weight, rank)", body)


_SVD = "u, sizes, v = np.linalg.svd(weight, full_matrices=False)\n"

_HALVES_WRONG = {
    "longest-columns": _halves(
        "best = np.argsort(-np.linalg.norm(weight, axis=0))[:rank]\n"
        "b = weight[:, best]\nreturn b, np.linalg.lstsq(b, weight, rcond=None)[0]"
    ),
    "sizes-forgotten": _halves(f"{_SVD}return u[:, :rank], v[:rank]"),
    "sizes-twice": _halves(
        f"{_SVD}return u[:, :rank] * sizes[:rank], sizes[:rank, None] * v[:rank]"
    ),
    "smallest-first": _halves(f"{_SVD}return u[:, -rank:] * sizes[-rank:], v[-rank:]"),
    "at-random": _halves(
        "a = np.random.default_rng(0).standard_normal((rank, weight.shape[1]))\n"
        "return weight @ np.linalg.pinv(a), a"
    ),
    "all-of-it": _halves("return weight, np.eye(weight.shape[1])"),
}
HALVES = programs(
    starter=_halves(
        '"""B (out, rank) and A (rank, in), whose product is as near to weight as can be."""\n'
        "b = weight[:, :rank]\n"
        "return b, np.linalg.lstsq(b, weight, rcond=None)[0]"
    ),
    solution=_halves(f"{_SVD}return u[:, :rank] * sizes[:rank], v[:rank]"),
    also={
        "sizes-shared": _halves(
            f"{_SVD}root = np.sqrt(sizes[:rank])\n"
            "return u[:, :rank] @ np.diag(root), np.diag(root) @ v[:rank]"
        ),
        "by-eigenvectors": _halves(
            "own, vectors = np.linalg.eigh(weight.T.astype(float) @ weight)\n"
            "a = vectors[:, np.argsort(-own)[:rank]].T\n"
            "return weight @ a.T, a"
        ),
        "again-and-again": _halves(
            """\
b = np.random.default_rng(0).standard_normal((len(weight), rank + 10))
for _ in range(40):
    b, _ = np.linalg.qr(weight @ (weight.T @ b))
u, sizes, v = np.linalg.svd(b.T @ weight, full_matrices=False)
return b @ u[:, :rank], sizes[:rank, None] * v[:rank]"""
        ),
    },
    wrong=_HALVES_WRONG,
    mistakes={
        **dict.fromkeys(_HALVES_WRONG, "the best"),
        "all-of-it": "the shapes are",
    },
)


def _lighten(body: str) -> str:
    return _code("lighten(b, a)", body)


_SMALL = "q, r = np.linalg.qr(b)\np, s = np.linalg.qr(a.T)\nu, sizes, v = np.linalg.svd(r @ s.T)\n"

LIGHTEN = programs(
    starter=_lighten(
        '"""b (out, 16) and a (16, in), lighter: b (out, rank) and a (rank, in)."""\n'
        "rank = 2\n"
        "return b[:, :rank], a[:rank]"
    ),
    solution=_lighten(f"rank = 2\n{_SMALL}return (q @ u[:, :rank]) * sizes[:rank], v[:rank] @ p.T"),
    also={
        "rank-of-one": _lighten(
            f"{_SMALL}return q @ u[:, :1] * sizes[0] ** 0.5, sizes[0] ** 0.5 * v[:1] @ p.T"
        ),
        "by-eigenvectors": _lighten(
            """\
own, vectors = np.linalg.eig((b.T @ b).astype(float) @ (a @ a.T))
best = np.argsort(-own.real)[:2]
left, _ = np.linalg.qr(b @ vectors[:, best].real)
return left, (left.T @ b) @ a"""
        ),
        "again-and-again": _lighten(
            """\
guess = np.random.default_rng(1).standard_normal((a.shape[1], 2))
for _ in range(25):
    left, _ = np.linalg.qr(b @ (a @ guess))
    guess, _ = np.linalg.qr(a.T @ (b.T @ left))
return b @ (a @ guess), guess.T"""
        ),
        "from-one-side": _lighten(
            "q, r = np.linalg.qr(b)\nu, sizes, v = np.linalg.svd(r @ a, full_matrices=False)\n"
            "return q @ u[:, :2], sizes[:2, None] * v[:2]"
        ),
    },
    wrong={
        "nothing-lost": _lighten("return b, a"),
        "longest-columns": _lighten(
            "best = np.argsort(-np.linalg.norm(b, axis=0))[:2]\nreturn b[:, best], a[best]"
        ),
        "each-by-itself": _lighten(
            "u, sizes, _ = np.linalg.svd(b, full_matrices=False)\n"
            "_, weights, v = np.linalg.svd(a, full_matrices=False)\n"
            "return u[:, :2] * sizes[:2], weights[:2, None] * v[:2]"
        ),
        "the-long-way": _lighten(
            "u, sizes, v = np.linalg.svd(b @ a, full_matrices=False)\n"
            "return u[:, :2] * sizes[:2], v[:2]"
        ),
    },
    mistakes={
        "nothing-lost": "light",
        "longest-columns": "calls",
        "each-by-itself": "calls",
        "the-long-way": "quick",
    },
)
