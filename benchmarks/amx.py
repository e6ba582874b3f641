"""What Intel's matrix unit (AMX) is worth on the packaged model: builds with and without, in turns.

    python benchmarks/amx.py [--rounds 7] [--threads 2]

Compares the compiled runtimes in set-up's cache: build both first, with `make setup RUNTIME=all`
and `make setup RUNTIME=no-amx`. Every measurement is a process of its own; the builds of a round
are measured one right after the other, in an order that turns around. Reading is a prompt of 384
tokens in batches of 128, writing 64 tokens one by one. Says so and ends where the processor has no
AMX, or a build is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))

from setup_llama import cached_wheels
from setup_state import cache

from agentlab.backends.llamacpp.proof.installed import processor
from agentlab.backends.llamacpp.threads import physical_cores

_CODE = """
import json, sys, time
from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import locate
model = Model(locate("smollm2"))
context = Context(model, size=1024, batch=128, threads=int(sys.argv[1]))
prompt = model.tokens("The keeper and her dog walked down to the sea. " * 40)[:384]
context.read(prompt[:1], lambda: False)
began = time.perf_counter()
context.read(prompt, lambda: False)
read = 383 / (time.perf_counter() - began)
began = time.perf_counter()
for token in prompt[:64]:
    context.append(token)
print(json.dumps({"read": read, "write": 64 / (time.perf_counter() - began)}))
"""


def one(library: Path, threads: int) -> dict[str, float]:
    """Tokens a second with a build of the runtime."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(threads)],
        env={**os.environ, "LLAMA_CPP_LIB_PATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=physical_cores())
    chosen = parser.parse_args()
    if "amx_int8" not in processor():
        print("not measured: this processor has no AMX")
        return
    wheels = cached_wheels(cache())
    if not {"all", "no-amx"} <= wheels.keys():
        print("not measured: build both with make setup RUNTIME=all, then RUNTIME=no-amx")
        return
    with tempfile.TemporaryDirectory() as folder:
        libraries = {rung: Path(folder) / rung for rung in ("all", "no-amx")}
        for rung, target in libraries.items():
            zipfile.ZipFile(wheels[rung]).extractall(target)
        seen: dict[str, list[dict[str, float]]] = {rung: [] for rung in libraries}
        for turn in range(chosen.rounds):
            for rung in sorted(libraries, reverse=bool(turn % 2)):
                library = libraries[rung] / "llama_cpp" / "lib"
                seen[rung].append(one(library, chosen.threads))
    print(f"{chosen.threads} threads, {chosen.rounds} rounds, medians; ratio: all to no-amx")
    for what in ("read", "write"):
        pairs = zip(seen["all"], seen["no-amx"], strict=True)
        ratio = statistics.median(one[what] / other[what] for one, other in pairs)
        rates = {r: statistics.median(row[what] for row in rows) for r, rows in seen.items()}
        print(f"{what:6} " + "  ".join(f"{r} {rate:.1f}/s" for r, rate in rates.items()), end="")
        print(f"  ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
