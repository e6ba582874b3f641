"""Starters, reference solutions, other right answers, and wrong ones: names, probes, searches."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .answers import function

_NUMPY = "import numpy as np\n\n\n"
_UNIT = (
    function("unit(rows)", "return rows / np.linalg.norm(rows, axis=-1, keepdims=True)") + "\n\n"
)


def _name(body: str) -> str:
    return _NUMPY + _UNIT + function("name(pictures, texts, see, read, temperature)", body)


_SCORES = """\
words = unit(unit(read(texts)).mean(axis=1))
scores = unit(see(pictures)) @ words.T / temperature
"""
_CHANCES = """\
chances = np.exp(scores - scores.max(axis=1, keepdims=True))
chances /= chances.sum(axis=1, keepdims=True)
return chances.argmax(axis=1), chances.max(axis=1)
"""
NAME = programs(
    starter=_name(
        '''\
"""(number of a word for each picture, how sure it is), of pictures (n, 192) and texts
(words, prompts, 384)."""
words = unit(read(texts[:, 0]))
scores = unit(see(pictures)) @ words.T
'''
        + _CHANCES
    ),
    solution=_name(_SCORES + _CHANCES),
    also={
        "the-first-prompt": _name(
            _SCORES.replace("unit(read(texts)).mean(axis=1)", "read(texts[:, 0])") + _CHANCES
        ),
        "all-prompts-vote": _name(
            """\
            seen, told = unit(see(pictures)), unit(read(texts))
            chances = 0
            for prompt in range(texts.shape[1]):
                grown = np.exp(seen @ told[:, prompt].T / temperature)
                chances = chances + grown / grown.sum(axis=1, keepdims=True)
            chances = chances / texts.shape[1]
            return chances.argmax(axis=1), chances.max(axis=1)
            """
        ),
        "by-distance": _name(
            """\
            words = np.array([unit(np.mean([unit(row) for row in some], axis=0))
                              for some in read(texts)])
            said, sure = [], []
            for row in unit(see(pictures)):
                far = ((words - row) ** 2).sum(axis=1) / 2
                near = np.exp((far.min() - far) / temperature)
                said.append(int(far.argmin()))
                sure.append(1 / near.sum())
            return np.array(said), np.array(sure)
            """
        ),
    },
    wrong={
        "as-cold-as-clip": _name("temperature = 0.01\n" + _SCORES + _CHANCES),
        "warmed-twice": _name(_SCORES.replace("/ temperature", "/ temperature**0.5") + _CHANCES),
        "prompts-for-words": _name(
            _SCORES.replace(
                "read(texts)",
                "read(texts.reshape(texts.shape[1], texts.shape[0], -1).swapaxes(0, 1))",
            )
            + _CHANCES
        ),
        "first-come-first-served": _name(
            _SCORES
            + """\
