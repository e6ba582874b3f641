"""Between training and serving: PyTorch on one side, GGUF and llama.cpp on the other.

load.py         a GGUF, a folder or a hub name, ready for training
gguf_file.py    a GGUF's fields and tensors, read fast
export.py       a trained llama-architecture model as GGUF, with its tokenizer and template
adapter.py      a trained LoRA as a GGUF adapter, which llama.cpp puts on beside its base
quantize.py     fewer bits a weight
score.py        what llama.cpp thinks of a text: logits, log-likelihoods, perplexity
layout.py       what the two worlds call a weight, and in which order they keep its rows
vocabulary.py   a tokenizer as GGUF fields, and back
"""
