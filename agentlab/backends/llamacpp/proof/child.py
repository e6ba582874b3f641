"""The process that may die: let the library work, and compare its logits with the reference.

    python -c 'from agentlab.backends.llamacpp.proof.child import main; main()' [MODEL ADAPTER]

Writes one JSON object a line: `{"at": "…"}` before each piece of work, so that whoever reads knows
what it died of, and `{"after": "…", "error": …, "allowed": …}` for what was compared. The error is
the root mean square of the difference to the reference, in units of how far its logits spread,
apart from what all logits have in common, which changes no probability.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from agentlab.backends.llamacpp.context import Context
from agentlab.backends.llamacpp.model import Model, load
from agentlab.backends.llamacpp.proof import specimen
from agentlab.backends.llamacpp.threads import physical_cores

PROMPTS = {"specimen": 384, "packaged": 256, "adapter": 128}
"""How many tokens are read before those that come one by one."""
SINGLE = 4
"""How many come one by one."""
ALLOWED = {"specimen": 0.06, "packaged": 0.15, "adapter": 0.15}
"""Largest error. What is right is off by up to 0.02 and 0.05, since it rounds activations to 8 bits
where the reference does not, the more the more layers there are; it has been so from AVX2 down to
plain C. What is wrong is off by about 1."""
_BATCH = 128
"""What a conversation is cut into where nobody says otherwise (see `LlamaCpp`)."""

Reference = Mapping[str, Any]


def main() -> None:
    """Prove what is installed; with a model's path and its adapter's, on these too."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what dies here leaves no file behind
    files = [Path(argument) for argument in sys.argv[1:]]
    reference = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
    _at("loading the library")
    lib: Any = load()
    _tell(version=str(lib.__version__))
    # As many threads as will serve, because what one thread gets right two can get wrong; but on a
    # large machine not all, for a small model has no work for them.
    threads = min(4, physical_cores())
    _specimen(lib, reference, threads)
    if files:
        _packaged(files, reference, threads)
    _at("ending")


def _specimen(lib: Any, reference: Reference, threads: int) -> None:
    _at("loading a model of every format")
    with _as_file(specimen.gguf()) as path:
        # not a `Model`, which asks for a vocabulary
        handle = lib.llama_model_load_from_file(
            str(path).encode(), lib.llama_model_default_params()
        )
        if not handle:
            raise SystemExit("llama.cpp can't load the specimen")
        model = cast(Model, SimpleNamespace(lib=lib, handle=handle))
        for exact in (False, True):
            context = Context(
                model, size=512, batch=_BATCH if exact else 512, threads=threads, exact=exact
            )
            how = "every format of weights, in float32" if exact else "every format of weights"
            _work(context, reference, "specimen", how, chunk=_BATCH if exact else 512)
            context.close()
        lib.llama_model_free(handle)


def _packaged(files: Sequence[Path], reference: Reference, threads: int) -> None:
    path, adapter = files
    _at("loading the packaged model")
    model = Model(path)
    context = Context(model, size=512, batch=_BATCH, threads=threads)
    _work(context, reference, "packaged", "the packaged model")
    _at("loading the adapter")
    context.use({"adapter": (model.adapter("adapter", adapter), 1.0)})
    _work(context, reference, "adapter", "the packaged model with its adapter")
    context.close()
    model.close()


def _work(
    context: Context, reference: Reference, case: str, what: str, *, chunk: int = _BATCH
) -> None:
    """Read the prompt, then token by token, comparing as far as there is a reference."""
    expected, prompt = reference[case], PROMPTS[case]
    tokens, chunk = expected["tokens"], min(chunk, prompt)
    for end in range(chunk, prompt + 1, chunk):
        _at(f"reading {chunk} tokens at once ({what})")
        context.read(tokens[:end], _never)
    for end in range(prompt, prompt + SINGLE + 1):
        if end > prompt:
            _at(f"reading one token ({what})")
            context.append(tokens[end - 1])
        error = _error(context, expected, end)
        _tell(after=f"{end} tokens, {what}", error=error, allowed=ALLOWED[case])


def _error(context: Context, expected: Reference, end: int) -> float:
    """How far the logits are off; the largest number where one is none."""
    row = context.model.lib.llama_get_logits_ith(context.handle, -1)
    reference = expected["after"][str(end)]
    pairs = zip(expected["chosen"], reference["logits"], strict=True)
    off = [float(row[token]) - logit for token, logit in pairs]
    if not all(map(math.isfinite, off)):
        return sys.float_info.max
    common = math.fsum(off) / len(off)
    return math.sqrt(math.fsum((one - common) ** 2 for one in off) / len(off)) / reference["spread"]


@contextlib.contextmanager
def _as_file(data: bytes) -> Generator[Path]:
    """A file with these bytes; in memory where the system can, so that a full disk is no matter."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("specimen.gguf")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            yield Path(f"/proc/self/fd/{descriptor}")
    else:
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(data)
            file.flush()
            yield Path(file.name)


_never: Callable[[], bool] = lambda: False  # noqa: E731


def _at(what: str) -> None:
    _tell(at=what)


def _tell(**facts: str | float) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