said, free = [], np.full(len(words), -(-len(scores) // len(words)))
for row in scores:
    said.append(int(np.where(free > 0, row, -np.inf).argmax()))
    free[said[-1]] -= 1
return np.array(said), np.full(len(scores), 0.5)
"""
        ),
    },
    mistakes={
        "as-cold-as-clip": "sure on average",
        "warmed-twice": "sure on average",
        "prompts-for-words": "named rightly",
        "first-come-first-served": "named rightly",
    },
)

_PAIR = """\
a, b = rng.sample(names, 2)
c, d = rng.sample(colours, 2)
return {
    "thing": ([a], [b]),
    "colour": ([f"{c} {a}"], [f"{d} {a}"]),
    "count": ([f"1 {a}"], [f"3 {a}"]),
    "side": ([a, b], [b, a]),
    "not": ([a, f"no {b}"], [f"no {a}", b]),
    "owner": ([f"{c} {a}", f"{d} {b}"], [f"{d} {a}", f"{c} {b}"]),
}[kind]
"""
_SEES = """\
right = scores[:, 0, 0] + scores[:, 1, 1]
return np.mean(right > scores[:, 0, 1] + scores[:, 1, 0]) > 0.8
"""


def _probe(pair: str = _PAIR, sees: str = _SEES, swap: tuple[str, str] | None = None) -> str:
    pair = pair.replace(*swap) if swap else pair
    heads = function("pair(kind, names, colours, rng)", pair), function("sees(scores)", sees)
    return "import numpy as np\n\n\n" + "\n\n".join(heads)


PROBE = programs(
    starter=_probe(
        '''\
"""Two facts that differ in one thing only, of a kind."""
a, b = rng.sample(names, 2)
c, d = rng.sample(colours, 2)
return {
    "thing": ([a], [b]),
    "colour": ([f"{c} {a}"], [f"{d} {b}"]),
    "count": ([f"1 {a}"], [f"3 {b}"]),
    "side": ([a, b], [b]),
    "not": ([a, f"no {b}"], [b, f"no {a}"]),
    "owner": ([f"{c} {a}", f"{d} {b}"], [f"{d} {a}", f"{d} {b}"]),
}[kind]
''',
        '"""Whether a box tells them apart: scores[n, i, j] of picture i and sentence j."""\n'
        "return np.mean(scores[:, 1, 1] > scores[:, 1, 0]) > 0.8",
    ),
    solution=_probe(),
    also={
        "by-the-gap": _probe(
            sees="""\
            gap = scores[:, 0, 0] - scores[:, 0, 1] - scores[:, 1, 0] + scores[:, 1, 1]
            return bool(gap.mean() > 0.6 * np.sqrt((gap**2).mean()))
            """
        ),
        "no-in-front-as-often": _probe(
            """\
            a, b, *_ = rng.sample(names, 3)
            c, d = rng.sample(colours, 2)
            match kind:
                case "thing":
                    return [a], [b]
                case "colour":
                    return [f"{c} {a}"], [f"{d} {a}"]
                case "count":
                    few, many = rng.sample(["1", "2", "3"], 2)
                    return [f"{few} {a}"], [f"{many} {a}"]
                case "side":
                    return [b, a], [a, b]
                case "not":
                    one, other = [a, f"no {b}"], [b, f"no {a}"]
                    return (one, other) if rng.random() < 0.5 else (one[::-1], other[::-1])
            return [f"{c} {a}", f"{d} {b}"], [f"{d} {a}", f"{c} {b}"]
            """
        ),
        "what-it-likes-taken-off": _probe(
            sees="""\
            hits = 0
            for table in scores:
                table = table - table.mean(axis=0)
                table = table - table.mean(axis=1, keepdims=True)
                hits += table[0, 0] > 0
            return hits >= 33
            """
        ),
    },
    wrong={
        "another-thing-too": _probe(
            swap=('"count": ([f"1 {a}"], [f"3 {a}"])', '"count": ([f"1 {a}"], [f"3 {b}"])')
        ),
        "named-first": _probe(swap=('[f"no {a}", b]', '[b, f"no {a}"]')),
        "one-colour-only": _probe(swap=('[f"{d} {a}", f"{c} {b}"]', '[f"{d} {a}", f"{d} {b}"]')),
        "one-picture": _probe(sees="return np.mean(scores[:, 1, 1] > scores[:, 1, 0]) > 0.8"),
        "all-four-at-once": _probe(
            sees="""\
            right = (scores[:, 0, 0] > scores[:, 0, 1]) & (scores[:, 1, 1] > scores[:, 1, 0])
            return np.mean(right) > 0.8
            """
        ),
        "half-will-do": _probe(sees=_SEES.replace("0.8", "0.45")),
    },
    mistakes={
        "another-thing-too": "to see 'count', and it does not",
        "named-first": "to see 'not', and it does not",
        "one-colour-only": "to see 'owner', and it does not",
        "one-picture": "and it does not",
        "all-four-at-once": "to be blind to",
        "half-will-do": "and it does not",
    },
)

_TEXTS = "return [wanted, unwanted] if unwanted else [wanted]"
_BEST = "return np.argsort(-scores)[:count]\n"
_SEEN = "seen, told = unit(pictures), unit(texts)\n"
_LESS = (
    _SEEN
    + "scores = seen @ told[0]\nif len(told) > 1:\n    scores = scores - {less} * seen @ told[1]\n"
)


def _search(words: str = _TEXTS, pick: str = _LESS.format(less=0.3) + _BEST) -> str:
    heads = (
        function("words(wanted, unwanted)", words),
        function("pick(pictures, texts, count)", pick),
    )
    return _NUMPY + _UNIT + "\n\n".join(heads)


_ALL = _SEEN + "scores = (seen @ told.T).mean(axis=1)\n" + _BEST
SEARCH = programs(
    starter=_search(
        '"""What is to be read for a request; `unwanted` may be empty."""\n'
        'return [f"{wanted}, but no {unwanted}"] if unwanted else [wanted]',
        '"""The numbers of the best pictures (n, k), by the texts (as many as there were, k)."""\n'
        + _ALL,
    ),
    solution=_search(),
    also={
        "thrown-out": _search(
            pick=_SEEN
            + """\
scores = seen @ told.T
kept = [n for n, row in enumerate(scores) if row[0] >= row.max()]
return sorted(kept, key=lambda n: -scores[n, 0])[:count]
"""
        ),
        "never-mentioned": _search("return [wanted]", _ALL),
        "two-wordings": _search(
            'return [wanted, f"a picture of {wanted}", *([unwanted] if unwanted else [])]',
            _SEEN
            + """\
scores = seen @ told[:2].mean(axis=0)
for row in told[2:]:
    scores -= 0.2 * np.maximum(seen @ row, 0)
"""
            + _BEST,
        ),
    },
    wrong={
        "without": _search('return [f"{wanted} without {unwanted}"] if unwanted else [wanted]'),
        "not": _search('return [f"{wanted} that are not {unwanted}"] if unwanted else [wanted]'),
        "added-up": _search(pick=_ALL),
        "away-from-it": _search(pick=_LESS.format(less=2) + _BEST),
    },
    mistakes={
        "without": "was not wanted",
        "not": "was not wanted",
        "added-up": "was not wanted",
        "away-from-it": "fits",
    },
)
