"""Every recipe, on models of two layers: it learns, goes on after a break, and what comes of it
is served."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("llama_cpp")

from recipe_runs import ends_where_it_would_have, run
from small_data import chat_lines, pair_lines, written
from small_models import PROMPTS, TEXT, small_model, small_tokenizer

from agentlab.errors import ConfigError
from agentlab_tools.train.bridge.export import export
from agentlab_tools.train.bridge.score import Scorer
from agentlab_tools.train.recipe import load_recipe

pytestmark = [
    # of peft about transformers, and of transformers about torch
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

QUICK = {"context": 128, "precision": "fp32", "lr": 1e-2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@pytest.fixture(scope="module")
def base(folder: Path) -> Path:
    """A small chat model, as a file."""
    import torch

    torch.set_num_threads(1)
    tokenizer = small_tokenizer(folder)
    model = small_model(tokenizer, initializer_range=0.05)
    return export(model, tokenizer, folder / "base.gguf", name="small", precision="F32")


@pytest.fixture(scope="module")
def chats(folder: Path) -> str:
    return written(folder / "chats.jsonl", chat_lines())


@pytest.fixture(scope="module")
def preferences(folder: Path) -> str:
    return written(folder / "pairs.jsonl", pair_lines())


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    path = folder / "text.txt"
    path.write_text(TEXT * 8)
    return str(path)


def settings_of(name: str, base: Path, chats: str, preferences: str, text: str) -> dict[str, Any]:
    """Settings by which a recipe is done in about a second."""
    tuned = {**QUICK, "model": str(base)}
    match name:
        case "pretrain":
            sizes = {"layers": 2, "width": 32, "heads": 2, "context": 32, "vocabulary": 300}
            return {"data": text, **sizes, "rows": 4, "steps": 12, "precision": "fp32"}
        case "dpo":
            return {"data": preferences, **tuned, "steps": 8, "rows": 4, "rank": 4}
        case "rlhf":
            more = {"reward_steps": 4, "steps": 4, "rows": 2, "answers": 3, "length": 6}
            return {"data": preferences, **tuned, **more, "rank": 4}
        case "distill":
            return {"data": chats, **tuned, "steps": 8, "rows": 1, "layers": 1}
        case "tool-calling":  # which makes its own data
            return {**tuned, "context": 768, "toolsets": 2, "steps": 4, "rank": 4}
        case "full-finetune":
            return {"data": chats, **tuned, "steps": 8, "rows": 1}
        case _:
            return {"data": chats, **tuned, "steps": 8, "rows": 1, "rank": 4, "dropout": 0.1}


ALL = ("pretrain", "full-finetune", "lora", "qlora", "tool-calling", "distill", "dpo", "rlhf")


@pytest.mark.parametrize("name", ALL)
def test_a_recipe_that_was_interrupted_ends_where_it_would_have(
    name: str, tmp_path: Path, base: Path, chats: str, preferences: str, text: str
) -> None:
    recipe = load_recipe(name)
    values = settings_of(name, base, chats, preferences, text)
    values |= {"keep": chats, "keep_every": 2} if name == "lora" else {}
    ends_where_it_would_have(recipe, values, tmp_path)


def test_a_model_is_as_good_before_training_whichever_recipe_says_so(
    tmp_path: Path, base: Path, chats: str, preferences: str, text: str
) -> None:
    before: dict[str, float] = {}
    for name in ("full-finetune", "lora"):
        values = settings_of(name, base, chats, preferences, text) | {"precision": "bf16"}
        run(load_recipe(name), {**values, "steps": 1}, tmp_path / name)
        scores = json.loads((tmp_path / name / "artifacts" / "scores.json").read_text())
        before[name] = scores["perplexity_before"]
    assert before["lora"] == before["full-finetune"]


@pytest.mark.parametrize("name", ["full-finetune", "lora", "qlora"])
def test_what_was_learnt_shows_in_what_is_served(
    name: str, tmp_path: Path, base: Path, chats: str, preferences: str, text: str
) -> None:
    values = settings_of(name, base, chats, preferences, text)
    steps = run(load_recipe(name), {**values, "steps": 60}, tmp_path)
    assert (steps[-1].loss or 9) < (steps[0].loss or 0) - 1
    made = tmp_path / "artifacts"
    scores = json.loads((made / "scores.json").read_text())
    assert scores["perplexity_after"] < 0.5 * scores["perplexity_before"]
    whole, adapter = (made / "model.gguf", None)
    if name != "full-finetune":
        whole, adapter = base, made / "adapter.gguf"
    said = "<|im_start|>user\nWhere is the owl?<|im_end|>\n<|im_start|>assistant\n"
    ids = small_tokenizer(tmp_path)(said + "The owl sat on the mat.<|im_end|>")["input_ids"]
    begun = len(small_tokenizer(tmp_path)(said)["input_ids"])
    labels = [-100] * begun + ids[begun:]
    with Scorer(base) as before, Scorer(whole, adapter=adapter) as after:
        assert after.perplexity([(ids, labels)]) < 0.5 * before.perplexity([(ids, labels)])


def test_what_is_to_be_kept_stays_nearer_to_what_it_was(
    tmp_path: Path, base: Path, chats: str, preferences: str, text: str
) -> None:
    turns = [{"role": "user", "content": "Who left?"}, {"role": "assistant", "content": TEXT[:60]}]
    values = {**settings_of("lora", base, chats, preferences, text), "steps": 40, "dropout": 0}
    keep = {"keep": written(tmp_path / "keep.jsonl", [{"messages": turns}]), "keep_every": 1}
    run(load_recipe("lora"), values, tmp_path / "free")
    run(load_recipe("lora"), {**values, **keep}, tmp_path / "kept")
    said = "<|im_start|>user\nWho left?<|im_end|>\n<|im_start|>assistant\n"
    words = small_tokenizer(tmp_path)
    begun, ids = len(words(said)["input_ids"]), words(said + TEXT[:60])["input_ids"]
    with Scorer(base) as was:
        before = was.logits(ids)[begun:]
    moved: list[float] = []
    for which in ("free", "kept"):
        with Scorer(base, adapter=tmp_path / which / "artifacts" / "adapter.gguf") as now:
            moved.append(float(abs(now.logits(ids)[begun:] - before).mean()))
    assert moved[1] < 0.5 * moved[0]


@pytest.mark.parametrize("name", ["dpo", "rlhf"])
def test_a_setting_that_would_do_nothing_is_refused(name: str, chats: str) -> None:
    with pytest.raises(ConfigError, match="keep"):
        load_recipe(name).read_settings({"data": chats, "keep": chats})


def test_pretraining_learns_the_text_and_its_model_goes_on_with_it(
    tmp_path: Path, text: str
) -> None:
    sizes = {"layers": 2, "width": 64, "heads": 2, "context": 32, "vocabulary": 300}
    steps = run(load_recipe("pretrain"), {"data": text, **sizes, "steps": 80, "rows": 8}, tmp_path)
    assert steps[0].loss == pytest.approx(math.log(300), rel=0.05)
    assert (steps[-1].loss or 9) < 1.5
    with Scorer(tmp_path / "artifacts" / "model.gguf") as scorer:
        ids = scorer.tokens("The cat sat on")
        for _ in range(8):
            ids.append(int(scorer.logits(ids)[-1].argmax()))
        assert ids == scorer.tokens("The cat sat on the mat, and the dog")[: len(ids)]
        assert len(scorer.tokens(PROMPTS[1])) < len(PROMPTS[1])


def test_dpo_begins_undecided_and_learns_to_prefer(
    tmp_path: Path, base: Path, chats: str, preferences: str, text: str
) -> None:
    values = settings_of("dpo", base, chats, preferences, text)
    steps = run(load_recipe("dpo"), {**values, "steps": 20}, tmp_path)
    assert steps[0].loss == pytest.approx(math.log(2), rel=1e-4)
    assert (steps[-1].loss or 1) < 0.1
    assert steps[-1].more["margin"] > 1
    assert json.loads((tmp_path / "artifacts" / "scores.json").read_text()) == {"accuracy": 1.0}
    answers = ("It sat on the mat.<|im_end|>", "Gone, it left the log.<|im_end|>")
    asked = "<|im_start|>user\nWhere is the owl?<|im_end|>\n<|im_start|>assistant\n"
    words = small_tokenizer(tmp_path)
    begun = len(words(asked)["input_ids"])
    adapter = tmp_path / "artifacts" / "adapter.gguf"
    with Scorer(base) as was, Scorer(base, adapter=adapter) as now:
        gained: list[float] = []
        for answer in answers:
            ids = words(asked + answer)["input_ids"]
            labels = [-100] * begun + ids[begun:]
            gained.append(was.loss(ids, labels)[0] - now.loss(ids, labels)[0])
    assert gained[0] > gained[1] + 1


def test_the_reward_model_tells_better_from_worse_and_the_policy_earns_more(
    tmp_path: Path, base: Path, chats: str, preferences: str, text: str
) -> None:
    values = settings_of("rlhf", base, chats, preferences, text)
    more = {"reward_steps": 12, "steps": 24, "answers": 8, "length": 4, "rows": 4}
    steps = run(load_recipe("rlhf"), {**values, **more}, tmp_path)
    scoring, acting = steps[:12], steps[12:]
    assert scoring[0].loss == pytest.approx(math.log(2), rel=1e-4)
    assert (scoring[-1].loss or 1) < 0.1
    earned = [step.more["reward"] for step in acting]
    assert sum(earned[-8:]) > sum(earned[:8])
    assert acting[0].more["kl"] == pytest.approx(0, abs=1e-6)
    assert json.loads((tmp_path / "artifacts" / "scores.json").read_text())["reward_accuracy"] == 1
    with Scorer(base, adapter=tmp_path / "artifacts" / "adapter.gguf") as scorer:
        assert scorer.perplexity([(scorer.tokens(PROMPTS[0]), None)]) > 1


def test_a_student_comes_nearer_to_its_teacher(
    tmp_path: Path, base: Path, chats: str, preferences: str, text: str
) -> None:
    values = settings_of("distill", base, chats, preferences, text)
    steps = run(load_recipe("distill"), {**values, "steps": 40}, tmp_path)
    assert (steps[-1].loss or 9) < 0.3 * (steps[0].loss or 0)
    path = tmp_path / "artifacts" / "model.gguf"
    with Scorer(path) as scorer:
        assert scorer.perplexity([(scorer.tokens(PROMPTS[0]), None)]) > 1


@pytest.mark.parametrize("name", ALL)
def test_a_recipe_is_known_by_name_and_says_what_it_needs(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert "torch" in recipe.needs
    assert recipe.extra == "train"
