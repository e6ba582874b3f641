"""A doubtful model, opened in a process of its own first: llama.cpp may hang on it, or end it.

Run as a program, this is that process: it opens the model, and evaluates one token.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agentlab.errors import ModelUnreadable

PATIENCE = 60.0
"""Seconds that a doubtful model has to be opened and to evaluate a token."""


def try_apart(path: Path, doubt: str, *, patience: float = PATIENCE) -> None:
    """Open the model where nothing is lost if that goes wrong.

    Args:
        doubt: what is odd about it, for the error.

    Raises:
        ModelUnreadable: it could not be opened, ended its process, or took too long.
    """
    command = [sys.executable, "-I", "-m", __name__, str(path.absolute())]
    quiet = subprocess.DEVNULL
    try:
        tried = subprocess.run(
            command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        why = f"llama.cpp was not done with it after {patience:g} s"
    else:
        if tried.returncode == 0:
            return
        why = "llama.cpp can't use it"
    raise ModelUnreadable(f"{path} is damaged: {doubt}, and {why}: download it again")


def _main(path: Path) -> None:
    from agentlab.backends.llamacpp.model import Model

    model = Model(path)
    lib = model.lib
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 32
    params.n_threads = params.n_threads_batch = 1
    context = lib.llama_init_from_model(model.handle, params)
    if not context:
        raise SystemExit(1)
    token = (lib.llama_token * 1)(0)
    raise SystemExit(1 if lib.llama_decode(context, lib.llama_batch_get_one(token, 1)) else 0)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
