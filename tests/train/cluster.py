"""A Ray cluster of several nodes on one machine, for as long as its standard input is open.

    python cluster.py NODES

Each node is a raylet of its own with one processor; the head has none, so that no task runs there.
Prints the cluster's address once it is up.
"""

from __future__ import annotations

import sys

import ray
from ray.cluster_utils import Cluster

from agentlab_tools.train.ray_runner import without_web_server

MEMORY = 80_000_000


def main(nodes: int) -> None:
    """Start it, wait, and end it."""
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
