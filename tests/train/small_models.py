"""Models small enough to train, export and serve in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agentlab_tools.train.recipes.pretrain import bpe, opened

TEXT = (
    "The cat sat on the mat, and the dog sat on the log. What is 12 + 30? It's 42, isn't it?\n"
    'Use the tool: {"name": "add", "arguments": {"x": 1, "y": 2}} and then answer the user.\n'
) * 4
PROMPTS = ("The cat sat on", "What is 7 + 35? It's 42.", "  two\n\nlines, don't\tyou")
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def small_tokenizer(folder: Path, *, chat: bool = True) -> Any:
    """A tokenizer of 320 tokens, with the template that most chat models have."""
    path = folder / "tokenizer.json"
    bpe([TEXT], 320).save(str(path))
    tokenizer = opened(path)
    if chat:
        tokenizer.chat_template = CHATML
        tokenizer.eos_token = "<|im_end|>"
    return tokenizer


def small_model(tokenizer: Any, *, seed: int = 0, **changes: Any) -> Any:
    """A llama of two layers with fewer key-value heads than heads, and weights large enough that
    what is swapped shows."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "initializer_range": 0.2,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
    }
    return LlamaForCausalLM(LlamaConfig(**{**sizes, **changes})).eval()


def torch_logits(model: Any, ids: list[int]) -> Any:
    """What follows each token, from PyTorch, as a NumPy array."""
    import torch

    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float().numpy()
