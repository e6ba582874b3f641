"""Questions of a public set, asked as `agentlab ask` does, by several models; see answers.py."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from absent import Question, Remembering, holds, interval, left, write_set

from agentlab.backend import Backend
from agentlab.backends import connect
from agentlab_tools.knowledge.ask import Answer, ask, stands
from agentlab_tools.knowledge.index import open_index
from agentlab_tools.knowledge.retrieve import Found, Retriever

_DEEP = 30
"""How many passages are found, so that enough are left when an article is taken out."""


@dataclass(frozen=True)
class Told:
    """What was answered to a question in one case, and whether all that was cited stands."""

    question: Question
    case: str
    answer: Answer
    stands: bool
    seconds: float


class Without:
    """A retriever for which some paragraphs are not there."""

    def __init__(self, found: Sequence[Found], question: Question, case: str) -> None:
        self._left = left(found, question, case)

    def retrieve(self, question: str, k: int, **_: object) -> list[Found]:
        """The best passages that are left."""
        return self._left[:k]


async def ask_all(
    file: Path, half: str, counts: dict[str, int], backends: Sequence[str], *, own_words: bool
) -> dict[str, list[Told]]:
    """Ask the first so many questions of a shuffled half, in each case, of each model."""
    told: dict[str, list[Told]] = {name: [] for name in backends}
    minilm = Remembering()
    models: dict[str, Backend] = {name: connect(name) for name in backends}
    with tempfile.TemporaryDirectory() as name:
        docs = Path(name) / "docs"
        docs.mkdir()
        questions = write_set(file, half, docs)
        random.Random(7).shuffle(questions)
        with open_index(Path(name) / "index", embedder=minilm, create=True) as index:
            index.update(docs)
            retriever = Retriever(index.store, minilm, Path(name) / "index")
            for number, question in enumerate(questions[: max(counts.values())]):
                found = retriever.retrieve(question.text, _DEEP, quotes=False)
                for case in (case for case, count in counts.items() if number < count):
                    part: Any = Without(found, question, case)
                    for model, backend in models.items():
                        began = time.process_time()
                        answer = await ask(
                            question.text,
                            cast(Retriever, part),
                            minilm,
                            backend,
                            own_words=own_words,
                        )
                        spent = time.process_time() - began
                        held = all(stands(one, index.store) for one in answer.citations)
                        told[model].append(Told(question, case, answer, held, spent))
    for backend in models.values():
        await backend.aclose()
    return told


def table(told: Sequence[Told]) -> list[str]:
    """The rates of one model, with Wilson's intervals, a line each."""

    def of(case: str) -> list[Told]:
        return [one for one in told if one.case == case]

    def share(hits: Sequence[bool]) -> str:
        return f"{interval(sum(hits), len(hits))} of {len(hits)}"

    def quoted(one: Told, most: int) -> str:
        return " ".join(cited.quote for cited in one.answer.citations[:most])

    def declined(case: str) -> str:
        return share([one.answer.text is None for one in of(case)])

    there = of("there")
    said = [one for one in there if one.answer.text is not None]
    worded = [one for one in said if one.answer.trace is not None or _shorter(one)]
    right = [holds(one.answer.text or "", one.question.answers) for one in there]
    lines = [
        f"declined, its paragraph gone      {declined('near')}",
        f"declined, its article gone        {declined('strange')}",
        f"wrongly declined                  {declined('there')}",
        f"the answer holds the right one    {share(right)}",
        f"every citation stands             {share([one.stands for one in told])}",
    ]
    if said:
        held = [holds(one.answer.text or "", one.question.answers) for one in said]
        first = [holds(quoted(one, 1), one.question.answers) for one in said]
        any_ = [holds(quoted(one, 3), one.question.answers) for one in said]
        length = statistics.median(len((one.answer.text or "").split()) for one in said)
        lines += [
            f"of those answered: right          {share(held)}; {length:.0f} words at the middle",
            f"  the first citation holds it     {share(first)}",
            f"  one of the citations holds it   {share(any_)}",
        ]
    if worded:
        held = [holds(one.answer.text or "", one.question.answers) for one in worded]
        whole = [holds(quoted(one, 1), one.question.answers) for one in worded]
        lines.append(f"right where the model had a part  {share(held)}")
        lines.append(f"  the sentence it chose from      {share(whole)}")
        spent = statistics.median(one.seconds for one in worded)
        lines.append(f"  CPU seconds, at the middle      {spent:.1f}")
    return lines


def _shorter(one: Told) -> bool:
    """Whether an answer is less than its sentence: then a model said how much of it."""
    quotes = [" ".join(cited.quote.split()) for cited in one.answer.citations]
    return one.answer.text not in quotes
