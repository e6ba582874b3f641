"""What the tests of the sandbox share."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from execute.holds import skip_if_it_cannot

from agentlab_tools.execute import Sandbox, SandboxLimits, SandboxUnavailable


@pytest.fixture(params=["bubblewrap", "landlock"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncGenerator[Sandbox]:
    """A small sandbox of each kind that this machine can hold."""
    limits = SandboxLimits(timeout=20, grace=0.5, output=50_000)
    try:
        async with Sandbox.open(backend=request.param, limits=limits, spare=False) as opened:
            yield opened
    except SandboxUnavailable as error:
        skip_if_it_cannot(request.param, error)
