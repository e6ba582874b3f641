"""Questions on the library, drawn anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case
from agentlab_tools.open_book import QUESTIONS


def of(task: str, questions: int) -> Callable[[Random, int], Sequence[Case]]:
    """What draws cases of a task, each of so many questions."""

    def cases(rng: Random, count: int) -> Sequence[Case]:
        drawn: list[Case] = []
        for _ in range(count):
            asked = [question for question, _ in rng.sample(QUESTIONS, questions)]
            told = json.dumps({"task": task, "questions": asked})
            more = f" and {len(asked) - 1} more" if asked[1:] else ""
            drawn.append(Case(told, title=asked[0] + more))
        return drawn

    return cases
