"""Which hosts may be reached: rules a user writes, and what addresses are everyone's."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from agentlab.errors import ConfigError

PORTS = (80, 443)
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNICAST6 = ipaddress.IPv6Network("2000::/3")
# Inside of it, but not for everyone: Teredo and ORCHID, documentation, 6to4
_SPECIAL6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SPECIAL4 = tuple(map(ipaddress.IPv4Network, ("192.88.99.0/24", "192.0.0.0/24")))


@dataclass(frozen=True)
class Rule:
    """One host that may be reached: by name, by `*.name` for all below it, or by address."""

    host: str
    port: int | None
    below: bool = False

    @classmethod
    def parse(cls, text: str) -> Rule:
        """`name`, `name:port`, `*.name`, `address`, `[v6]:port`. No port means 80 and 443.

        Raises:
            ConfigError: it is none of these.
        """
        try:
            parts = urlsplit(f"//{text.strip()}")
            host, port = parts.hostname or "", parts.port
            spare = f"{parts.path}{parts.query}{parts.fragment}{parts.username or ''}"
        except ValueError:
            host, port, spare = "", None, ""
        name = host.removeprefix("*.").rstrip(".")
        if not name or "*" in name or spare:
            raise ConfigError(
                f"{text!r} is no host to allow: use name, name:port, *.name or an address"
            )
        return cls(name, port, host.startswith("*."))

    def allows(self, host: str, port: int) -> bool:
        """Whether this rule covers a host, lower-cased and without a dot at its end."""
        if port != self.port if self.port is not None else port not in PORTS:
            return False
        return host.endswith(f".{self.host}") if self.below else host == self.host

    @property
    def exact(self) -> bool:
        """Whether it names an address, or this machine, and so may lead to a private one."""
        return not self.below and (self.host == "localhost" or address_of(self.host) is not None)


def address_of(text: str) -> Address | None:
    """The address a text writes, or None."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, and of a single host there.

    Private, loopback, link-local, shared (CGNAT), multicast, documentation and reserved ranges are
    not; nor is what carries another address inside (IPv4-mapped, NAT64) unless that one is public;
    nor are tunnels (6to4, Teredo), which can carry any.
    """
    address = address_of(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        special = any(address in network for network in _SPECIAL6)
        return address in _UNICAST6 and not special and address.scope_id is None
    if address is None:
        return False
    special = any(address in network for network in _SPECIAL4)
    return address.is_global and not (address.is_multicast or address.is_reserved or special)
