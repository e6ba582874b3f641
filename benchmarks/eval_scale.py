"""How an evaluation scales with workers on a Ray cluster, beside the same questions asked here.

    python benchmarks/eval_scale.py [--samples 96] [--pause 1.0] [--workers 1,2,4,8]

A service on loopback takes `--pause` seconds for each answer, so samples wait and the processors
have little to do: what is lost to the ideal (samples / at once x pause) is what AgentLab, Ray and
this machine's cores cost. For each number, N samples are asked at once in two ways: by N workers of
one slot on a cluster of N nodes on this machine, and by one process with N conversations open.
Traces and results come home in both. Starting the workers is not in the time, and is shown apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from agentlab import connect
from agentlab.evaluate import Evaluation, Plan
from agentlab.evaluate.plan import Given
from agentlab_tools.cluster.interviewer import Brief, Interviewer
from agentlab_tools.cluster.interviewers import asked_by
from agentlab_tools.cluster.joined import joined, without_web_server
from agentlab_tools.cluster.workers import Size, Workers
from agentlab_tools.scored_code import sandbox_runner

_EVENTS: list[dict[str, Any]] = [
    {"choices": [{"index": 0, "delta": {"content": "It is 4."}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}},
]
_REPLY = "".join(f"data: {json.dumps(event)}\n\n" for event in _EVENTS) + "data: [DONE]\n\n"


@contextmanager
def service(pause: float) -> Generator[str]:
    """A service that answers every question alike, after a while."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            time.sleep(pause)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(_REPLY.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1#waits"
    server.shutdown()
    server.server_close()


@contextmanager
def cluster(nodes: int) -> Generator[str]:
    """A cluster of so many nodes with one processor each."""
    from ray.cluster_utils import Cluster

    memory = 80_000_000
    head = {"num_cpus": 0, "object_store_memory": memory, "include_dashboard": False}
    with without_web_server():
        held: Any = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes):
        held.add_node(wait=False, num_cpus=1, object_store_memory=memory)
    yield held.address
    held.shutdown()


async def asked(evaluation: Evaluation) -> float:
    """Seconds from the first question to the last answer."""
    began = time.perf_counter()
    results = await evaluation.run()
    assert all(result.passed for result in results.results), "every answer is right"
    return time.perf_counter() - began


async def measure(ray: Any, url: str, samples: int, workers: int, runs: Path) -> list[float]:
    """Seconds on the cluster, in one process, and until the workers were ready."""
    given = tuple(Given(id=str(n), input="2 + 2", expect=4) for n in range(samples))
    plan = Plan(task="waits", samples=given, scorers=("numeric",))
    model = connect(url)
    seconds: list[float] = []
    for where in ("cluster", "here"):
        folder = runs / where
        task = plan.open_task(model, folder)
        scorers = plan.open_scorers(task, folder, judge=None, code=sandbox_runner)
        evaluation = Evaluation(task, scorers, folder, where, concurrency=workers)
        if where == "here":
            seconds.append(await asked(evaluation))
            continue
        brief = Brief(
            plan=plan,
            evaluation=where,
            backend=url,
            folder=str(Path.cwd()),
            fingerprint=task.fingerprint(("numeric",)),
        )
        began = time.perf_counter()
        sent = (brief.model_dump_json(), None)
        async with Workers(ray, Interviewer, sent, Size(workers, 1), print) as pool:
            await pool.all_ready()
            ready = time.perf_counter() - began
            on_cluster = Evaluation(
                task, scorers, folder, where, concurrency=workers, ask=asked_by(pool, folder)
            )
            seconds.append(await asked(on_cluster))
    await model.aclose()
    return [*seconds, ready]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--pause", type=float, default=1.0)
    parser.add_argument("--workers", default="1,2,4,8")
    args = parser.parse_args()
    print(f"{args.samples} samples, each waits {args.pause:g} s; ratios are to the ideal")
    print("workers   cluster s  ratio      here s  ratio   ready after s")
    for workers in map(int, args.workers.split(",")):
        ideal = args.samples / workers * args.pause
        with (
            service(args.pause) as url,
            cluster(workers) as address,
            joined(address, shown=False) as ray,
            tempfile.TemporaryDirectory() as name,
        ):
            there, here, ready = asyncio.run(measure(ray, url, args.samples, workers, Path(name)))
        print(
            f"{workers:7}  {there:10.1f}  {there / ideal:5.2f}  {here:10.1f}  {here / ideal:5.2f}"
            f"  {ready:14.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
