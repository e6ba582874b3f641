"""The same recipe on a Ray cluster: `agentlab train … --on ray` or `--on ray:HOST:PORT`.

The job's own process stays on this machine and has the cluster run the recipe as one task. What the
task tells comes back as it happens, checkpoints and artifacts with it, so the job's folder holds
just what it would have held had it run here, and the machines need no disk in common. A node that
goes down costs the steps since the last checkpoint: another one goes on from there, up to three
times with no step gained.

This machine must belong to the cluster (`ray start --address=HOST:PORT`); with no address and no
cluster, Ray is started here. Every node needs AgentLab installed. Files that settings name are sent
to nodes that lack them; folders are not. A checkpoint passes through memory on its way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag
from typing import Any

from agentlab.backends.schemes import meaning
from agentlab.errors import ConfigError
from agentlab_tools.cluster.enclosed import References, enclosed, referred
from agentlab_tools.cluster.joined import ClusterError, address_of, joined
from agentlab_tools.train.checkpoints import Checkpoint, checkpoints_in, drop_old
from agentlab_tools.train.errors import Stopped, TrainingError
from agentlab_tools.train.events import JobEvent, Said
from agentlab_tools.train.jobs.job import JobSpec
from agentlab_tools.train.ray_task import Item, Naming, Switch, pack, place_of, train_there, unpack

TRIES = 3
_LOOK = 0.5
_PATIENCE = 10.0
"""Seconds without a node before people are told what is waited for."""


def run_on_ray(spec: JobSpec, folder: Path, tell: Callable[[JobEvent], object], stop: Flag) -> None:
    """Run a job's recipe on a cluster, and keep its folder as if it ran here.

    Raises:
        Stopped: somebody asked to stop.
        TrainingError: the recipe failed, or the cluster did.
        DiskFull: there is no room here for what came back.
        MissingExtra: Ray is not installed.
    """
    address = address_of(spec.on)
    try:
        with joined(address) as ray:
            _Run(ray, spec, folder, tell, stop).go()
    except ClusterError as error:
        raise TrainingError(str(error)) from error


class _Run:
    """A job on a cluster. Ray is handed in, so that nothing else here must import it."""

    def __init__(
        self,
        ray: Any,
        spec: JobSpec,
        folder: Path,
        tell: Callable[[JobEvent], object],
        stop: Flag,
    ) -> None:
        self._ray = ray
        self._spec = spec
        self._folder = folder
        self._tell = tell
        self._stop = stop

    def go(self) -> None:
        """Train, on another node when one is lost."""
        naming = self._naming()
        files = referred(self._ray, {k: v for one in naming.values() for k, v in one.files.items()})
        tries, gained = 0, -1
        while True:
            last = self._last()
            step = last.step if last else 0
            tries, gained = (1, step) if step > gained else (tries + 1, gained)
            try:
                self._once(naming, files, last)
            except self._ray.exceptions.RayError as error:
                why = f"{type(error).__name__}: {error}".partition("\n")[0]
                if tries >= TRIES:
                    problem = f"the cluster failed {tries} times with no step gained: {why}"
                    raise TrainingError(problem) from error
                last = self._last()
                goes_on = f"goes on after step {last.step}" if last else "starts again"
                self._tell(Said(text=f"the node was lost, another one {goes_on} ({why})"))
            else:
                return

    def _naming(self) -> dict[str, Naming]:
        """The settings that name files, models that were trained here among them."""
        by_name: dict[str, Naming] = {}
        for name, value in self._spec.settings.items():
            if not isinstance(value, str):
                continue
            means = value
            with suppress(ConfigError):  # the recipe will say it, if it is a model at all
                means = meaning(value)[0]
            means, files = enclosed(means, Path(self._spec.folder))
            if files:
                by_name[name] = Naming(value=means, files=files)
        return by_name

    def _last(self) -> Checkpoint | None:
        return next(iter(checkpoints_in(self._folder / "checkpoints")), None)

    def _once(self, naming: dict[str, Naming], files: References, last: Checkpoint | None) -> None:
        """Run the task from the last checkpoint to its end.

        Raises:
            RayError: the node went down, or Ray has trouble of its own.
        """
        ray, spec = self._ray, self._spec
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=True
        )
        switch = ray.remote(Switch).options(num_cpus=0, scheduling_strategy=here).remote()
        task = ray.remote(
            num_cpus=spec.limits.threads or 1,
            num_gpus=1 if ray.cluster_resources().get("GPU", 0) >= 1 else 0,
            memory=spec.limits.memory,
            max_retries=0,  # going on from a checkpoint is done here
            max_calls=1,
            num_returns="streaming",
        )(train_there)
        checkpoint = [ray.put((last.step, pack(last.folder)))] if last else []
        source = Path(spec.recipe).read_text() if spec.recipe.endswith(".py") else None
        stream = task.remote(spec.model_dump_json(), source, naming, files, checkpoint, switch)
        begun, stopping, announced, since = False, False, False, time.monotonic()
        while True:
            if self._stop.is_set() and not stopping:
                stopping = True
                switch.turn.remote()
            ready, _ = ray.wait([stream], timeout=_LOOK, fetch_local=False)
            if ready:
                begun = True
                for item in ray.get(next(stream)):
                    if self._done(item):
                        return
            elif not begun and stopping:
                raise Stopped
            elif not begun and not announced and time.monotonic() - since > _PATIENCE:
                announced = True
                self._tell(Said(text="waiting for a node with room for it"))

    def _done(self, item: Item) -> bool:
        """Take in what was sent; whether that was the end."""
        match item:
            case ("event", event, packed):
                place = place_of(self._folder, event)
                if place is not None and packed is not None:
                    unpack(packed, place)
                    drop_old(self._folder / "checkpoints", self._spec.keep)
                self._tell(event)
                return False
            case ("stopped",):
                raise Stopped
            case ("failed", why):
                raise TrainingError(why)
            case ("done",):
                return True
