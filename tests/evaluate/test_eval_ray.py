"""An evaluation on a real Ray cluster: several nodes, one of them lost half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

pytest.importorskip("ray")

from ray_cluster import cluster_of, take_down, workers
from sums_service import Service, adding

from agentlab.trace import Trace, runs_in
from agentlab.trace.results import Results, results_path
from agentlab_tools.cluster.workers import Size

pytestmark = pytest.mark.slow

Cluster = tuple[str, psutil.Process]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_of(2) as held:
        yield held


@pytest.fixture
def service() -> Iterator[Service]:
    with adding(pause=0.05) as service:
        yield service


@pytest.fixture
def data(tmp_path: Path) -> str:
    return write(tmp_path / "sums.jsonl", 16)


def write(file: Path, count: int) -> str:
    lines = [{"id": f"s{n}", "input": f"{n} + {n}", "expect": 2 * n} for n in range(count)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(file)


def command(*args: str, runs: Path) -> list[str]:
    where = ("--runs", str(runs), "--name", "x")
    return [sys.executable, "-m", "agentlab", "eval", "run", *args, *where]


def evaluate(*args: str, runs: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args, runs=runs),
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, **env},
    )


def results(runs: Path) -> Results:
    return Results.load(results_path(runs, "x"))


def plain(found: Results) -> dict[tuple[str, int], bool]:
    return {(one.sample, one.epoch): one.passed for one in found.results}


def test_a_cluster_comes_to_the_same_results_as_this_process(
    cluster: Cluster, service: Service, data: str, tmp_path: Path
):
    asked = (data, "-b", service.url, "-s", "numeric", "-n", "2", "--json")
    here = evaluate(*asked, runs=tmp_path / "here")
    there = evaluate(*asked, "--on", f"ray:{cluster[0]}", runs=tmp_path / "there")
    assert there.returncode == here.returncode == 0, there.stderr
    assert json.loads(there.stdout)["scores"] == json.loads(here.stdout)["scores"]
    assert plain(results(tmp_path / "there")) == plain(results(tmp_path / "here"))
    assert set(service.asked.values()) == {4}  # two epochs here, and two there
    traces = {t.header.run: t for t in map(Trace.load, runs_in(tmp_path / "there"))}
    assert {one.run for one in results(tmp_path / "there").results} == set(traces)
    assert len({t.header.labels["node"] for t in traces.values()}) == 1  # all on this machine
    assert not list((tmp_path / "there").glob(".*"))


def test_a_node_that_goes_down_costs_no_sample_and_none_counts_twice(
    cluster: Cluster, service: Service, tmp_path: Path
):
    data, runs = write(tmp_path / "sums.jsonl", 60), tmp_path / "runs"
    service.pause = 0.4
    asked = (data, "-b", service.url, "-s", "numeric", "--on", f"ray:{cluster[0]}", "--json")
    told = command(*asked, runs=runs)
    with subprocess.Popen(told, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as going:
        written(runs, 12, going)
        take_down(one_that_asks(cluster[1], service))
        out, err = going.communicate(timeout=200)
    assert going.returncode == 0, err
    assert "a worker was lost" in err
    assert json.loads(out)["done"] == 60  # nothing of Ray's own is on stdout
    lines = results_path(runs, "x").read_text().splitlines()[1:]
    assert Counter(json.loads(line)["sample"] for line in lines) == {f"s{n}": 1 for n in range(60)}
    assert max(service.asked.values()) <= 2
    assert sum(service.asked.values()) <= 60 + 8  # what that node was at is asked again


def test_an_interrupted_evaluation_goes_on_where_it_was_also_elsewhere(
    cluster: Cluster, service: Service, data: str, tmp_path: Path
):
    runs = tmp_path / "runs"
    service.pause = 0.5
    asked = (data, "-b", service.url, "-s", "numeric")
    on = ("--on", f"ray:{cluster[0]}", "-j", "2")
    with subprocess.Popen(
        command(*asked, *on, runs=runs), stderr=subprocess.PIPE, text=True
    ) as going:
        written(runs, 4, going)
        going.send_signal(signal.SIGINT)
        _, err = going.communicate(timeout=60)
    assert going.returncode == 130, err
    assert "Traceback" not in err
    before = plain(results(runs))
    assert 4 <= len(before) < 16
    service.pause = 0.0
    service.asked.clear()
    done = evaluate(*asked, runs=runs)  # the rest here
    assert done.returncode == 0, done.stderr
    assert len(results(runs).results) == 16
    assert sum(service.asked.values()) == 16 - len(before)


def written(runs: Path, count: int, going: subprocess.Popen[str]) -> None:
    """Wait until so many results are there."""
    path = results_path(runs, "x")
    until = time.monotonic() + 120
    while not path.exists() or len(path.read_text().splitlines()) <= count:
        assert going.poll() is None, going.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def one_that_asks(cluster: psutil.Process, service: Service) -> psutil.Process:
    """A worker that holds a connection to the service, so none that an earlier test left."""
    port = urlsplit(service.url).port
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for worker in workers(cluster, "Interviewer"):
            with suppress(psutil.NoSuchProcess):  # an earlier one, just ended
                if any(c.raddr and c.raddr.port == port for c in worker.net_connections("tcp")):
                    return worker
        time.sleep(0.02)
    raise AssertionError("no worker asks the service")


def test_a_labs_own_step_and_a_local_model_go_along(cluster: Cluster, tmp_path: Path):
    asked = ("m5/tool-use:sums", "--cases", "2", "--json")
    here = evaluate(*asked, runs=tmp_path / "here")
    there = evaluate(*asked, "--on", f"ray:{cluster[0]}", runs=tmp_path / "there")
    assert there.returncode == here.returncode == 0, there.stderr
    assert json.loads(there.stdout)["scores"] == json.loads(here.stdout)["scores"]
    one, other = (results(tmp_path / place).header.about for place in ("here", "there"))
    assert one == other


def test_a_key_is_read_on_the_node_and_what_it_lacks_is_one_line(
    cluster: Cluster, service: Service, data: str, tmp_path: Path
):
    """The cluster was started without the key: home has it, and the nodes do not."""
    home = tmp_path / "home"
    home.mkdir()
    url = service.url.partition("#")[0]
    text = f'[services.office]\nlike = "vllm"\nbase_url = "{url}"\nkey_env = "OFFICE_KEY"\n'
    (home / "services.toml").write_text(text)
    done = evaluate(
        data,
        "-b",
        "office:adder",
        "-s",
        "numeric",
        "--on",
        f"ray:{cluster[0]}",
        runs=tmp_path / "runs",
        AGENTLAB_HOME=str(home),
        OFFICE_KEY="sk-known-at-home",
    )
    assert done.returncode == 2
    assert "OFFICE_KEY" in done.stderr
    assert "sk-known-at-home" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not service.asked


def test_a_cluster_that_is_not_there_is_one_line(service: Service, data: str, tmp_path: Path):
    asked = (data, "-b", service.url, "-s", "numeric")
    done = evaluate(*asked, "--on", "ray:127.0.0.1:1", runs=tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("agentlab: can't reach the Ray cluster at 127.0.0.1:1: ")
    assert "Traceback" not in done.stderr
    done = evaluate(*asked, "--on", "moon", runs=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "can't run on 'moon': say local, ray" in done.stderr


@pytest.mark.parametrize(
    ("nodes", "threads", "concurrency", "size"),
    [
        ((1, 1), None, None, Size(2, 4)),  # a hosted model: samples wait
        ((0, 8, 8), None, None, Size(16, 4)),
        ((8,), None, 3, Size(3, 1)),
        ((2,), None, 10, Size(2, 5)),
        ((8, 4), 4, None, Size(3, 1, 4)),  # a model in the worker takes its threads up
        ((8, 4), 4, 2, Size(2, 1, 4)),
        ((1, 1), 2, None, Size(2, 1, 1)),  # no node has so many: it shares what there is
        ((), 2, None, Size(1, 1, 1)),
    ],
)
def test_workers_fill_the_cluster(
    nodes: tuple[int, ...], threads: int | None, concurrency: int | None, size: Size
):
    assert Size.of(nodes, threads=threads, concurrency=concurrency) == size
