"""Parsing in a process of its own: a file can cost that one its time, its memory or its life.

    with Parser() as parser:
        document = parser.parse(data, "report.pdf")

The process is started when it is first needed, serves one file after the other, and ends when its
input does, so also when whoever started it was killed. Requests and answers are a few numbers that
say how long they are, and JSON: nothing in them is ever run.
"""

from __future__ import annotations

import io
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any

from agentlab.errors import ConfigError, MissingExtra
from agentlab_tools.knowledge.ingest.document import Block, Document, Unreadable
from agentlab_tools.knowledge.ingest.parse import parse

SECONDS = 120.0
MEMORY = 4 << 30

_ASKED = struct.Struct(">IQ")  # bytes of the name, bytes of the file
_TOLD = struct.Struct(">Q")


class Parser:
    """Parses files in another process, one at a time.

    Args:
        seconds: what one file may take.
        memory: bytes of address space that the process may have, where the system has such a bound.
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None

    def parse(self, data: bytes, name: str) -> Document:
        """The document in a file's bytes, by the ending of its name.

        Raises:
            Unreadable: it can't be parsed, or not within the bounds.
            ConfigError: its parser is not installed.
        """
        if self._process is None:
            self._process = self._start()
        try:
            answer = self._ask(self._process, name.encode("utf-8", "replace"), data)
        except (TimeoutError, OSError, struct.error) as error:
            self.close()
            slow = isinstance(error, TimeoutError)
            why = f"takes more than {self._seconds:g} seconds" if slow else "breaks its parser"
            raise Unreadable(why) from None
        except BaseException:  # interrupted half-way: the next answer would be to this file
            self.close()
            raise
        if answer.get("spent"):  # what is left of its memory may not do for the next file
            self.close()
        return _document(answer)

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was not sent is lost
                        pipe.close()

    def __enter__(self) -> Parser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is the parent's business
        )

    def _ask(self, process: subprocess.Popen[bytes], name: bytes, data: bytes) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        whole = memoryview(_ASKED.pack(len(name), len(data)) + name + data)
        while whole:
            whole = whole[process.stdin.write(whole) :]
        deadline = time.monotonic() + self._seconds
        (size,) = _TOLD.unpack(_read(process.stdout, _TOLD.size, deadline))
        return json.loads(_read(process.stdout, size, deadline))


def _read(pipe: IO[bytes], size: int, deadline: float) -> bytes:
    """So many bytes, or fewer if there are no more.

    Raises:
        TimeoutError: they did not come in time.
    """
    parts: list[bytes] = []
    while size:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        part = os.read(pipe.fileno(), min(size, 1 << 20))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _document(answer: Mapping[str, Any]) -> Document:
    if "missing" in answer:
        raise ConfigError(str(answer["missing"]))
    if "unreadable" in answer:
        raise Unreadable(str(answer["unreadable"]))
    return Document(
        text=answer["text"],
        kind=answer["kind"],
        blocks=tuple(Block(**block) for block in answer["blocks"]),
        title=answer["title"],
        notes=tuple(answer["notes"]),
    )


def _answer(data: bytes, name: str) -> dict[str, Any]:
    try:
        return asdict(parse(data, name))
    except MissingExtra as error:
        return {"missing": str(error)}
    except Unreadable as error:
        return {"unreadable": str(error)}
    except MemoryError:
        return {"unreadable": "takes too much memory to be parsed", "spent": True}


def _bound(memory: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # not every system has such a bound
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def serve(asked: IO[bytes], told: IO[bytes], memory: int) -> None:
    """Answer requests until there are no more."""
    _bound(memory)
    while len(head := asked.read(_ASKED.size)) == _ASKED.size:
        name, size = _ASKED.unpack(head)
        answer = _answer_bytes(asked.read(name).decode(), asked.read(size))
        told.write(_TOLD.pack(len(answer)) + answer)
        told.flush()


def _answer_bytes(name: str, data: bytes) -> bytes:
    return json.dumps(_answer(data, name)).encode()


if __name__ == "__main__":
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a parser prints is not an answer
    serve(io.BufferedReader(io.FileIO(0)), output, int(sys.argv[1]))
