"""What a site lets programs read: its robots.txt, by RFC 9309, asked for once an hour."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protego import Protego

AGENT = "AgentLab"
MAX_BYTES = 512 << 10
_KEPT = 3600.0
_SITES = 256

Read = Callable[[str], Awaitable[tuple[int, bytes]]]
"""Status and body of an address; status 0 where there was no answer."""


class Robots:
    """Remembers what the sites said that were asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sites: dict[str, tuple[float, Protego | bool]] = {}

    async def allows(self, site: str, url: str, read: Read) -> bool:
        """Whether a page may be read.

        A site without the file (4xx) allows all; one that can't be asked (5xx, or no answer)
        allows nothing for now.

        Args:
            site: scheme, host and port of the page, without a slash at the end.
            read: fetches the file, following redirects.
        """
        site_rules = self._sites.get(site)
        if site_rules is None or site_rules[0] < self._clock():
            rules = await self._ask(site, read)
            if len(self._sites) >= _SITES:
                self._sites.pop(next(iter(self._sites)))
            site_rules = (self._clock() + _KEPT, rules)
            # a site that is down may be up again in a moment
            if rules is not False:
                self._sites[site] = site_rules
        rules = site_rules[1]
        return rules if isinstance(rules, bool) else bool(rules.can_fetch(url, AGENT))

    async def _ask(self, site: str, read: Read) -> Protego | bool:
        from protego import Protego

        status, body = await read(f"{site}/robots.txt")
        if 400 <= status < 500:
            return True
        if status != 200:
            return False
        return Protego.parse(body[:MAX_BYTES].decode("utf-8", "replace"))
