"""A model says the same in llama.cpp as it did in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("llama_cpp")

import numpy as np
from small_models import PROMPTS, small_model, small_tokenizer, torch_logits

from agentlab.backends import connect
from agentlab.backends.llamacpp import registry
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.errors import ConfigError, ModelNotFound
from agentlab_tools.train.bridge import layout
from agentlab_tools.train.bridge.adapter import export_adapter
from agentlab_tools.train.bridge.export import export
from agentlab_tools.train.bridge.load import load
from agentlab_tools.train.bridge.merge import as_one_file, merge
from agentlab_tools.train.bridge.quantize import KINDS, kinds_in, quantize
from agentlab_tools.train.bridge.score import Scorer

pytestmark = [
    # of peft about transformers, and of transformers about torch
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

EXACT = 1e-4
"""How far a logit may be off in float32 throughout; they range over ten and more."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bridge")


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    import torch

    torch.set_num_threads(1)
    return small_tokenizer(folder)


@pytest.fixture(scope="module")
def model(tokenizer: Any) -> Any:
    return small_model(tokenizer)


@pytest.fixture(scope="module")
def gguf(folder: Path, model: Any, tokenizer: Any) -> Path:
    return export(model, tokenizer, folder / "small.gguf", name="small", precision="F32")


def lora(tokenizer: Any, *, seed: int = 7, **changes: Any) -> Any:
    """The same small model with a LoRA on it that changes what it says."""
    import peft
    import torch

    base = small_model(tokenizer)
    torch.manual_seed(seed)
    plan: dict[str, Any] = {
        "r": 4,
        "lora_alpha": 12,
        "target_modules": "all-linear",
        "init_lora_weights": False,
    }
    return peft.get_peft_model(base, peft.LoraConfig(**{**plan, **changes})).eval()


def furthest(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def test_both_cut_text_into_the_same_tokens(gguf: Path, tokenizer: Any) -> None:
    with Scorer(gguf) as scorer:
        for text in (*PROMPTS, "naïve 日本 😀", "a1b22c333 x=[1,2]", "<|im_end|>'s\r\n  "):
            ids = tokenizer.encode(text, split_special_tokens=True, add_special_tokens=False)
            assert scorer.tokens(text) == ids


@pytest.mark.parametrize(("precision", "allowed"), [("F32", EXACT), ("F16", 0.05), ("BF16", 0.3)])
def test_the_exported_model_foretells_what_the_trained_one_does(
    folder: Path, model: Any, tokenizer: Any, precision: Any, allowed: float
) -> None:
    path = export(model, tokenizer, folder / f"{precision}.gguf", name="x", precision=precision)
    with Scorer(path, exact=True) as scorer:
        for text in PROMPTS:
            ids = scorer.tokens(text)
            told = torch_logits(model, ids)
            assert np.ptp(told) > 5
            assert furthest(scorer.logits(ids), told) < allowed


def test_rows_in_the_wrong_order_would_have_shown(
    folder: Path, model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "to_gguf", lambda rows, heads: rows)
    path = export(model, tokenizer, folder / "wrong.gguf", name="x", precision="F32")
    with Scorer(path, exact=True) as scorer:
        ids = scorer.tokens(PROMPTS[0])
        assert furthest(scorer.logits(ids), torch_logits(model, ids)) > 100 * EXACT


@pytest.mark.parametrize(
    "changes",
    [
        {"tie_word_embeddings": False},
        {"head_dim": 32},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 5000.0}},
        {"vocab_size": 352},
    ],
    ids=str,
)
def test_every_shape_of_llama_goes_over(
    folder: Path, tokenizer: Any, changes: dict[str, Any]
) -> None:
    model = small_model(tokenizer, **changes)
    path = export(model, tokenizer, folder / "shape.gguf", name="x", precision="F32")
    with Scorer(path, exact=True) as scorer:
        ids = scorer.tokens(PROMPTS[1])
        assert furthest(scorer.logits(ids), torch_logits(model, ids)) < EXACT


