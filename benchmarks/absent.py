"""Questions whose answer is not there: how often that is said, and how often wrongly.

    python benchmarks/absent.py SQUAD.json [--half second] [--questions 300] [--fit]

SQUAD.json has SQuAD's format, XQuAD's English file for instance. Each paragraph becomes a file of
an index, and every question is asked three times by `ask`'s own code, without a language model:

    there    all paragraphs are found
    near     all but the one that answers: what is left is about the same subject
    strange  no paragraph of the article

What counts: the share that is declined; of what is there, the share of answers that hold the right
one, and of citations that hold it. Intervals are Wilson's, 95 %. The articles of one half fit the
weights of the evidence and the probability to answer from (--fit writes them where `ask` reads
them), so report the other half.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agentlab_tools.knowledge.ask import PASSAGES
from agentlab_tools.knowledge.embed.minilm import MiniLM, States
from agentlab_tools.knowledge.evidence import Evidence, weighed
from agentlab_tools.knowledge.index import open_index
from agentlab_tools.knowledge.read import verdict
from agentlab_tools.knowledge.retrieve import Found, Retriever

CASES = ("there", "near", "strange")


@dataclass(frozen=True)
class Question:
    """A question of a public set. `file` is its paragraph's, in a folder of its article."""

    text: str
    answers: tuple[str, ...]
    file: str


class Remembering(MiniLM):
    """MiniLM, which reads no text twice: the same sentences are read for many questions."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self._read: dict[str, States] = {}

    def states(self, texts: Sequence[str]) -> list[States]:
        """Those of the base class."""
        new = [text for text in dict.fromkeys(texts) if text not in self._read]
        self._read |= dict(zip(new, super().states(new), strict=True)) if new else {}
        return [self._read[text] for text in texts]


def write_set(file: Path, half: str, folder: Path) -> list[Question]:
    """Write the paragraphs of every second article as files; the questions about them."""
    articles: Any = json.loads(file.read_text(encoding="utf-8"))["data"]
    found: list[Question] = []
    for number, article in enumerate(articles):
        if half != "both" and number % 2 != ("first", "second").index(half):
            continue
        title = article["title"].replace("_", " ")
        place = folder / f"article{number:03}"
        place.mkdir()
        for n, paragraph in enumerate(article["paragraphs"]):
            (place / f"{n}.md").write_text(f"# {title}\n\n{paragraph['context']}\n")
            for row in paragraph["qas"]:
                answers = tuple(answer["text"] for answer in row["answers"])
                if answers:
                    name = f"{folder.name}/{place.name}/{n}.md"
                    found.append(Question(row["question"], answers, name))
    return found


def left(found: Sequence[Found], question: Question, case: str) -> list[Found]:
    """What would have been found, had some paragraphs not been there."""
    gone = {"there": "\0", "near": question.file, "strange": question.file.rpartition("/")[0]}
    return [one for one in found if not one.source.file.startswith(gone[case])][:PASSAGES]


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether a text has one of the right answers in it."""

    def plain(of: str) -> str:
        return " ".join(["", *re.findall(r"[^\W_]+", of.lower()), ""])

    return any(plain(answer) in plain(text) for answer in answers if plain(answer).strip())


def interval(hits: int, of: int) -> str:
    """A share, with Wilson's interval."""
    if not of:
        return "-"
    share, z = hits / of, 1.96
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z * ((share * (1 - share) + z * z / (4 * of)) / of) ** 0.5 / (1 + z * z / of)
    return f"{share:.3f} [{middle - reach:.3f}, {middle + reach:.3f}]"


Asked = tuple[Question, str, list[Evidence]]


