"""Where many questions are asked: in this process, or on a Ray cluster (`--on ray[:HOST:PORT]`)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.backends.schemes import is_local, meaning
from agentlab.places.models import service_options
from agentlab_tools.cluster.enclosed import Files, enclosed
from agentlab_tools.cluster.guest import Lent, Told
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
    """What nodes have to know of this machine to open some models as they would be opened here.

    Raises:
        ConfigError: a name stands for nothing here, as that of a job that is not there.
    """
    services = {
        word: preset
        for model in models
        for word, preset in service_options(model).get("services", {}).items()
        if word == model.partition(":")[0]
    }
    lent = {model: _lent(model) for model in models if is_local(model)}
    threads = physical_cores() if lent else None
    return Told(services=services, threads=threads, lent=lent, folder=str(Path.cwd()))


def files_of(home: Told) -> Files:
    """All files of the models that nodes are told of."""
    return {path: sha256 for lent in home.lent.values() for path, sha256 in lent.files.items()}


def _lent(model: str) -> Lent:
    name, options = meaning(model)
    means, files = enclosed(name, Path.cwd())
    return Lent(means=means, files=files, options=dict(options))


def size_on(ray: Any, threads: int | None, *, concurrency: int | None) -> Size:
    """How many workers a cluster has room for, and how much each does at once."""
    nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    return Size.of(nodes, threads=threads, concurrency=concurrency)
