"""A second look at what was found, by a local language model: how well does each passage lead to
the question?

The score of a passage is the mean log-probability of the question's tokens once the model has read
the passage and is asked for a question that it answers (Sachan et al., "Improving Passage Retrieval
with Zero-Shot Question Generation", 2022). A grammar holds the model to the question's own words;
what is counted is how likely it found each of them by itself. With a model of 135M parameters this
works, and asking it for yes or no does not: benchmarks/retrieval.py has the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agentlab.backend import Backend, Reply, Settings
from agentlab.errors import ConfigError
from agentlab.messages import Message
from agentlab_tools.knowledge.retrieve.retriever import Found

MAX_CHARS = 1200
"""Of a passage, as much as the model is shown."""

_TOLD = "Write a question that the passage answers."
_SHOWN = (
    ("Bees make honey from the nectar of flowers.", "What do bees make?"),
    ("Standing 96 metres high, the tower is seen from afar.", "How tall is the tower?"),
)
_SETTINGS = Settings(temperature=0, max_tokens=400, logprobs=1, repeat_penalty=1.0)


async def rerank(query: str, passages: Sequence[Found], backend: Backend) -> list[Found]:
    """What was found in a new order, each with the part `rerank`; equals stay as they were.

    Takes about as long as reading the passages does.

    Raises:
        BackendError: the model could not answer.
        ConfigError: the backend reports no log-probabilities.
    """
    judged: list[Found] = []
    for one in passages:
        score = await _likelihood(query, one.chunk.text[:MAX_CHARS], backend)
        judged.append(replace(one, score=score, parts={**one.parts, "rerank": score}))
    return sorted(judged, key=lambda one: -one.score)


async def _likelihood(query: str, passage: str, backend: Backend) -> float:
    messages = [Message.system(_TOLD)]
    for text, question in _SHOWN:
        messages += [Message.user(f"Passage: {text}"), Message.assistant(f'"{question}"')]
    messages.append(Message.user(f"Passage: {passage}"))
    async for part in backend.stream(messages, settings=_SETTINGS, output={"const": query}):
        if isinstance(part, Reply) and part.tokens:
            return sum(token.logprob for token in part.tokens) / len(part.tokens)
    raise ConfigError(
        f"{backend.identity.name} reports no log-probabilities: rerank with a local model"
    )
