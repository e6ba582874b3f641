"""Starters, reference solutions, other right answers, and answers that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_POSTERIOR_STARTER = '''def posterior(prior, chances, seen):
    """How likely each cause is, after what was seen: a dict like `prior`.

    prior: cause to chance. chances: cause to sign to chance. seen: a list of signs.
    """
    found = {}
    for cause in prior:
        found[cause] = 1.0
        for sign in seen:
            found[cause] *= chances[cause][sign]
    return found
'''
_POSTERIOR = """import math


def posterior(prior, chances, seen):
    logs = {}
    for cause, before in prior.items():
        logs[cause] = math.log(before)
        for sign in seen:
            chance = chances[cause][sign]
            logs[cause] += math.log(chance) if chance else -math.inf
    top = max(logs.values())
    powers = {cause: math.exp(log - top) for cause, log in logs.items()}
    total = sum(powers.values())
    return {cause: power / total for cause, power in powers.items()}
"""
_POSTERIOR_ALSO = {
    "sign-by-sign": """def posterior(prior, chances, seen):
    belief = dict(prior)
    for sign in seen:
        belief = {cause: p * chances[cause][sign] for cause, p in belief.items()}
        total = sum(belief.values())
        belief = {cause: p / total for cause, p in belief.items()}
    return belief
""",
    "in-fractions": """from collections import Counter
from fractions import Fraction


def posterior(prior, chances, seen):
    often = Counter(seen)
    exact = {}
    for cause in prior:
        exact[cause] = Fraction(prior[cause])
        for sign, count in often.items():
            exact[cause] *= Fraction(chances[cause][sign]) ** count
    return {cause: float(part / sum(exact.values())) for cause, part in exact.items()}
""",
    "as-arrays": """import numpy as np


def posterior(prior, chances, seen):
    causes = list(prior)
    table = np.array([[chances[cause][sign] for sign in seen] for cause in causes])
    with np.errstate(divide="ignore"):
        logs = np.log([prior[cause] for cause in causes]) + np.log(table).sum(axis=1)
    logs -= np.logaddexp.reduce(logs)
    return dict(zip(causes, np.exp(logs)))
""",
}
_POSTERIOR_WRONG = {
    "forgets-what-was-believed": (
        _POSTERIOR.replace("logs[cause] = math.log(before)", "logs[cause] = 0.0")
    ),
    "not-brought-to-one": _POSTERIOR.replace("power / total", "power"),
    "multiplies": """def posterior(prior, chances, seen):
    found = dict(prior)
    for cause in found:
        for sign in seen:
            found[cause] *= chances[cause][sign]
    total = sum(found.values()) or 1.0
    return {cause: p / total for cause, p in found.items()}
""",
    "each-sign-once": _POSTERIOR.replace("for sign in seen", "for sign in set(seen)"),
    "the-last-sign": _POSTERIOR.replace("for sign in seen", "for sign in seen[-1:]"),
    "never-says-never": _POSTERIOR.replace("-math.inf", "math.log(0.01)"),
    "in-the-table": (
        _POSTERIOR_ALSO["sign-by-sign"]
        .replace("belief = dict(prior)", "belief = prior")
        .replace(
            """        belief = {cause: p * chances[cause][sign] for cause, p in belief.items()}
""",
            """        for cause in belief:
            belief[cause] *= chances[cause][sign]
""",
        )
    ),
}
_POSTERIOR_MISTAKES = {
    "forgets-what-was-believed": "a rare thing",
    "not-brought-to-one": "follows",
    "multiplies": "signs: ",
    "each-sign-once": "follows",
    "the-last-sign": "follows",
    "never-says-never": "never shows",
    "in-the-table": "kept",
}
POSTERIOR = programs(
    starter=_POSTERIOR_STARTER,
    solution=_POSTERIOR,
    also=_POSTERIOR_ALSO,
    wrong=_POSTERIOR_WRONG,
    mistakes=_POSTERIOR_MISTAKES,
)

_WRITER_STARTER = '''from collections import Counter, defaultdict


class Writer:
    """Chances for the next character, from counts in a text."""

    def __init__(self, text, symbols):
        self.symbols = symbols
        self.after = defaultdict(Counter)
        for at in range(4, len(text)):
            self.after[text[at - 4 : at]][text[at]] += 1

    def chances(self, before):
        """A chance for every one of `symbols`, that it comes after `before`: a dict."""
        counts = self.after[before[-4:]]
        total = counts.total() or 1
        return {symbol: counts[symbol] / total for symbol in self.symbols}
'''
_WRITER = """from collections import Counter, defaultdict


