"""Rules that tell whether one of the sentences found answers a question; some only look like it."""

from __future__ import annotations

from agentlab.labs.declare import programs

_READ = '''import re

SMALL = set(
    "a also an and are as at be by call called can could did do does each for get give given had "
    "has have how in is it its keep long many much of on or say says should than that the they to "
    "was were what when where which while who whose will with you".split()
)


def every(text):
    return re.findall(r"[^\\W_]+", text)


def words(text):
    """Beginnings of the words that tell something: freeze and freezes are one."""
    return {w.rstrip("s")[:5] for w in every(text.lower()) if w not in SMALL}


def names(question):
    """Words with a capital or a digit, the first of the question left out."""
    return {w.lower() for w in every(question)[1:] if w != w.lower() or re.search(r"\\d", w)}


def fits(question, text):
    """Where a number is asked for: there is one that the question doesn't have."""
    if not re.search("how (many|much|long)|what (share|size|batch|perplexity)", question.lower()):
        return True
    there = re.findall(r"\\d[\\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten", text)
    return any(number.strip(".,") not in question for number in there)


'''

_BEST = """def answering(question, found):
    asked, wanted = words(question), names(question)
    best = None
    for number, one in enumerate(found):
        text = one["text"] + " " + one["file"]
        share = len(asked & words(text)) / len(asked)
        if wanted <= set(every(text.lower())) and share >= 0.7 and fits(question, one["text"]):
            if best is None or share > best[0]:
                best = share, number
    return None if best is None else best[1]
"""

_POINTS = '''class Rule:
    """Three points for a name, one for another word; four in five of all must be had."""

    def __init__(self, question):
        self.question = question
        self.names = names(question)
        self.rest = words(" ".join(w for w in every(question) if w.lower() not in self.names))

    def points(self, one):
        text = one["text"] + " " + one["file"]
        if not fits(self.question, one["text"]):
            return 0
        had = 3 * len(self.names & set(every(text.lower()))) + len(self.rest & words(text))
        return had / (3 * len(self.names) + len(self.rest))


def answering(question, found):
    rule = Rule(question)
    points = [rule.points(one) for one in found]
    return points.index(max(points)) if max(points) >= 0.74 else None
'''

_FUZZY = """from difflib import SequenceMatcher


def alike(word, text):
    return max((SequenceMatcher(None, word, w).ratio() for w in every(text.lower())), default=0)


def answering(question, found):
    told = [w for w in every(question.lower()) if w not in SMALL]
    marks = []
    for number, one in enumerate(found):
        text = one["text"] + " " + one["file"]
        near = [alike(word, text) >= (1 if word in names(question) else 0.7) for word in told]
        strict = all(near[n] for n, word in enumerate(told) if word in names(question))
        marks.append(sum(near) / len(near) if strict and fits(question, one["text"]) else 0)
    best = max(range(len(found)), key=lambda n: marks[n])
    return best if marks[best] >= 0.7 else None
"""

_MISSING = """def missing(question, one):
    text = (one["text"] + " " + one["file"]).lower()
    there = {w[:4] for w in every(text)}
    lost = [w for w in names(question) if w not in every(text)]
    rest = [w for w in every(question.lower()) if w not in SMALL and w not in names(question)]
    lost += lost + [w for w in rest if w.rstrip("s")[:4] not in there]
    return len(lost) + 2 * (not fits(question, one["text"]))


def answering(question, found):
    allowed = 1 if len(words(question)) > 3 else 0
    least, number = min((missing(question, one), n) for n, one in enumerate(found))
    return number if least <= allowed else None
"""

ABSENT = programs(
    starter='''def answering(question, found):
    """Return the number of the sentence in `found` that answers; None if none does."""
    return 0
''',
    solution=_READ + _BEST,
    also={
        "points": _READ + _POINTS,
        "alike-words": _READ + _FUZZY,
        "what-is-missing": _READ + _MISSING,
    },
    wrong={
        "by-cosine-alone": """def answering(question, found):
    best = max(range(len(found)), key=lambda n: found[n]["cosine"])
    return best if found[best]["cosine"] >= 0.5 else None
""",
        "always-declines": "def answering(question, found):\n    return None\n",
        "most-of-its-words": _READ
        + """def answering(question, found):
    share = [len(words(question) & words(one["text"])) for one in found]
    return share.index(max(share)) if max(share) >= len(words(question)) / 2 else None
""",
        "every-word-as-it-is": """def answering(question, found):
    for number, one in enumerate(found):
        if set(question.strip("?").split()[1:]) <= set(one["text"].split()):
            return number
    return None
""",
    },
    mistakes={
        "by-cosine-alone": "declines",
        "always-declines": "answers",
        "most-of-its-words": "declines",
        "every-word-as-it-is": "answers",
    },
)
