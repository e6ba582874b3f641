"""What fewer bits a weight cost and save: size, perplexity and speed of the bundled model.

    python benchmarks/quantization.py [--tokens 4096] [--model local:smollm2] [KIND ...]

The model is written as F16 first, and every kind is made from that. The packaged SmolLM2 is itself
a Q4_1 file, so F16 here is what is served today, spelled out; Q4_1 gives it back nearly unchanged,
and the other kinds show what a second rounding does. With `--model` of a folder or a hub name, the
loss is that of one rounding. (`agentlab quantize --measure` starts from the file as it is.)

Perplexity is of the library that the search tool ships; how it and speed are measured, says
`agentlab_tools.train.bridge.measure`. `holds` is what the weights really are: rows of 576 numbers
do not fill the K kinds' blocks of 256, and get an older kind instead.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agentlab_tools.search import LIBRARY
from agentlab_tools.train.bridge.measure import measure, tool_calls
from agentlab_tools.train.bridge.merge import merge
from agentlab_tools.train.bridge.quantize import KINDS, Kind, quantize


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
    text = "\n\n".join(file.read_text() for file in sorted(Path(str(LIBRARY)).glob("*.md")))
    print(f"{given.model}, {given.tokens} tokens of text, one thread")
    print(f"{'':10}{'MB':>8}{'perplexity':>12}{'reading':>10}{'writing':>9}  holds")
    with tempfile.TemporaryDirectory() as folder:
        whole = merge(given.model, Path(folder) / "F16.gguf", name="measured")
        for kind in dict.fromkeys(("F16", *kinds)):
            path = whole
            if kind != "F16":
                path = quantize(whole, Path(folder) / f"{kind}.gguf", kind)
            m = measure(path, text, tokens=given.tokens)
            row = f"{kind:10}{m.megabytes:8.1f}{m.perplexity:12.3f}{m.reading:10.0f}"
            calls = ""
            if given.tool_calls:
                calls = f"  tool calls: {asyncio.run(tool_calls(path, given.tool_calls))}"
            print(f"{row}{m.writing:9.0f}  {m.holds}{calls}", flush=True)
            if path != whole:
                path.unlink()


if __name__ == "__main__":
    main()
