"""Answers to `parallels`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def _function(head: str, body: str) -> str:
    return f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


_FIND = """\
heard = [dict(heard_at(voice)) for voice in voices]
found = []
for one in range(4):
    for other in range(one + 1, 4):
        for at in sorted(set(heard[one]) & set(heard[other])):
            a, b = heard[one][at]
            c, d = heard[other][at]
            if None in (a, b, c, d):
                continue
            before, after = abs(a - c) % 12, abs(b - d) % 12
            same_way = (b - a) * (d - c) > 0
            if same_way and before == after and before in (0, 7):
                found.append((at, one, other, 5 if before == 7 else 8))
return found
"""
_HEARD_AT = '''\
def heard_at(voice):
    """(sixteenth, (pitch before, pitch now)) where a note or a rest begins."""
    at, before = 0, None
    for pitch, length in voice:
        yield at, (before, pitch)
        at, before = at + length, pitch


'''


def _finder(body: str = _FIND, before: str = _HEARD_AT) -> str:
    return before + _function("parallels(voices)", body)


def _but(old: str, new: str, text: str = _FIND) -> str:
    if text.count(old) != 1:
        raise ValueError(f"{old!r} stands {text.count(old)} times")
    return _finder(text.replace(old, new))


_LAID_OUT = """\
rows = []
for voice in voices:
    row = []
    for pitch, length in voice:
        row += [(pitch, True)] + [(pitch, False)] * (length - 1)
    rows.append(row)
columns = list(zip(*rows))
found = []
for at, (before, now) in enumerate(zip(columns, columns[1:]), start=1):
    for one, other in combinations(range(4), 2):
        (a, _), (b, new) = before[one], now[one]
        (c, _), (d, also_new) = before[other], now[other]
        if not (new and also_new) or None in (a, b, c, d):
            continue
        if a == b or c == d or (b > a) != (d > c):
            continue
        for kind, size in ((5, 7), (8, 0)):
            if abs(a - c) % 12 == size == abs(b - d) % 12:
                found.append((at, one, other, kind))
return found
"""
_BEATS = (
    _LAID_OUT.replace("zip(*rows))", "zip(*rows))[::4]")
    .replace("found.append((at,", "found.append((4 * at,")
    .replace("if not (new and also_new) or None", "if None")
)

PARALLELS = programs(
    starter=_finder(
        '''\
        """(sixteenth, voice, voice, 5 or 8) of each parallel; voices are 0 to 3, the highest 0."""
        heard = [dict(heard_at(voice)) for voice in voices]
        found = []
        for one in range(3):
            other = one + 1
            for at in sorted(set(heard[one]) & set(heard[other])):
                (a, b), (c, d) = heard[one][at], heard[other][at]
                if None in (a, b, c, d):
                    continue
                if a - c == b - d == 7:
                    found.append((at, one, other, 5))
                if a - c == b - d == 12:
                    found.append((at, one, other, 8))
        return found
        '''
    ),
    solution=_finder(),
    also={
        "laid-out": _finder(_LAID_OUT, "from itertools import combinations\n\n\n"),
        "all-that-move": _finder(
            """\
            moves = {}
            for number, voice in enumerate(voices):
                at = 0
                for (a, length), (b, _) in zip(voice, voice[1:]):
                    at += length
                    if a and b and a != b:
                        moves.setdefault(at, []).append((number, a, b))
            found = []
            for at in moves:
                for i, (one, a, b) in enumerate(moves[at]):
                    for other, c, d in moves[at][i + 1 :]:
                        if (a < b) == (c < d) and {(a - c) % 12, (b - d) % 12} <= {0, 5, 7}:
                            low, high = sorted((a, c)), sorted((b, d))
                            sizes = {(low[1] - low[0]) % 12, (high[1] - high[0]) % 12}
                            if sizes == {7}:
                                found.append((at, one, other, 5))
                            elif sizes == {0}:
                                found.append((at, one, other, 8))
            return found
            """,
            "",
        ),
        "a-class-of-pairs": """\
class Pair:
    KINDS = {7: 5, 0: 8}

    def __init__(self, upper, lower):
        self.upper, self.lower = self.starts(upper), self.starts(lower)

    @staticmethod
    def starts(voice):
        made, at = {}, 0
        for n, (pitch, length) in enumerate(voice):
            made[at] = (voice[n - 1][0] if n else None, pitch)
            at += length
        return made

    def __iter__(self):
        for at in self.upper:
            if at not in self.lower:
                continue
            pairs = list(zip(self.upper[at], self.lower[at]))
            if any(None in pair for pair in pairs):
                continue
            kinds = {abs(u - l) % 12 for u, l in pairs}
            up = pairs[1][0] - pairs[0][0]
            low = pairs[1][1] - pairs[0][1]
            if len(kinds) == 1 and kinds <= set(self.KINDS) and up * low > 0:
                yield at, self.KINDS[kinds.pop()]


def parallels(voices):
    return [
        (at, i, j, kind)
        for i in range(4)
        for j in range(i + 1, 4)
        for at, kind in Pair(voices[i], voices[j])
    ]
""",
    },
    wrong={
        "no-octaves-between": _but(
            "abs(a - c) % 12, abs(b - d) % 12",
            "abs(a - c), abs(b - d)",
            _FIND.replace("in (0, 7)", "in (0, 7, 12)"),
        ),
        "whichever-way": _but("same_way and before", "a != b and c != d and before"),
        "counts-upwards-only": _but(
            "abs(a - c) % 12, abs(b - d) % 12", "(a - c) % 12, (b - d) % 12"
        ),
        "struck-again-counts": _but(
            "(b - a) * (d - c) > 0", "(b - a) * (d - c) >= 0 and (a == b) == (c == d)"
        ),
        "on-beats-only": _finder(_BEATS, "from itertools import combinations\n\n\n"),
        "neighbours-only": _but("range(one + 1, 4)", "range(one + 1, min(one + 2, 4))"),
    },
    mistakes={
        "no-octaves-between": "a twelfth, then a twelfth",
        "whichever-way": "contrary motion",
        "counts-upwards-only": "crossed",
        "struck-again-counts": "struck again",
        "on-beats-only": "fifths between the beats",
        "neighbours-only": "found",
    },
)
