"""How a local model is told of its tools, looked up without loading its weights."""

from __future__ import annotations

from agentlab.backends.llamacpp import gguf
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import find
from agentlab.backends.llamacpp.template import Template


def tools_told_by(name: str) -> str:
    """Who tells the model of its tools, and in which format; nothing where it has no template.

    Raises:
        ModelNotFound: nothing answers to the name.
        ModelUnreadable: the file is not a whole GGUF.
        ConfigError: its template can't be compiled.
        MissingExtra: llama-cpp-python is not installed.
    """
    path = find(name).path
    gguf.check(path)
    model = Model(path, words_only=True)
    source = model.metadata.get("tokenizer.chat_template")
    if not source:
        return ""
    begin, end, *ends = [
        model.piece(token).decode("utf-8", "replace") if token >= 0 else ""
        for token in (model.bos, model.eos, *model.ends)
    ]
    template = Template(source, bos=begin, eos=end, ends=ends)
    return f"{template.told_by}, calls as {' '.join(template.format.name.split())}"
