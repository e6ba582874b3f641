"""A verified reply finds as many tokens read as the log says, so that it computes the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agentlab.backend import Delta, Reply, Settings, ToolSpec
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, Usage
from agentlab.replay.recorded import Rewarmed, Warmth

HI = [Message.user("hi")]
LOOK_UP = ToolSpec(name="look_up", description="", parameters={"type": "object"})


class Cached:
    """A model with a cache that tells what is done to it; each reply finds so many tokens."""

    def __init__(self, *finds: int) -> None:
        self.finds: Iterator[int] = iter(finds)
        self.done: list[Any] = []
        self.closed = False
        self._scripted = Scripted(["a"] * len(finds))

    @property
    def identity(self) -> Any:
        return self._scripted.identity

    def forget(self) -> None:
        self.done.append("forget")

    async def rewarm(self, messages: Any, *, tools: Any, tokens: int) -> None:
        self.done.append(("rewarm", list(messages), list(tools), tokens))

    async def stream(
        self, messages: Any, *, tools: Any = (), settings: Any = Settings(), output: Any = None
    ) -> AsyncIterator[Delta | Reply]:
        self.done.append(("stream", list(messages), list(tools), settings, output))
        stream = self._scripted.stream(messages, tools=tools, settings=settings, output=output)
        async for item in stream:
            if isinstance(item, Reply):
                usage = Usage(input_tokens=9, cached_tokens=next(self.finds), output_tokens=1)
                yield item.model_copy(update={"usage": usage})
            else:
                yield item

    async def aclose(self) -> None:
        self.closed = True


def logged(*found: int) -> Warmth:
    """The warmth of a log whose replies found so many tokens."""
    return Warmth(
        Reply(message=Message.assistant("a"), usage=Usage(cached_tokens=tokens)) for tokens in found
    )


async def asked(backend: Any, log: Warmth, times: int = 1, **options: Any) -> list[Any]:
    """What a backend is told to do while it is asked, as the log has it."""
    rewarmed = Rewarmed(backend, log)
    for _ in range(times):
        items = [item async for item in rewarmed.stream(HI, **options)]
        assert isinstance(items[-1], Reply)
    return [step if isinstance(step, str) else step[0] for step in backend.done]


async def test_a_reply_that_was_cold_is_asked_of_a_model_that_has_forgotten():
    log = logged(0, 0)
    assert await asked(Cached(0, 0), log, 2) == ["forget", "stream", "forget", "stream"]
    assert (log.others, log.taken_over) == ([], [])


async def test_the_first_of_a_conversation_taken_up_is_made_as_warm_as_it_was():
    backend, log = Cached(7, 8), logged(7, 8)
    options = {"tools": [LOOK_UP], "settings": Settings(seed=3), "output": {"type": "integer"}}
    assert await asked(backend, log, 2, **options) == ["rewarm", "stream", "stream"]
    assert backend.done[0] == ("rewarm", HI, [LOOK_UP], 7)
    assert backend.done[1] == ("stream", HI, [LOOK_UP], Settings(seed=3), {"type": "integer"})
    assert log.taken_over == [(1, 7)]
    assert log.others == []


async def test_a_later_reply_is_left_as_warm_as_the_one_before_made_it():
    backend, log = Cached(0, 7), logged(0, 7)
    assert await asked(backend, log, 2) == ["forget", "stream", "stream"]


async def test_the_next_process_of_a_run_begins_again():
    backend, log = Cached(0, 7), logged(0, 7)
    await asked(backend, log)
    log.begins = True
    assert await asked(backend, log) == ["forget", "stream", "rewarm", "stream"]
    assert log.taken_over == [(2, 7)]


@pytest.mark.parametrize(("then", "now"), [(0, 5), (7, 5), (7, 0)])
async def test_a_reply_that_finds_more_or_less_than_then_is_told(then, now):
    log = logged(then)
    await asked(Cached(now), log)
    assert log.others == [(1, then, now)]


async def test_replies_beyond_the_log_are_simply_asked():
    log = logged(7)
    assert await asked(Cached(7, 3, 0), log, 3) == ["rewarm", "stream", "stream", "stream"]
    assert log.others == []


async def test_a_model_without_a_cache_is_simply_asked():
    log = logged(7, 0)
    replies = Rewarmed(Scripted(["a", "b"]), log)
    for words in ("a", "b"):
        *_, reply = [item async for item in replies.stream(HI)]
        assert isinstance(reply, Reply)
        assert reply.message.text == words
    assert (log.others, log.taken_over) == ([], [])


async def test_a_model_that_cannot_be_warmed_is_still_made_to_forget():
    backend, log = Cached(7, 0), logged(7, 0)
    backend.rewarm = None  # pyright: ignore[reportAttributeAccessIssue]
    assert await asked(backend, log, 2) == ["stream", "forget", "stream"]
    assert log.taken_over == []


async def test_it_names_its_backend_and_leaves_it_open():
    backend = Cached()
    rewarmed = Rewarmed(backend, logged())
    assert rewarmed.identity == backend.identity
    await rewarmed.aclose()
    assert not backend.closed