def test_a_mistral_goes_over_too(folder: Path, tokenizer: Any) -> None:
    from transformers import MistralConfig, MistralForCausalLM

    sizes = small_model(tokenizer).config.to_dict()
    kept: dict[str, Any] = {
        key: sizes[key] for key in ("vocab_size", "hidden_size", "intermediate_size")
    }
    model = MistralForCausalLM(
        MistralConfig(
            **kept,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            sliding_window=None,
            initializer_range=0.2,
        )
    ).eval()
    path = export(model, tokenizer, folder / "mistral.gguf", name="x", precision="F32")
    with Scorer(path, exact=True) as scorer:
        ids = scorer.tokens(PROMPTS[1])
        assert furthest(scorer.logits(ids), torch_logits(model, ids)) < EXACT


def test_what_was_written_is_read_back_bit_for_bit(gguf: Path, model: Any, tokenizer: Any) -> None:
    back = load(str(gguf))
    theirs = back.model.state_dict()
    for name, tensor in model.state_dict().items():
        assert furthest(theirs[name], tensor) == 0, name
    assert back.tokenizer.chat_template == tokenizer.chat_template
    assert back.tokenizer.eos_token == tokenizer.eos_token
    for text in (*PROMPTS, "<|im_start|>user\nhi<|im_end|>"):
        assert back.tokenizer(text)["input_ids"] == tokenizer(text)["input_ids"]


@pytest.mark.parametrize(("precision", "allowed"), [("F32", EXACT), ("F16", 0.05)])
def test_an_adapter_does_in_llama_cpp_what_it_did_in_pytorch(
    folder: Path, gguf: Path, tokenizer: Any, precision: Any, allowed: float
) -> None:
    tuned = lora(tokenizer)
    path = export_adapter(tuned, folder / "lora.gguf", name="x", precision=precision)
    with Scorer(gguf, exact=True) as plain, Scorer(gguf, adapter=path, exact=True) as scorer:
        for text in PROMPTS:
            ids = scorer.tokens(text)
            told = torch_logits(tuned, ids)
            assert furthest(plain.logits(ids), told) > 1
            assert furthest(scorer.logits(ids), told) < allowed


@pytest.mark.parametrize(
    "changes",
    [
        {"use_rslora": True},
        {"rank_pattern": {"q_proj": 2}},
        {"target_modules": ["k_proj", "down_proj"]},
    ],
    ids=str,
)
def test_every_plain_lora_goes_over(
    folder: Path, gguf: Path, tokenizer: Any, changes: dict[str, Any]
) -> None:
    tuned = lora(tokenizer, **changes)
    path = export_adapter(tuned, folder / "kind.gguf", name="x", precision="F32")
    with Scorer(gguf, adapter=path, exact=True) as scorer:
        ids = scorer.tokens(PROMPTS[1])
        assert furthest(scorer.logits(ids), torch_logits(tuned, ids)) < EXACT


@pytest.mark.parametrize(
    "changes",
    [
        {"use_dora": True},
        {"alpha_pattern": {"q_proj": 2}},
        {"modules_to_save": ["embed_tokens"]},
        {"use_rslora": True, "rank_pattern": {"q_proj": 2}},
    ],
    ids=str,
)
def test_an_adapter_that_gguf_cannot_hold_is_refused(
    folder: Path, tokenizer: Any, changes: dict[str, Any]
) -> None:
    path = folder / "refused.gguf"
    with pytest.raises(ConfigError, match="adapter"):
        export_adapter(lora(tokenizer, **changes), path, name="x")
    assert not list(folder.glob("refused*"))


def test_a_merged_adapter_is_the_adapter_on_its_base(
    folder: Path, gguf: Path, tokenizer: Any
) -> None:
    tuned = lora(tokenizer)
    adapter = export_adapter(tuned, folder / "m.gguf", name="x", precision="F32")
    ours = merge(f"{gguf}+{adapter}", folder / "merged.gguf", name="x", precision="F32")
    with Scorer(ours, exact=True) as one, Scorer(gguf, adapter=adapter, exact=True) as two:
        ids = one.tokens(PROMPTS[2])
        assert furthest(one.logits(ids), two.logits(ids)) < EXACT
        assert furthest(one.logits(ids), torch_logits(tuned.merge_and_unload(), ids)) < EXACT


