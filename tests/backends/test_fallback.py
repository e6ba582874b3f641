"""The fallback chain: the next one is asked, but never after something was shown."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from agentlab.backend import BackendIdentity, Delta, Reply, TextDelta
from agentlab.backends.fallback import Fallback
from agentlab.backends.scripted import Scripted
from agentlab.errors import (
    AuthError,
    BackendError,
    ConfigError,
    ContextOverflow,
    ServiceUnavailable,
    StreamBroken,
)
from agentlab.messages import Message

HI = [Message.user("Hi")]


class Breaks:
    """Says a word, and breaks."""

    closed = 0
    identity = BackendIdentity(name="breaks", model="breaks")

    async def stream(self, *_: Any, **__: Any) -> AsyncGenerator[Delta | Reply]:
        yield TextDelta(text="one")
        raise StreamBroken("cut")

    async def aclose(self) -> None:
        self.closed += 1


async def texts(backend: Fallback) -> list[str]:
    items = [item async for item in backend.stream(HI)]
    return [item.message.text if isinstance(item, Reply) else item.kind for item in items]


@pytest.mark.parametrize(
    "error", [ServiceUnavailable("down"), AuthError("no"), ContextOverflow("x")]
)
async def test_the_next_one_is_asked_where_one_fails(error: Exception) -> None:
    second = Scripted(["hello"])
    chain = Fallback([Scripted([error]), second, Scripted([])])
    assert await texts(chain) == ["text_delta", "hello"]
    assert second.requests[0].messages == tuple(HI)


async def test_the_first_is_asked_first_every_time() -> None:
    first = Scripted([ServiceUnavailable("down"), "back again"])
    chain = Fallback([first, Scripted(["for now"])])
    assert (await texts(chain))[-1] == "for now"
    assert (await texts(chain))[-1] == "back again"


async def test_nothing_is_tried_after_something_was_shown() -> None:
    second = Scripted(["hello"])
    with pytest.raises(StreamBroken):
        await texts(Fallback([Breaks(), second]))
    assert second.requests == []


async def test_where_all_fail_the_last_error_tells_of_the_others() -> None:
    down, denied = ServiceUnavailable("down"), AuthError("denied")
    chain = Fallback([Scripted([down], name="a"), Scripted([denied], name="b")])
    with pytest.raises(AuthError, match="denied") as caught:
        await texts(chain)
    assert caught.value.__notes__ == ["before that, a: down"]


async def test_a_request_that_fits_nobody_is_the_callers_mistake() -> None:
    second = Scripted(["hello"])
    with pytest.raises(ConfigError):
        await texts(Fallback([Scripted([ConfigError("no top_k")]), second]))
    assert second.requests == []


async def test_which_errors_pass_a_request_on_can_be_chosen() -> None:
    chain = Fallback([Scripted([AuthError("no")]), Scripted(["x"])], on=(ServiceUnavailable,))
    with pytest.raises(BackendError):
        await texts(chain)


async def test_all_are_closed_with_the_chain() -> None:
    one, other = Breaks(), Breaks()
    await Fallback([one, other]).aclose()
    assert (one.closed, other.closed) == (1, 1)


def test_it_is_called_by_all_its_names() -> None:
    identity = Fallback([Scripted([], name="a"), Scripted([], name="b")]).identity
    assert identity.name == "fallback(a, b)"


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ConfigError):
        Fallback([])
