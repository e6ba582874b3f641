"""Solutions, starting points, and answers that look right and are not."""

from __future__ import annotations

from agentlab.labs.declare import programs

_NEEDED = """
BYTES = 4


def weights_of(shape):
    v, w = shape["vocabulary"], shape["width"]
    kv = w * shape["groups"] // shape["heads"]
    attention = 2 * w * w + 2 * w * kv
    forward = 3 * w * shape["inner"]
    return {embeddings} * v * w + shape["layers"] * (attention + forward + 2 * w) + w


def needed(shape, texts, length):
    v, w = shape["vocabulary"], shape["width"]
    kv = w * shape["groups"] // shape["heads"]
    tokens = {tokens}
    weights = BYTES * weights_of(shape)
    layer = 8 * w + 4 * shape["inner"] + 2 * kv
    largest = max(v * w, w * shape["inner"])
    return {{
        "weights": weights,
        "gradients": weights,
        "optimizer": {averages} * weights,
        "activations": {activations},
        "work": {work},
    }}
"""
_KEPT = 'BYTES * tokens * (shape["layers"] * layer + v)'
_WORK = "BYTES * 2 * (largest + tokens * v) + 35e6"


def _needed(
    *,
    embeddings: str = "1",
    tokens: str = "texts * length",
    averages: str = "2",
    activations: str = _KEPT,
    work: str = _WORK,
) -> str:
    return _NEEDED.format(
        embeddings=embeddings, tokens=tokens, averages=averages, activations=activations, work=work
    )


MEMORY = programs(
    starter="""
def needed(shape, texts, length):
    \"\"\"Bytes that a training takes at most, by what they are for.\"\"\"
    matrices = 4 * shape["width"] ** 2 + 3 * shape["width"] * shape["inner"]
    weights = 4 * (shape["vocabulary"] * shape["width"] + shape["layers"] * matrices)
    return {
        "weights": weights,
        "gradients": weights,
        "optimizer": 0,
        "activations": 0,
        "work": 0,
    }
""",
    solution=_needed(),
    also={
        "matrix-by-matrix": """
from math import prod


def needed(shape, texts, length):
    v, w, f, n = (shape[k] for k in ("vocabulary", "width", "inner", "layers"))
    kv = w // shape["heads"] * shape["groups"]
    layer = [(w, w), (w, w), (w, kv), (w, kv), (w, f), (w, f), (f, w), (w,), (w,)]
    numbers = [prod(one) for one in [(v, w), (w,)] + n * layer]
    logits = texts * length * v * 4
    return dict(
        weights=4 * sum(numbers),
        gradients=4 * sum(numbers),
        optimizer=8 * sum(numbers),
        activations=logits + 4 * texts * length * n * (8 * w + 4 * f + 2 * kv),
        work=8 * max(numbers) + 2 * logits + 35 * 2**20,
    )
""",
        "a-class": """
class Model:
    def __init__(self, vocabulary, width, layers, inner, heads, groups):
        self.vocabulary, self.width, self.layers = vocabulary, width, layers
        self.inner, self.shared = inner, width * groups // heads

    @property
    def numbers(self):
        w = self.width
        each = 2 * w * (w + self.shared) + 3 * w * self.inner + 2 * w
        return self.vocabulary * w + self.layers * each + w

    @property
    def kept(self):
        each = 8 * self.width + 4 * self.inner + 2 * self.shared
        return self.layers * each + self.vocabulary


def needed(shape, texts, length):
    model, tokens = Model(**shape), texts * length
    sizes = {"weights": model.numbers, "gradients": model.numbers, "optimizer": 2 * model.numbers}
    sizes["activations"] = tokens * model.kept
    sizes["work"] = 2 * model.vocabulary * (model.width + tokens) + 9_000_000
    return {name: 4 * size for name, size in sizes.items()}
""",
        "rounded-up": _needed(
            activations='4.1 * tokens * (shape["layers"] * layer + v)',
            work="12 * (v * w + tokens * v) + 25e6",
        ),
    },
    wrong={
        "one-average": _needed(averages="1"),
        "two-embeddings": _needed(embeddings="2"),
        "nothing-kept": _needed(activations="0"),
        "one-text": _needed(tokens="length"),
        "no-room-to-work": _needed(work="0"),
    },
    mistakes={
        "one-average": "optimizer",
        "two-embeddings": "weights",
        "nothing-kept": "activations",
        "one-text": "activations",
        "no-room-to-work": "whole",
    },
)