def test_an_adapter_for_another_model_is_not_merged(
    folder: Path, gguf: Path, tokenizer: Any
) -> None:
    wide = small_model(tokenizer, hidden_size=128)
    other = export(wide, tokenizer, folder / "other.gguf", name="x", precision="F32")
    adapter = export_adapter(lora(tokenizer), folder / "n.gguf", name="x")
    with pytest.raises(ConfigError, match="is an adapter for another model"):
        merge(f"{other}+{adapter}", folder / "no.gguf", name="x")
    with pytest.raises(ConfigError, match="no LoRA adapter"):
        merge(f"{gguf}+{gguf}", folder / "no.gguf", name="x")


def test_a_name_with_an_adapter_means_the_same_model_everywhere(
    folder: Path, gguf: Path, tokenizer: Any
) -> None:
    """Two adapters of one name, one after the other: served, trained on, and as one file."""
    paths = [folder / part / "adapter.gguf" for part in ("one", "two")]
    for seed, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        export_adapter(lora(tokenizer, seed=seed), path, name="x", precision="F32")
    name = f"{gguf}+{paths[0]}+{paths[1]}"
    assert list(registry.find(name).adapters.values()) == paths
    loaded = load(name)
    with as_one_file(name, name="x", beside=folder) as whole:
        alone = load(str(whole)).model.state_dict()
    assert not whole.exists()
    before = load(str(gguf)).model.state_dict()
    changed = 0
    for key, tensor in loaded.model.state_dict().items():
        assert furthest(alone[key], tensor) < 0.01, key  # that file is in F16
        changed += furthest(before[key], tensor) > 0.01
    assert changed
    with as_one_file(str(gguf), name="x", beside=folder) as whole:
        assert whole == gguf


def test_the_agents_own_model_is_trained_on_as_it_is_served() -> None:
    """Its adapter is in the weights that a recipe gets."""
    base, agent = load("local:smollm2").model, load("local:agent").model
    differ = [
        name
        for (name, one), two in zip(base.named_parameters(), agent.parameters(), strict=True)
        if furthest(one.data, two.data) > 0
    ]
    assert any("q_proj" in name for name in differ)
    assert not any("embed" in name for name in differ)


async def test_a_running_backend_takes_an_adapter_and_names_it_by_its_hash(
    folder: Path, gguf: Path, tokenizer: Any
) -> None:
    import hashlib

    from agentlab.backend import Reply, Settings
    from agentlab.messages import Message

    path = export_adapter(lora(tokenizer), folder / "hot.gguf", name="x")
    backend = connect(str(gguf), threads=1)
    assert isinstance(backend, LlamaCpp)

    async def said() -> str:
        greedy = Settings(temperature=0, max_tokens=12)
        stream = backend.stream([Message.user("The cat sat")], settings=greedy)
        (reply,) = [item async for item in stream if isinstance(item, Reply)]
        return str(reply.token_ids)

    before = await said()
    backend.add_adapter("hot", path)
    backend.use_adapters({"hot": 1.0})
    tuned = await said()
    assert tuned != before
    assert hashlib.sha256(path.read_bytes()).hexdigest() in str(
        backend.identity.details["adapters"]
    )
    backend.use_adapters({})
    assert await said() == before
    await backend.aclose()


