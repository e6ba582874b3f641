"""The real bundled model, loaded once for all tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.registry import locate, open_backend


@pytest.fixture(scope="session")
def smollm2() -> Iterator[LlamaCpp]:
    """SmolLM2-135M-Instruct with two small slots.

    On one thread: on a busy machine several wait for each other at every step.
    """
    assert locate("smollm2").is_file()
    backend = open_backend("local:smollm2", n_ctx=1024, n_batch=128, threads=1)
    yield backend
    asyncio.run(backend.aclose())
