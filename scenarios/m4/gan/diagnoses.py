"""Starters, reference solutions, other right answers, and wrong ones: what ails a generator."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .answers import function

_APART = """\
def apart(one, other):
    squares = (one ** 2).sum(axis=1)[:, None] + (other ** 2).sum(axis=1) - 2 * one @ other.T
    return np.sqrt(np.maximum(squares, 0))


"""
_COPIES = """\
if (apart(made, known).min(axis=1) < 0.4).mean() > 0.15:
    return "copies"
"""
_COLLAPSED = """\
for digit in np.unique(asked):
    mine, real = made[asked == digit], known[digits == digit]
    if apart(mine, mine).mean() < 0.35 * apart(real, real).mean():
        return "collapsed"
"""
_DEAF = """\
if (read(made).argmax(axis=1) != asked).mean() > 0.5:
    return "deaf"
"""
_WELL = 'return "well"\n'


def _diagnose(body: str, before: str = _APART) -> str:
    head = f"import numpy as np\n\nfrom judge import features, read\n\n\n{before}"
    return head + function("diagnose(made, asked, known, digits)", body)


DIAGNOSE = programs(
    starter=_diagnose(
        '''\
        """What ails a generator: "collapsed", "copies", "deaf", or nothing: "well"."""
        chances = read(made)
        if (chances.argmax(axis=1) != asked).mean() > 0.5:
            return "deaf"
        if chances.max(axis=1).mean() < 0.8:
            return "collapsed"
        return "well"
        ''',
        "",
    ),
    solution=_diagnose(_COPIES + _COLLAPSED + _DEAF + _WELL),
    also={
        "whom-they-are-nearest-to": _diagnose(
            """\
            squares = (made ** 2).sum(axis=1)[:, None] + (known ** 2).sum(axis=1)
            far = np.maximum(squares - 2 * made @ known.T, 0)
            if np.quantile(far.min(axis=1), 0.2) < 0.1:
                return "copies"
            for digit in set(asked.tolist()):
                rows = far[asked == digit]
                if len(np.unique(rows.argmin(axis=1))) < len(rows) / 4:
                    return "collapsed"
            named = digits[far.argmin(axis=1)]
            return "well" if np.mean(named == asked) > 0.5 else "deaf"
            """,
            "",
        ),
        "by-variance": _diagnose(
            """\
            def width(pictures):
                return pictures.var(axis=0).sum()


            some = made[:: max(len(made) // 60, 1)]
            near = [np.abs(known - one).max(axis=1).min() for one in some]
            if np.mean(np.array(near) < 0.15) > 0.12:
                return "copies"
            for digit in range(10):
                mine = made[asked == digit]
                if len(mine) and width(mine) < 0.2 * width(known[digits == digit]):
                    return "collapsed"
            right = read(made)[np.arange(len(made)), asked]
            return "deaf" if np.median(right) < 0.5 else "well"
            """,
            "",
        ),
        "one-finding-after-the-other": _diagnose(
            """\
            seen, real = features(made), features(known)
            checks = {
                "copies": lambda: np.quantile(apart(made, known).min(axis=1), 0.2) < 0.35,
                "collapsed": lambda: any(
                    seen[asked == d].std(axis=0).sum() < 0.4 * real[digits == d].std(axis=0).sum()
                    for d in np.unique(asked)
                ),
                "deaf": lambda: np.mean(read(made).argmax(axis=1) == asked) < 0.5,
            }
            return next((name for name, found in checks.items() if found()), "well")
            """
        ),
    },
    wrong={
        "on-the-whole": _diagnose(
            _COPIES
            + """\
inner = [apart(made[asked == d], made[asked == d]).mean() for d in np.unique(asked)]
outer = [apart(known[digits == d], known[digits == d]).mean() for d in np.unique(asked)]
if np.mean(inner) < 0.35 * np.mean(outer):
    return "collapsed"
"""
            + _DEAF
            + _WELL
        ),
        "classes-covered": _diagnose(
            _COPIES
            + """\
if len(np.unique(read(made).argmax(axis=1))) < len(np.unique(asked)):
    return "collapsed"
"""
            + _DEAF
            + _WELL
        ),
        "all-of-them-copies": _diagnose(
            _COPIES.replace(
                "(apart(made, known).min(axis=1) < 0.4).mean() > 0.15",
                "np.median(apart(made, known).min(axis=1)) < 0.4",
            )
            + _COLLAPSED
            + _DEAF
            + _WELL
        ),
        "near-is-copied": _diagnose(_COPIES.replace("0.4", "1.5") + _COLLAPSED + _DEAF + _WELL),
        "ones-are-alike": _diagnose(
            _COPIES
            + """\
usual = apart(known[::10], known[::10]).mean()
for digit in np.unique(asked):
    mine = made[asked == digit]
    if apart(mine, mine).mean() < 0.6 * usual:
        return "collapsed"
"""
            + _DEAF
            + _WELL
        ),
        "any-digit-will-do": _diagnose(_COPIES + _COLLAPSED + _WELL),
    },
    mistakes={
        "on-the-whole": "one picture for each of three digits",
        "classes-covered": "one picture for each digit",
        "all-of-them-copies": "a third of them known digits",
        "near-is-copied": "well",
        "ones-are-alike": "well",
        "any-digit-will-do": "deaf",
    },
)
