"""How fast a local model is with how many threads: alone, beside busy processes, beside its like.

    python benchmarks/threads.py [--rounds 5] [--busy 0,1,4] [--peers 2,3] [--tokens 96]

Each measurement is a process of its own, since how long a waiting thread spins is settled when the
library is loaded. A *way* is a number of threads, and how they wait: `1` has nothing to wait for;
`2` is as AgentLab has it (spinning on a quiet machine, asleep on a busy one), `2 asleep` with
threads that sleep at once, `2 a little` with 3,000 turns before, `2 spin` as the library has it.
The ways of a round are measured one right after the other, in an order that turns around from round
to round, so that the ratios hold even where the machine has other things to do; what is printed are
medians. `busy` processes do nothing but count, at the same priority; `peers` are so many of the
same measurement at once, and what is printed is what each of them wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.backends.llamacpp.waiting import SPIN

_TEXT = "The lighthouse keeper and her dog walked down to the sea, as they did each morning. " * 12


@dataclass(frozen=True)
class Way:
    """A number of threads, and how they wait for each other."""

    name: str
    threads: int
    environment: tuple[tuple[str, str], ...] = ()


def ways(cores: int) -> Sequence[Way]:
    """What to compare on so many cores."""
    found = [Way("1", 1)]
    for threads in sorted({2, cores // 2, cores} - {0, 1}):
        found += [
            Way(f"{threads}", threads),
            Way(f"{threads} a little", threads, (("GOMP_SPINCOUNT", SPIN),)),
            Way(f"{threads} asleep", threads, (("GOMP_SPINCOUNT", "0"),)),
            Way(f"{threads} spin", threads, (("GOMP_SPINCOUNT", "300000"),)),
        ]
    return found


def measure(tokens: int, threads: int) -> dict[str, float]:
    """Tokens a second of reading and writing, and the processor's milliseconds of one written."""
    from agentlab.backends.llamacpp.context import Context
    from agentlab.backends.llamacpp.model import Model, bindings
    from agentlab.backends.llamacpp.registry import locate

    bindings()
    model = Model(locate("smollm2"))
    context = Context(model, size=1024, batch=128, threads=threads)
    prompt = model.tokens(_TEXT)[:128]
    context.read(prompt[:8], lambda: False)  # touches the weights
    began = time.perf_counter()
    context.read(prompt, lambda: False)
    read = (len(prompt) - 8) / (time.perf_counter() - began)
    began, cpu = time.perf_counter(), time.process_time()
    for token in prompt[:tokens]:
        context.append(token)
    wrote, spent = tokens / (time.perf_counter() - began), time.process_time() - cpu
    return {"read": read, "wrote": wrote, "cpu": spent / tokens * 1000}


@contextmanager
def neighbours(count: int) -> Generator[None]:
    """So many processes that only count."""
    code = "while True: sum(range(1000))"
    others = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def together(way: Way, tokens: int, peers: int) -> dict[str, float]:
    """Measurements at once, each in a process of its own: what they came to on average."""
    command = [sys.executable, __file__, "--measure", str(way.threads), "--tokens", str(tokens)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GOMP_", "OMP_"))}
    environment.update(way.environment)
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(peers)
    ]
    told = [json.loads(process.communicate()[0]) for process in started]
    return {key: statistics.mean(one[key] for one in told) for key in told[0]}


def compare(name: str, busy: int, peers: int, rounds: int, tokens: int) -> None:
    """A row for each way."""
    compared = ways(physical_cores())
    seen: dict[str, list[dict[str, float]]] = {way.name: [] for way in compared}
    with neighbours(busy):
        for turn in range(rounds):
            for way in compared if turn % 2 else compared[::-1]:
                seen[way.name].append(together(way, tokens, peers))
    for way in compared:
        rows = seen[way.name]
        middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        pairs = zip(rows, seen["1"], strict=True)
        ratio = statistics.median(row["wrote"] / base["wrote"] for row, base in pairs)
        print(
            f"{name:>8}  {way.name:10}{middle['read']:9.1f}{middle['wrote']:9.1f}"
            f"{ratio:7.2f}{middle['cpu']:8.1f}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--busy", default="0,1,4")
    parser.add_argument("--peers", default="2,3")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.tokens, chosen.measure)))
        return
    load = os.getloadavg()[0]
    print(f"{physical_cores()} cores, load {load:.1f} before; {chosen.rounds} rounds, medians")
    print(f"{'':8}  {'threads':10}{'read/s':>9}{'write/s':>9}{'to 1':>7}{'cpu ms':>8}")
    for busy in filter(None, chosen.busy.split(",")):
        compare(f"busy {busy}", int(busy), 1, chosen.rounds, chosen.tokens)
    for peers in filter(None, chosen.peers.split(",")):
        compare(f"peers {peers}", 0, int(peers), chosen.rounds, chosen.tokens)


if __name__ == "__main__":
    main()
