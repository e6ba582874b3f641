"""llama.cpp in this process: GGUF models with tools, grammars and warm contexts."""
