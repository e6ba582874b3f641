"""Answers to `compose`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_HEAD = """\
import numpy as np

from notes import END, MAJOR, MINOR, begun, note_of, read, time_of
from writer import Writer

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {"": 0, "sharp": 1, "#": 1, "flat": -1, "b": -1}
RANGES = ((57, 81), (53, 74), (48, 69), (36, 64))


"""
_KEY = '''\
def key_of(key):
    """(tonic, whether it is minor) of a name such as "B flat major"."""
    name, _, mode = key.strip().replace("-", " ").rpartition(" ")
    step, sign = name[:1].upper(), name[1:].strip().lower()
    if mode.lower() not in ("major", "minor") or step not in STEPS or sign not in SIGNS:
        raise ValueError(f"{key!r} is no key")
    return (STEPS[step] + SIGNS[sign]) % 12, mode.lower() == "minor"


'''
_PIECE = '''\
class Piece:
    def __init__(self):
        self.tokens, self.passed, self.started = [], 0, []
        self.before, self.now = [None] * 4, [None] * 4

    def add(self, token):
        self.tokens.append(token)
        note = note_of(token)
        if note:
            self.now[note[0]] = note[1]
            self.started.append(note[0])
        else:
            self.passed += time_of(token) if self.now != [None] * 4 else 0
            self.before, self.started = list(self.now), []

    def forbidden(self):
        """Numbers that would make parallels with a voice that has begun."""
        for voice, a in enumerate(self.before):
            for other in self.started:
                c, d = self.before[other], self.now[other]
                if voice == other or None in (a, c, d) or abs(a - c) % 12 not in (0, 7):
                    continue
                for b in range(31, 89):
                    if (b - a) * (d - c) > 0 and (abs(b - d) - abs(a - c)) % 12 == 0:
                        yield begun(voice, b)


'''
_SAMPLED = '''\
def sampled(minor, length, n, rng, heat=0.8):
    """Pieces in C major or A minor, so long or longer."""
    writer, pieces = Writer(n), [Piece() for _ in range(n)]
    tokens = [MINOR if minor else MAJOR] * n
    while min(piece.passed for piece in pieces) < length and writer.read < 4 * length:
        scores = writer.after(tokens)
        scores[:, [END, MAJOR, MINOR]] = -np.inf
        for row, piece in zip(scores, pieces):
            row[list(piece.forbidden())] = -np.inf
        chances = np.exp((scores - scores.max(axis=1, keepdims=True)) / heat)
        sums = chances.cumsum(axis=1)
        dice = rng.random(n) * sums[:, -1]
        tokens = (sums < dice[:, None]).sum(axis=1).tolist()
        for piece, token in zip(pieces, tokens):
            piece.add(token)
    return [read(piece.tokens) for piece in pieces if piece.passed >= length]


'''
_FITTED = '''\
def fitted(voices, length, tonic, minor):
    """So long, in that key, where it can be sung best; and how many notes can't be."""
    made = []
    for voice in voices:
        kept, left = [], length
        for pitch, lasts in voice:
            if left > 0:
                kept.append((pitch, min(lasts, left)))
                left -= lasts
        made.append(kept)
    tries = []
    for by in range(-12, 12):
        if (by - tonic + (9 if minor else 0)) % 12 == 0:
            moved = [[(p and p + by, lasts) for p, lasts in voice] for voice in made]
            bad = sum(
                p is not None and not low <= p <= high
                for voice, (low, high) in zip(moved, RANGES)
                for p, _ in voice
            )
            tries.append((bad, abs(by), moved))
    bad, _, moved = min(tries)
    return moved, bad


'''
_COMPOSE = '''\
def compose(key, bars, seed):
    """Four voices, lists of (pitch or None, sixteenths); ValueError if there is no such key."""
    tonic, minor = key_of(key)
    rng = np.random.default_rng(seed)
    best = None
    for voices in sampled(minor, 16 * bars, 20, rng):
        voices, bad = fitted(voices, 16 * bars, tonic, minor)
        last = voices[3][-1][0]
        rank = bad, last is None or last % 12 != tonic
        if best is None or rank < best[0]:
            best = rank, voices
    return best[1]
'''
_WHOLE = _HEAD + _KEY + _PIECE + _SAMPLED + _FITTED + _COMPOSE


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


_DRAW = """\
        sums = chances.cumsum(axis=1)
        dice = rng.random(n) * sums[:, -1]
        tokens = (sums < dice[:, None]).sum(axis=1).tolist()
"""
_NUCLEUS = """\
        tokens = []
        for row in chances / chances.sum(axis=1, keepdims=True):
            order = np.argsort(-row)
            kept = order[: np.searchsorted(row[order].cumsum(), 0.9) + 1]
            tokens.append(int(rng.choice(kept, p=row[kept] / row[kept].sum())))
"""
_NOISE = """\
        noise = rng.gumbel(size=scores.shape)
        tokens = (scores / heat + noise).argmax(axis=1).tolist()
"""
_FEW = """\
        few = np.sort(chances, axis=1)[:, -6:-5]
        chances = np.where(chances >= few, chances, 0)
        tokens = [int(rng.choice(len(row), p=row / row.sum())) for row in chances]
"""
_MASK = """\
        for row, piece in zip(scores, pieces):
            row[list(piece.forbidden())] = -np.inf
"""
COMPOSE = programs(
    starter=_HEAD
    + '''\
def compose(key, bars, seed):
    """Four voices, lists of (pitch or None, sixteenths); ValueError if there is no such key."""
    writer, tokens, passed = Writer(1), [MINOR if "minor" in key else MAJOR], 0
    while passed < 16 * bars:
        scores = writer.after(tokens[-1:])[0]
        scores[[END, MAJOR, MINOR]] = -np.inf
        tokens.append(int(scores.argmax()))
        passed += time_of(tokens[-1])
    return read(tokens)
''',
    solution=_WHOLE,
    also={
        "the-likely-nine-tenths": _but((_DRAW, _NUCLEUS), ("heat=0.8", "heat=0.9")),
        "noise-and-the-highest": _but((_DRAW, _NOISE), ("20, rng)", "24, rng)")),
        "one-of-six": _but((_DRAW, _FEW), ("rank = bad, last", "rank = bad // 3, last")),
    },
    wrong={
        "always-the-likeliest": _but(
            (_DRAW, "        tokens = chances.argmax(axis=1).tolist()\n"),
            ("20, rng)", "1, rng)"),
        ),
        "too-hot": _but(("heat=0.8", "heat=1.8")),
        "no-rule": _but((_MASK, "")),
        "never-moved": _but(("(by - tonic + (9 if minor else 0)) % 12 == 0", "by == 0")),
        "any-name-will-do": _but(
            ('        raise ValueError(f"{key!r} is no key")\n', "        return 0, False\n")
        ),
        "a-bar-is-twelve": _but(
            ("        voices, bad = fitted(voices, 16", "        voices, bad = fitted(voices, 12")
        ),
    },
    mistakes={
        "always-the-likeliest": "own",
        "too-hot": "alive",
        "no-rule": "parallels",
        "never-moved": "in key",
        "any-name-will-do": "is no key",
        "a-bar-is-twelve": "lasts",
    },
)
