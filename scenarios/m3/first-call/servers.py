"""A real server on loopback that speaks all three protocols, running the model that comes along.

Started by the first request, shared by all runs of this process, and ended with it: the server
reads its standard input and leaves when that is closed, however this process ends. One that nobody
has asked for a while is ended, too.
"""

from __future__ import annotations

import atexit
import importlib.util
import subprocess
import sys
from pathlib import Path
from threading import Lock, Timer

from agentlab.errors import MissingExtra, ToolError

IDLE = 120.0
"""Seconds without a request after which the server is ended; longer than any request takes."""

MODEL = "smollm2"


def need_server() -> None:
    """See that the server can be started.

    Raises:
        MissingExtra: the package with llama.cpp's server is not installed.
        ConfigError: the model is not installed.
    """
    from agentlab.backends.llamacpp.registry import locate

    if importlib.util.find_spec("xllamacpp") is None:
        raise MissingExtra("xllamacpp, the local server of this lab,", "servers")
    locate(MODEL)


class LocalServer:
    """The server's process, there while it is used. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._url = ""
        self._rest: Timer | None = None

    @property
    def process(self) -> subprocess.Popen[str] | None:
        """The process, while there is one."""
        return self._process

    def url(self) -> str:
        """Where it answers; starts it, which takes some seconds.

        Raises:
            ToolError: it does not start.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._start()
            self._arm()
            return self._url

    def close(self) -> None:
        """End it, and wait until it is gone."""
        with self._lock:
            if self._rest is not None:
                self._rest.cancel()
                self._rest = None
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _arm(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        self._rest = Timer(IDLE, self.close)
        self._rest.daemon = True
        self._rest.start()

    def _start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("serve.py")), MODEL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._process = process
        atexit.register(self.close)
        assert process.stdout is not None
        said = next((line for line in process.stdout if line.startswith("ready ")), "")
        if not said:
            self._end()
            raise ToolError("the local server did not start: `agentlab doctor` may say why")
        self._url = said.split()[1]


LOCAL = LocalServer()
