"""Starter, reference solution, other right answers, and wrong ones: films drawn by a plan."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .verdicts import function

_NUMPY = "import numpy as np\n\n\n"
_BEGIN = """\
x, levels = x.copy(), list(levels)
for first, told, after in plan:
    clean = net(x[first : first + 8], told)
"""
_LOOP = """\
    for n, level in enumerate(after):
        now = levels[first + n]
        if level < now:
            x[first + n] = clean[n] + level / now * (x[first + n] - clean[n])
            levels[first + n] = level
"""
_END = "return x\n"


def _film(loop: str = _LOOP, begin: str = _BEGIN, end: str = _END) -> str:
    return _NUMPY + function("film(net, x, levels, plan)", begin + loop + end)


DRAWN = programs(
    starter=_film(
        """\
    x[first : first + 8] = clean
""",
        '"""A film (frames, 20, 20), made of x by the orders of a plan."""\n' + _BEGIN,
    ),
    solution=_film(),
    also={
        "all-frames-of-an-order": _film(
            """\
    part = slice(first, first + 8)
    now, then = levels[part], np.minimum(levels[part], after)
    share = np.divide(then, now, out=np.ones(8), where=now > 0)[:, None, None]
    x[part] = share * x[part] + (1 - share) * clean
    levels[part] = then
""",
            _BEGIN.replace("list(levels)", "np.array(levels, dtype=float)"),
        ),
        "along-the-slope": _film(
            """\
    for at, goal, level in zip(range(first, first + 8), clean, after):
        if levels[at] > level:
            slope = (x[at] - goal) / levels[at]
            x[at] += (level - levels[at]) * slope
            levels[at] = level
"""
        ),
        "noise-first": _film(
            """\
    for n in range(8):
        at, now = first + n, levels[first + n]
        level = min(now, after[n])
        if now == 0:
            continue
        noise = (x[at] - (1 - now) * clean[n]) / now
        x[at] = (1 - level) * clean[n] + level * noise
        levels[at] = level
"""
        ),
    },
    wrong={
        "divides-by-nothing": _film(
            """\
    part = slice(first, first + 8)
    now, after = levels[part], np.array(after)
    x[part] = clean + (after / now)[:, None, None] * (x[part] - clean)
    levels[part] = after
""",
            _BEGIN.replace("list(levels)", "np.array(levels, dtype=float)"),
        ),
        "believes-what-it-was-told": _film(
            _LOOP.replace("now = levels[first + n]", "now = told[n]")
        ),
        "adds-noise": _film(
            """\
    for n, level in enumerate(after):
        now = levels[first + n]
        if now > 0:
            x[first + n] = clean[n] + level / now * (x[first + n] - clean[n])
            levels[first + n] = level
"""
        ),
        "a-step-too-short": _film(
            _LOOP.replace(
                "clean[n] + level / now * (x[first + n] - clean[n])",
                "x[first + n] + (now - level) * (clean[n] - x[first + n])",
            )
        ),
        "draws-over-what-is-given": _film(
            _LOOP.replace(
                "if level < now:",
                "if now == 0:\n            x[first + n] = clean[n]\n        elif level < now:",
            )
        ),
        "always-from-the-first": _film(begin=_BEGIN.replace("x[first : first + 8]", "x[:8]")),
        "tells-the-levels-it-has": _film(
            begin=_BEGIN.replace(
                "net(x[first : first + 8], told)",
                "net(x[first : first + 8], levels[first : first + 8])",
            )
        ),
    },
    mistakes={
        "divides-by-nothing": "no numbers",
        "believes-what-it-was-told": "told of more noise",
        "adds-noise": "levels that rise",
        "a-step-too-short": "all at once",
        "draws-over-what-is-given": "frame 0",
        "always-from-the-first": "twelve frames",
        "tells-the-levels-it-has": "told of more noise",
    },
)
