"""Answers to `talk`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_NAMES = """\
import re

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()


"""
_NUMBER = """\
def number(n):
    if n < 20:
        return [ONES[n]]
    if n < 100:
        return [TENS[n // 10]] + (number(n % 10) if n % 10 else [])
    size, name = (1000, "thousand") if n >= 1000 else (100, "hundred")
    return number(n // size) + [name] + (number(n % size) if n % size else [])


"""
_WORDS = '''\
PART = re.compile(r"(?<!\\S)[-−](?=\\d)|\\d[\\d,]*(?:\\.\\d+)?|[a-z']+|%|°")


def words(text):
    """The words that are said, in small letters."""
    said = []
    for part in PART.findall(text.lower().replace("°c", "° celsius")):
        if part[0].isdigit():
            whole, _, rest = part.replace(",", "").partition(".")
            said += number(int(whole))
            if rest:
                said += ["point"] + [ONES[int(digit)] for digit in rest]
        elif part in SIGNS:
            said.append(SIGNS[part])
        elif part.strip("'"):
            said.append(part.replace("'", ""))
    return said


'''
_SIGNS = """\
SIGNS = {"-": "minus", "−": "minus", "%": "percent", "°": "degrees"}
"""
_ERRORS = '''\
def errors(said, heard):
    """How many words were left out, put in, or taken for others, at the least."""
    said, heard = words(said), words(heard)
    row = list(range(len(heard) + 1))
    for n, word in enumerate(said, 1):
        new = [n]
        for m, other in enumerate(heard, 1):
            new.append(min(row[m] + 1, new[-1] + 1, row[m - 1] + (word != other)))
        row = new
    return row[-1]
'''
_WHOLE = _NAMES + _NUMBER + _SIGNS + _WORDS + _ERRORS


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


_BY_STEPS = """\
def number(n):
    said = []
    for size, name in ((1000, "thousand"), (1, "")):
        part, n = divmod(n, size)
        if part >= 100:
            said += [ONES[part // 100], "hundred"]
        part %= 100
        if part >= 20:
            said.append(TENS[part // 10])
            part %= 10
        if part:
            said.append(ONES[part])
        if name and said:
            said.append(name)
    return said or ["zero"]


"""
_REPLACED = """\
def words(text):
    text = text.lower().replace("'", "").replace("−", "-")
    text = re.sub(r"°\\s*c\\b", " degrees celsius ", text)
    text = text.replace("%", " percent ").replace("°", " degrees ")
    text = re.sub(r"(^|\\s)-(?=\\d)", r"\\1 minus ", text)
    text = re.sub(r"(?<=\\d),(?=\\d)", "", text)
    text = re.sub(r"(?<=\\d)\\.(\\d+)", lambda m: " point " + " ".join(m[1]), text)
    text = re.sub(r"\\d+", lambda m: " " + " ".join(number(int(m[0]))) + " ", text)
    return re.sub(r"[^a-z]", " ", text).split()


"""
_TABLE = """\
from functools import cache


def errors(said, heard):
    a, b = words(said), words(heard)

    @cache
    def least(n, m):
        if not n or not m:
            return n + m
        if a[n - 1] == b[m - 1]:
            return least(n - 1, m - 1)
        return 1 + min(least(n - 1, m), least(n, m - 1), least(n - 1, m - 1))

    return least(len(a), len(b))
"""
_ARRAY = """\
import numpy as np


def errors(said, heard):
    a, b = words(said), words(heard)
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for n in range(len(a)):
        for m in range(len(b)):
            table[n + 1, m + 1] = min(
                table[n, m] + (a[n] != b[m]), table[n, m + 1] + 1, table[n + 1, m] + 1
            )
    return int(table[-1, -1])
"""
_COLUMN = """\
    return sum(a != b for a, b in zip(said, heard)) + abs(len(said) - len(heard))
"""
_LOOP = _ERRORS.partition("    row =")[2]

TALK = programs(
    starter='''\
def words(text):
    """The words that are said, in small letters."""
    return text.lower().split()


def errors(said, heard):
    """How many words were left out, put in, or taken for others, at the least."""
    return sum(a != b for a, b in zip(words(said), words(heard)))
''',
    solution=_WHOLE,
    also={
        "one-replaced-after-the-other": _NAMES + _NUMBER + _REPLACED + _ERRORS,
        "thousands-and-the-rest": _NAMES + _BY_STEPS + _SIGNS + _WORDS + _TABLE,
        "a-table": _NAMES + _NUMBER + _REPLACED + _ARRAY,
    },
    wrong={
        "digit-by-digit": _but(
            ("said += number(int(whole))", "said += [ONES[int(d)] for d in whole]")
        ),
        "decimals-as-a-number": _but(("[ONES[int(digit)] for digit in rest]", "number(int(rest))")),
        "hundred-and": _but(
            ("[name] + (number", '[name] + (["and"] if n < 1000 and n % size else []) + (number')
        ),
        "minus-lost": _but(("(?<!\\S)[-−](?=\\d)|", "")),
        "every-dash-is-minus": _but(("(?<!\\S)[-−](?=\\d)|", "[-−]|")),
        "word-by-word": _WHOLE.replace("    row =" + _LOOP, _COLUMN),
        "bags-of-words": _WHOLE.replace(
            "    row =" + _LOOP,
            """\
    from collections import Counter
    a, b = Counter(said), Counter(heard)
    return max(sum((a - b).values()), sum((b - a).values()))
""",
        ),
        "difflib": _WHOLE.replace(
            "    row =" + _LOOP,
            """\
    from difflib import SequenceMatcher
    steps = SequenceMatcher(None, said, heard, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for kind, a, b, c, d in steps if kind != "equal")
""",
        ),
    },
    mistakes={
        "digit-by-digit": "is said",
        "decimals-as-a-number": "point",
        "hundred-and": "hundred",
        "minus-lost": "minus",
        "every-dash-is-minus": "is said",
        "word-by-word": "errors, not",
        "bags-of-words": "errors, not",
        "difflib": "errors, not",
    },
)
