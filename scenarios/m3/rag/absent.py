"""Questions the library answers, and near ones that it doesn't: a word was changed in each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from agentlab.labs import Case

FOUND = Path(__file__).with_name("found.json")
"""What the index gives for each question; `measure.py --write` makes it again."""

EACH = 12
"""Questions of each kind in a case."""


@dataclass(frozen=True)
class Asked:
    """A question and what was found for it.

    Attributes:
        kind: `there`; `near` for one with a word changed; `gone` where the article that answers was
            taken out of the library.
        found: three sentences, best first: `file`, `text`, and `cosine` to the question.
        right: numbers of the sentences that answer; none if nothing does.
    """

    kind: str
    question: str
    found: Sequence[dict[str, object]]
    right: tuple[int, ...]


TWINS: Sequence[tuple[str, str, str]] = (
    ("How many tokens does SmolLM2 use?", "49,152 tokens", "How many tokens does SmolLM3 use?"),
    (
        "Who described gradient descent in 1847?",
        "Cauchy",
        "Who described simulated annealing in 1847?",
    ),
    ("How many questions does TruthfulQA have?", "817", "How many questions does HellaSwag have?"),
    (
        "How many billion parameters does DeepSeek-V3 have?",
        "671",
        "How many billion parameters does Qwen3 have?",
    ),
    (
        "On how many hours of recordings was Whisper trained?",
        "680,000",
        "On how many hours of recordings was Kaldi trained?",
    ),
    (
        "How many numbers does all-MiniLM-L6-v2 output for a sentence?",
        "384 numbers per",
        "How many numbers does all-mpnet-base-v2 output for a sentence?",
    ),
    (
        "How many real issues did SWE-bench collect?",
        "2,294",
        "How many real issues did RepoBench collect?",
    ),
    (
        "What share of the tokens does BERT hide?",
        "hides 15%",
        "What share of the tokens does ELECTRA replace?",
    ),
    (
        "Who published reverse mode differentiation in a master's thesis of 1970?",
        "Linnainmaa",
        "Who published reverse mode differentiation in a master's thesis of 1962?",
    ),
    (
        "Who proposed in 1972 to weight a word by how few documents contain it?",
        "Jones",
        "Who proposed in 1972 to weight a word by how early documents contain it?",
    ),
    (
        "How many entries does the vocabulary of GPT-2 have?",
        "50,257",
        "How many entries does the vocabulary of Gemma have?",
    ),
    ("How many samples a second has a CD?", "44,100", "How many samples a second has a DVD?"),
    (
        "How many numbers has a 224 by 224 colour image?",
        "150,528",
        "How many numbers has a 640 by 480 colour image?",
    ),
    ("What batch size did CLIP have?", "32,768", "What batch size did ResNet have?"),
    (
        "How many bytes per token does the KV cache of SmolLM2 take?",
        "23,040",
        "How many bytes per token does the KV cache of Phi-4 take?",
    ),
    ("Who introduced momentum in 1964?", "Polyak", "Who introduced momentum in 1949?"),
    (
        "How many characters of Pushkin did Markov count letters in?",
        "20,000",
        "How many characters of Tolstoy did Markov count letters in?",
    ),
    (
        "What perplexity did the largest GPT-2 reach on WikiText-103?",
        "17.48",
        "What perplexity did the largest GPT-2 reach on Gigaword?",
    ),
    (
        "How many P100 GPUs trained the big transformer?",
        "eight",
        "How many TPU chips trained the big transformer?",
    ),
    (
        "How much memory do a million embeddings of 384 numbers take?",
        "1.536 GB",
        "How much memory do a billion embeddings of 1,024 numbers take?",
    ),
    ("How many questions does BLINK ask?", "3,807", "How many questions does MathVista ask?"),
    (
        "Who invented byte-pair encoding as a compression trick in 1994?",
        "Gage",
        "Who invented run-length encoding as a compression trick in 1967?",
    ),
    (
        "What does CLIP train together with a text encoder?",
        "image encoder",
        "What does CLIP train together with a speech encoder?",
    ),
    (
        "Which model does direct preference optimization not need?",
        "reward model and",
        "Which model does proximal policy optimization not need?",
    ),
    ("What do you keep to get GPT?", "Keep the decoder", "What do you keep to get XLNet?"),
    (
        "In how many bits does QLoRA keep the base model?",
        "in 4 bits",
        "In how many bits does BitNet keep the base model?",
    ),
    (
        "What does quantization store weights as?",
        "small integers",
        "What does pruning store weights as?",
    ),
    (
        "What does a convolutional network slide over an image?",
        "small filters",
        "What does a capsule network route over an image?",
    ),
    ("What do you keep to get BERT?", "keep the encoder", "What do you keep to get BART?"),
    (
        "What does BM stand for in BM25?",
        "best match",
        "What does TF stand for in TF-IDF?",
    ),
    (
        "How long should passages be when documents are split for retrieval?",
        "100 to 400",
        "How long should recordings be when meetings are split for transcription?",
    ),
    ("What is top-p sampling also called?", "nucleus", "What is top-n-sigma sampling also called?"),
    (
        "In which format are arguments given in function calling?",
        "as JSON",
        "In which format are arguments given in remote procedure calls?",
    ),
    (
        "What does a router pick for each token in a mixture of experts?",
        "pick a few",
        "What does a router drop for each token in a mixture of depths?",
    ),
    (
        "What does a transformer keep of earlier tokens while generating?",
        "keeps the keys",
        "What does a state-space model keep of earlier tokens while generating?",
    ),
    (
        "What does prompt injection hide in a text?",
        "hides instructions",
        "What does a watermark hide in a text?",
    ),
    (
        "What does perplexity say?",
        "equally likely",
        "What does the Gini coefficient say?",
    ),
)
"""A question of the library, words of the sentence that answers it, and a near one it leaves
open."""


@lru_cache(maxsize=1)
def asked() -> Sequence[Asked]:
    """All questions, with what was found for them."""
    rows = json.loads(FOUND.read_text(encoding="utf-8"))
    return [Asked(r["kind"], r["question"], r["found"], tuple(r["right"])) for r in rows]


def open_questions(rng: Random, count: int) -> Sequence[Case]:
    """Cases of many questions each, of all kinds, in an order that tells nothing.

    `expect` has the numbers of the sentences that answer, for each question; none for some.
    """
    cases: list[Case] = []
    for number in range(count):
        drawn = [
            one
            for kind in ("there", "near", "gone")
            for one in rng.sample([a for a in asked() if a.kind == kind], EACH)
        ]
        rng.shuffle(drawn)
        given = [{"question": one.question, "found": one.found} for one in drawn]
        code = (
            f"import json\ngiven = json.loads({json.dumps(given)!r})\n"
            "print(json.dumps([answering(g['question'], g['found']) for g in given]))"
        )
        expect = [list(one.right) for one in drawn]
        facts = {"questions": [one.question for one in drawn]}
        cases.append(Case(code, expect, facts, title=f"{3 * EACH} questions, draw {number + 1}"))
    return cases
