"""What the frameworks' own test-suites expect to find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.registry import open_backend


def pytest_configure(config: pytest.Config) -> None:
    for marker in ("benchmark: timed", "vcr: recorded", "compile: only imports"):
        config.addinivalue_line("markers", marker)


@pytest.fixture
def benchmark() -> Callable[[Callable[[], None]], None]:
    """Runs what is to be timed, once: the timing is not what is tested."""
    return lambda work: work()


@pytest.fixture
def vcr() -> None:
    """Nothing is recorded: what is asked is here."""


@pytest.fixture(scope="session")
def local() -> Iterator[LlamaCpp]:
    """The packaged model that calls tools, loaded once."""
    backend = open_backend("local:agent", n_ctx=2048, threads=1)
    yield backend
    asyncio.run(backend.aclose())
