"""A site on loopback."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from web.site import Site, serving


@pytest.fixture
def site() -> Generator[Site]:
    with serving() as opened:
        yield opened
