"""Answers to the steps with pictures, the starters, and the mistakes that people make."""

from __future__ import annotations

from agentlab.labs.declare import programs

_HEAD = """\
import numpy as np

from space import agree, unit


"""
_MIX = """\
def mixed(scores, rows, temperature=0.06):
    made = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    return made / made.sum(axis=1, keepdims=True) @ rows


"""
_LEARN = """\
def learn(x, y, z, words, tokens, names):
    see, read = agree(np.concatenate([x, x]), np.concatenate([y, z]))
    told, known = unit(read(words)), unit(see(x))

    def soft(pictures):
        looks = unit(see(pictures))
        return np.stack([mixed(looks @ told.T, tokens), mixed(looks @ known.T, names)], axis=1)

    return soft
"""
_WHOLE = _HEAD + _MIX + _LEARN


def _but(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


_SAME = '''\
import numpy as np

from space import agree, unit  # agree(x, y) returns see, read


def learn(x, y, z, words, tokens, names):
    """Returns soft(pictures): (n, 384) to (n, k, 576), k vectors for each, 1 to 4.

    x      what is seen of known pictures        (n, 384)
    y, z   MiniLM's vectors of their names, and of other words for them  (n, 384)
    names  the language model's vectors of their names    (n, 576)
    words, tokens   MiniLM's and the language model's vectors of 3,200 words
    """

    def soft(pictures):
        return np.tile(names.mean(axis=0), (len(pictures), 1, 1))

    return soft
'''

SOFT = programs(
    starter=_SAME,
    solution=_WHOLE,
    also={
        "four-mixtures": _but(
            _WHOLE,
            (
                "[mixed(looks @ told.T, tokens), mixed(looks @ known.T, names)]",
                "[mixed(looks @ told.T, tokens), mixed(looks @ known.T, names, 0.04),\n"
                "            mixed(looks @ known.T, names), mixed(looks @ known.T, names, 0.08)]",
            ),
        ),
        "the-nearest-twenty": _HEAD
        + """\
def best(scores, rows, count=20):
    made = []
    for line in scores:
        top = np.argsort(-line)[:count]
        weight = np.exp(line[top] / 0.06)
        made.append((weight[:, None] * rows[top]).sum(axis=0) / weight.sum())
    return np.array(made)


class Eyes:
    def __init__(self, see, told, tokens, known, names):
        self.see, self.told, self.tokens = see, told, tokens
        self.known, self.names = known, names

    def __call__(self, pictures):
        looks = unit(self.see(pictures))
        pair = best(looks @ self.known.T, self.names), best(looks @ self.told.T, self.tokens)
        return np.stack(pair, axis=1)


def learn(x, y, z, words, tokens, names):
    see, read = agree(np.concatenate([x, x]), np.concatenate([y, z]))
    return Eyes(see, unit(read(words)), tokens, unit(see(x)), names)
""",
        "wider-and-colder": _but(
            _WHOLE,
            ("temperature=0.06", "temperature=0.05"),
            ("np.concatenate([y, z]))", "np.concatenate([y, z]), width=128)"),
        ),
    },
    wrong={
        "one-word-for-all": _but(_WHOLE, ("temperature=0.06", "temperature=5")),
        "as-the-pictures-come": _but(
            _WHOLE,
            (
                "return np.stack([mixed(looks @ told.T, tokens), mixed(looks @ known.T, names)], "
                "axis=1)",
                "some = np.zeros((len(pictures), 2, 576))\n"
                "        some[:, :, :96] = looks[:, None]\n        return some",
            ),
        ),
        "in-the-wrong-shape": _but(_WHOLE, (", axis=1)\n\n    return", ", axis=0)\n\n    return")),
    },
    mistakes={
        "one-word-for-all": "drawings",
        "as-the-pictures-come": "drawings",
        "in-the-wrong-shape": "soft must return rows",
    },
)

_BEFORE = """\
BEFORE = (
    "The picture of a dog shows a dog. The picture of a police car shows a police car. "
    "The picture of a"
)
AFTER = " shows a"


"""
_CHOOSE = """\
def choose(own, none):
    return np.argmax(own - none, axis=1)
"""
_ASK = "import numpy as np\n\n" + _BEFORE + _CHOOSE

ASK = programs(
    starter='''\
import numpy as np

BEFORE = "Picture:"
AFTER = "\\nCaption: a"


def choose(own, none):
    """The number of the right name for each picture.

    own[n, i]   log-probability of picture n's name i, with the picture
    none[n, i]  the same, with a picture of nothing in particular
    """
    return np.argmax(own, axis=1)
''',
    solution=_ASK,
    also={
        "nearly-the-same": _but(
            _ASK, (_BEFORE, 'BEFORE = "A word that means almost the same as"\nAFTER = " is"\n\n\n')
        ),
        "ratios": _but(
            _ASK,
            (
                "    return np.argmax(own - none, axis=1)",
                "    own, none = np.exp(own), np.exp(none)\n"
                "    own /= own.sum(axis=1, keepdims=True)\n"
                "    return (own / none).argmax(axis=1)",
            ),
        ),
        "most-of-the-guess": _but(
            _ASK,
            (
                "    return np.argmax(own - none, axis=1)",
                "    gains = [[a - 0.9 * b for a, b in zip(*two)] for two in zip(own, none)]\n"
                "    return [line.index(max(line)) for line in gains]",
            ),
        ),
    },
    wrong={
        "the-likeliest": _but(_ASK, ("own - none", "own")),
        "the-caption": _but(_ASK, (_BEFORE, 'BEFORE = "Picture:"\nAFTER = "\\nCaption: a"\n\n\n')),
        "divided": _but(_ASK, ("own - none", "own / none")),
        "without-looking": _but(_ASK, ("own - none", "none")),
    },
    mistakes=dict.fromkeys(
        ("the-likeliest", "the-caption", "divided", "without-looking"), "chosen"
    ),
)

_TELL = """\
import numpy as np


def tell(own, none, names):
    gain = own - none
    chance = np.exp(gain - gain.max())
    chance /= chance.sum()
    first, second = np.argsort(-chance)[:2]
    if chance[first] > 0.75:
        return f"a {names[first]}"
    return f"a {names[first]} or a {names[second]}"
"""

TELL = programs(
    starter='''\
import numpy as np


def tell(own, none, names):
    """What the tool says of a picture: one name where it is sure, else two."""
    return f"It may be: {', '.join(names)}"
''',
    solution=_TELL,
    also={
        "by-the-gap": """\
def tell(own, none, names):
    ranked = sorted(((a - b, name) for a, b, name in zip(own, none, names)), reverse=True)
    (one, first), (other, second), *_ = ranked
    return first if one - other > 1.2 else f"{first} or {second}"
""",
        "both-in-a-sentence": _but(
            _TELL,
            (
                'f"a {names[first]} or a {names[second]}"',
                'f"either a {names[first]} or a {names[second]}"',
            ),
        ),
        "by-odds": """\
import math


def tell(own, none, names):
    gains = [float(a) - float(b) for a, b in zip(own, none)]
    order = sorted(range(len(names)), key=gains.__getitem__)
    best, next_ = order[-1], order[-2]
    odds = math.exp(gains[best] - gains[next_])
    if odds >= 4:
        return f"It is a {names[best]}."
    return f"It is a {names[best]} or a {names[next_]}."
""",
    },
    wrong={
        "always-sure": _but(_TELL, ("> 0.75", "> 0")),
        "never-sure": _but(_TELL, ("> 0.75", "> 1")),
        "as-likely-as-they-come": _but(_TELL, ("gain = own - none", "gain = own")),
        "says-how-sure": _but(_TELL, ('return f"a {names[first]}"', 'return "I see it well"')),
    },
    mistakes={
        "always-sure": "closest calls",
        "never-sure": "clearest pictures",
        "as-likely-as-they-come": "right name",
        "says-how-sure": "one name in it, or two",
    },
)
