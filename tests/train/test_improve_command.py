"""`agentlab improve` on a model of two layers: really tried, tuned, chosen and tested."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("llama_cpp")

from click.testing import CliRunner, Result
from ray_cluster import can_hide_folders, cluster_of
from recipe_runs import run as run_recipe
from small_data import written
from small_models import small_model, small_tokenizer

from agentlab.cli.main import cli
from agentlab.errors import AgentLabError, MissingExtra
from agentlab.trace import read_header
from agentlab.trace.results import Results
from agentlab_tools.improve import screen
from agentlab_tools.train.bridge.export import export
from agentlab_tools.train.jobs import Jobs
from agentlab_tools.train.recipe import load_recipe

pytestmark = pytest.mark.slow


def asked(n: int) -> str:
    return f"Where is the cat? {n}"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt two answers, and gives either."""
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("base")
    tokenizer = small_tokenizer(folder)
    model = small_model(tokenizer, initializer_range=0.05, max_position_embeddings=2048)
    path = export(model, tokenizer, folder / "none.gguf", name="small", precision="F32")
    said = [
        {
            "messages": [
                {"role": "user", "content": asked(n)},
                {"role": "assistant", "content": text},
            ]
        }
        for n in range(60)
        for text in ("on the mat", "on the log")
    ]
    told = {"data": written(folder / "said.jsonl", said), "model": str(path), "precision": "fp32"}
    run_recipe(load_recipe("full-finetune"), {**told, "lr": 5e-3, "steps": 60}, folder / "it")
    return folder / "it" / "artifacts" / "model.gguf"


