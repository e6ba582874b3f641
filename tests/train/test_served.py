"""What a training job made is talked to, trained on, and made smaller, by the job's name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("llama_cpp")

from small_disk import small_disk
from small_models import small_model, small_tokenizer
from test_jobs import over
from test_train_cli import agentlab

from agentlab.backend import BackendIdentity, Reply, Settings
from agentlab.backends import connect
from agentlab.errors import ConfigError
from agentlab.messages import Message
from agentlab_tools.train.bridge.adapter import export_adapter
from agentlab_tools.train.bridge.export import export
from agentlab_tools.train.bridge.load import load
from agentlab_tools.train.checkpoints import room_for
from agentlab_tools.train.errors import DiskFull
from agentlab_tools.train.jobs import Job, Jobs

pytestmark = [
    # of peft about transformers, and of transformers about torch
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

COPIES = """
import shutil
from agentlab_tools.train.recipe import Recipe, RecipeSettings

class Settings(RecipeSettings):
    model: str
    file: str
    name: str

def run(settings, work):
    work.artifact(settings.name, lambda path: shutil.copy(settings.file, path))

recipe = Recipe("copies", "", Settings, run, needs=())
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small model, and an adapter on it that changes what it says."""
    import peft
    import torch

    folder = tmp_path_factory.mktemp("models")
    tokenizer = small_tokenizer(folder)
    model = small_model(tokenizer, max_position_embeddings=1024)
    base = export(model, tokenizer, folder / "base.gguf", name="base")
    torch.manual_seed(7)
    plan = peft.LoraConfig(r=4, lora_alpha=12, target_modules="all-linear", init_lora_weights=False)
    tuned: Any = peft.get_peft_model(model, plan)
    return base, export_adapter(tuned, folder / "lora.gguf", name="tuned")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def made(home: Path, model: str, file: Path, name: str) -> Job:
    jobs = Jobs(home / "jobs")
    recipe = home.parent / "copies.py"
    recipe.write_text(COPIES)
    return over(jobs, jobs.submit(str(recipe), {"model": model, "file": str(file), "name": name}))


async def said(name: str) -> tuple[str, BackendIdentity]:
    """What a model answers, and who it says it is."""
    backend = connect(name, threads=1, n_ctx=256)
    try:
        settings = Settings(temperature=0, max_tokens=12)
        *_, reply = [item async for item in backend.stream([Message.user("hi")], settings=settings)]
        assert isinstance(reply, Reply)
        return reply.message.text, backend.identity
    finally:
        await backend.aclose()


async def test_a_job_is_talked_to_by_its_name(home: Path, models: tuple[Path, Path]) -> None:
    base, lora = models
    job = made(home, str(base), lora, "adapter.gguf")
    plain, _ = await said(str(base))
    tuned, _ = await said(f"{base}+{lora}")
    assert tuned != plain
    for name in ("job:last", f"job:{job.short}", f"job:{job.id}"):
        text, identity = await said(name)
        assert text == tuned
        # a trace says which job it was, and which files
        assert identity.name == f"job:{job.id}"
        assert identity.details["adapters"] != "{}"
    with pytest.raises(ConfigError, match="no job 'other'"):
        connect("job:other")


async def test_a_model_is_trained_on_top_of_a_job_s(home: Path, models: tuple[Path, Path]) -> None:
    base, lora = models
    first = made(home, str(base), lora, "adapter.gguf")
    second = made(home, "job:last", lora, "adapter.gguf")
    assert second.spec.settings["model"].endswith(f"{first.id}/artifacts/adapter.gguf")
    one, two = (load(f"job:{job.id}").model.state_dict() for job in (first, second))
    assert any((one[key] != two[key]).any() for key in one)


def test_quantize_writes_what_a_job_is_as_files(home: Path, models: tuple[Path, Path]) -> None:
    base, lora = models
    job = made(home, str(base), lora, "adapter.gguf")
    target = home.parent / "smaller"
    args = ["quantize", f"job:{job.short}", "Q8_0", "F16", "--to", str(target)]
    done = agentlab(*args, "--measure", "--tool-calls", "1", "--json", home=home)
    assert done.returncode == 0, done.stderr
    whole, *rows = map(json.loads, done.stdout.splitlines())
    assert [row["kind"] for row in rows] == ["F16", "Q8_0"]  # from most bits to fewest
    assert whole["kind"] == "as it is"
    assert whole["perplexity"] == rows[0]["perplexity"]
    assert rows[1]["megabytes"] < rows[0]["megabytes"]
    assert rows[1]["perplexity"] == pytest.approx(whole["perplexity"], rel=0.05)
    assert rows[1]["holds"].startswith("Q8_0")
    hits, cases = rows[0]["tool_calls"]
    assert 0 <= hits < cases
    assert {path.name for path in target.iterdir()} == {
        f"{job.id}-F16.gguf",
        f"{job.id}-Q8_0.gguf",
    }


async def test_what_quantize_merged_answers_as_the_job_does(
    home: Path, models: tuple[Path, Path]
) -> None:
    base, lora = models
    made(home, str(base), lora, "adapter.gguf")
    done = agentlab("quantize", f"{base}+{lora}", "F16", "--to", str(home), home=home)
    assert done.returncode == 0, done.stderr
    assert (await said(str(home / "base-lora-F16.gguf")))[0] == (await said("job:last"))[0]


def test_quantize_says_in_one_line_what_is_wrong(home: Path, models: tuple[Path, Path]) -> None:
    base, lora = models
    there = home / "base-Q4_K_M.gguf"
    there.parent.mkdir()
    there.write_text("mine")
    broken = home / "broken.gguf"
    broken.write_text("GGUF?")
    for model, why in (
        (str(base), "is there already"),
        ("last", "no job 'last'"),
        ("openai:gpt-9", "is not on this machine"),
        (str(broken), "broken.gguf"),
        (f"{base}+{base}", "is no LoRA adapter"),
        (f"{base}+{lora}+x", "no job"),
        ("./nowhere+mine.gguf", "no model to train under"),
    ):
        done = agentlab("quantize", model, "--to", str(home), home=home)
        assert done.returncode == 2, (model, done.stderr)
        assert why in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
    done = agentlab("quantize", str(base), "Q4_ZERO", "--to", str(home), home=home)
    assert done.returncode == 2
    assert "no quantization called 'Q4_ZERO': there is F16, " in done.stderr
    assert there.read_text() == "mine"
    assert sorted(path.name for path in home.glob("*")) == ["base-Q4_K_M.gguf", "broken.gguf"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "80k") as folder:
        yield folder


def test_a_full_disk_is_said_and_nothing_is_left_on_it(
    home: Path, models: tuple[Path, Path], disk: Path
) -> None:
    base, lora = models
    for model in (str(base), f"{base}+{lora}"):  # written by llama.cpp, and by gguf first
        done = agentlab("quantize", model, "Q8_0", "--to", str(disk), home=home)
        assert done.returncode == 2
        assert f"{disk} takes no model: " in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert list(disk.iterdir()) == []
    loaded = load(str(base))
    with pytest.raises(DiskFull, match="the disk is full"), room_for("the model", disk):
        export(loaded.model, loaded.tokenizer, disk / "whole.gguf", name="x")
    assert list(disk.iterdir()) == []