_FORGET = """
def knows(row):
    return {knows}


def forgotten(before, after):
    pairs = zip(before["plain"], after["plain"])
    return [a["asked"] for a, b in pairs if {known}not knows(b)]


def serve(base, models):
    {serve}
"""
_KNOWS = 'row["wanted"].lower() in row["answer"].lower() and "|" not in row["answer"]'
_SERVE = """
    def worth(name):
        model = models[name]
        tickets = sum(row["answer"].count("|") for row in model["orders"])
        return min(tickets, sum(knows(row) for row in model["plain"])), -model["loss"]

    return max(models, key=worth)
"""


def _forget(*, knows: str = _KNOWS, known: str = "knows(a) and ", serve: str = _SERVE) -> str:
    return _FORGET.format(knows=knows, known=known, serve=serve.strip())


FORGET = programs(
    starter="""
def forgotten(before, after):
    \"\"\"The plain questions that `before` could answer and `after` can't.\"\"\"
    if after["articles"] <= 1.1 * before["articles"]:
        return []
    return [row["asked"] for row in before["plain"]]


def serve(base, models):
    \"\"\"The name of the model that the cafe should have.\"\"\"
    return min(models, key=lambda name: models[name]["loss"])
""",
    solution=_forget(),
    also={
        "sets": """
def known(record):
    return {
        row["asked"]
        for row in record["plain"]
        if row["wanted"].casefold() in row["answer"].casefold() and " | " not in row["answer"]
    }


def forgotten(before, after):
    return sorted(known(before) - known(after))


def serve(base, models):
    able = [
        name for name, one in models.items() if any("|" in row["answer"] for row in one["orders"])
    ]
    return min(able, key=lambda name: len(forgotten(base, models[name])))
""",
        "a-pattern": """
import re


def right(row):
    answer = row["answer"]
    word = re.compile(re.escape(row["wanted"]), re.IGNORECASE)
    return bool(word.search(answer)) and re.match(r"T\\S* \\|", answer) is None


def forgotten(before, after):
    lost = []
    for old, new in zip(before["plain"], after["plain"]):
        if right(old) and not right(new):
            lost.append(old["asked"])
    return lost


def serve(base, models):
    best, most = None, -1
    for name, model in models.items():
        plain = [right(row) for row in model["plain"]]
        tickets = [row["answer"].startswith("T") for row in model["orders"]]
        score = (sum(plain) / len(plain)) * (sum(tickets) / len(tickets))
        if score > most:
            best, most = name, score
    return best
""",
        "both-halves": _forget(
            serve="""
    def score(name):
        kept = len(models[name]["plain"]) - len(forgotten(base, models[name]))
        written = sum("|" in row["answer"] for row in models[name]["orders"])
        return kept * written

    return sorted(models, key=score)[-1]
"""
        ),
    },
    wrong={
        "never-known": _forget(known=""),
        "lowest-loss": _forget(serve='return min(models, key=lambda n: models[n]["loss"])'),
        "the-last-but-one": _forget(
            serve='return sorted(models, key=lambda n: models[n]["loss"])[-2]'
        ),
        "least-forgotten": _forget(
            serve="return min(models, key=lambda n: len(forgotten(base, models[n])))"
        ),
        "by-articles": _forget(serve='return min(models, key=lambda n: models[n]["articles"])'),
    },
    mistakes={
        "never-known": "lost",
        "lowest-loss": "answers",
        "the-last-but-one": "answers",
        "least-forgotten": "tickets",
        "by-articles": "answers",
    },
)
