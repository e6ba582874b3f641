"""Questions with known answers, and articles to be cut into passages."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.labs import Case
from agentlab_tools.search import LIBRARY

from .library import found_for

_QUESTIONS: Sequence[tuple[str, str]] = (
    ("How many tokens does SmolLM2 use?", "49,152"),
    ("Who described gradient descent in 1847?", "Cauchy"),
    ("How many questions does TruthfulQA have?", "817"),
    ("How many billion parameters does DeepSeek-V3 have?", "671"),
    ("On how many hours of recordings was Whisper trained?", "680,000"),
    ("What is the usual default of k₁ in BM25?", "1.2"),
    ("How many numbers does all-MiniLM-L6-v2 output for a sentence?", "384"),
    ("How many real issues did SWE-bench collect?", "2,294"),
    ("What share of the tokens does BERT hide?", "15%"),
    ("Who published reverse mode differentiation in a master's thesis of 1970?", "Linnainmaa"),
    ("For how many tokens is the context of SmolLM2-135M?", "8,192"),
    ("Who proposed in 1972 to weight a word by how few documents contain it?", "Spärck Jones"),
    ("How many entries does the vocabulary of GPT-2 have?", "50,257"),
    ("How many samples a second has a CD?", "44,100"),
    ("How many numbers has a 224 by 224 colour image?", "150,528"),
    ("What batch size did CLIP have?", "32,768"),
    ("How many bytes per token does the KV cache of SmolLM2 take?", "23,040"),
    ("Who introduced momentum in 1964?", "Polyak"),
    ("How many characters of Pushkin did Markov count letters in?", "20,000"),
    ("What perplexity did the largest GPT-2 reach on WikiText-103?", "17.48"),
    ("How many P100 GPUs trained the big transformer?", "eight"),
    ("How much memory do a million embeddings of 384 numbers take?", "1.536"),
    ("How many questions does BLINK ask?", "3,807"),
    ("Who invented byte-pair encoding as a compression trick in 1994?", "Gage"),
)

_LENGTHS = (280, 400, 520)


def questions(rng: Random, count: int) -> Sequence[Case]:
    """Questions on the library, each twice: from memory, and with what was found for it.

    `expect` is what a right answer holds; `facts` has the source and the sentence, where one was
    given.
    """
    cases: list[Case] = []
    for text, answer in rng.sample(_QUESTIONS, count // 2):
        source, sentence = found_for(text)
        cases.append(Case(f"Question: {text}", answer))
        facts = {"source": source, "sentence": sentence}
        cases.append(Case(f"[{source}] {sentence}\n\nQuestion: {text}", answer, facts))
    return cases


def articles(rng: Random, count: int) -> Sequence[Case]:
    """Articles to cut, each with a length in characters; `facts` has the text."""
    cases: list[Case] = []
    for file in rng.sample(sorted(LIBRARY.glob("*.md")), count):
        text = file.read_text(encoding="utf-8").partition("\n## Sources")[0].strip() + "\n"
        size = rng.choice(_LENGTHS)
        code = (
            f"text, size = {text!r}, {size}\nimport json\nprint(json.dumps(passages(text, size)))"
        )
        cases.append(
            Case(code, size, {"text": text}, title=f"{file.stem}, cut at {size} characters")
        )
    return cases