class Writer:
    def __init__(self, text, symbols, order=4):
        self.symbols, self.order = symbols, order
        self.after = defaultdict(Counter)
        for at, symbol in enumerate(text):
            for length in range(min(order, at) + 1):
                self.after[text[at - length : at]][symbol] += 1

    def chances(self, before):
        found = dict.fromkeys(self.symbols, 1 / len(self.symbols))
        for length in range(min(self.order, len(before)) + 1):
            counts = self.after.get(before[len(before) - length :])
            if not counts:
                break
            total, kinds = counts.total(), len(counts)
            found = {s: (counts[s] + kinds * p) / (total + kinds) for s, p in found.items()}
        return found
"""
_WRITER_ALSO = {
    "absolute-discount": """class Writer:
    def __init__(self, text, symbols):
        self.symbols = symbols
        self.tables = []
        for length in range(5):
            table = {}
            for at in range(length, len(text)):
                row = table.setdefault(text[at - length : at], {})
                row[text[at]] = row.get(text[at], 0) + 1
            self.tables.append(table)

    def chances(self, before, length=4, taken=0.75):
        if length < 0:
            return {symbol: 1 / len(self.symbols) for symbol in self.symbols}
        shorter = self.chances(before, length - 1)
        row = self.tables[length].get(before[max(len(before) - length, 0) :])
        if not row or length > len(before):
            return shorter
        total = sum(row.values())
        left = taken * len(row) / total
        return {
            symbol: max(row.get(symbol, 0) - taken, 0) / total + left * chance
            for symbol, chance in shorter.items()
        }
""",
    "mixed-by-fixed-shares": """from collections import Counter, defaultdict

SHARES = (0.01, 0.04, 0.1, 0.25, 0.6)


class Writer:
    def __init__(self, text, symbols):
        self.symbols = symbols
        self.after = [defaultdict(Counter) for _ in SHARES]
        for length, table in enumerate(self.after):
            for at in range(length, len(text)):
                table[text[at - length : at]][text[at]] += 1

    def chances(self, before):
        mixed = {symbol: 0.002 / len(self.symbols) for symbol in self.symbols}
        weight = 0.002
        for length, (share, table) in enumerate(zip(SHARES, self.after)):
            counts = table.get(before[len(before) - length :])
            if counts:
                weight += share
                total = counts.total()
                for symbol, count in counts.items():
                    mixed[symbol] += share * count / total
        return {symbol: chance / weight for symbol, chance in mixed.items()}
""",
    "three-characters": _WRITER.replace("order=4", "order=3"),
    "as-arrays": """import numpy as np


class Writer:
    def __init__(self, text, symbols):
        self.symbols = symbols
        place = {symbol: n for n, symbol in enumerate(symbols)}
        self.rows = {}
        for at, symbol in enumerate(text):
            for length in range(5):
                if length <= at:
                    self.rows.setdefault(text[at - length : at], []).append(place[symbol])

    def chances(self, before):
        size = len(self.symbols)
        p = np.full(size, 1 / size)
        for length in range(5):
            row = self.rows.get(before[max(len(before) - length, 0) :])
            if row is None or length > len(before):
                break
            counts = np.bincount(row, minlength=size)
            kinds = np.count_nonzero(counts)
            p = (counts + kinds * p) / (counts.sum() + kinds)
        return dict(zip(self.symbols, p))
