"""The recipes on the bundled model, each to its end: seconds, memory, and what came of it.

    nice python benchmarks/recipes.py [RECIPE ...] [-s name=value ...]

Each runs in a process of its own, one after another, on one thread, as `agentlab train RECIPE`
would. `full-finetune`, `lora`, `qlora` and `distill` learn from conversations about the articles
that the search tool ships; `rlhf` learns to prefer the shorter of two answers, on the pairs of
m5/dpo. Memory is the peak of the whole process: Python, torch and the loaded model count.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from training import conversations

from agentlab_tools.train.events import JobEvent, Progress, Said
from agentlab_tools.train.recipe import load_recipe
from agentlab_tools.train.work import Work

RECIPES = ("full-finetune", "lora", "qlora", "distill", "rlhf")
CHOSEN: dict[str, Any] = {"steps": 8, "rows": 2, "context": 512, "held_out": 0.03}
SMALLER: dict[str, Any] = {"reward_steps": 10, "steps": 10, "answers": 6, "length": 24}
"""Settings of all recipes but `rlhf`, and of that one: so that each takes minutes."""
PAIRS = Path(__file__).parents[1] / "scenarios" / "m5" / "dpo" / "answers.jsonl"


def rows_for(recipe: str) -> list[dict[str, Any]]:
    """What a recipe learns from."""
    if recipe != "rlhf":
        return [
            {"messages": [{"role": m.role, "content": m.text} for m in chat.messages]}
            for chat in conversations()
        ]
    found: list[dict[str, Any]] = []
    for line in PAIRS.read_text(encoding="utf-8").splitlines():
        pair: dict[str, str] = json.loads(line)
        short, long = sorted((pair["a"], pair["b"]), key=len)
        asked = [{"role": "user", "content": pair["question"]}]
        found.append({"messages": asked, "chosen": short, "rejected": long})
    return found


def contest(name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """Run one recipe in this process, and tell what it took."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import torch

    torch.set_num_threads(1)
    told: list[JobEvent] = []
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "rows.jsonl"
        rows = rows_for(name)
        data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        recipe = load_recipe(name)
        whole = {**(SMALLER if name == "rlhf" else CHOSEN), **chosen, "data": str(data)}
        settings = recipe.read_settings(whole)
        began, burnt = time.perf_counter(), time.process_time()
        recipe.run(settings, Work(Path(place) / "work", tell=told.append))
        wall, cpu = time.perf_counter() - began, time.process_time() - burnt
        scores = json.loads((Path(place) / "work/artifacts/scores.json").read_text())
    steps = [event for event in told if isinstance(event, Progress)]
    return {
        "recipe": name,
        "rows": len(rows),
        "steps": len(steps),
        "tokens": sum(step.tokens for step in steps),
        "wall": wall,
        "cpu": cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "scores": scores,
        "rewards": [step.more["reward"] for step in steps if "reward" in step.more],
        "losses": [step.loss for step in steps if step.loss is not None],
        "said": [event.text for event in told if isinstance(event, Said)],
    }


def main() -> None:
    """Run those that are named, one after another, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipes", nargs="*", default=RECIPES, metavar="RECIPE")
    parser.add_argument("-s", action="append", default=[], metavar="name=value", dest="settings")
    parser.add_argument("--contestant", choices=RECIPES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    chosen = {name: json.loads(value) for name, value in (s.split("=", 1) for s in given.settings)}
    if given.contestant:
        print(json.dumps(contest(given.contestant, chosen)))
        return
    print(f"{'':14}{'steps':>6}{'tokens':>8}{'s':>7}{'CPU s':>7}{'peak MB':>9}  before → after")
    for name in given.recipes:
        command = [sys.executable, __file__, "--contestant", name]
        command += [part for setting in given.settings for part in ("-s", setting)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=7200)
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{name:14}{result['steps']:6}{result['tokens']:8}{result['wall']:7.0f}"
            f"{result['cpu']:7.0f}{result['peak_mb']:9.0f}  {came_to(result)}",
            flush=True,
        )
        print("".join(f"    {line}\n" for line in result["said"]), end="", flush=True)


def came_to(result: dict[str, Any]) -> str:
    """What a recipe measured before and after, in a few words."""
    scores, rewards = result["scores"], result["rewards"]
    if rewards:
        part = max(1, len(rewards) // 5)
        first, last = (sum(some) / len(some) for some in (rewards[:part], rewards[-part:]))
        right = scores["reward_accuracy"]
        return f"reward {first:.3f} → {last:.3f}; reward model right {right:.0%}"
    return f"perplexity {scores['perplexity_before']:.2f} → {scores['perplexity_after']:.2f}"


if __name__ == "__main__":
    main()
