"""A Ray cluster of several nodes on one machine, for as long as its standard input is open.

    python ray_cluster.py NODES

Each node is a raylet of its own with one processor; the head has none, so that no task runs there.
Prints the cluster's address once it is up.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from agentlab_tools.cluster.joined import without_web_server

MEMORY = 80_000_000


@contextmanager
def cluster_of(nodes: int, *, without: Path | None = None) -> Generator[tuple[str, psutil.Process]]:
    """The address of a cluster, and the process that holds it.

    Args:
        without: a folder that is empty to the nodes, as if it were on a disk of another machine.
    """
    pipe = subprocess.PIPE
    env = {**os.environ, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, __file__, str(nodes)]
    if without is not None:
        hidden = 'mount -t tmpfs none "$0" && exec "$@"'
        own = ["unshare", "--map-root-user", "--mount", "sh", "-c", hidden, str(without)]
        command = [*own, *command]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env) as held:
        assert held.stdout is not None
        address = held.stdout.readline().decode().strip()
        assert address, "the cluster did not start"
        yield address, psutil.Process(held.pid)
        assert held.stdin is not None
        held.stdin.close()


def can_hide_folders() -> bool:
    """Whether `without` can be had here: Linux, where a process may have mounts of its own."""
    tried = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(tried, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def workers(cluster: psutil.Process, name: str) -> Iterator[psutil.Process]:
    """The processes of tasks or actors with that in their name."""
    return (p for p in cluster.children(recursive=True) if name in p.name())


def take_down(worker: psutil.Process) -> None:
    """Kill the node that a worker runs on, and the worker with it, as when a machine goes down."""
    node = worker.parent()
    assert node is not None
    assert "raylet" in node.name()
    for each in (node, worker):
        each.kill()


def main(nodes: int) -> None:
    """Start it, wait, and end it, in a folder of its own.

    Else Ray notes it as this machine's cluster, which tests beside this one would join.
    """
    with TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.environ["RAY_TMPDIR"] = folder  # a short name, as those of sockets in it must be
        hold(nodes)


def hold(nodes: int) -> None:
    """A cluster until the standard input is closed."""
    import ray
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": 0,
        "object_store_memory": MEMORY,
        "include_dashboard": False,
        "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 4},
    }
    with without_web_server():
        cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes):
        cluster.add_node(wait=False, num_cpus=1, object_store_memory=MEMORY)
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
