"""Addresses as they may be shown: without what lets anyone in."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit


def shown_address(url: str) -> str:
    """The address without name, password, query and fragment, which may hold a key."""
    try:
        parts = urlsplit(url)
    except ValueError:  # no address at all: the request will say so
        return "an address"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def secrets_in(url: str) -> tuple[str, ...]:
    """What `shown_address` leaves out, piece by piece, as written and as meant."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ()
    user = parts.netloc.rpartition("@")[0]
    written = (
        user,
        *user.split(":", 1),
        *(part.partition("=")[2] for part in parts.query.split("&")),
    )
    meant = (*map(unquote, written), *(value for _, value in parse_qsl(parts.query)))
    return tuple(dict.fromkeys(piece for piece in (*written, *meant) if piece))