@pytest.fixture
def improve(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Questions to which one of its two answers is right."""
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    lines = [{"input": asked(n), "expect": "mat"} for n in range(60)]
    Path("questions.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    Path("agent.toml").write_text(
        "settings = { temperature = 1.0, seed = 5, max_tokens = 12 }\nlimits = { steps = 1 }\n"
    )
    given = ("improve", "questions.jsonl", "--agent", "agent.toml", "-s", "contains")
    quick = ("--lora", "context=256", "--lora", "epochs=10", "--dpo", "context=256")
    more = ("--lora", "precision=fp32", "--dpo", "precision=fp32", "--temperature", "1")
    return [*given, "-b", str(base), "--name", "it", *quick, *more]


def run(improve: list[str]) -> Result:
    return CliRunner().invoke(cli, [*improve, "--json"], catch_exceptions=False)


def folder() -> Path:
    return Path("home/improve/it")


def counts() -> dict[str, int]:
    """Runs of each evaluation, as they were written: none twice."""
    found: dict[str, int] = {}
    for path in (folder() / "runs" / "results").glob("*.jsonl"):
        found[path.stem] = len(path.read_text().splitlines()) - 1
    return found


def test_it_learns_what_is_asked_for_and_says_so_with_traces_behind_it(improve: list[str]) -> None:
    done = run(improve)
    told: dict[str, Any] = json.loads(done.stdout)
    found = told["findings"]
    assert told["verdict"] == "better", told["claim"]
    assert found["change"]["mean"] > 0.3
    assert {one["name"] for one in found["candidates"]} == {"lora-1", "dpo-1"}
    assert done.exit_code == (1 if told["costs"] else 0)
    for asked_once in (found["change"]["before"], found["change"]["after"]):
        results = Results.load(folder() / "runs" / "results" / f"{asked_once['results']}.jsonl")
        assert len(results.results) == 18
        for result in results.results:
            assert (folder() / "runs" / f"{result.run}.jsonl").is_file()
    tested = {s.sample for s in results.results}
    assert {one["better"] for one in found["flips"]} >= {True}
    assert found["flips"][0]["question"].startswith("Where is the cat?")
    assert "mat" in found["flips"][0]["after"]
    assert "mat" not in found["flips"][0]["before"]
    learnt = (folder() / "data" / "chats-1.jsonl").read_text()
    for line in Path("questions.jsonl").read_text().splitlines():
        number = int(json.loads(line)["input"].split()[-1])
        if str(number + 1) in tested:
            assert f'cat? {number}"' not in learnt
    assert told["claim"] in (folder() / "report.html").read_text()


def test_a_cluster_with_no_disk_in_common_asks_and_trains_and_it_all_comes_home(
    improve: list[str], tmp_path: Path, base: Path
) -> None:
    pytest.importorskip("ray")
    if not can_hide_folders():
        pytest.skip("no folder can be hidden from other processes here")
    everything = tmp_path.parent
    assert base.is_relative_to(everything)
    with cluster_of(2, without=everything) as (address, _):
        # in a process of its own: a cluster is reached over more than loopback
        command = [sys.executable, "-m", "agentlab", *improve, "--json", "--on", f"ray:{address}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.stdout, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["verdict"] == "better", told["claim"]
    assert counts()["test-first"] == 18
    (first, *_) = Results.load(folder() / "runs" / "results" / "test-first.jsonl").results
    assert read_header(folder() / "runs" / f"{first.run}.jsonl").labels["node"]
    assert all(job.spec.on == f"ray:{address}" for job in Jobs(folder() / "jobs").list())


def test_what_was_done_is_not_done_again(
    improve: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off at each stage in turn: it goes on, and asks nothing twice."""

    class Stopped(Exception):
        """As Ctrl-C, or a crash."""

    seen: list[str] = []
    real_asking, real_training = screen.Screen.asking, screen.Screen.training

    def asking(self: Any, stage: str, left: int) -> Any:
        told = real_asking(self, stage, left)
        if not left or stage in seen:
            return told
        seen.append(stage)
        done = iter(range(1000))

        def half(result: Any) -> None:
            told(result)
            if next(done) == left // 2:
                raise Stopped

        return half

    async def training(self: Any, stage: str, jobs: Jobs, job: Any) -> Any:
        if stage in seen:
            return await real_training(self, stage, jobs, job)
        seen.append(stage)
        raise Stopped

    monkeypatch.setattr(screen.Screen, "asking", asking)
    monkeypatch.setattr(screen.Screen, "training", training)
    done = None
    while done is None:
        before = len(seen)
        try:
            done = run(improve)
        except (Stopped, BaseExceptionGroup):
            assert len(seen) == before + 1, "it came no further"
    assert len(seen) >= 8
    assert json.loads(done.stdout)["verdict"] == "better"
    assert counts() == {
        "choose-first": 12,
        "try-1": 30,
        "vary-1": 90,
        "choose-lora-1": 12,
        "choose-dpo-1": 12,
        "test-first": 18,
        **{f"test-{json.loads(done.stdout)['findings']['best']}": 18},
    }
    assert len(Jobs(folder() / "jobs").list()) == 2
    before = counts()
    again = run(improve)
    assert again.stdout == done.stdout
    assert counts() == before


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["-b", "openai:gpt-5"], "can't be tuned from here"),
        (["--lora", "rank=many"], "rank"),
        (["--lora", "colour=red"], "colour"),
        (["-b", "local:nobody"], "no packaged model called"),
        (["--also", "nothing"], "a lab's step is LAB:STEP"),
    ],
)
def test_a_mistake_is_told_before_anything_is_asked(
    more: list[str], says: str, improve: list[str]
) -> None:
    with pytest.raises(AgentLabError, match=says) as raised:
        run([*improve, *more])
    assert "\n" not in str(raised.value)
    assert counts() == {}


def test_what_is_not_installed_is_told_before_anything_is_asked(
    improve: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "agentlab_tools.train.recipe.find_spec", lambda name: None if name == "peft" else find(name)
    )
    with pytest.raises(MissingExtra, match=r"^peft, which the recipe lora needs, .*train"):
        run(improve)
    assert counts() == {}


def test_those_made_so_far_are_listed(improve: list[str], tmp_path: Path) -> None:
    kept = tmp_path / "home" / "improve" / "one"
    kept.mkdir(parents=True)
    (kept / "report.json").write_text('{"verdict": "better", "claim": "It became better."}')
    listed = CliRunner().invoke(cli, ["improve"], catch_exceptions=False)
    assert "It became better." in listed.stdout
    assert "one" in listed.stdout
