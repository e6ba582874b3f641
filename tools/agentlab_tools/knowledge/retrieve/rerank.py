"""A second look at what was found, by a language model: does this passage answer the question?

The score is the probability that the model's next word is yes rather than no (Nogueira et al.,
"Document Ranking with a Pretrained Sequence-to-Sequence Model", 2020, do so with T5). The model
sees two examples first. A model of 135M parameters is a weak judge: measure before relying on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from agentlab.backend import Backend, Reply, Settings
from agentlab.errors import ConfigError
from agentlab.messages import Message
from agentlab_tools.knowledge.retrieve.retriever import Found

MAX_CHARS = 1200
"""Of a passage, as much as the model is shown."""

_TOLD = "Say whether the passage answers the question. Answer yes or no."
_SHOWN = (
    ("What do bees make?", "Bees make honey from the nectar of flowers.", "yes"),
    ("What do bees make?", "The bridge was built of steel in 1932.", "no"),
    ("How tall is the tower?", "The tower has 2,000 visitors a day.", "no"),
    ("How tall is the tower?", "Standing 96 metres high, the tower is seen from afar.", "yes"),
)
_SETTINGS = Settings(temperature=0, max_tokens=1, logprobs=20)


async def rerank(query: str, found: Sequence[Found], backend: Backend) -> list[Found]:
    """What was found in a new order, each with the part `rerank`, 0 to 1; ties as they were.

    Raises:
        BackendError: the model could not answer.
        ConfigError: the backend reports no log-probabilities.
    """
    judged: list[Found] = []
    for one in found:
        score = await _judge(query, one.chunk.text, backend)
        judged.append(replace(one, score=score, parts={**one.parts, "rerank": score}))
    return sorted(judged, key=lambda one: -one.score)


async def _judge(query: str, passage: str, backend: Backend) -> float:
    messages = [Message.system(_TOLD)]
    for question, text, answer in _SHOWN:
        messages += [Message.user(_asked(question, text)), Message.assistant(answer)]
    messages.append(Message.user(_asked(query, passage[:MAX_CHARS])))
    async for part in backend.stream(messages, settings=_SETTINGS):
        if isinstance(part, Reply):
            if not part.tokens:
                raise ConfigError(
                    f"{backend.identity.name} reports no log-probabilities: rerank with a local "
                    "model"
                )
            return _share(part.tokens[0].top)
    raise ConfigError(f"{backend.identity.name} gave no reply")


def _asked(question: str, passage: str) -> str:
    return f"Passage: {passage}\nQuestion: {question}"


def _share(top: Sequence[tuple[str, float]]) -> float:
    """The probability of yes, as a share of yes and no; a half if neither is likely."""
    sums = {"yes": 0.0, "no": 0.0}
    for text, logprob in top:
        word = text.strip().lower()
        if word in sums:
            sums[word] += math.exp(logprob)
    both = sum(sums.values())
    return sums["yes"] / both if both else 0.5
