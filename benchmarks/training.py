"""Training a LoRA on the bundled model: the recipe's step beside plain PyTorch and PEFT loops.

    python benchmarks/training.py            three contestants, taking turns, each its own process

All tune the same model on the same conversations with the same rank, numbers and optimizer. They
differ in how a step is done:

    recipe   rows filled with conversations; logits only where something is learnt; the frozen
             weights in the numbers they are multiplied with
    packed   the same rows, one by one, through the model's own loss
    padded   four conversations side by side, the shorter ones padded: the usual loop

    python benchmarks/training.py --waiting     how threads wait, beside other work

`--waiting` pre-trains a model of two layers on two threads beside `--busy` processes that take what
they get, as a busy machine does. In every round each way of waiting takes its turn:

    spinning   as torch's OpenMP does by itself
    a little   3000 turns, then asleep: where llama.cpp evaluates in the same process
    asleep     as `agentlab train` and the labs have it

A token is one of a conversation, however often it is computed or padded around. Speed is given by
the wall clock and by the processor's, which a busy machine disturbs less; memory is the peak of the
whole process.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, cast

from agentlab.backends.llamacpp.gguf import sha256
from agentlab.backends.llamacpp.registry import locate
from agentlab_tools.train.events import JobEvent, Progress
from agentlab_tools.train.work import Work

SIZE, ROWS = 512, 2
"""Tokens in a row, and rows to a step."""
CONTESTANTS = ("recipe", "packed", "padded")
WAYS: dict[str, dict[str, str]] = {
    "spinning": {},
    "a little": {"GOMP_SPINCOUNT": "3000", "OMP_WAIT_POLICY": "passive"},
    "asleep": {"OMP_WAIT_POLICY": "passive"},
}
"""How threads may wait for each other, and what tells OpenMP so."""


def conversations() -> list[Any]:
    """Questions about the articles that the search tool ships, answered by their paragraphs."""
    from agentlab_tools.search import LIBRARY
    from agentlab_tools.train.recipes.data import chat_of

    found: list[Any] = []
    for file in sorted(Path(str(LIBRARY)).glob("*.md")):
        title = file.stem.replace("-", " ")
        for number, part in enumerate(p for p in file.read_text().split("\n\n") if len(p) > 200):
            asked = f"What should I know about {title}? Part {number + 1}, please."
            turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": part}]
            found.append(chat_of({"messages": turns}))
    return found


def contest(name: str, steps: int, threads: int) -> dict[str, float]:  # noqa: PLR0915 one story
    """Train for so many steps, after one to warm up."""
    import torch

    torch.set_num_threads(threads)
    import peft

    from agentlab_tools.train.bridge.load import load
    from agentlab_tools.train.recipes import steps as s
    from agentlab_tools.train.recipes.examples import Reader, pack

    place = s.Place.best()
    loaded = load("local:smollm2")
    number = place.number if name == "recipe" else torch.float32
    plan = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    cast(Any, torch).manual_seed(0)
    model: Any = peft.get_peft_model(loaded.model.to(place.device, number), plan)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer: Any = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)
    reader = Reader(loaded.tokenizer)
    examples = [e for chat in conversations() for e in reader.chat(chat)]
    rows = pack(examples, SIZE)
    pad = loaded.tokenizer.pad_token_id

    def recipe(step: int) -> int:
        batch = [rows[(step * ROWS + n) % len(rows)] for n in range(ROWS)]
        s.backward(model, batch, place)
        return sum(tokens_in(row) for row in batch)

    def packed(step: int) -> int:
        batch = [rows[(step * ROWS + n) % len(rows)] for n in range(ROWS)]
        for row in batch:
            ids, labels, positions = (
                torch.tensor([n]) for n in (row.ids, row.labels, row.positions)
            )
            with place.autocast():
                told = model(input_ids=ids, labels=labels, position_ids=positions, use_cache=False)
            (told.loss / ROWS).backward()
        return sum(tokens_in(row) for row in batch)

    def padded(step: int) -> int:
        batch = [examples[(step * 8 + n) % len(examples)] for n in range(8)]
        for half in (batch[:4], batch[4:]):
            width = max(len(e.ids) for e in half)
            ids = torch.tensor([[*e.ids, *[pad] * (width - len(e.ids))] for e in half])
            labels = torch.tensor([[*e.labels, *[-100] * (width - len(e.ids))] for e in half])
            seen = torch.tensor([[1] * len(e.ids) + [0] * (width - len(e.ids)) for e in half])
            with place.autocast():
                told = model(input_ids=ids, attention_mask=seen, labels=labels, use_cache=False)
            (told.loss / 2).backward()
        return sum(len(e.ids) for e in batch)

    def tokens_in(row: Any) -> int:
        # a beginning that several share counts once for each of them
        return sum(1 for _ in row.ids) + sum(shared(row))

    def shared(row: Any) -> list[int]:
        roots = {root for root, owner in zip(row.roots, row.owners, strict=True) if root != owner}
        return [
            row.owners.count(root)
            * (len({o for o, r in zip(row.owners, row.roots, strict=True) if r == root}) - 2)
            for root in roots
        ]

    run = {"recipe": recipe, "packed": packed, "padded": padded}[name]
    model.train()
    tokens, wall, cpu = 0, 0.0, 0.0
    for step in range(steps + 1):
        began, burnt = time.perf_counter(), time.process_time()
        done = run(step)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step:
            tokens += done
            wall += time.perf_counter() - began
            cpu += time.process_time() - burnt
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"tokens": tokens, "wall": tokens / wall, "cpu": tokens / cpu, "memory": memory}


def small(steps: int, threads: int) -> dict[str, float]:
    """Pre-train a small model for so many steps, after one to warm up."""
    import torch

    torch.set_num_threads(threads)
    from agentlab_tools.search import LIBRARY
    from agentlab_tools.train.recipes.pretrain import recipe

    clocks: list[tuple[float, float]] = []

    def tell(event: JobEvent) -> None:
        if isinstance(event, Progress):
            clocks.append((time.perf_counter(), time.process_time()))

    sizes = {"vocabulary": 500, "layers": 2, "width": 96, "heads": 4, "context": 64, "rows": 8}
    settings = {**sizes, "steps": steps + 1, "precision": "fp32", "held_out": 0}
    with tempfile.TemporaryDirectory() as folder:
        recipe.run(
            recipe.read_settings({**settings, "data": str(LIBRARY)}),
            Work(Path(folder), tell=tell, every=math.inf),
        )
    (began, burnt), (ended, spent) = clocks[0], clocks[-1]
    return {"wall": ended - began, "cpu": spent - burnt}


def beside_others(given: argparse.Namespace) -> None:
    """Let the ways of waiting take turns beside busy processes, and print a table."""
    unset = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(given.busy)]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    try:
        for _ in range(given.rounds):
            for name, told in WAYS.items():
                command = [sys.executable, __file__, "--contestant", "small"]
                command += ["--steps", str(given.steps), "--threads", "2"]
                done = subprocess.run(
                    command,
                    check=True,
                    capture_output=True,
                    text=True,
                    timeout=1800,
                    env={**unset, **told},
                )
                results[name].append(json.loads(done.stdout.splitlines()[-1]))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    print(f"{given.steps} steps, 2 threads, {os.cpu_count()} CPUs, {given.busy} busy processes")
    print(f"{'':10}{'s':>8}{'CPU s':>8}{'of asleep':>11}{'from … to':>14}")
    for name, found in results.items():
        wall, cpu = (median(r[key] for r in found) for key in ("wall", "cpu"))
        pairs = zip(found, results["asleep"], strict=True)
        times = sorted(one["wall"] / other["wall"] for one, other in pairs)
        span = f"{times[0]:.1f} … {times[-1]:.1f}"
        print(f"{name:10}{wall:8.1f}{cpu:8.1f}{median(times):11.1f}{span:>14}")


def main() -> None:
    """Let the contestants take turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--contestant", choices=(*CONTESTANTS, "small"), help=argparse.SUPPRESS)
    parser.add_argument("--waiting", action="store_true", help="how threads wait for each other")
    parser.add_argument("--busy", type=int, default=4, help="processes beside it, for --waiting")
    given = parser.parse_args()
    if given.waiting:
        beside_others(given)
        return
    if given.contestant == "small":
        print(json.dumps(small(given.steps, given.threads)))
        return
    if given.contestant:
        print(json.dumps(contest(given.contestant, given.steps, given.threads)))
        return
    results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for _ in range(given.rounds):
        for name in CONTESTANTS:
            command = [sys.executable, __file__, "--contestant", name]
            command += ["--steps", str(given.steps), "--threads", str(given.threads)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
            results[name].append(json.loads(done.stdout.splitlines()[-1]))
    print(
        f"model {sha256(locate('smollm2'))[:12]}, {given.threads} thread(s), {os.cpu_count()} CPUs"
    )
    print(f"{'':10}{'tokens/s':>12}{'tokens/CPU s':>14}{'of padded':>11}{'peak MB':>9}")
    base = median(result["cpu"] for result in results["padded"])
    for name, found in results.items():
        wall, cpu, memory = (median(r[key] for r in found) for key in ("wall", "cpu", "memory"))
        print(f"{name:10}{wall:12.1f}{cpu:14.1f}{cpu / base:11.2f}{memory:9.0f}")


if __name__ == "__main__":
    main()
