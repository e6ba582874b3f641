"""The pipes that code in a sandbox prints into: read without end, kept up to a cap."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import Callable

from agentlab.messages import clean
from agentlab_tools.execute.values import Stream

OnOutput = Callable[[Stream, str], None]

_CHUNK = 65536
_LARGEST_PIPE = 1 << 20


class Output:
    """One stream of one interpreter. Takes ownership of the descriptor.

    What is printed beyond the cap is read and dropped, so that a flood can neither fill memory here
    nor block there; `truncated` says so.
    """

    def __init__(self, stream: Stream, descriptor: int, cap: int) -> None:
        os.set_blocking(descriptor, False)
        self._stream: Stream = stream
        self._descriptor = descriptor
        self._cap = cap
        self._loop = asyncio.get_running_loop()
        self._listener: OnOutput | None = None
        self._open = True
        self._loop.add_reader(descriptor, self._read)
        self.start(None)

    def start(self, listener: OnOutput | None) -> None:
        """Begin a new cell: what was kept is forgotten."""
        self._kept: list[str] = []
        self._size = 0
        self._listener = listener
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.truncated = False
        self.failure: Exception | None = None

    def finish(self) -> str:
        """Read what is still in the pipe, and return all that was kept."""
        for _ in range(_LARGEST_PIPE // _CHUNK + 1):  # a flood never runs dry
            if not self._read():
                break
        self._keep(self._decoder.decode(b"", final=True))
        self._listener = None
        return "".join(self._kept)

    def close(self) -> None:
        """Stop reading. Closing twice does no harm."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> bool:
        if not self._open:
            return False
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        room = self._cap - self._size
        if room <= 0:
            self.truncated = True
            return True
        if len(data) > room:
            data, self.truncated = data[:room], True
        self._size += len(data)
        self._keep(self._decoder.decode(data))
        return True

    def _keep(self, text: str) -> None:
        if not text:
            return
        text = clean(text)
        self._kept.append(text)
        if self._listener is not None:
            try:
                self._listener(self._stream, text)
            except Exception as error:  # noqa: BLE001 - raised again where the cell is awaited
                self._listener = None
                self.failure = error
