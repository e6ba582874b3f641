"""What every worker on a node is told, and does before it does anything: open a lab and models."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab.backends import connect
from agentlab.backends.presets import Preset
from agentlab.errors import AgentLabError
from agentlab.labs.find import load
from agentlab.messages import Value
from agentlab_tools.cluster.enclosed import Files, References, unpacked

if TYPE_CHECKING:
    from agentlab.backend import Backend
    from agentlab.labs.values import Lab


class Lent(Value):
    """A local model, as a node opens it."""

    means: str
    """Its name, with whole paths of the files at home."""
    files: Files
    options: dict[str, str]
    """What it is called."""


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
    lent: dict[str, Lent] = {}
    """Local models, by the names that the person at home gave."""
    folder: str
    """The working folder at home: what a lab's or a tool's name means as a path is meant from
    there."""


class Guest(ABC):
    """A worker on a node: an actor that holds models, and a lab if there is one."""

    def __init__(self, told: Told, lab: bytes | None, files: References) -> None:
        """Take what is to be done; `lab` is the packed folder of one, `files` those of models."""
        self._told = told
        self._files = files
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
        if (lent := self._told.lent.get(name)) is not None:
            inputs = Path(self.folder.name) / "inputs"
            here = unpacked(lent.means, lent.files, self._files, inputs, _fetched)
            return connect(here, threads=self._told.threads, **lent.options)
        services = self._told.services
        word = name.partition(":")[0]
        return connect(name, **({"services": services} if word in services else {}))


def _fetched(reference: Any) -> bytes:
    import ray

    get: Callable[[Any], bytes] = ray.get  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return get(reference)  # pyright: ignore[reportUnknownVariableType]


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
