"""Answers to `apart`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from textwrap import dedent, indent

from agentlab.labs.declare import programs

_RUNS = '''\
import random


def runs(melody, length=12):
    """Every run of so many steps."""
    steps = [b - a for a, b in zip(melody, melody[1:])]
    return {tuple(steps[at : at + length]) for at in range(len(steps) - length + 1)}


'''
_CHAINED = """\
families = []
for number, melody in enumerate(melodies):
    known = runs(melody)
    members = [number]
    others = []
    for family in families:
        if family[0] & known:
            known |= family[0]
            members += family[1]
        else:
            others.append(family)
    families = [*others, (known, members)]
random.Random(0).shuffle(families)
held, learn = [], []
for _, members in families:
    room = len(held) + len(members) <= 0.2 * len(melodies)
    (held if room else learn).extend(members)
return learn, held
"""


def _apart(body: str = _CHAINED, before: str = _RUNS) -> str:
    return f"{before}def apart(melodies):\n{indent(dedent(body).strip(), '    ')}\n"


def _but(old: str, new: str) -> str:
    whole = _apart()
    if whole.count(old) != 1:
        raise ValueError(f"{old!r} stands {whole.count(old)} times")
    return whole.replace(old, new)


APART = programs(
    starter=_apart(
        '''\
        """(numbers to learn from, numbers to hold back): no melody in both."""
        numbers = list(range(len(melodies)))
        random.Random(0).shuffle(numbers)
        fifth = len(numbers) // 5
        return numbers[fifth:], numbers[:fifth]
        ''',
        "import random\n\n\n",
    ),
    solution=_apart(),
    also={
        "twins-thrown-out": _apart(
            """\
            numbers = list(range(len(melodies)))
            random.Random(1).shuffle(numbers)
            having = [runs(melody) for melody in melodies]
            held, taken = [], set()
            for number in numbers:
                if len(held) < 0.12 * len(numbers):
                    held.append(number)
                    taken |= having[number]
            learn = [n for n in numbers if n not in held and not having[n] & taken]
            return learn, held
            """
        ),
        "a-graph-walked": _apart(
            """\
            where = defaultdict(list)
            for number, melody in enumerate(melodies):
                for run in runs(melody):
                    where[run].append(number)
            beside = defaultdict(set)
            for numbers in where.values():
                for number in numbers:
                    beside[number].update(numbers)
            held, seen, todo = set(), set(), []
            for start in range(len(melodies)):
                family, todo = set(), [start]
                while todo:
                    number = todo.pop()
                    if number not in family:
                        family.add(number)
                        todo.extend(beside[number])
                if len(held | family) <= 0.22 * len(melodies) and len(family) < 10:
                    held |= family
            return sorted(set(range(len(melodies))) - held), sorted(held)
            """,
            "from collections import defaultdict\n" + _RUNS,
        ),
        "those-that-stand-alone": _apart(
            """\
            count = Counter(run for melody in melodies for run in runs(melody, 10))
            alone = [
                number
                for number, melody in enumerate(melodies)
                if all(count[run] == 1 for run in runs(melody, 10))
            ]
            held = alone[: len(melodies) // 7]
            return [n for n in range(len(melodies)) if n not in set(held)], held
            """,
            "from collections import Counter\n" + _RUNS,
        ),
        "joined-by-their-heads": _apart(
            """\
            head = list(range(len(melodies)))

            def top(number):
                return number if head[number] == number else top(head[number])

            first = {}
            for number, melody in enumerate(melodies):
                for run in runs(melody, 11):
                    head[top(number)] = top(first.setdefault(run, number))
            families = {}
            for number in range(len(melodies)):
                families.setdefault(top(number), []).append(number)
            learn, held = [], []
            for family in sorted(families.values(), key=len):
                (held if len(held) < 0.15 * len(melodies) else learn).extend(family)
            return learn, held
            """
        ),
    },
    wrong={
        "note-for-note": _but(
            "steps = [b - a for a, b in zip(melody, melody[1:])]", "steps = melody"
        ),
        "openings-only": _but("for at in range(len(steps) - length + 1)", "for at in range(1)"),
        "runs-of-six": _but("length=12", "length=6"),
        "the-whole-melody": _but("length=12", "length=40"),
        "no-chains": _apart(
            """\
            learn, held, known = [], [], set()
            for number, melody in enumerate(melodies):
                twin = runs(melody) & known
                if not twin and len(held) < 0.2 * len(melodies) and number % 4 == 0:
                    held.append(number)
                else:
                    learn.append(number)
                    known |= runs(melody)
            return learn, held
            """
        ),
    },
    mistakes={
        "note-for-note": "in another key",
        "openings-only": "held back share",
        "runs-of-six": "are held back, not",
        "the-whole-melody": "held back share",
        "no-chains": "held back share",
    },
)
