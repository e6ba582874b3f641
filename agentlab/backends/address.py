"""Addresses as they may be shown: without what lets anyone in."""

from __future__ import annotations

import logging
from base64 import b64encode
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


def parted(url: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """The address as it may be shown, and what it hides as headers and as fields of a query.

    That is how it is sent: a path can then be added to the address, and no library has a reason to
    repeat a password in an address that it names.
    """
    plain = shown_address(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, {}, {}
    user = parts.netloc.rpartition("@")[0]
    headers = (
        {"Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"} if user else {}
    )
    return plain, headers, dict(parse_qsl(parts.query, keep_blank_values=True))


class _Blank(logging.Filter):
    """Blanks values out of a library's log: it names the whole address of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.values: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if any(value in line for value in self.values):
            for value in sorted(self.values, key=len, reverse=True):
                line = line.replace(value, "[secret]")
            record.msg, record.args = line, None
        return True


_BLANK = _Blank()
_LOGS = ("httpx2", "openai._base_client", "anthropic._base_client", "urllib3.connectionpool")


def keep_out_of_logs(url: str) -> None:
    """See to it that no library's log repeats what this address hides, as long as we run."""
    values = {value for value in secrets_in(url) if len(value) > 3}
    if values:
        _BLANK.values |= values
        for name in _LOGS:
            logging.getLogger(name).addFilter(_BLANK)  # a second time does nothing
