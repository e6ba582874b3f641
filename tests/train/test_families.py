"""Llama, Mistral and Phi-3 by name: each trains, is written, and says in llama.cpp what it said in
PyTorch; what can't be written is refused before the first step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("llama_cpp")

import numpy as np
from small_data import chat_lines, written
from small_models import PROMPTS, TEXT, piece_tokenizer, small_of, small_tokenizer, torch_logits
from test_served import made
from test_train_cli import agentlab

from agentlab.backend import Reply
from agentlab.backend import Settings as Sampling
from agentlab.backends import connect
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.prompt import Prompts
from agentlab.backends.llamacpp.template import Template
from agentlab.errors import AgentLabError, ConfigError
from agentlab.messages import Message
from agentlab_tools.train.bridge.export import export
from agentlab_tools.train.bridge.load import load
from agentlab_tools.train.bridge.merge import as_one_file, merge
from agentlab_tools.train.bridge.score import Scorer
from agentlab_tools.train.jobs import Jobs
from agentlab_tools.train.recipe import Work, load_recipe
from agentlab_tools.train.recipes.data import chat_of
from agentlab_tools.train.recipes.examples import Reader
from agentlab_tools.train.served import open_backend

pytestmark = [
    # of peft about transformers, and of transformers about torch
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

EXACT = 1e-4
"""How far a logit may be off in float32 throughout; they range over ten and more."""

LLAMA3: dict[str, Any] = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
    "rope_theta": 10000.0,
}
LONG: dict[str, Any] = {
    "rope_type": "longrope",
    "short_factor": np.linspace(1, 2, 8).tolist(),
    "long_factor": np.linspace(1.5, 9, 8).tolist(),
    "rope_theta": 10000.0,
}
PARTLY = {
    **LONG,
    "short_factor": [1.0, 1.2, 1.5, 2.0],
    "long_factor": [2.0, 3.0, 4.0, 8.0],
    "partial_rotary_factor": 0.5,
}
LONG_TEXTS = {"original_max_position_embeddings": 256, "max_position_embeddings": 4096}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama 3.1": ("llama", {"rope_parameters": LLAMA3}),
    "mistral 0.1": ("mistral", {"sliding_window": 96}),
    "phi-3": ("phi3", {"sliding_window": 200, "original_max_position_embeddings": 512}),
}
"""One of each, as they are published, but small."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return small_tokenizer(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> dict[str, Path]:
    """A folder for each family, as a hub's, each with the kind of tokenizer that it has."""
    made: dict[str, Path] = {}
    for name, (kind, changes) in FAMILIES.items():
        words = tokenizer if kind == "llama" else piece_tokenizer(first_alone=kind == "mistral")
        made[name] = tmp_path_factory.mktemp(kind)
        small_of(kind, words, **changes).save_pretrained(made[name])
        words.save_pretrained(made[name])
    return made


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("data") / "chats.jsonl", chat_lines())


