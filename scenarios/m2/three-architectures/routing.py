"""Tools, and requests for them: AgentLab's own held-out ones, which no model here was tuned on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from time import process_time
from typing import TYPE_CHECKING, Any

from agentlab.backend import Backend, Reply, Settings, ToolSpec
from agentlab.messages import Message
from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.train.toolcalling.catalog import Offer, catalogue, offer
from agentlab_tools.train.toolcalling.requests import Request, request

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors

AGENT = "local:agent"
TOOLS = 12
KNOWN, FRESH = (2, 3, 4, 6, 12), 10
"""Requests a tool: with its number, by turns more and fewer; and to be routed."""
ENOUGH = 0.95
"""The share of requests that have to go to the right tool."""
_STEADY = Settings(temperature=0, max_tokens=70, repeat_penalty=1.0)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Some tools and requests.

    Attributes:
        known, fresh: texts with the number of the tool that each asks for.
    """

    offers: Sequence[Offer]
    known: Sequence[tuple[str, int]]
    fresh: Sequence[tuple[str, int]]
    asked: Sequence[Request]
    """The fresh ones, with the arguments that they state."""

    @property
    def names(self) -> list[str]:
        """Of the tools, in order."""
        return [one.spec.name for one in self.offers]


@lru_cache(maxsize=16)
def drawn(seed: int) -> Drawn:
    """Twelve tools and requests for each, of which no text comes twice."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    offers: list[Offer] = []
    for family in rng.sample(list(catalogue("heldout")), 2 * TOOLS):
        one = offer(family, rng)
        if len(offers) < TOOLS and one.spec.name not in {other.spec.name for other in offers}:
            offers.append(one)
    known: list[tuple[str, int]] = []
    asked: list[tuple[Request, int]] = []
    for number, one in enumerate(offers):
        texts: dict[str, Request] = {}
        count = KNOWN[number % len(KNOWN)]
        while len(texts) < count + FRESH:
            made = request(one, rng, "heldout")
            texts.setdefault(made.text, made)
        several = list(texts.values())
        known += [(made.text, number) for made in several[:count]]
        asked += [(made, number) for made in several[count:]]
    rng.shuffle(asked)
    fresh = [(made.text, number) for made, number in asked]
    return Drawn(offers, known, fresh, [made for made, _ in asked])


@lru_cache(maxsize=16)
def vectors(seen: Drawn) -> tuple[Vectors, Vectors]:
    """The vectors of the known requests and of the fresh ones."""
    return embedded([text for text, _ in seen.known]), embedded([text for text, _ in seen.fresh])


def embedded(texts: Sequence[str]) -> Vectors:
    """The encoder's vector of each text, from one pass over it: (texts, 384)."""
    return _encoder().embed(texts)


def tokens(text: str) -> int:
    """How many the encoder reads of a text, its two marks included."""
    return _encoder().count_tokens(text) + 2


@lru_cache(maxsize=1)
def _encoder() -> Any:
    return open_embedder(threads=1)


@dataclass(frozen=True)
class Call:
    """What the decoder called.

    Attributes:
        name: of the tool; none if it called none.
        arguments: as JSON.
        read: tokens evaluated of the prompt; what stood in the cache is not.
        written: tokens it wrote.
        seconds: of the processor.
    """

    name: str
    arguments: str
    read: int
    written: int
    seconds: float


async def called(model: Backend, text: str, specs: Sequence[ToolSpec]) -> Call:
    """What the decoder calls of some tools; it must call one."""
    settings = _STEADY.model_copy(update={"tool_choice": "required"})
    began = process_time()
    asked = [Message.user(text)]
    said = [one async for one in model.stream(asked, tools=specs, settings=settings)][-1]
    if not isinstance(said, Reply):
        return Call("", "", 0, 0, process_time() - began)
    used = said.usage
    calls = said.message.tool_calls
    name, given = (calls[0].name, calls[0].arguments) if calls else ("", "")
    read = used.input_tokens - used.cached_tokens
    return Call(name, given, read, used.output_tokens, process_time() - began)


def stated(given: str, wanted: Mapping[str, Any]) -> bool:
    """Whether arguments are those that a request states."""
    try:
        return json.loads(given) == wanted
    except ValueError:
        return False
