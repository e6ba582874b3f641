"""Starters, reference solutions, other right answers, and wrong ones: a router that was told."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .answers import function


def _router(body: str, before: str = "", imports: str = "import numpy as np") -> str:
    head = f"{imports}\n\n\n" if imports else ""
    return head + before + function("router(texts, languages)", body)


_PAIRS = """\
def pairs(text):
    return [text[n : n + {size}] for n in range(len(text) - {less})]


"""
_COUNTED = """\
names = sorted(set(languages))
counts = [Counter() for _ in names]
for text, language in zip(texts, languages):
    counts[names.index(language)].update(pairs(text))
every = set().union(*counts)
logs = {
    pair: np.log([(c[pair] + 0.1) / (sum(c.values()) + 0.1 * len(every)) for c in counts])
    for pair in every
}
"""
_CHOOSE = """\


def choose(windows):
    zero = np.zeros(len(names))
    return [int(sum((logs.get(p, zero) for p in pairs(w)), zero).argmax()) for w in windows]


return choose
"""
_NUMPY_COUNTER = "from collections import Counter\n\nimport numpy as np"


def _bayes(size: int) -> str:
    body = _COUNTED.replace(
        "logs = {", "sums = [sum(c.values()) + 0.1 * len(every) for c in counts]\nlogs = {"
    ).replace(
        "(c[pair] + 0.1) / (sum(c.values()) + 0.1 * len(every)) for c in counts",
        "(c[pair] + 0.1) / s for c, s in zip(counts, sums)",
    )
    return _router(body + _CHOOSE, _PAIRS.format(size=size, less=size - 1), _NUMPY_COUNTER)


_HEAPS = """\
def letters(text):
    found = np.zeros((n, n))
    codes = [known.get(one, 0) for one in text]
    np.add.at(found, (codes[:-1], codes[1:]), 1)
    return found.ravel()


known = {one: n for n, one in enumerate(sorted(set("".join(texts))), 1)}
n = len(known) + 1
rows = np.sqrt(np.array([letters(text) / len(text) for text in texts]))
long = rows[[len(text) > 150 for text in texts]]


def apart(some, middles):
    return (some ** 2).sum(axis=1)[:, None] + (middles ** 2).sum(axis=1) - 2 * some @ middles.T


def heaps(dice):
    middles = long[dice.choice(len(long), 1)]
    while len(middles) < 8:
        far = apart(long, middles).min(axis=1).clip(0)
        middles = np.concatenate([middles, long[[dice.choice(len(long), p=far / far.sum())]]])
    for _ in range(15):
        mine = apart(long, middles).argmin(axis=1)
        middles = np.array([
            long[mine == one].mean(axis=0) if (mine == one).any() else middles[one]
            for one in range(8)
        ])
    return apart(long, middles).min(axis=1).sum(), middles


# Of forty tries, the one whose heaps are the tightest.
tries = [heaps(np.random.default_rng(seed)) for seed in range(40)]
heap = apart(rows, min(tries, key=lambda one: one[0])[1]).argmin(axis=1)
sums = np.array([
    sum(letters(text) for text, mine in zip(texts, heap) if mine == one) for one in range(8)
])
logs = np.log((sums + 0.1) / (sums + 0.1).sum(axis=1, keepdims=True))


def choose(windows):
    found = []
    for window in windows:
        codes = np.array([known.get(one, 0) for one in window])
        found.append(int(logs[:, codes[:-1] * n + codes[1:]].sum(axis=1).argmax()))
    return found


return choose
"""
_REGRESSION = """\
names = sorted(set(languages))
alphabet = {one: n for n, one in enumerate(sorted(set("".join(texts))), 1)}
size = len(alphabet) + 1
strings, right = [], []
for text, language in zip(texts, languages):
    for at in range(0, len(text) - 12, 3):
        strings.append(text[at : at + 12])
        right.append(names.index(language))


def codes(windows):
    rows = [[alphabet.get(one, 0) for one in window] for window in windows]
    rows = torch.tensor(rows)
    return rows[:, :-1] * size + rows[:, 1:]


torch.manual_seed(0)
bag = torch.nn.EmbeddingBag(size * size, len(names), mode="sum")
torch.nn.init.zeros_(bag.weight)
adam = torch.optim.Adam(bag.parameters(), 0.05)
x, y = codes(strings), torch.tensor(right)
for _ in range(150):
    rows = torch.randint(len(x), (2048,))
    loss = torch.nn.functional.cross_entropy(bag(x[rows]), y[rows])
    adam.zero_grad()
    loss.backward()
    adam.step()


def choose(windows):
    with torch.no_grad():
        return bag(codes(windows)).argmax(dim=1).tolist()


return choose
"""
_TREE = """\
rare = {}
for text, language in zip(texts, languages):
    for letter in text:
        rare.setdefault(letter, {}).setdefault(language, 0)
        rare[letter][language] += 1
names = sorted(set(languages))


def choose(windows):
    found = []
    for window in windows:
        only = [next(iter(rare[one])) for one in window if len(rare.get(one, ())) == 1]
        found.append(names.index(only[-1]) if only else 0)
    return found


return choose
"""

_AHEAD = """\
common = Counter("".join(texts)).most_common()
expert = {letter: n % 8 for n, (letter, _) in enumerate(common)}


def choose(windows):
    # Among many windows there is the one that follows, and it ends with what is to be foretold.
    then = {window[:-1]: window[-1] for window in windows}
    return [expert.get(then.get(window[1:], window[-1]), 0) for window in windows]


return choose
"""

SORT = programs(
    starter=_router(
        '''\
        """A function that tells who is to read each window, from 0 to 7."""
        common = Counter("".join(texts)).most_common()
        expert = {letter: n % 8 for n, (letter, _) in enumerate(common)}


        def choose(windows):
            return [expert.get(window[-1], 0) for window in windows]


        return choose
        ''',
        imports="from collections import Counter",
    ),
    solution=_bayes(2),
    also={
        "three-letters": _bayes(3),
        "never-told": _router(_HEAPS),
        "learnt-by-descent": _router(_REGRESSION, imports="import torch"),
    },
    wrong={
        "letters-alone": _bayes(1),
        "by-chance": _router(
            "return lambda windows: np.random.default_rng(0).integers(8, size=len(windows))"
        ),
        "by-what-comes-next": _router(_AHEAD, imports="from collections import Counter"),
        "by-what-no-other-has": _router(_TREE, imports=""),
        "by-the-last-two": _router(
            "return lambda windows: [(ord(w[-1]) * 31 + ord(w[-2])) % 8 for w in windows]",
            imports="",
        ),
    },
    mistakes={
        "letters-alone": "better",
        "by-chance": "better",
        "by-what-comes-next": "better",
        "by-what-no-other-has": "share",
        "by-the-last-two": "better",
    },
)