def ask_all(file: Path, half: str, count: int) -> list[Asked]:
    """Each question in each case, with all that was read for it, the likeliest first."""
    made: list[Asked] = []
    minilm = Remembering()
    with tempfile.TemporaryDirectory() as name:
        docs = Path(name) / "docs"
        docs.mkdir()
        questions = write_set(file, half, docs)
        random.Random(7).shuffle(questions)
        with open_index(Path(name) / "index", embedder=minilm, create=True) as index:
            index.update(docs)
            retriever = Retriever(index.store, minilm, Path(name) / "index")
            for question in questions[:count]:
                found = retriever.retrieve(question.text, 30, quotes=False)
                for case in CASES:
                    kept = left(found, question, case)
                    made.append((question, case, weighed(question.text, kept, minilm)))
    return made


def fit(asked: Sequence[Asked], most_wrong: float = 0.1) -> dict[str, float]:
    """Weights for each piece of evidence, and the least probability that declines few wrongly.

    A sentence answers if it holds the right answer and its paragraph is the question's. Of each
    question the three likeliest sentences are learnt from, and the one that answers.
    """
    regression: Any = importlib.import_module("sklearn.linear_model").LogisticRegression
    rows: list[list[float]] = []
    right: list[bool] = []
    for question, case, read in asked:
        for n, one in enumerate(read):
            answers = (
                case == "there"
                and one.citation.source.file == question.file
                and holds(one.citation.quote, question.answers)
            )
            if n < 3 or answers:
                rows.append([one.parts[name] for name in verdict.EVIDENCE])
                right.append(answers)
    x = np.array(rows)
    scale = x.std(0) + 1e-6
    model: Any = regression(C=1.0, max_iter=1000).fit(x / scale, right)
    found: list[float] = (model.coef_[0] / scale).tolist()
    weights: dict[str, float] = dict(zip(verdict.EVIDENCE, found, strict=True))
    weights["intercept"] = float(model.intercept_[0])

    def best(read: Sequence[Evidence]) -> float:
        totals = [
            weights["intercept"] + sum(weights[n] * one.parts[n] for n in verdict.EVIDENCE)
            for one in read
        ]
        return 1 / (1 + float(np.exp(-max(totals, default=-50.0))))

    there = sorted(best(read) for _, case, read in asked if case == "there")
    weights["least"] = there[int(most_wrong * len(there))]
    return {name: round(value, 4) for name, value in weights.items()}


def main() -> None:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--half", choices=["first", "second", "both"], default="second")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    asked = ask_all(given.file, given.half, given.questions)
    if given.fit:
        weights = fit(asked)
        place = Path(verdict.__file__).with_name("verdict.json")
        place.write_text(json.dumps(weights, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(weights))
        verdict.calibration.cache_clear()
        asked = [(q, case, again(read)) for q, case, read in asked]
    least = verdict.calibration()["least"]
    for case in CASES:
        of = [(q, read) for q, c, read in asked if c == case]
        declined = sum(not read or read[0].probability < least for _, read in of)
        print(f"{case:8} declined {interval(declined, len(of))} of {len(of)}")
    there = [(q, read) for q, c, read in asked if c == "there" and read]
    shares: dict[str, Callable[[Sequence[Evidence]], str]] = {
        "the first citation holds it": lambda read: read[0].citation.quote,
        "one of the citations holds it": lambda read: " ".join(
            one.citation.quote for one in read[:3] if one.probability >= read[0].probability / 2
        ),
        "the answer holds the right one": lambda read: read[0].citation.quote[
            read[0].start : read[0].end
        ],
    }
    for name, share in shares.items():
        hits = sum(holds(share(read), q.answers) for q, read in there)
        said = [(q, read) for q, read in there if read[0].probability >= least]
        answered = sum(holds(share(read), q.answers) for q, read in said)
        print(f"{name:30} {interval(hits, len(there))} of all")
        print(f"{'':30} {interval(answered, len(said))} of {len(said)} answered")


def again(read: Sequence[Evidence]) -> list[Evidence]:
    """What was read, by the weights as they are now."""
    from dataclasses import replace

    made = [replace(one, probability=verdict.probability(one.parts)) for one in read]
    return sorted(made, key=lambda one: -one.probability)


if __name__ == "__main__":
    main()
