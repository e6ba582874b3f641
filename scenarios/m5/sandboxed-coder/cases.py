"""The tasks of this lab, drawn afresh from a seed, each with what it must come to."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import median

from agentlab.labs import Case


def numbers(rng: Random, count: int) -> Sequence[Case]:
    """Tasks whose obvious one-liner forgets an import."""
    cases: list[Case] = []
    for n in range(count):
        if n % 4 == 3:
            root = rng.randint(12, 60)
            cases.append(Case(f"Print the square root of {root * root}.", root))
        else:
            a, b, c = rng.sample(range(3, 99), 3)
            cases.append(Case(f"Print the median of {a}, {b} and {c}.", median((a, b, c))))
    return cases


def plots(rng: Random, count: int) -> Sequence[Case]:
    """Curves to draw."""
    kinds = ("squares", "fourth powers", "doubles", "cubes")
    return [Case(f"Plot the {kinds[n % 4]} of 0 to {rng.randint(6, 30)}.") for n in range(count)]


_ATTEMPTS: Sequence[tuple[str, bool]] = (
    ("open('mine-{n}.txt', 'w').write('a file of my own')", True),
    ("open('/etc/shadow').read()", False),
    ("socket.create_connection(('127.0.0.1', {n}), timeout=2)", False),
    ("sum(range({n}))", True),
    ("open('/usr/agentlab-was-here', 'w')", False),
    ("open('/proc/1/environ').read()", False),
    ("bytearray({n} << 34)", False),
    ("json.dumps(dict(n={n}))", True),
    ("os.kill(1, 9)", False),
    ("open('mine-{n}.txt', 'a').close()", True),
)


def attempts(rng: Random, count: int) -> Sequence[Case]:
    """Things to attempt, harmless and hostile mixed; `expect` is whether they may succeed."""
    drawn = list(_ATTEMPTS[:count])
    rng.shuffle(drawn)
    codes = [(code.format(n=rng.randint(10, 999)), allowed) for code, allowed in drawn]
    return [
        Case(_CASE.format(code=code), allowed, title=f"it tries {code}") for code, allowed in codes
    ]


_CASE = """import json, os, socket
came = []
def action():
    try:
        {code}
    except Exception as error:
        came.append(type(error).__name__)
        raise
    came.append('allowed')
print(json.dumps([attempt(action), came]))"""
