"""What an agent on a hosted model costs, beside other frameworks, over a stub server on loopback.

    python benchmarks/hosted_peers.py [--steps 21 201] [--agents 1000] [--python PEERS/bin/python]

Two tables. The first: CPU milliseconds a step (a request, an answer with one tool call, the call)
of one agent, and the ratio to a plain loop over the bare `openai` client in the same run. The
second: many agents at once on one machine, each with five steps, against a service that takes a
second for each answer: memory an agent, steps a second, CPU milliseconds a step.

Every contestant runs in a process of its own, in turn, several rounds; medians count. One that is
not installed is named as such. `--python` is an interpreter that has the peers (`pydantic-ai-slim
[openai]`, `openai-agents`, `langgraph` and `langchain-openai`); without it, this one is tried. Only
CPU time of the contestant's own process is counted, so a busy machine disturbs it little; steps a
second are by the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from _hosted_contestants import Run, bare, langgraph, openai_agents, ours, pydantic_ai

ARGUMENTS = '{"expression": "6 * 7 + 12"}'
CROWD_STEPS = 5
TARGETS = {21: 1.0, 201: 0.6}
"""Steps of a run, to the ratio to the bare client that is aimed at."""
CONTESTANTS = {
    "openai, a bare loop": "openai",
    "agentlab": "agentlab-kit",
    "agentlab, with traces": "agentlab-kit",
    "pydantic-ai": "pydantic-ai-slim",
    "openai-agents": "openai-agents",
    "langgraph": "langgraph",
}
"""Name to the distribution it is in."""


def answers(number: int, *, call: bool) -> tuple[bytes, bytes]:
    """An answer as a stream, and as one JSON body: a tool call, or the end."""
    head: dict[str, Any] = {"id": f"chatcmpl-{number}", "created": 1, "model": "stub"}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    function = {"name": "calculator", "arguments": ARGUMENTS}
    whole = {"id": f"call_{number}", "type": "function", "function": function}
    said: dict[str, Any] = {"content": None, "tool_calls": [whole]} if call else {"content": "54"}
    finish = "tool_calls" if call else "stop"
    message = {"role": "assistant", **said}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    body = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    pieces: list[dict[str, Any]] = [{"role": "assistant", "content": None if call else ""}]
    if call:
        empty = {**whole, "index": 0, "function": {**function, "arguments": ""}}
        pieces.append({"tool_calls": [empty]})
        texts = [ARGUMENTS[i : i + 7] for i in range(0, len(ARGUMENTS), 7)]
        pieces += [{"tool_calls": [{"index": 0, "function": {"arguments": t}}]} for t in texts]
    else:
        pieces.append({"content": "54"})
    chunks: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": piece, "finish_reason": None}] for piece in pieces
    ]
    chunks.append([{"index": 0, "delta": {}, "finish_reason": finish}])
    head["object"] = "chat.completion.chunk"
    events: list[dict[str, Any]] = [{**head, "choices": choices} for choices in chunks]
    events.append({**head, "choices": [], "usage": usage})
    lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    return b"".join((*lines, b"data: [DONE]\n\n")), json.dumps(body).encode()


async def serve(delay: float) -> None:
    """The stub: prints its port, answers until it is killed.

    The model's name says how many calls to ask for: `stub-21`.
    """
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"

    def answer(sent: bytes) -> bytes:
        sent = sent.replace(b" ", b"")
        results = sent.count(b'"role":"tool"')
        steps = int(sent.partition(b'"stub-')[2].partition(b'"')[0])
        stream, body = answers(results, call=results < steps)
        if b'"stream":true' in sent:
            return head % (b"text/event-stream", len(stream)) + stream
        return head % (b"application/json", len(body)) + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in request.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                sent = await reader.readexactly(length)
                await asyncio.sleep(delay)
                writer.write(answer(sent))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1 << 26, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def alone(run: Run, steps: int) -> float:
    """CPU milliseconds a step of one agent."""
    await run(steps)  # what is made once is not a step's cost
    begun = time.process_time()
    assert await run(steps) == "54"
    return (time.process_time() - begun) / (steps + 1) * 1000


async def together(run: Run, agents: int) -> dict[str, float]:
    """Memory an agent in KiB, steps a second, and CPU milliseconds a step, of many at once."""
    await asyncio.gather(*(run(CROWD_STEPS) for _ in range(3)))
    memory, cpu, clock = _peak_kib(), time.process_time(), time.perf_counter()
    ended = await asyncio.gather(*(run(CROWD_STEPS) for _ in range(agents)))
    assert ended == ["54"] * agents
    steps = agents * (CROWD_STEPS + 1)
    return {
        "kib": (_peak_kib() - memory) / agents,
        "rate": steps / (time.perf_counter() - clock),
        "cpu": (time.process_time() - cpu) / steps * 1000,
    }


def _peak_kib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak


def contest(name: str, url: str, steps: list[int], agents: int) -> dict[str, Any]:
    """What one contestant needs; run in a process of its own."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        match name:
            case "agentlab":
                run = ours(url, None)
            case "agentlab, with traces":
                run = ours(url, folder)
            case "pydantic-ai":
                run = pydantic_ai(url)
            case "openai-agents":
                run = openai_agents(url)
            case "langgraph":
                run = langgraph(url)
            case _:
                run = bare(url)

        async def work() -> dict[str, Any]:
            if agents:
                return await together(run, agents)
            return {str(count): await alone(run, count) for count in steps}

        return asyncio.run(work())


