"""A Ray cluster that this process belongs to for a while."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any

from agentlab.errors import AgentLabError, ConfigError, MissingExtra

_PATIENCE = 10.0
"""Seconds in which an address has to answer."""


class ClusterError(AgentLabError):
    """The cluster can't be reached, or can't do what is asked of it."""


def address_of(on: str) -> str | None:
    """The address in `ray:HOST:PORT`; None for `ray`, which is the cluster of this machine.

    Raises:
        ConfigError: the words are others.
        MissingExtra: Ray is not installed.
    """
    place, colon, address = on.partition(":")
    if place != "ray" or (colon and not address):
        raise ConfigError(f"can't run on {on[:80]!a}: say local, ray, or ray:HOST:PORT")
    if find_spec("ray") is None:
        raise MissingExtra("ray", "ray")
    return address or None


@contextmanager
def joined(address: str | None, *, shown: bool = True) -> Generator[Any]:
    """The module `ray`, connected; without an address, to this machine's cluster or a new one.

    Args:
        shown: whether what tasks print, and Ray's own notes, appear here.

    Raises:
        ClusterError: there is no cluster at that address, or this machine is no part of it.
        MissingExtra: Ray is not installed.
    """
    # a Ray that is started here would report to its makers every hour
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingExtra("ray", "ray") from error
    handler = signal.getsignal(signal.SIGTERM)
    try:
        address = address or _noted()
        if address is not None:
            _knock(address)
        with nullcontext() if address is not None else without_web_server():
            ray.init(  # pyright: ignore[reportUnknownMemberType]
                address=address or "local",
                log_to_driver=shown,
                logging_level=logging.INFO if shown else logging.ERROR,
            )
    except Exception as error:
        why = str(error).strip().partition("\n")[0]
        where = f"the Ray cluster at {address}" if address else "Ray"
        join = f"ray start --address={address or 'HOST:PORT'}"
        raise ClusterError(
            f"can't reach {where}: {why}. Is it up, and is this machine part of it (`{join}`)?"
        ) from error
    finally:
        signal.signal(signal.SIGTERM, handler)  # Ray would have it end this process
    try:
        with nullcontext() if shown else _without_notes():
            yield ray
    finally:
        ray.shutdown()  # pyright: ignore[reportUnknownMemberType]


def _knock(address: str) -> None:
    """See that somebody answers there: Ray itself would try for minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


def _noted() -> str | None:
    """The address of this machine's cluster, if it has one, in `RAY_ADDRESS` or in Ray's own note.

    A cluster that crashed leaves its note behind: where nobody answers there, there is none.
    """
    from ray._private import services, utils

    ask: Any = services.get_ray_address_from_environment  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    known: str | None = ask(None, None)
    if known == utils.read_ray_address() and known is not None:
        try:
            _knock(known)
        except OSError:
            return None
    return None if known == "local" else known


@contextmanager
def _without_notes() -> Generator[None]:
    """Ray prints what befalls its nodes to stdout, whatever its options say, amid our JSON."""
    from ray._private import worker

    def quiet(*_: object, **__: object) -> None:
        """Print nothing."""

    original: object = worker.print_to_stdstream  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    worker.print_to_stdstream = quiet
    try:
        yield
    finally:
        worker.print_to_stdstream = original


@contextmanager
def without_web_server() -> Generator[None]:
    """What Ray starts meanwhile has no web server.

    The server asks the addresses that clouds give their machines (169.254.169.254,
    metadata.google.internal) whose machine this is, also where it reports nothing and shows no
    dashboard. Nothing of ours uses it, and Ray does without it where it can't be started.
    """
    from ray._private import services  # no option says it

    def none(*_: object, **__: object) -> tuple[None, None]:
        return None, None  # as where it fails to start

    original = services.start_api_server
    services.start_api_server = none
    try:
        yield
    finally:
        services.start_api_server = original
