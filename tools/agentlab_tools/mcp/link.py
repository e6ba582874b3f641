"""What becomes of requests to a server by HTTP, which the SDK's errors do not tell.

A server that was started anew does not know the session of before: it answers 404, as the protocol
has it, or 400, as many do. Such a request was not carried out and can be sent again once there is a
new session. One that was cut off on its way may have been carried out, and is never sent again.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from agentlab.display import one_line

_SESSION = "mcp-session-id"
_OLD_WAY = (400, 404, 405, 406, 410, 415, 501)
"""What servers answer that speak HTTP+SSE, the way of before 2025-03-26, to the way of today."""


class Fate:
    """What became of one call's request.

    Attributes:
        sent: it was handed to the network.
        refused: it did not reach the server, or was refused unread.
    """

    def __init__(self) -> None:
        self.sent = False
        self.refused = False

    @property
    def undone(self) -> bool:
        """Whether it was surely not carried out, and so may be sent again."""
        return self.refused or not self.sent


FATE: ContextVar[Fate | None] = ContextVar("fate", default=None)
"""Of the call under way; the SDK carries the context of a call to where its request is sent."""


class Link:
    """What is known of the way to a server.

    Attributes:
        trouble: what went wrong last, in words; empty where nothing has.
        status: the last status of a request that was refused.
        old_way: whether to speak HTTP+SSE, as servers did until 2025-03-26.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.status = 0
        self.old_way = False

    @property
    def may_be_old(self) -> bool:
        """Whether the server refused in a way that one of the old kind would."""
        return self.status in _OLD_WAY and not self.old_way


def watched(link: Link) -> Any:
    """An HTTP transport that tells `link` and `FATE` what becomes of requests.

    What can't be sent is answered in the server's place, so that it ends one call and not the
    connection that all of them share.
    """
    import httpx2

    class Watched(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if (fate := FATE.get()) is not None and request.method == "POST":
                fate.sent = True
            try:
                response = await super().handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                _tell(link, f"it can't be reached: {error}", refused=True)
                if request.method == "GET":  # a listening ear: the SDK knows what to do
                    raise
                return httpx2.Response(503, request=request)
            except httpx2.TransportError as error:
                _tell(link, f"the connection broke: {error or type(error).__name__}", refused=False)
                if request.method == "GET":
                    raise
                return httpx2.Response(502, request=request)
            if response.status_code >= 400 and request.method == "POST":
                link.status = response.status_code
                in_a_session = (
                    _SESSION in request.headers or link.old_way
                )  # there it is in the address
                unknown = in_a_session and response.status_code in (400, 404)
                status = f"it answers {response.status_code} {response.reason_phrase}"
                _tell(link, status, refused=unknown)
            return response

    return Watched()


def _tell(link: Link, trouble: str, *, refused: bool) -> None:
    link.trouble = one_line(trouble, 200)
    if (fate := FATE.get()) is not None:
        fate.refused = refused
