"""The course's open book: questions on its library, and the RAG of `m3/rag` that answers them.

The model is shown four exchanges in which the sentence found is repeated and its file named. Labs
that build the same in another way are compared with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.backend import Settings
from agentlab.messages import Message

MODEL = "local:smollm2"
STEADY = Settings(temperature=0, max_tokens=90, repeat_penalty=1.0)
INSTRUCTIONS = "Answer from what was found, and name the source."


def asked(question: str, source: str, sentence: str) -> str:
    """What the model is asked: what was found, with its file, and the question."""
    return f"[{source}] {sentence}\n\nQuestion: {question}"


def _shown(question: str, source: str, sentence: str) -> tuple[str, str]:
    # The whole sentence: a small model repeats one better than it picks a number out of it
    return asked(question, source, sentence), f"{sentence} ({source})"


EXAMPLES: Sequence[tuple[str, str]] = (
    _shown(
        "How many layers does ResNet have?",
        "resnet.md",
        "The deepest ResNet (He and colleagues, 2015) has 152 layers and won the ImageNet "
        "challenge.",
    ),
    _shown(
        "Who invented dropout?",
        "dropout.md",
        "Dropout was proposed by Geoffrey Hinton and his students in 2012, and switches neurons "
        "off at random.",
    ),
    _shown(
        "In which year was Eliza written?",
        "eliza.md",
        "Joseph Weizenbaum wrote Eliza in 1966; it turned statements into questions.",
    ),
    _shown(
        "How many words does the Brown corpus have?",
        "corpora.md",
        "The Brown corpus of 1961 holds 1,014,312 words of American English from 500 sources.",
    ),
)
"""What a user asks, and what the model ought to answer."""


def conversation(question: str, source: str, sentence: str) -> list[Message]:
    """All that the model reads before it answers."""
    shown = [
        message
        for user, answer in EXAMPLES
        for message in (Message.user(user), Message.assistant(answer))
    ]
    last = Message.user(asked(question, source, sentence))
    return [Message.system(INSTRUCTIONS), *shown, last]


QUESTIONS: Sequence[tuple[str, str]] = (
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
"""A question, and what a right answer holds."""