""",
}
_WRITER_WRONG = {
    "add-one": (
        _WRITER_STARTER.replace(
            "total = counts.total() or 1", "total = counts.total() + len(self.symbols)"
        ).replace("counts[symbol] / total", "(counts[symbol] + 1) / total")
    ),
    "a-little-for-each": (
        _WRITER_STARTER.replace("counts[symbol] / total", "max(counts[symbol] / total, 1e-3)")
    ),
    "falls-back": """from collections import Counter, defaultdict


class Writer:
    def __init__(self, text, symbols):
        self.symbols = symbols
        self.after = defaultdict(Counter)
        for at, symbol in enumerate(text):
            for length in range(min(4, at) + 1):
                self.after[text[at - length : at]][symbol] += 1

    def chances(self, before):
        return {symbol: self.chance(before[-4:], symbol) for symbol in self.symbols}

    def chance(self, before, symbol):
        counts = self.after.get(before)
        if counts and counts[symbol]:
            return counts[symbol] / counts.total()
        return 0.4 * self.chance(before[1:], symbol) if before else 1e-5
""",
    "pairs-alone": _WRITER.replace("order=4", "order=1"),
    "letters-alone": _WRITER.replace("order=4", "order=0"),
}
_WRITER_MISTAKES = {
    "add-one": "bits",
    "a-little-for-each": "sum",
    "falls-back": "sum",
    "pairs-alone": "bits",
    "letters-alone": "bits",
}
WRITER = programs(
    starter=_WRITER_STARTER,
    solution=_WRITER,
    also=_WRITER_ALSO,
    wrong=_WRITER_WRONG,
    mistakes=_WRITER_MISTAKES,
)

_DOUBT_STARTER = '''import math


def doubt(claims, came):
    """(hits to be expected, the spread that luck gives them, how many spreads off the hits are).

    claims: chances. came: for each, whether it came true.
    """
    count = len(claims)
    mean = sum(claims) / count
    spread = math.sqrt(count * mean * (1 - mean))
    return mean, spread, (sum(came) - mean) / spread
'''
_DOUBT = """import math


def doubt(claims, came):
    mean = sum(claims)
    spread = math.sqrt(sum(p * (1 - p) for p in claims))
    return mean, spread, (sum(came) - mean) / spread
"""
_DOUBT_ALSO = {
    "as-arrays": """import numpy as np


def doubt(claims, came):
    p = np.asarray(claims)
    spread = np.sqrt(p @ (1 - p))
    return p.sum(), spread, (np.sum(came) - p.sum()) / spread
""",
    "surprise-by-surprise": """def doubt(claims, came):
    off = variance = expected = 0.0
    for chance, hit in zip(claims, came):
        expected += chance
        variance += chance - chance**2
        off += hit - chance
    return expected, variance**0.5, off / variance**0.5
""",
    "by-the-mean-and-its-own-spread": """import math
import statistics


def doubt(claims, came):
    # n m (1 - m) is too much by n times the variance of the claims among themselves
    count, mean = len(claims), statistics.fmean(claims)
    variance = count * (mean * (1 - mean) - statistics.pvariance(claims))
    spread = math.sqrt(variance)
    return count * mean, spread, (sum(came) - count * mean) / spread
""",
}
_DOUBT_WRONG = {
    "as-if-all-alike": (
        _DOUBT.replace(
            "math.sqrt(sum(p * (1 - p) for p in claims))",
            "math.sqrt(mean * (1 - mean / len(claims)))",
        )
    ),
    "no-root": _DOUBT.replace("math.sqrt(sum(", "(sum("),
    "spreads-added": (
        _DOUBT.replace(
            "math.sqrt(sum(p * (1 - p) for p in claims))",
            "sum(math.sqrt(p * (1 - p)) for p in claims)",
        )
    ),
    "of-what-came": (
        _DOUBT.replace(
            "math.sqrt(sum(p * (1 - p) for p in claims))",
            "math.sqrt(sum(came) * (1 - sum(came) / len(came)))",
        )
    ),
    "the-other-way-round": _DOUBT.replace("sum(came) - mean", "mean - sum(came)"),
    "the-mean-of-one": (_DOUBT.replace("mean = sum(claims)", "mean = sum(claims) / len(claims)")),
}
_DOUBT_MISTAKES = {
    "as-if-all-alike": "spread",
    "no-root": "spread",
    "spreads-added": "spread",
    "of-what-came": "spread",
    "the-other-way-round": "off",
    "the-mean-of-one": "mean",
}
DOUBT = programs(
    starter=_DOUBT_STARTER,
    solution=_DOUBT,
    also=_DOUBT_ALSO,
    wrong=_DOUBT_WRONG,
    mistakes=_DOUBT_MISTAKES,
)

_HONEST_STARTER = '''def honest(known, asked):
    """For each of `asked`, the chance that the answer is right.

    known: (kind, claim, right) of other answers. asked: (kind, claim).
    """
    return [claim for kind, claim in asked]
'''
_HONEST = """from collections import Counter


