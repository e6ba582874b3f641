"""The lab's tools: a sandbox with weights in it, and real quantization of the bundled model."""

from __future__ import annotations

import ast
import json
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from agentlab import ToolContext, tool
from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab_tools.execute import Sandbox, SandboxLimits
from agentlab_tools.execute.equipment import equipped
from agentlab_tools.train.bridge.quantize import KINDS, Kind, quantize

from .cases import ROWS

TOKENS = 384


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with rows of the model's weights in its workspace."""
    limits = SandboxLimits(timeout=30)
    async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
        await opened.write_file("rows.npy", ROWS.read_bytes())
        yield equipped(opened)


@tool(timeout=600, name="quantize")
def quantize_and_measure(code: str, context: ToolContext) -> str:
    """Make a file of the kind that a line like `kind = "Q8_0"` names, and measure it."""
    kind = kind_in(code)
    context.emit(f"writing the model as {kind}, then reading {TOKENS} tokens with it\n")
    megabytes, perplexity = measured(kind)
    _, whole = measured("F16")
    told = {
        "kind": kind,
        "megabytes": round(megabytes, 1),
        "perplexity": round(perplexity, 3),
        "loss": round(perplexity / whole - 1, 4),
    }
    return json.dumps(told)


def kind_in(code: str) -> Kind:
    """The kind an answer names.

    Raises:
        ToolError: it names none, or none that there is.
    """
    try:
        lines = ast.parse(code).body
    except SyntaxError as error:
        raise ToolError(f"line {error.lineno} is not Python: {error.msg}") from None
    for line in lines:
        match line:
            case ast.Assign(targets=[ast.Name(id="kind")], value=ast.Constant(value=str(named))):
                for kind in KINDS:
                    if kind == named:
                        return kind
                raise ToolError(f"there is no kind {named!r}; there are: {', '.join(KINDS)}")
            case _:
                continue
    raise ToolError('name a kind: kind = "Q8_0"')


@cache
def measured(kind: Kind) -> tuple[float, float]:
    """(megabytes, perplexity) of the bundled model as a kind; each is made once."""
    from agentlab.backends.llamacpp.registry import locate
    from agentlab_tools.search import LIBRARY
    from agentlab_tools.train.bridge.score import Scorer

    text = (Path(str(LIBRARY)) / "attention.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = quantize(locate("smollm2"), Path(folder) / f"{kind}.gguf", kind)
        with Scorer(path, size=TOKENS) as scorer:
            perplexity = scorer.perplexity([(scorer.tokens(text)[:TOKENS], None)])
        return path.stat().st_size / 1e6, perplexity
