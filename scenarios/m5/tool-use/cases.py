"""The questions of this lab, drawn afresh from a seed, each with its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case

_Draw = Callable[[Random], tuple[str, int]]


def sums(rng: Random, count: int) -> Sequence[Case]:
    """Plain sums that no small model can do in its head; whole answers."""
    return [_sum(rng, "*+/-"[n % 4]) for n in range(count)]


def _sum(rng: Random, sign: str) -> Case:
    a, b = rng.randint(120, 980), rng.randint(12, 97)
    if sign == "*":
        return Case(f"What is {a} * {b}?", a * b)
    if sign == "+":
        c, d = a * 10 + rng.randint(1, 9), b * 100 + rng.randint(1, 99)
        return Case(f"What is {c} + {d}?", c + d)
    if sign == "/":
        return Case(f"What is {a * b} / {b}?", a)
    return Case(f"What is {a * 7} - {b * 3}?", a * 7 - b * 3)


def word_problems(rng: Random, count: int) -> Sequence[Case]:
    """Sums told as little stories. Which operation it takes is for the model to see."""
    stories = list(_STORIES)
    rng.shuffle(stories)
    drawn = (stories[n % len(stories)](rng) for n in range(count))
    return [Case(text, answer) for text, answer in drawn]


def topics(rng: Random, count: int) -> Sequence[Case]:
    """Questions on topics of the library; `expect` is the article that answers them."""
    drawn = rng.sample(_TOPICS, min(count, len(_TOPICS)))
    asked = ("What is {}?", "Explain {}.", "What does the library say about {}?")
    return [Case(asked[n % 3].format(topic), article) for n, (topic, article) in enumerate(drawn)]


def _times(text: str, low: int = 13, high: int = 89) -> _Draw:
    def draw(rng: Random) -> tuple[str, int]:
        a, b = rng.randint(low, high), rng.randint(6, 24)
        return text.format(a=a, b=b), a * b

    return draw


def _plus(text: str) -> _Draw:
    def draw(rng: Random) -> tuple[str, int]:
        a, b = rng.randint(120, 480), rng.randint(30, 99)
        return text.format(a=a, b=b), a + b

    return draw


def _shared(text: str) -> _Draw:
    def draw(rng: Random) -> tuple[str, int]:
        each, b = rng.randint(12, 40), rng.randint(4, 12)
        return text.format(a=each * b, b=b), each

    return draw


_STORIES: Sequence[_Draw] = (
    _times("A crate holds {a} bottles. How many bottles are in {b} crates?"),
    _times("A train travels {a} km in an hour. How far does it travel in {b} hours?"),
    _times("Anna reads {a} pages a day. How many pages does she read in {b} days?"),
    _times("A bus has {a} seats. How many seats do {b} buses have?"),
    _times("One ticket costs {a} dollars. How much do {b} tickets cost?"),
    _plus("A shelf has {a} books and {b} are added. How many books are on the shelf?"),
    _plus("Lena has {a} beads and finds {b} more. How many beads does she have?"),
    _plus("A school has {a} girls and {b} boys. How many children are in the school?"),
    _shared("{a} cookies are shared equally by {b} children. How many does each child get?"),
    _shared("{a} chairs stand in {b} equal rows. How many chairs are in each row?"),
)

_TOPICS: Sequence[tuple[str, str]] = (
    ("attention", "attention.md"),
    ("backpropagation", "backpropagation.md"),
    ("chain of thought", "chain-of-thought.md"),
    ("convolution", "convolution.md"),
    ("diffusion", "diffusion.md"),
    ("fine-tuning", "fine-tuning.md"),
    ("gradient descent", "gradient-descent.md"),
    ("hallucination", "hallucination.md"),
    ("perplexity", "perplexity.md"),
    ("prompt injection", "prompt-injection.md"),
    ("quantization", "quantization.md"),
    ("sampling", "sampling.md"),
    ("a mixture of experts", "mixture-of-experts.md"),
    ("a vector database", "vector-databases.md"),
    ("a scaling law", "scaling-laws.md"),
)
