"""What every worker on a node is told, and does before it does anything: open a lab and models."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import tempfile
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab.backends import connect
from agentlab.backends.presets import Preset
from agentlab.backends.schemes import is_local
from agentlab.errors import AgentLabError
from agentlab.labs.find import load
from agentlab.messages import Value

if TYPE_CHECKING:
    from agentlab.backend import Backend
    from agentlab.labs.values import Lab


class Told(Value):
    """What a node is told of home.

    Keys are not among it: the node reads them from its own environment, by the names that the
    services give.
    """

    services: dict[str, Preset] = {}
    """Hosted services that the person at home described."""
    threads: int | None = None
    """With how many a model in the worker evaluates: as many as at home, since tokens depend on
    it."""
    folder: str
    """The working folder at home: what a model's name means as a path is meant from there."""


class Guest(ABC):
    """A worker on a node: an actor that holds models, and a lab if there is one."""

    def __init__(self, told: Told, lab: bytes | None) -> None:
        """Take what is to be done; `lab` is the packed folder of one."""
        self._told = told
        self._packed = lab
        self.host = socket.gethostname()
        self.folder = tempfile.TemporaryDirectory(prefix="agentlab-")
        self.lab: Lab | None = None

    async def ready(self) -> str | None:
        """Open the lab and the models; if that can't be, why."""
        try:
            with suppress(OSError):
                os.chdir(self._told.folder)
            if self._packed is not None:
                self.lab = _unpacked(self._packed, Path(self.folder.name) / "lab")
            self.open()
        except AgentLabError as error:
            return f"on {self.host}: {error}"
        return None

    @abstractmethod
    def open(self) -> None:
        """Open what else is needed.

        Raises:
            AgentLabError: it can't be had here.
        """

    def model(self, name: str) -> Backend:
        """A model by the name it has at home.

        Raises:
            ConfigError: it can't be had here.
        """
        if is_local(name):
            return connect(name, threads=self._told.threads)
        services = self._told.services
        word = name.partition(":")[0]
        return connect(name, **({"services": services} if word in services else {}))


def packed(folder: Path) -> bytes:
    """A lab's folder as bytes, without what Python left in it."""

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if member.name.endswith(("__pycache__", ".pyc")) else member

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, arcname=".", filter=kept)
    return buffer.getvalue()


def _unpacked(data: bytes, folder: Path) -> Lab:
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")
    return load(folder)