def furthest(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def train(name: str, model: str, data: str, folder: Path) -> Path:
    """Run a recipe in this process; where its artifacts are."""
    recipe = load_recipe(name)
    chosen: dict[str, Any] = {
        "context": 128,
        "precision": "fp32",
        "lr": 1e-2,
        "rows": 1,
        "steps": 4,
    }
    chosen |= {"layers": 1} if name == "distill" else {}
    recipe.run(recipe.read_settings({**chosen, "model": model, "data": data}), Work(folder))
    return folder / "artifacts"


@pytest.mark.parametrize(
    ("kind", "changes", "tokens", "allowed"),
    [
        ("llama", {"rope_parameters": LLAMA3}, 200, EXACT),
        ("llama", {"rope_parameters": {**LLAMA3, "factor": 2.0, "rope_theta": 500.0}}, 200, EXACT),
        (
            "llama",
            {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}},
            200,
            EXACT,
        ),
        ("mistral", {"sliding_window": 64}, 64, EXACT),
        ("phi3", {"original_max_position_embeddings": 512}, 200, EXACT),
        ("phi3", {"tie_word_embeddings": True, "sliding_window": 40}, 40, EXACT),
        ("phi3", {"rope_parameters": LONG, **LONG_TEXTS}, 256, 2 * EXACT),
        # the angles of far places, which float32 rounds
        ("phi3", {"rope_parameters": LONG, **LONG_TEXTS}, 300, 10 * EXACT),
        ("phi3", {"rope_parameters": PARTLY, **LONG_TEXTS}, 60, EXACT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_family_says_in_llama_cpp_what_it_said_in_pytorch(
    tmp_path: Path,
    tokenizer: Any,
    kind: str,
    changes: dict[str, Any],
    tokens: int,
    allowed: float,
) -> None:
    model = small_of(kind, tokenizer, **changes)
    # a name by which llama.cpp would ask for tokens that this vocabulary has not
    path = export(model, tokenizer, tmp_path / "x.gguf", name="my-Phi-3", precision="F32")
    ids = (list(range(3, 200)) * 2)[:tokens]
    told = torch_logits(model, ids)
    with Scorer(path, exact=True, size=tokens) as scorer:
        assert np.ptp(told) > 5
        assert furthest(scorer.logits(ids), told) < allowed
    back = load(str(path)).model
    assert back.config.model_type == kind
    assert furthest(torch_logits(back, ids), told) == 0


def test_the_context_in_a_file_ends_where_llama_cpp_would_say_something_else(
    tmp_path: Path, tokenizer: Any
) -> None:
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("mistral", {"sliding_window": 64}, 64),
        ("phi3", {"rope_parameters": LONG, **LONG_TEXTS}, 256),
        ("llama", {"rope_parameters": LLAMA3}, 512),
    ]
    for kind, changes, context in cases:
        model = small_of(kind, tokenizer, **changes)
        path = export(model, tokenizer, tmp_path / "x.gguf", name="x", precision="F32")
        assert Model(path).trained_context == context
        if context < 512:
            ids = list(range(3, 303))
            with Scorer(path, exact=True, size=context) as scorer:
                assert (
                    furthest(scorer.logits(ids[:context]), torch_logits(model, ids[:context]))
                    < 1e-3
                )
            with Scorer(path, exact=True, size=400) as scorer:
                apart = furthest(
                    scorer.logits(ids[:280])[:200], torch_logits(model, ids[:280])[:200]
                )
                assert (apart > 1) == (kind == "mistral")  # and for Phi-3, short texts differ there
                told = torch_logits(model, ids[:60])
                assert (furthest(scorer.logits(ids[:60]), told) > 1) == (kind == "phi3")


def test_the_factors_of_llama_3_1_are_those_of_its_definition(
    tmp_path: Path, tokenizer: Any
) -> None:
    from gguf import GGUFReader

    rope = {**LLAMA3, "factor": 8.0, "original_max_position_embeddings": 8192}
    rope |= {"rope_theta": 500000.0}
    model = small_of("llama", tokenizer, rope_parameters=rope, head_dim=128)
    path = export(model, tokenizer, tmp_path / "x.gguf", name="x", precision="F32")
    (factors,) = [t.data for t in GGUFReader(path).tensors if t.name == "rope_freqs.weight"]
    waves = 2 * np.pi * 500000.0 ** (np.arange(0, 128, 2) / 128)
    smooth = (8192 / waves - 1.0) / (4.0 - 1.0)
    between = 1 / ((1 - smooth) / 8.0 + smooth)
    wanted = np.where(waves < 8192 / 4, 1.0, np.where(waves > 8192, 8.0, between))
    assert len({round(float(f), 3) for f in factors}) > 4
    assert np.allclose(factors, wanted, rtol=1e-4)


@pytest.mark.parametrize("first_alone", [False, True], ids=["llama 2 and phi-3", "mistral"])
def test_a_sentencepiece_tokenizer_cuts_alike_on_all_sides(
    tmp_path: Path, first_alone: bool
) -> None:
    words = piece_tokenizer(first_alone=first_alone)
    model = small_of("llama", words)
    path = export(model, words, tmp_path / "x.gguf", name="x", precision="F32")
    reader, back, served = Reader(words), Reader(load(str(path)).tokenizer), Model(path)
    texts = (
        *PROMPTS,
        "naïve 日本 😀",
        " lead",
        "the cat  sat\n\non",
        "<|im_end|>'s\r\n",
        TEXT[:400],
    )
    for text in texts:
        assert served.tokens(text) == reader.text(text) == back.text(text)
    prompts, template = Prompts(served), Template(served.metadata["tokenizer.chat_template"])
    for line in chat_lines(3):
        chat = chat_of(line)
        asked = type(chat)(chat.messages[:-1], chat.tools)
        read = prompts.tokens(template.render(asked.messages, asked.tools, prompts.guard), ())
        assert reader.prompt(asked) == read
        (example,) = reader.chat(chat)
        assert list(example.ids[: len(read)]) == read


@pytest.mark.parametrize(
    ("name", "family"),
    [*(("full-finetune", family) for family in FAMILIES), ("distill", "phi-3")],
)
async def test_a_family_trained_whole_is_served_and_trained_on(
    name: str, family: str, folders: dict[str, Path], chats: str, tmp_path: Path
) -> None:
    made = train(name, f"hf:{folders[family]}", chats, tmp_path / "one") / "model.gguf"
    trained = load(str(made))
    whole = export(trained.model, trained.tokenizer, tmp_path / "w.gguf", name="x", precision="F32")
    for file, allowed in ((made, 0.05), (whole, EXACT)):  # F16, as it is served, and F32
        with Scorer(file, exact=True, size=96) as scorer:
            ids = scorer.tokens(TEXT)[:90]
            told = torch_logits(trained.model, ids)
            assert furthest(scorer.logits(ids), told) < allowed
    if name == "full-finetune":
        assert furthest(told, torch_logits(load(str(folders[family])).model, ids)) > 0.1
    backend = connect(str(made), threads=1)
    stream = backend.stream([Message.user("Where?")], settings=Sampling(max_tokens=4))
    assert [item async for item in stream if isinstance(item, Reply)]
    await backend.aclose()
    assert (train("lora", str(made), chats, tmp_path / "two") / "adapter.gguf").is_file()


@pytest.mark.parametrize(
    ("name", "family"), [*(("lora", family) for family in FAMILIES), ("qlora", "phi-3")]
)
def test_an_adapter_for_a_family_does_in_llama_cpp_what_it_did_in_pytorch(
    name: str, family: str, folders: dict[str, Path], chats: str, tmp_path: Path
) -> None:
    import peft

    made = train(name, str(folders[family]), chats, tmp_path / "one")
    base = load(f"hf:{folders[family]}")
    plain = export(base.model, base.tokenizer, tmp_path / "b.gguf", name="x", precision="F32")
    whole = merge(
        f"{folders[family]}+{made / 'adapter.gguf'}",
        tmp_path / "m.gguf",
        name="x",
        precision="F32",
    )
    with Scorer(plain) as scorer:
        ids = scorer.tokens(TEXT)[:90]
        before = torch_logits(base.model, ids)
    tuned: Any = peft.PeftModel.from_pretrained(base.model, str(made / "adapter")).eval()
    told = torch_logits(tuned, ids)
    assert furthest(told, before) > 0.1
    with Scorer(plain, adapter=made / "adapter.gguf", exact=True) as beside:
        assert furthest(beside.logits(ids), told) < 0.02  # the file is in F16
    with Scorer(whole, exact=True) as scorer:
        assert furthest(scorer.logits(ids), told) < 0.02


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"model_type": "gpt2"}, "a gpt2 model can't be written as GGUF here: take one"),
    (
        {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
        "scaled by 'dynamic' can't be written as GGUF here: default and linear and llama3 can",
    ),
    ({"hidden_act": "gelu"}, "this one has 'gelu': take one"),
    ({"partial_rotary_factor": 0.5}, "50% of it .* a LoRA on it can be written"),
    (
        {"model_type": "phi3", "rope_scaling": {"rope_type": "yarn2", "factor": 2.0}},
        "a phi3 model .* default and longrope can",
    ),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[said[:20] for _, said in REFUSED])
