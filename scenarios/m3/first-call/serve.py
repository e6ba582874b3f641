"""llama.cpp's own HTTP server with a packaged model, until standard input is closed.

    python serve.py smollm2

Prints `ready http://127.0.0.1:PORT` once it answers. The port is any that is free.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main(model: str) -> None:
    """Serve until nobody holds the other end of standard input."""
    from agentlab.backends.llamacpp.registry import locate

    xllamacpp: Any = importlib.import_module("xllamacpp")  # a compiled module without types
    params = xllamacpp.CommonParams()
    params.model.path = str(locate(model))
    params.model_alias = {model}
    params.port = 0
    params.n_ctx = 2048
    params.n_parallel = 1
    params.n_predict = 256  # where a request sets no bound
    params.use_jinja = True
    # One thread: on a busy machine a second one makes so small a model slower, not faster
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print("ready", server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
