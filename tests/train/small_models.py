"""Models small enough to train, export and serve in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

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


def piece_tokenizer(*, first_alone: bool = False, complete: bool = True) -> Any:
    """A tokenizer as SentencePiece makes them: Llama 2's and Phi-3's way, or Mistral's.

    Args:
        first_alone: as in Mistral's, a step of its own marks the beginning of a text.
        complete: whether every two pieces that make a third may be merged.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=180, show_progress=False)
    learnt.train_from_iterator([TEXT], trainer)
    pieces = sorted(learnt.get_vocab(), key=learnt.get_vocab().__getitem__)
    specials = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    every = [*specials, *(f"<0x{n:02X}>" for n in range(256)), *pieces]
    known = {text: number for number, text in enumerate(every)}
    merges = [
        (piece[:at], piece[at:])
        for piece in pieces
        for at in range(1, len(piece))
        if piece[:at] in known and piece[at:] in known
    ]
    if not complete:
        made = [left + right for left, right in merges]
        merges.remove(next(pair for pair in merges if made.count(pair[0] + pair[1]) > 1))
    text = Tokenizer(
        models.BPE(known, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    if first_alone:
        text.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        steps = [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        text.normalizer = normalizers.Sequence(steps)
    undone = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    text.decoder = decoders.Sequence([*undone, decoders.Strip(" ", 1, 0)])
    text.add_special_tokens(specials)
    return PreTrainedTokenizerFast(
        tokenizer_object=text,
        chat_template=CHATML,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="<|im_end|>",
        clean_up_tokenization_spaces=False,
    )


def small_of(kind: str, tokenizer: Any, *, seed: int = 0, **changes: Any) -> Any:
    """A model of two layers of a type that transformers knows: llama, mistral or phi3."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(seed)
    sizes = small_model(tokenizer).config.to_dict()
    same = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers")
    heads = ("num_attention_heads", "num_key_value_heads", "initializer_range", "eos_token_id")
    kept: dict[str, Any] = {key: sizes[key] for key in (*same, *heads)}
    kept |= {"max_position_embeddings": 512, "bos_token_id": None, "pad_token_id": None}
    config = cast(Any, AutoConfig).for_model(kind, **{**kept, **changes})
    return cast(Any, AutoModelForCausalLM).from_config(config).eval()


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
