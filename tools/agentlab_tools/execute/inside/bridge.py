"""Where a few hosts may be reached: a port inside that leads to the host's proxy, and nowhere else.

Programs know proxies by address and port, not by Unix socket. The bridge carries bytes and decides
nothing, so it does not matter that code inside can stop or replace it.
"""

from __future__ import annotations

import os
import socket
import threading

PORT = 3128
"""Of the proxy, as code inside sees it."""
_CHUNK = 65536


def start(path: str) -> None:
    """Listen on loopback, in a process of its own, for as long as the sandbox lives."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen(16)
    if os.fork():
        listener.close()
        return
    os.closerange(3, listener.fileno())
    os.closerange(listener.fileno() + 1, 64)
    while True:
        inner, _ = listener.accept()
        threading.Thread(target=_carry, args=(inner, path), daemon=True).start()


def _carry(inner: socket.socket, path: str) -> None:
    outer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        outer.connect(path)
    except OSError:
        inner.close()
        return
    back = threading.Thread(target=_pump, args=(outer, inner), daemon=True)
    back.start()
    _pump(inner, outer)
    back.join()
    inner.close()
    outer.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