def test_a_full_disk_leaves_nothing_behind(
    folder: Path, model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gguf as package

    def full(self: Any, *_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package.GGUFWriter, "write_tensors_to_file", full)
    with pytest.raises(OSError, match="No space"):
        export(model, tokenizer, folder / "full.gguf", name="x")
    assert not list(folder.glob("full*"))


@pytest.mark.parametrize("kind", ["F16", "Q8_0", "Q4_0"])
def test_a_quantized_file_is_smaller_and_still_speaks(folder: Path, gguf: Path, kind: Any) -> None:
    path = quantize(gguf, folder / f"q-{kind}.gguf", kind)
    assert path.stat().st_size < gguf.stat().st_size
    assert kind in kinds_in(path)
    with Scorer(path) as scorer:
        assert scorer.perplexity([(scorer.tokens(PROMPTS[1]), None)]) > 1


def test_blocks_that_do_not_fit_fall_back_and_the_file_tells(folder: Path, gguf: Path) -> None:
    path = quantize(gguf, folder / "k.gguf", "Q4_K_M")
    assert not any(kind.endswith("_K") for kind in kinds_in(path))


def test_a_kind_nobody_knows_a_missing_file_and_the_file_itself_are_refused(
    folder: Path, gguf: Path
) -> None:
    with pytest.raises(ConfigError, match="Q4_K_M"):
        quantize(gguf, folder / "no.gguf", "Q9")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelNotFound):
        quantize(folder / "absent.gguf", folder / "no.gguf", "Q8_0")
    with pytest.raises(ConfigError, match="itself"):
        quantize(gguf, gguf, "Q8_0")
    with pytest.raises(OSError, match="no folder"):
        quantize(gguf, folder / "nowhere" / "x.gguf", "Q8_0")
    assert not list(folder.glob("no.gguf*"))


def test_only_judged_tokens_count(gguf: Path) -> None:
    with Scorer(gguf) as scorer:
        ids = scorer.tokens(PROMPTS[0])
        whole, count = scorer.loss(ids)
        parts = [
            scorer.loss(
                ids, [token if place == judged else -100 for place, token in enumerate(ids)]
            )
            for judged in range(1, len(ids))
        ]
        assert count == len(ids) - 1
        assert all(judged == 1 for _, judged in parts)
        assert abs(sum(loss for loss, _ in parts) - whole) < 1e-6


def test_models_that_cannot_be_trained_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("local:nothing", str(tmp_path / "no.gguf"), str(tmp_path / "folder")):
        with pytest.raises(ModelNotFound) as caught:
            load(name)
        assert "\n" not in str(caught.value)


def test_a_tokenizer_that_cuts_unlike_any_of_llama_cpps_is_refused(
    folder: Path, model: Any
) -> None:
    from tokenizers import pre_tokenizers

    odd = small_tokenizer(folder)
    odd.backend_tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(ConfigError, match="cuts text"):
        export(model, odd, folder / "odd.gguf", name="x")


def test_the_kinds_are_ordered_by_size(folder: Path, tokenizer: Any) -> None:
    wide = small_model(tokenizer, hidden_size=256, intermediate_size=512)
    source = export(wide, tokenizer, folder / "wide.gguf", name="x", precision="F32")
    sizes = [quantize(source, folder / "w.gguf", kind).stat().st_size for kind in KINDS]
    assert sizes == sorted(sizes, reverse=True)
    assert source.stat().st_size > sizes[0]


def test_perplexity_as_published_judges_the_second_half_of_each_window(gguf: Path) -> None:
    with Scorer(gguf) as scorer:
        ids = scorer.tokens(" ".join(PROMPTS) * 4)[:50]
        value, error = scorer.published(ids, 16)
        spent: list[float] = []
        for at in (0, 16, 32):  # whole windows alone: the last two tokens are left over
            rows = scorer.logits(ids[at : at + 16]).astype(np.float64)
            shares = np.exp(rows - rows.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            # llama.cpp: places n_ctx / 2 … n_ctx - 2 foretell the tokens after them
            spent += [-float(np.log(shares[place, ids[at + place + 1]])) for place in range(8, 15)]
        assert value == pytest.approx(np.exp(np.mean(spent)), rel=1e-6)
        assert error == pytest.approx(value * np.std(spent) / np.sqrt(len(spent) - 1), rel=1e-6)
        with pytest.raises(ConfigError, match="16 tokens: this has 15"):
            scorer.published(ids[:15], 16)