def ask(python: str, *args: Any, said: str = "") -> Any:
    """One line of JSON from this file run by an interpreter; None if it fails."""
    done = subprocess.run(
        [python, __file__, *map(str, args)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"{said}: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


class Stub:
    """The server in a process of its own, while the block runs."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(self._delay)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        return f"http://127.0.0.1:{int(self._process.stdout.readline())}/v1"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[21, 201])
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="an interpreter with the peers")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--contest", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--versions", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        asyncio.run(serve(args.serve))
    elif args.versions:
        print(json.dumps({name: _version(dist) for name, dist in CONTESTANTS.items()}))
    elif args.contest:
        print(json.dumps(contest(args.contest[0], args.contest[1], args.steps, args.agents)))
    else:
        _compare(args.python, args.steps, args.agents, args.rounds)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _compare(python: str, steps: list[int], agents: int, rounds: int) -> None:
    mine = {name for name in CONTESTANTS if name.startswith(("agentlab", "openai, "))}
    own, theirs = ask(sys.executable, "--versions"), ask(python, "--versions")
    versions = {name: (own if name in mine else theirs)[name] for name in CONTESTANTS}
    python_of = {name: sys.executable if name in mine else python for name in CONTESTANTS}
    for name in [name for name, found in versions.items() if not found]:
        print(f"{name}: not installed")
        del versions[name]
    cores = os.cpu_count()
    print(f"Python {sys.version.split()[0]}, {cores} cores, load {os.getloadavg()[0]:.1f}\n")
    first = next(iter(versions))
    found: dict[str, list[dict[str, float]]] = {name: [] for name in versions}
    with Stub(0) as url:
        for _ in range(rounds):
            for name in versions:
                counts = ("--agents", 0, "--steps", *steps)
                told = ask(python_of[name], "--contest", name, url, *counts, said=name)
                found[name] += [told] if told else []
    print(f"{'CPU ms a step (ratio)':<32}" + "".join(f"{f'{n} steps':>18}" for n in steps))
    for name, rows in found.items():
        line = f"{f'{name} {versions[name]}':<32}"
        for count in steps if rows else ():
            cost = statistics.median(row[str(count)] for row in rows)
            # Each round's ratio is of two processes that ran one after the other
            pairs = zip(rows, found[first], strict=False)
            ratio = statistics.median(row[str(count)] / base[str(count)] for row, base in pairs)
            line += f"{cost:>10.2f} ({ratio:>4.2f}) "
        print(line)
    targets = ", ".join(f"{ratio} at {count} steps" for count, ratio in TARGETS.items())
    print(f"aimed at, for agentlab: {targets}\n")
    if not agents:
        return
    print(
        f"{f'{agents} agents at once':<32}{'KiB an agent':>14}{'steps/s':>10}{'CPU ms a step':>15}"
    )
    with Stub(1.0) as url:
        for name, found_version in versions.items():
            told = ask(python_of[name], "--contest", name, url, "--agents", agents, said=name)
            if told:
                line = f"{f'{name} {found_version}':<32}"
                print(f"{line}{told['kib']:>14.0f}{told['rate']:>10.0f}{told['cpu']:>15.2f}")


if __name__ == "__main__":
    main()
