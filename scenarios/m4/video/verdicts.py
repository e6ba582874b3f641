"""Starter, reference solution, other right answers, and wrong ones: what is wrong with a clip."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs


def function(head: str, body: str) -> str:
    """One function of a program."""
    return f"def {head}:\n{indent(dedent(body).strip(), '    ')}\n"


_HEAD = "import numpy as np\nfrom eyes import meant, read, settled\n\n\n"
_PLACE = """\
def place(frame):
    ink = np.where(frame > 0.1, frame, 0)
    line, whole = np.arange(20), ink.sum() + 1e-9
    x, y = (ink.sum(axis=0) @ line) / whole, (ink.sum(axis=1) @ line) / whole
    return x, y


"""
_ALIKE = """\
def alike(one, other):
    return np.corrcoef(one, other)[0, 1]


"""
_GONE = """\
if clip.max(axis=(1, 2)).min() < 0.2:
    return "gone"
"""
_OTHER = """\
seen = settled(clip)
if read(seen[:1]).argmax() != digit:
    return "other"
"""
_CHANGES = """\
if min(alike(seen[0], later) for later in seen[1:]) < 0.82:
    return "changes"
"""
_MOVES = """\
places = np.array([place(frame) for frame in clip])
off = np.abs(places - places[0] - meant(motion))
return "moves" if off.max() > 1 else "well"
"""


def _verdict(
    *,
    gone: str = _GONE,
    other: str = _OTHER,
    changes: str = _CHANGES,
    moves: str = _MOVES,
    before: str = _PLACE + _ALIKE,
) -> str:
    body = gone + other + changes + moves
    return _HEAD + before + function("verdict(clip, digit, motion)", body)


VERDICT = programs(
    starter=_HEAD
    + function(
        "verdict(clip, digit, motion)",
        '''\
        """What is wrong with a clip, (8, 20, 20), that was to show a digit in motion."""
        said = read(settled(clip)).argmax(axis=1)
        return "well" if (said == digit).all() else "other"
        ''',
    ),
    solution=_verdict(),
    also={
        "all-at-once": _HEAD
        + function(
            "verdict(clip, digit, motion)",
            """\
            seen, ink = settled(clip), np.where(clip > 0.1, clip, 0)
            y, x = np.mgrid[:20, :20]
            whole = ink.sum(axis=(1, 2)) + 1e-9
            across, down = ((ink * n).sum(axis=(1, 2)) / whole for n in (x, y))
            near = np.corrcoef(seen + 1e-9 * np.arange(196))[0]
            right, lower = meant(motion).T
            strayed = np.hypot(across - across[0] - right, down - down[0] - lower)
            faults = {
                "gone": (clip < 0.2).all(axis=(1, 2)).any(),
                "other": read(seen)[0].argmax() != digit,
                "changes": (near < 0.82).any(),
                "moves": (strayed > 1.2).any(),
                "well": True,
            }
            return next(word for word, holds in faults.items() if holds)
            """,
        ),
        "by-angle": _verdict(
            before=_PLACE
            + """\
def alike(one, other):
    one, other = one - one.mean(), other - other.mean()
    return one @ other / np.sqrt((one @ one) * (other @ other))


"""
        ),
        "step-by-step": _verdict(
            moves="""\
x, y = place(clip[0])
for frame, (right, down) in zip(clip, meant(motion)):
    a, b = place(frame)
    if max(abs(a - x - right), abs(b - y - down)) > 1:
        return "moves"
return "well"
"""
        ),
    },
    wrong={
        "reads-each-frame": _verdict(
            changes='if (read(seen).argmax(axis=1) != digit).any():\n    return "changes"\n'
        ),
        "looks-at-the-ends": _verdict(moves=_MOVES.replace("off.max()", "off[7].max()")),
        "frame-to-frame": _verdict(
            changes="""\
if min(alike(a, b) for a, b in zip(seen, seen[1:])) < 0.7:
    return "changes"
"""
        ),
        "never-settled": _verdict(
            changes="""\
flat = clip.reshape(8, -1)
if min(alike(flat[0], later) for later in flat[1:]) < 0.1:
    return "changes"
"""
        ),
        "the-direction-alone": _verdict(
            moves="""\
places, way = np.array([place(frame) for frame in clip]), meant(motion)
gone = (places - places[0]).ravel()
return "well" if gone @ way.ravel() > 0.9 * np.linalg.norm(gone) * np.linalg.norm(way) else "moves"
"""
        ),
        "all-the-ink": _verdict(gone='if clip.sum() < 30:\n    return "gone"\n'),
        "reads-the-last": _verdict(other=_OTHER.replace("seen[:1]", "seen[-1:]")),
    },
    mistakes={
        "reads-each-frame": "changes",
        "looks-at-the-ends": "moves",
        "frame-to-frame": "changes",
        "never-settled": "well",
        "the-direction-alone": "moves",
        "all-the-ink": "gone",
        "reads-the-last": "changes",
    },
)
