"""The retry policy: when to ask again, and how long to wait before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.backends.retry import RetryPolicy
from agentlab.errors import AuthError, RateLimited, ServiceUnavailable, StreamBroken

DOWN = ServiceUnavailable("down")


def test_waits_grow_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=9, first=1, factor=3, longest=10, jitter=0)
    assert [policy.pause(n, DOWN, 0, 0.5) for n in range(1, 5)] == [1, 3, 9, 10]


def test_the_last_attempt_is_the_last() -> None:
    policy = RetryPolicy(attempts=2)
    assert policy.pause(1, DOWN, 0, 0.5) is not None
    assert policy.pause(2, DOWN, 0, 0.5) is None


def test_what_will_not_pass_is_not_tried_again() -> None:
    assert RetryPolicy().pause(1, AuthError("no"), 0, 0.5) is None


@pytest.mark.parametrize("error", [DOWN, StreamBroken("cut"), RateLimited("busy")])
def test_what_may_pass_is(error: ServiceUnavailable) -> None:
    assert RetryPolicy().pause(1, error, 0, 0.5) is not None


@given(st.floats(0, 1), st.integers(1, 8))
def test_chance_only_shortens_a_wait_by_its_share(chance: float, attempt: int) -> None:
    policy = RetryPolicy(attempts=9, jitter=0.25, budget=1000)
    full = policy.model_copy(update={"jitter": 0.0}).pause(attempt, DOWN, 0, chance)
    pause = policy.pause(attempt, DOWN, 0, chance)
    assert full is not None
    assert pause is not None
    assert 0.75 * full <= pause <= full


@given(st.floats(0, 1), st.floats(0, 60))
def test_nobody_comes_back_earlier_than_asked(chance: float, asked: float) -> None:
    pause = RetryPolicy().pause(1, RateLimited("busy", asked), 0, chance)
    assert pause is not None
    assert pause >= asked


def test_a_wait_beyond_the_budget_is_not_begun() -> None:
    policy = RetryPolicy(attempts=9, first=4, factor=1, jitter=0, budget=10)
    assert policy.pause(1, DOWN, 6, 0) == 4
    assert policy.pause(2, DOWN, 6.1, 0) is None
    assert policy.pause(1, RateLimited("busy", 11), 0, 0) is None
