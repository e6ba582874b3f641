"""Questions with a text that answers them or does not: what the reader is trained on.

    python scripts/reader_pairs.py SOURCES OUT.jsonl

SOURCES holds what four public sets publish, each under a licence that lets one build upon it:

    qamr-dev.tsv qamr-test.tsv     uwnlp/qamr, data/readable (MIT)
    selqa-dev.json selqa-test.json emorynlp/selqa, ass (Apache-2.0)
    covidqa.json                   deepset-ai/COVID-QA, 200423_covidQA.json (Apache-2.0)
    fairytales/                    uci-soe/FairytaleQAData, data-by-train-split (Apache-2.0)

Each row: question, text, answerable, and where the answer stands (characters; null where the set
names the sentence alone). Texts that do not answer are those most like ones that do: other
sentences of the same section, and sentences of other places that share the question's words.
"""

from __future__ import annotations

import csv
import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentlab_tools.knowledge.retrieve import sentences
from agentlab_tools.lexical import LexicalIndex, Passage

_LONGEST = 500


@dataclass(frozen=True)
class Pair:
    """A question beside a text. `start` and `end` are characters of the answer in the text."""

    source: str
    question: str
    text: str
    answerable: bool
    start: int | None = None
    end: int | None = None


def window(parts: list[str], at: int, chance: random.Random) -> tuple[str, int]:
    """A sentence, often with its neighbours; and where it begins in that text."""
    before = parts[at - 1] + " " if at and chance.random() < 0.5 else ""
    after = " " + parts[at + 1] if at + 1 < len(parts) and chance.random() < 0.3 else ""
    whole = before + parts[at] + after
    return (whole, len(before)) if len(whole) <= _LONGEST else (parts[at], 0)


def placed(
    source: str, question: str, parts: list[str], at: int, answer: str | None, chance: random.Random
) -> Pair | None:
    """A text that answers, around the sentence that holds the answer."""
    text, begin = window(parts, at, chance)
    if len(text) > _LONGEST:
        return None
    if answer is None:
        return Pair(source, question, text, True)
    found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text[begin:], re.IGNORECASE)
    if not found:
        return None
    return Pair(source, question, text, True, begin + found.start(), begin + found.end())


def qamr(folder: Path, chance: random.Random) -> Iterator[Pair]:
    """Sentences of Wikipedia and Wikinews, each with some twenty questions."""
    for name in ("qamr-dev.tsv", "qamr-test.tsv"):
        for block in (folder / name).read_text(encoding="utf-8").split("\n\n"):
            lines = block.strip().splitlines()[1:]
            if len(lines) < 2:
                continue
            sentence = lines[0].strip()
            for line in lines[1:]:
                question = line[:50].strip()
                answers = [one.strip(" ,.") for one in line[50:].split("\t")]
                # the answer that most of those asked agree on
                answer = max(answers, key=lambda one: (answers.count(one), -len(one)))
                if answer and (pair := placed("qamr", question, [sentence], 0, answer, chance)):
                    yield pair


def selqa(folder: Path, chance: random.Random) -> Iterator[Pair]:
    """Sections of Wikipedia, with the sentences that answer."""
    for name in ("selqa-dev.json", "selqa-test.json"):
        for row in json.loads((folder / name).read_text(encoding="utf-8")):
            parts = [" ".join(one.split()) for one in row["candidates"]]
            for at in row["answers"][:1]:
                if pair := placed("selqa", row["question"], parts, at, None, chance):
                    yield pair
            wrong = [n for n in range(len(parts)) if not {n - 1, n, n + 1} & set(row["answers"])]
            for n in chance.sample(wrong, min(1, len(wrong))):
                text, _ = window(parts, n, chance)
                if len(text) <= _LONGEST:
                    yield Pair("selqa", row["question"], text, False)


def fairytales(folder: Path, chance: random.Random) -> Iterator[Pair]:
    """Stories, with questions whose answers stand in them word for word."""
    for file in sorted((folder / "fairytales" / "questions").glob("*/*.csv")):
        story = file.name.replace("-questions.csv", "-story.csv")
        with (folder / "fairytales" / "section-stories" / "all" / story).open(
            encoding="utf-8", newline=""
        ) as lines:
            sections = {
                row["section"]: [" ".join(s.text.split()) for s in sentences(row["text"])]
                for row in csv.DictReader(lines)
            }
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                parts = sections.get(row["cor_section"].split(",")[0].strip())
                answer = row["answer1"].strip(" .\"'")
                if not parts or not answer or row["ex-or-im1"] != "explicit":
                    continue
                held = [n for n, part in enumerate(parts) if answer.lower() in part.lower()]
                if len(held) == 1 and (
                    pair := placed("fairytales", row["question"], parts, held[0], answer, chance)
                ):
                    yield pair
                    wrong = [n for n in range(len(parts)) if abs(n - held[0]) > 1]
                    for n in chance.sample(wrong, min(1, len(wrong))):
                        if len(text := window(parts, n, chance)[0]) <= _LONGEST:
                            yield Pair("fairytales", row["question"], text, False)


def covid(folder: Path, chance: random.Random) -> Iterator[Pair]:
    """Scientific articles, asked by people who work in medicine."""
    data: Any = json.loads((folder / "covidqa.json").read_text(encoding="utf-8"))
    for article in data["data"]:
        for paragraph in article["paragraphs"]:
            spans = sentences(paragraph["context"])
            parts = [" ".join(span.text.split()) for span in spans]
            for row in paragraph["qas"]:
                for answer in row["answers"][:1]:
                    at = [
                        n for n, s in enumerate(spans) if s.start <= answer["answer_start"] < s.end
                    ]
                    said = " ".join(answer["text"].split()).strip(" .,;")
                    if at and (
                        pair := placed("covidqa", row["question"], parts, at[0], said, chance)
                    ):
                        yield pair


def with_near_ones(pairs: list[Pair], chance: random.Random) -> list[Pair]:
    """For every question a text of another question that is like it and does not answer it."""
    asked = [pair for pair in pairs if pair.answerable]
    texts = sorted({pair.text for pair in asked})
    index = LexicalIndex(
        Passage(source="", heading="", line=n, text=t) for n, t in enumerate(texts)
    )
    found = list(pairs)
    for pair in asked:
        said = set(pair.text.lower().split())
        # texts that share most of their words stand in the same place: they may answer
        near = [
            hit.passage.text
            for hit in index.search(pair.question, 12)
            if len(said & set(hit.passage.text.lower().split())) < 0.5 * len(said)
        ]
        for text in near[:1] if chance.random() < 0.6 else chance.sample(near, min(1, len(near))):
            found.append(Pair(pair.source, pair.question, text, False))
    return found


def main() -> None:
    """Read the sources, write the pairs."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    chance = random.Random(11)
    pairs: list[Pair] = []
    for source in (qamr, selqa, fairytales, covid):
        made = list(source(folder, chance))
        answered = sum(pair.answerable for pair in made)
        print(f"{source.__name__}: {answered:,} answered, {len(made) - answered:,} not")
        # of each sentence of QAMR a few questions, or it would be most of the pairs
        pairs += chance.sample(made, 6000) if source is qamr else made
    pairs = with_near_ones(pairs, chance)
    chance.shuffle(pairs)
    out.write_text("".join(json.dumps(asdict(pair)) + "\n" for pair in pairs), encoding="utf-8")
    print(f"{len(pairs):,} pairs in {out}")


if __name__ == "__main__":
    main()