def test_what_cannot_be_written_is_refused_before_a_job_is_begun(
    changes: dict[str, Any], said: str, folders: dict[str, Path], chats: str, tmp_path: Path
) -> None:
    plan = json.loads((folders["llama 3.1"] / "config.json").read_text())
    del plan["rope_parameters"]
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text(json.dumps({**plan, **changes}))
    jobs = Jobs(tmp_path / "jobs")
    for name in ("full-finetune", "distill"):
        with pytest.raises(ConfigError, match=said) as caught:
            jobs.submit(name, {"data": chats, "model": str(tmp_path / "odd")})
        assert "\n" not in str(caught.value)
    assert not jobs.folder.exists()


def test_a_tokenizer_that_cannot_be_written_is_refused_before_a_job_is_begun_and_before_a_step(
    chats: str, tmp_path: Path
) -> None:
    odd = piece_tokenizer(complete=False)
    small_of("mistral", odd).save_pretrained(tmp_path / "odd")
    odd.save_pretrained(tmp_path / "odd")
    jobs = Jobs(tmp_path / "jobs")
    with pytest.raises(ConfigError, match="only tokenizers made by SentencePiece"):
        jobs.submit("full-finetune", {"data": chats, "model": str(tmp_path / "odd")})
    assert not jobs.folder.exists()
    # what comes from a hub is seen as soon as it is loaded
    with pytest.raises(ConfigError, match="only tokenizers made by SentencePiece"):
        train("full-finetune", str(tmp_path / "odd"), chats, tmp_path / "work")
    assert not (tmp_path / "work").exists()
    # an adapter holds no tokenizer
    assert (
        train("lora", str(tmp_path / "odd"), chats, tmp_path / "lora") / "adapter.gguf"
    ).is_file()


