"""Try what must fail, from inside, before any untrusted code runs. Less than a millisecond."""

from __future__ import annotations

import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def sing(marks: dict[str, Any]) -> list[str]:
    """What could be done that should not: an empty list is a sandbox that holds.

    Args:
        marks: `secret` (a file of the host), `port` (a listener on the host's loopback), `pid` (the
            host's process), `readonly` (folders that must not take a file), `processes` (whether
            a bound on processes is promised).
    """
    failed: list[str] = []
    if _succeeds(lambda: os.close(os.open(marks["secret"], os.O_RDONLY))):
        failed.append("a file of the host can be read")
    if _succeeds(lambda: _connect(marks["port"])):
        failed.append("a port of the host can be reached")
    if _succeeds(lambda: os.kill(marks["pid"], 0)):
        failed.append("a process of the host can be signalled")
    if _succeeds(lambda: os.close(os.open(f"/proc/{marks['pid']}/environ", os.O_RDONLY))):
        failed.append("the environment of a process of the host can be read")
    failed += [f"{folder} can be written" for folder in marks["readonly"] if _writable(folder)]
    if hasattr(os, "memfd_create") and _succeeds(lambda: os.close(os.memfd_create("canary"))):
        failed.append("the system call filter is not there")
    if _succeeds(_all_sockets):
        failed.append("sockets of the host's kind can be made")
    if marks["processes"] and _unbounded_processes():
        failed.append("the number of processes is not bounded")
    return failed


def _succeeds(attempt: Any) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _connect(port: int) -> None:
    import _socket  # socket proper costs a start 4 ms

    attempt = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    attempt.settimeout(1)
    attempt.connect(("127.0.0.1", port))
    attempt.close()


def _all_sockets() -> None:
    import _socket

    _socket.socket(16, _socket.SOCK_RAW, 0).close()  # AF_NETLINK: every Linux has it


def _writable(folder: str) -> bool:
    name = f"{folder}/.agentlab-canary-{os.getpid()}"
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return False
    os.unlink(name)  # noqa: PTH108
    return True


def _unbounded_processes() -> bool:
    """With the bound lowered to what runs already, a fork must fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if hard == resource.RLIM_INFINITY:
        return True
    resource.setrlimit(resource.RLIMIT_NPROC, (0, hard))
    try:
        child = os.fork()
    except OSError:
        return False
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True
