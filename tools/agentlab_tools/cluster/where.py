"""Where many questions are asked: in this process, or on a Ray cluster (`--on ray[:HOST:PORT]`)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.backends.schemes import is_local
from agentlab.places.models import service_options
from agentlab_tools.cluster.guest import Told
from agentlab_tools.cluster.joined import address_of, joined
from agentlab_tools.cluster.workers import Size


def joining(on: str) -> AbstractContextManager[Any]:
    """The module `ray`, connected; None in this process.

    Raises:
        ConfigError: `on` is neither `local` nor a cluster.
        ClusterError: (when entered) the cluster can't be reached.
    """
    if on == "local":
        return nullcontext()
    return joined(address_of(on), shown=False)


def told(*models: str) -> Told:
    """What nodes have to know of this machine to open some models as they would be opened here."""
    services = {
        word: preset
        for model in models
        for word, preset in service_options(model).get("services", {}).items()
        if word == model.partition(":")[0]
    }
    threads = physical_cores() if any(map(is_local, models)) else None
    return Told(services=services, threads=threads, folder=str(Path.cwd()))


def size_on(ray: Any, threads: int | None, *, concurrency: int | None) -> Size:
    """How many workers a cluster has room for, and how much each does at once."""
    nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    return Size.of(nodes, threads=threads, concurrency=concurrency)
