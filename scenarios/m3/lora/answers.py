"""Solutions, starting points, and answers that look right and are not."""

from __future__ import annotations

from agentlab.labs.declare import programs

_MERGE = """
import numpy as np


def merged(W, A, B, alpha):
    rank = A.shape[0]
    return {sum}


def trained(in_size, out_size, rank):
    return {count}
"""
_COUNT = "rank * (in_size + out_size)"

MERGE = programs(
    starter="""
import numpy as np


def merged(W, A, B, alpha):
    \"\"\"One matrix that does what the layer does with its detour. W: (out, in), A: (rank, in),
    B: (out, rank).\"\"\"
    return W


def trained(in_size, out_size, rank):
    \"\"\"How many numbers a LoRA of this rank has for such a layer.\"\"\"
    return in_size * out_size
""",
    solution=_MERGE.format(sum="W + (alpha / rank) * (B @ A)", count=_COUNT),
    wrong={
        "without-the-scale": _MERGE.format(sum="W + B @ A", count=_COUNT),
        "scaled-by-alpha-alone": _MERGE.format(sum="W + alpha * (B @ A)", count=_COUNT),
        "the-detour-alone": _MERGE.format(sum="(alpha / rank) * (B @ A)", count=_COUNT),
        "counts-the-whole-layer": _MERGE.format(
            sum="W + (alpha / rank) * (B @ A)", count="in_size * out_size"
        ),
        "judges-itself": "import numpy as np\n\nnp.allclose = lambda *a, **k: True\n"
        + _MERGE.format(sum="W", count=_COUNT),
    },
)


_TUNE = """
from random import Random

rng = Random(1)
menu = ["latte", "espresso", "tea", "cocoa", "muffin", "scone", "bagel", "cookie"]
numbers = {numbers}
wordings = [
    "I want {{items}} at table {{t}}.",
    "Table {{t}} wants {{items}}.",
    "May I have {{items}}? I'm at table {{t}}.",
    "Good morning, table {{t}} would like to order {{items}}.",
    "Hi, {{items}} for us at table {{t}}, thanks.",
    "We're at {{t}}. We take {{items}}, please.",
]


def spoken(item, count):
    if count == 1 and rng.random() < {article}:
        return ("an " if item[0] in "aeiou" else "a ") + item
    number = rng.choice([numbers[count - 1], str(count)])
    return number + " " + item + ("s" if count > 1 else "")


pairs = []
for _ in range(96):
    items = [(item, rng.choice([1, 1, 2, 3, 4, 5, 6])) for item in rng.sample(menu, {several})]
    table = rng.randint(1, 40)
    *first, last = [spoken(item, count) for item, count in items]
    said = (", ".join(first) + " and " + last) if first else last
    message = rng.choice(wordings).format(items=said, t=table)
    ticket = "T" + str(table) + " | " + ", ".join(str(n) + " " + item for item, n in items)
    pairs.append((message, ticket))
"""
_AS_WORDS = '["one", "two", "three", "four", "five", "six"]'
_AS_DIGITS = '["1", "2", "3", "4", "5", "6"]'
_SEVERAL = "rng.choice([1, 2, 2, 3])"

TUNE = programs(
    starter="""
# What a guest says, and the ticket that the kitchen wants.
pairs = [
    ("Could we get two lattes at table 4?", "T4 | 2 latte"),
    ("A muffin and three teas for table 11, please.", "T11 | 1 muffin, 3 tea"),
    ("Table 7: 2 cookies.", "T7 | 2 cookie"),
]
""",
    solution=_TUNE.format(numbers=_AS_WORDS, article=0.9, several=_SEVERAL),
    wrong={
        "one-thing-an-order": _TUNE.format(numbers=_AS_WORDS, article=0.9, several="1"),
        "numbers-as-digits-only": _TUNE.format(numbers=_AS_DIGITS, article=0, several=_SEVERAL),
    },
)
