"""The limiter: how much at once, how often, in which order."""

from __future__ import annotations

import asyncio

import pytest

from agentlab.backends.limiter import Limiter
from agentlab.errors import ConfigError


async def test_no_more_than_allowed_at_once_and_first_come_first_served() -> None:
    limiter = Limiter(concurrent=2)
    order: list[int] = []
    under_way = most = 0

    async def work(number: int) -> None:
        nonlocal under_way, most
        await limiter.acquire()
        order.append(number)
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        limiter.release()

    await asyncio.gather(*map(work, range(20)))
    assert most == 2
    assert order == sorted(order)


async def test_a_turn_given_to_someone_cancelled_passes_on() -> None:
    limiter = Limiter(concurrent=1)
    await limiter.acquire()
    first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    limiter.release()  # the turn is now the first one's
    first.cancel()  # who no longer wants it
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert not second.cancelled()
    limiter.release()
    await asyncio.wait_for(limiter.acquire(), 1)


async def test_someone_cancelled_while_waiting_leaves_the_line() -> None:
    limiter = Limiter(concurrent=1)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    limiter.release()
    await asyncio.wait_for(limiter.acquire(), 1)


async def test_starts_are_spread_after_the_burst() -> None:
    limiter = Limiter(per_minute=60 / 0.02, burst=3)
    clock = asyncio.get_running_loop().time
    begun = clock()
    times: list[float] = []
    for _ in range(6):
        await limiter.acquire()
        times.append(clock() - begun)
    assert times[3] >= 0.02 - 0.002
    assert times[5] >= 3 * 0.02 - 0.002


async def test_a_hold_keeps_everybody_and_gives_turns_back_when_cancelled() -> None:
    limiter = Limiter(concurrent=1)
    limiter.hold(3600)
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    limiter = Limiter(concurrent=1)
    limiter.hold(0.02)
    clock = asyncio.get_running_loop().time
    begun = clock()
    await limiter.acquire()
    assert clock() - begun >= 0.018


async def test_without_bounds_nobody_waits() -> None:
    limiter = Limiter()
    for _ in range(1000):
        await limiter.acquire()
    limiter.release()


@pytest.mark.parametrize("bounds", [{"concurrent": 0}, {"per_minute": -1}, {"burst": 0}])
def test_bounds_of_nothing_are_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="above zero"):
        Limiter(**bounds)
