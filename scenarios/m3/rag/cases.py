"""Questions with known answers, and articles to be cut into passages."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.labs import Case
from agentlab_tools.open_book import QUESTIONS
from agentlab_tools.open_book.library import found_for
from agentlab_tools.search import LIBRARY

_LENGTHS = (280, 400, 520)


def questions(rng: Random, count: int) -> Sequence[Case]:
    """Questions on the library, each twice: from memory, and with what was found for it.

    `expect` is what a right answer holds; `facts` has the source and the sentence, where one was
    given.
    """
    cases: list[Case] = []
    for text, answer in rng.sample(QUESTIONS, count // 2):
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
