"""Starters, reference solutions, other right answers, and wrong ones: more from as many looks."""

from __future__ import annotations

from textwrap import indent

from agentlab.labs.declare import programs

_WAY = """\
def way(x, t):
    told = look(x, t, prompts)
    if guidance == 1:
        return told
    untold = look(x, t)
    return untold + guidance * (told - untold)


"""
_COUNT = "count = looks if guidance == 1 else looks // 2\n"
_MIDDLE = """\
steps = count // 2
far = 1 / steps
x = noise
for n in range(steps):
    middle = x + far / 2 * way(x, n * far)
    x = x + far * way(middle, (n + 0.5) * far)
return x
"""
_ALWAYS = _WAY.replace("    if guidance == 1:\n        return told\n", "")
_EULER = """\
x = noise
for n in range(count):
    x = x + way(x, n / count) / count
return x
"""


def _draw(body: str, way: str = _WAY, count: str = _COUNT, doc: str = "") -> str:
    return (
        "import numpy as np\n\n\ndef draw(look, noise, prompts, guidance, looks):\n"
        + doc
        + indent(way + count + body, "    ")
    )


STEPS = programs(
    starter=_draw(
        _EULER,
        _ALWAYS,
        "count = looks // 2\n",
        '    """Pictures of noise (n, 160), from so many: look(x, t, prompts), look(x, t)."""\n\n',
    ),
    solution=_draw(_MIDDLE),
    also={
        "with-the-last-direction": _draw(
            """\
x, last = noise, None
for n in range(count):
    now = way(x, n / count)
    x = x + (now if last is None else 1.5 * now - 0.5 * last) / count
    last = now
return x
"""
        ),
        "there-and-back": _draw(
            """\
steps = count // 2
far = 1 / steps
x = noise
for n in range(steps):
    first = way(x, n * far)
    second = way(x + 2 / 3 * far * first, (n + 2 / 3) * far)
    x = x + far * (first + 3 * second) / 4
return x
"""
        ),
        "four-a-step": _draw(
            """\
moments = np.linspace(0, 1, count // 4 + 1)
x = noise
for t, after in zip(moments, moments[1:]):
    far = after - t
    a = way(x, t)
    b = way(x + far / 2 * a, t + far / 2)
    c = way(x + far / 2 * b, t + far / 2)
    d = way(x + far * c, after)
    x = x + far / 6 * (a + 2 * b + 2 * c + d)
return x
"""
        ),
    },
    wrong={
        "small-steps": _draw(_EULER),
        "twice-as-many": _draw(_MIDDLE.replace("count // 2", "count")),
        "always-both": _draw(_MIDDLE, _ALWAYS, "count = looks // 2\n"),
        "smaller-at-the-end": _draw(
            """\
moments = np.linspace(0, 1, count + 1) ** 0.7
x = noise
for t, after in zip(moments, moments[1:]):
    x = x + (after - t) * way(x, t)
return x
"""
        ),
        "told-alone": _draw(_MIDDLE, "def way(x, t):\n    return look(x, t, prompts)\n\n\n"),
        "in-one": _draw("return noise + way(noise, 0.0)\n"),
    },
    mistakes={
        "small-steps": "near",
        "twice-as-many": "looks",
        "always-both": "guidance 1",
        "smaller-at-the-end": "near",
        "told-alone": "guidance 2",
        "in-one": "near",
    },
)