def test_a_damaged_configuration_in_a_file_is_one_line(tmp_path: Path, tokenizer: Any) -> None:
    model = small_of("phi3", tokenizer)
    path = export(model, tokenizer, tmp_path / "x.gguf", name="x")
    data = path.read_bytes()
    for before, after, said in (
        (b'"model_type":"phi3"', b'"model_typo":"phi3"', "damaged configuration"),
        (b'"model_type":"phi3"', b'"model_type":"gpt2"', "gpt2 model can't be written"),
    ):
        assert data.count(before) == 1
        path.write_bytes(data.replace(before, after))
        with pytest.raises(AgentLabError, match=said):
            load(str(path))


def test_a_job_whose_adapter_is_for_a_folder_says_how_it_is_served(
    folders: dict[str, Path],
    chats: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))
    adapter = train("lora", str(folders["phi-3"]), chats, tmp_path / "lora") / "adapter.gguf"
    job = made(tmp_path / "home", f"hf:{folders['phi-3']}", adapter, "adapter.gguf")
    with pytest.raises(ConfigError, match=f"which is no GGUF: `agentlab quantize {job.short} F16`"):
        open_backend(f"job:{job.id}")
    told = agentlab("jobs", "watch", job.id, home=tmp_path / "home")
    assert f"`agentlab quantize {job.short} F16`" in told.stderr
    # which is what that command does
    with as_one_file(f"job:{job.id}", name="x", beside=tmp_path) as whole, Scorer(whole) as scorer:
        assert scorer.perplexity([(scorer.tokens(TEXT), None)]) > 1
