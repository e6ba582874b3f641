"""A framework that has to be installed."""

from __future__ import annotations

from importlib.util import find_spec

from agentlab.errors import MissingExtra


def need(module: str, package: str, extra: str) -> None:
    """Raise MissingExtra, which names the extra to install, where a module is not here."""
    if find_spec(module) is None:
        raise MissingExtra(package, extra)
