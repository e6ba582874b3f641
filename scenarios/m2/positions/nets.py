"""Small transformers of attention alone, in NumPy, with positions of several kinds.

This file is `nets.py` in the learner's sandbox, and what the judge reads trained nets with.

    net = Net("learnt", rng)
    fit(net, rng)
    share_right(net, 64, seed=1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np  # noqa: TID253 - imported when something is run, never with the lab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SYMBOLS = 8
"""How many symbols there are; every line begins with one more, the mark."""
KINDS = ("none", "sinusoid", "learnt", "rotary", "bias")
TABLE = 512
"""How many places a net with learnt positions has."""
LONGEST = 32
"""How long the lines are that there are to learn from."""
REACH = 16
"""How far a bias tells distances apart; all that are farther share one."""


def draw(rng: np.random.Generator, rows: int, length: int) -> tuple[Array, Array]:
    """Lines of symbols, and for each place the symbol before it, (rows, length) both.

    A line begins with the mark. What is before the first symbol is not asked: -1.
    """
    lines = rng.integers(SYMBOLS, size=(rows, length))
    lines[:, 0] = SYMBOLS
    before = np.roll(lines, 1, axis=1)
    before[:, :2] = -1
    return lines, before


class Net:
    """Attention, layer on layer, each added to what came in.

    Args:
        kind: how it knows places: one of `KINDS`.
        rng: draws the first weights.
        causal: every place looks at itself and those before it only.
        base: of the sinusoid's and the rotary's angles.
        w: weights to begin with, by name, instead of drawn ones.
    """

    def __init__(
        self,
        kind: str,
        rng: np.random.Generator | None = None,
        *,
        layers: int = 1,
        heads: int = 1,
        width: int = 32,
        causal: bool = False,
        base: float = 10_000.0,
        w: dict[str, Array] | None = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"no kind of positions: {kind!r}; there are {', '.join(KINDS)}")
        self.kind, self.layers, self.heads, self.width = kind, layers, heads, width
        self.causal, self.base = causal, float(base)
        if w is None:
            w = self._drawn(np.random.default_rng(0) if rng is None else rng)
        self.w = w

    def _drawn(self, rng: np.random.Generator) -> dict[str, Array]:
        width = self.width
        w = {
            "symbols": rng.normal(size=(SYMBOLS + 1, width)) / 2,
            "out": rng.normal(size=(width, SYMBOLS)) / width**0.5,
            "lean": np.zeros(SYMBOLS),
        }
        if self.kind == "learnt":
            w["places"] = rng.normal(size=(TABLE, width)) / 2
        for n in range(self.layers):
            for name in "qkvo":
                w[f"{name}{n}"] = rng.normal(size=(width, width)) / width**0.5
                if name != "o":
                    w[f"{name}{n}+"] = np.zeros(width)
            if self.kind == "bias":
                w[f"bias{n}"] = np.zeros((self.heads, 2 * REACH + 1))
        return w

    def scores(self, lines: Array, first: int = 0) -> Array:
        """What it holds likely to stand before each place: (rows, length, symbols).

        Args:
            first: the place at which a line begins.
        """
        return self._forward(lines, first)[0]

    def slopes(self, lines: Array, before: Array, first: int = 0) -> tuple[float, dict[str, Array]]:
        """The mean loss over the places that are asked, and its slope by every weight."""
        scores, kept = self._forward(lines, first)
        asked = before >= 0
        top = scores - scores.max(axis=-1, keepdims=True)
        chances = np.exp(top)
        chances /= chances.sum(axis=-1, keepdims=True)
        rows, places = np.nonzero(asked)
        loss = -np.log(chances[rows, places, before[asked]] + 1e-30).mean()
        by = chances
        by[rows, places, before[asked]] -= 1
        by *= asked[..., None] / asked.sum()
        return float(loss), self._backward(lines, first, kept, by)

    def _angles(self, width: int, places: Array) -> Array:
        return places[:, None] * self.base ** (-np.arange(0, width, 2) / width)

    def _turned(self, x: Array, places: Array, way: int = 1) -> Array:
        """Pairs of neighbours turned by their place: (rows, heads, length, width of a head)."""
        angles = self._angles(x.shape[-1], places)
        turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(way * 1j * angles)
        return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)

    def _distances(self, length: int) -> Array:
        steps = np.arange(length)[:, None] - np.arange(length)
        return np.clip(steps, -REACH, REACH) + REACH

    def _split(self, x: Array) -> Array:
        return x.reshape(*x.shape[:2], self.heads, -1).swapaxes(1, 2)

    def _joined(self, x: Array) -> Array:
        x = x.swapaxes(1, 2)
        return x.reshape(*x.shape[:2], -1)

    def _forward(self, lines: Array, first: int) -> tuple[Array, list[Any]]:
        w, length = self.w, int(lines.shape[1])
        places = np.arange(length) + first
        x = w["symbols"][lines]
        if self.kind == "sinusoid":
            angles = self._angles(self.width, places)
            x = x + np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, -1)
        elif self.kind == "learnt":
            if places[-1] >= TABLE:
                raise ValueError(f"it has {TABLE} places, and is asked about place {places[-1]}")
            x = x + w["places"][places]
        kept: list[Any] = []
        for n in range(self.layers):
            q, k, v = (self._split(x @ w[f"{name}{n}"] + w[f"{name}{n}+"]) for name in "qkv")
            if self.kind == "rotary":
                q, k = self._turned(q, places), self._turned(k, places)
            looks = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5
            if self.kind == "bias":
                looks = looks + w[f"bias{n}"][:, self._distances(length)]
            if self.causal:
                looks = np.where(np.tri(length, dtype=bool), looks, -1e9)
            looks = np.exp(looks - looks.max(axis=-1, keepdims=True))
            looks /= looks.sum(axis=-1, keepdims=True)
            seen = self._joined(looks @ v)
            kept.append((x, q, k, v, looks, seen))
            x = x + seen @ w[f"o{n}"]
        kept.append(x)
        return x @ w["out"] + w["lean"], kept

    def _backward(self, lines: Array, first: int, kept: list[Any], by: Array) -> dict[str, Array]:
        w, length = self.w, int(lines.shape[1])
        places = np.arange(length) + first
        slopes = {"out": _product(kept[-1], by), "lean": by.sum(axis=(0, 1))}
        by = by @ w["out"].T
        for n in reversed(range(self.layers)):
            x, q, k, v, looks, seen = kept[n]
            slopes[f"o{n}"] = _product(seen, by)
            by_seen = self._split(by @ w[f"o{n}"].T)
            by_v = looks.swapaxes(-1, -2) @ by_seen
            by_looks = by_seen @ v.swapaxes(-1, -2)
            by_looks = looks * (by_looks - (by_looks * looks).sum(axis=-1, keepdims=True))
            if self.kind == "bias":
                table = np.zeros_like(w[f"bias{n}"])
                at, both = self._distances(length).ravel(), by_looks.sum(axis=0)
                for head in range(self.heads):
                    table[head] = np.bincount(at, both[head].ravel(), table.shape[1])
                slopes[f"bias{n}"] = table
            by_looks = by_looks / q.shape[-1] ** 0.5
            by_q, by_k = by_looks @ k, by_looks.swapaxes(-1, -2) @ q
            if self.kind == "rotary":
                by_q, by_k = self._turned(by_q, places, -1), self._turned(by_k, places, -1)
            for name, heads in (("q", by_q), ("k", by_k), ("v", by_v)):
                part = self._joined(heads)
                slopes[f"{name}{n}"] = _product(x, part)
                slopes[f"{name}{n}+"] = part.sum(axis=(0, 1))
                by = by + part @ w[f"{name}{n}"].T
        slopes["symbols"] = np.zeros_like(w["symbols"])
        np.add.at(slopes["symbols"], lines, by)
        if self.kind == "learnt":
            slopes["places"] = np.zeros_like(w["places"])
            slopes["places"][places] = by.sum(axis=0)
        return slopes


def _product(x: Array, by: Array) -> Array:
    return x.reshape(-1, x.shape[-1]).T @ by.reshape(-1, by.shape[-1])


class Adam:
    """Adam (Kingma and Ba, 2014), on all weights of a net; slopes longer than 1 are clipped."""

    def __init__(self, net: Net, lr: float = 0.005) -> None:
        self.net, self.lr, self.n = net, lr, 0
        self.means = {name: np.zeros_like(part) for name, part in net.w.items()}
        self.squares = {name: np.zeros_like(part) for name, part in net.w.items()}

    def step(self, slopes: dict[str, Array]) -> None:
        """Take one step down."""
        self.n += 1
        norm = sum(float((slope * slope).sum()) for slope in slopes.values()) ** 0.5
        for name, whole in slopes.items():
            slope = whole / max(1.0, norm)
            mean, square = self.means[name], self.squares[name]
            mean += 0.1 * (slope - mean)
            square += 0.01 * (slope * slope - square)
            large, sure = 1 - 0.9**self.n, 1 - 0.99**self.n
            self.net.w[name] -= self.lr * (mean / large) / (np.sqrt(square / sure) + 1e-8)


def fit(
    net: Net,
    rng: np.random.Generator,
    *,
    rounds: int = 300,
    lr: float = 0.005,
    length: int = 32,
    start: int = 0,
) -> float:
    """Train a net on fresh lines, 16 a round, in steps that grow and shrink; the last loss.

    Args:
        length: of the lines, 32 at most: there are no longer ones to learn from.
        start: a line begins at a place drawn from 0 to this.
    """
    if not 3 <= length <= LONGEST:
        raise ValueError(f"lines to learn from have 3 to {LONGEST} symbols, not {length}")
    adam, loss = Adam(net, lr), 0.0
    for n in range(rounds):
        adam.lr = lr * min(1, (n + 1) / 20, 2 * (rounds - n) / rounds)
        first = int(rng.integers(start + 1))
        loss, slopes = net.slopes(*draw(rng, 16, length), first)
        adam.step(slopes)
    return loss


def share_right(net: Net, length: int, seed: int, rows: int = 32) -> float:
    """The share of places on fresh lines about which it is right."""
    lines, before = draw(np.random.default_rng(seed), rows, length)
    asked = before >= 0
    return float((net.scores(lines).argmax(axis=-1) == before)[asked].mean())
