"""Server-sent events, cut out of a byte stream.

    frames = Frames()
    for chunk in response:           # cut anywhere, even inside a character
        for data in frames.feed(chunk):
            ...                      # the bytes of one event's `data`, whole

Only `data` is kept: every protocol spoken here repeats the event's type inside it. An event that
the stream ends in the middle of is not handed out by `feed`; `rest` is for servers that forget the
blank line after their last. Working on bytes leaves the decoding of UTF-8 to the JSON parser and
costs about a third of decoding line by line.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentlab.errors import StreamBroken

MAX_EVENT = 64 << 20
"""The longest event taken, in bytes: far above any real one, far below filling the memory."""

_BOM = b"\xef\xbb\xbf"


class Frames:
    """What has been read of one stream and not handed out yet."""

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max = max_event
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._data: list[bytes] = []
        self._data_size = 0
        self._at_start = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The data of every event that `chunk` completes.

        Raises:
            StreamBroken: an event is longer than `max_event` bytes.
        """
        if b"\n" not in chunk and b"\r" not in chunk:
            self._keep(chunk)
            return
        text = b"".join((*self._rest, chunk)) if self._rest else chunk
        self._rest, self._rest_size = [], 0
        if self._at_start:
            self._at_start = False
            text = text.removeprefix(_BOM)
        rest = b""
        if b"\r" in text:
            # a CR at the very end may be the first half of a CRLF
            if text.endswith(b"\r"):
                text, rest = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = text.split(b"\n")
        self._keep(lines.pop() + rest)
        for line in lines:
            if not line:
                if data := b"\n".join(self._data):
                    yield data
                self._data, self._data_size = [], 0
            elif line.startswith(b"data:") or line == b"data":
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
                self._data_size += len(line)
                self._check()

    def rest(self) -> bytes:
        """The data of the event that the stream ended in, which may be cut anywhere."""
        ended = Frames(self._max)
        ended._data, ended._at_start = self._data, self._at_start
        return next(ended.feed(b"".join(self._rest) + b"\n\n"), b"")

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._rest.append(piece)
            self._rest_size += len(piece)
            self._check()

    def _check(self) -> None:
        if self._rest_size + self._data_size > self._max:
            raise StreamBroken(f"one event of the answer is longer than {self._max >> 20} MB")