def honest(known, asked):
    right, count = Counter(), Counter()
    for kind, _, was_right in known:
        count[kind] += 1
        right[kind] += was_right
    return [(right[kind] + 1) / (count[kind] + 2) for kind, _ in asked]
"""
_HONEST_ALSO = {
    "sure-and-unsure": """def honest(known, asked):
    def chance(kind, claim):
        like = [right for k, c, right in known if k == kind and (c > 0.6) == (claim > 0.6)]
        return (sum(like) + 1) / (len(like) + 2)

    return [chance(kind, claim) for kind, claim in asked]
""",
    "by-descent": """import numpy as np


def honest(known, asked):
    kinds = sorted({kind for kind, *_ in known})

    def row(kind, claim):
        return [float(kind == k) for k in kinds] + [np.log(claim / (1.000001 - claim))]

    x = np.array([row(kind, claim) for kind, claim, _ in known])
    y = np.array([right for *_, right in known], dtype=float)
    w = np.zeros(x.shape[1])
    held = np.array([0.0] * len(kinds) + [0.1])  # how much a claim counts, not how often a kind is
    for _ in range(2000):
        off = 1 / (1 + np.exp(-x @ w)) - y
        w -= 0.05 * (x.T @ off / len(y) + held * w)
    asked = np.array([row(kind, claim) for kind, claim in asked])
    return 1 / (1 + np.exp(-asked @ w))
""",
    "bayes-by-kind": """from fractions import Fraction


def honest(known, asked):
    rights = [kind for kind, _, right in known if right]
    wrongs = [kind for kind, _, right in known if not right]
    kinds = {kind for kind, *_ in known}
    prior = Fraction(len(rights) + len(kinds), len(known) + 2 * len(kinds))
    found = []
    for kind, _ in asked:
        if_right = Fraction(rights.count(kind) + 1, len(rights) + len(kinds))
        if_wrong = Fraction(wrongs.count(kind) + 1, len(wrongs) + len(kinds))
        both = prior * if_right
        found.append(float(both / (both + (1 - prior) * if_wrong)))
    return found
""",
}
_HONEST_WRONG = {
    "one-rate-for-all": """def honest(known, asked):
    rate = sum(right for *_, right in known) / len(known)
    return [rate for _ in asked]
""",
    "never-seen-is-never": (
        _HONEST.replace("(right[kind] + 1) / (count[kind] + 2)", "right[kind] / count[kind]")
    ),
    "by-the-claim-alone": """def honest(known, asked):
    def chance(claim):
        like = [right for _, c, right in known if int(c * 4) == int(claim * 4)]
        return (sum(like) + 1) / (len(like) + 2)

    return [chance(claim) for _, claim in asked]
""",
    "yes-or-no": (_HONEST_STARTER.replace("[claim for", "[0.99 if claim > 0.6 else 0.01 for")),
}
_HONEST_MISTAKES = {
    "one-rate-for-all": "kinds",
    "never-seen-is-never": "impossible",
    "by-the-claim-alone": "kinds",
    "yes-or-no": "cost",
}
HONEST = programs(
    starter=_HONEST_STARTER,
    solution=_HONEST,
    also=_HONEST_ALSO,
    wrong=_HONEST_WRONG,
    mistakes=_HONEST_MISTAKES,
)
