"""What fewer bits a weight cost and save: size, perplexity and speed of the bundled model.

    python benchmarks/quantization.py [--tokens 4096] [--model local:smollm2] [KIND ...]

The model is written as F16 first, and every kind is made from that. The packaged SmolLM2 is itself
a Q4_1 file, so F16 here is what is served today, spelled out; Q4_1 gives it back nearly unchanged,
and the other kinds show what a second rounding does. With `--model` of a folder or a hub name, the
loss is that of one rounding.

Perplexity is of the library that the search tool ships, in windows of 512 tokens, read from an
empty context each. Speed is of one token after another, on one thread, and of reading, by the
processor's clock. `fits` is the share of weights whose kind is the one asked for: rows of 576
numbers do not fill the K kinds' blocks of 256, and get an older kind instead.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from agentlab.backends import connect
from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model
from agentlab_tools.search import LIBRARY
from agentlab_tools.train.bridge.export import export
from agentlab_tools.train.bridge.load import load
from agentlab_tools.train.bridge.quantize import KINDS, Kind, kinds_in, quantize
from agentlab_tools.train.bridge.score import Scorer

WINDOW = 512


@dataclass(frozen=True)
class Measured:
    """What one file is like."""

    megabytes: float
    perplexity: float
    reading: float
    """Tokens a processor-second."""
    writing: float
    """Tokens a processor-second."""
    held: str
    """Which kinds it really holds, by share of weights."""


def measure(path: Path, tokens: int) -> Measured:
    """Size, perplexity, and speed of a GGUF on one thread."""
    text = "\n\n".join(file.read_text() for file in sorted(Path(str(LIBRARY)).glob("*.md")))
    with Scorer(path, size=WINDOW) as scorer:
        ids = scorer.tokens(text)[:tokens]
        windows = [ids[at : at + WINDOW] for at in range(0, len(ids) - WINDOW + 1, WINDOW)]
        began = time.process_time()
        perplexity = scorer.perplexity((window, None) for window in windows)
        reading = len(windows) * WINDOW / (time.process_time() - began)
    count = kinds_in(path)
    shares = [f"{kind} {n / sum(count.values()):.0%}" for kind, n in count.items()]
    shown = ", ".join(share for share in shares if not share.endswith(" 0%"))
    megabytes = path.stat().st_size / 1e6
    return Measured(megabytes, perplexity, reading, writing(path, windows[0]), shown)


def writing(path: Path, begun: Sequence[int], count: int = 48) -> float:
    """How many tokens a processor-second are evaluated one after another."""
    model = Model(path)
    context = Context(model, size=WINDOW, batch=128, threads=1)
    context.read(begun[:64], lambda: False)
    took: list[float] = []
    for token in begun[64 : 64 + count]:
        began = time.process_time()
        context.append(token)
        took.append(time.process_time() - began)
    context.close()
    model.close()
    return 1 / median(took)


def tool_calls(path: Path, cases: int) -> str:
    """The share of held-out cases where the right tool is called with the right arguments."""
    from agentlab_tools.train.toolcalling.evaluate import measure as measured
    from agentlab_tools.train.toolcalling.evaluate import total
    from agentlab_tools.train.toolcalling.generate import balanced

    async def scored() -> str:
        backend = connect(str(path), threads=1)
        try:
            return f"tool calls: {total(await measured(backend, balanced('heldout', cases, 11)))}"
        finally:
            await backend.aclose()

    return asyncio.run(scored())


def main() -> None:
    """Measure every kind, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--model", default="local:smollm2")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument(
        "--tool-calls", type=int, default=0, metavar="N", help="Also N held-out cases of each sort."
    )
    given = parser.parse_args()
    kinds: Sequence[Kind] = given.kinds or KINDS
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(given.model)
        whole = Path(folder) / "F16.gguf"
        export(loaded.model, loaded.tokenizer, whole, name="measured")
        files: list[tuple[str, Path]] = [("F16", whole)]
        if loaded.gguf is not None:
            files.insert(0, ("packaged", loaded.gguf))
        print(f"{given.model}, {given.tokens} tokens of text, one thread")
        print(f"{'':10}{'MB':>8}{'perplexity':>12}{'reading':>10}{'writing':>9}  holds")
        for kind in kinds:
            if kind != "F16":
                files.append((kind, Path(folder) / f"{kind}.gguf"))
        for name, path in files:
            if not path.exists():
                quantize(whole, path, next(kind for kind in KINDS if kind == name))
            m = measure(path, given.tokens)
            row = (
                f"{name:10}{m.megabytes:8.1f}{m.perplexity:12.3f}{m.reading:10.0f}{m.writing:9.0f}"
            )
            right = f"  {tool_calls(path, given.tool_calls)}" if given.tool_calls else ""
            print(f"{row}  {m.held}{right}", flush=True)
            if path not in (whole, loaded.gguf):
                path.unlink()


if __name__ == "__main__":
    main()
