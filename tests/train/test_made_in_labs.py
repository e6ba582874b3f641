"""What was trained in a lab is kept with its run, and answers to the lab's name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp")

import agentlab.backends.llamacpp as llamacpp
from agentlab import Agent, ToolContext, tool
from agentlab.backends import connect
from agentlab.backends.scripted import Scripted
from agentlab.cli.main import cli
from agentlab.errors import ConfigError, MissingExtra
from agentlab.folders import runs_folder
from agentlab.messages import Message, ToolCall
from agentlab.trace import trace_path
from agentlab_tools.calculator import calculator
from agentlab_tools.train.bridge.load import see
from agentlab_tools.train.jobs import Jobs
from agentlab_tools.train.made_in_labs import keep, made_in, offered
from agentlab_tools.train.served import served

ADAPTER = Path(llamacpp.__file__).parent / "adapters" / "agent.gguf"
Trained = Callable[..., str]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Has a lab's tool keep a file, in a home of its own; returns the run's id."""
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))

    def run(lab: str | None, file: Path = ADAPTER, base: str | None = "smollm2") -> str:
        @tool
        def train(context: ToolContext) -> str:
            """Train a model."""
            keep(context, file, base=base)
            return "trained"

        call = Message.assistant(ToolCall(id="1", name="train", arguments="{}"))
        agent = Agent(backend=Scripted([call, "done"]), tools=[train])
        return agent.run_sync("train", labels={"lab": lab} if lab else {}).run

    return run


def test_an_adapter_answers_to_the_name_of_the_lab(trained: Trained):
    trained("m9/calls")
    backend = connect("lab:m9/calls")
    agent = Agent(backend=backend, tools=[calculator], settings={"temperature": 0}, runs=None)
    result = agent.run_sync("Use the calculator to work out 17 * 23.")
    assert [c.name for m in result.messages for c in m.tool_calls] == ["calculator"]
    assert backend.identity.name == "lab:m9/calls"
    base, _, file = made_in("lab:m9/calls").partition("+")
    assert base == "local:smollm2"
    assert Path(file).read_bytes() == ADAPTER.read_bytes()


def test_the_newest_of_that_lab_counts(trained: Trained, tmp_path: Path):
    for number, lab in enumerate(("m9/a", "m9/b", "m9/a", None, "\x1b[2J")):
        (tmp_path / f"{number}.gguf").write_bytes(b"GGUF" + bytes([number]))
        trained(lab, tmp_path / f"{number}.gguf", None)
    assert Path(made_in("lab:m9/a")).read_bytes()[-1] == 2
    assert Path(made_in("lab:m9/b")).read_bytes()[-1] == 1
    assert [one.name for one in offered()] == ["lab:m9/a", "lab:m9/b"]
    with pytest.raises(
        ConfigError, match="no model was trained here in the lab 'm9/c': there is lab:m9/a"
    ):
        made_in("lab:m9/c")


def test_before_there_are_any_runs_it_is_said_which_labs_train(trained: Trained):
    assert list(offered()) == []
    with pytest.raises(ConfigError, match="run it first, as `agentlab run m5/dpo` does"):
        connect("lab:m5/dpo")


def test_a_file_that_was_changed_or_is_gone_is_not_used(trained: Trained):
    trained("m9/calls")
    file = Path(made_in("lab:m9/calls").partition("+")[2])
    file.unlink()
    (blob,) = (runs_folder() / "blobs").rglob(f"{file.stem.rpartition('-')[2]}*")
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    with pytest.raises(ConfigError, match=r"made in m9/calls can't be had: blob .* was changed"):
        made_in("lab:m9/calls")
    blob.unlink()
    with pytest.raises(ConfigError, match=r"can't be had: blob .* can't be read"):
        made_in("lab:m9/calls")
    assert list(file.parent.iterdir()) == []


def test_a_run_that_is_gone_makes_way_for_the_one_before(trained: Trained, tmp_path: Path):
    files = [tmp_path / f"{number}.gguf" for number in range(2)]
    for number, file in enumerate(files):
        file.write_bytes(b"GGUF" + bytes([number]))
    _, last = [trained("m9/a", file, None) for file in files]
    trace_path(runs_folder(), last).unlink()
    assert Path(made_in("lab:m9/a")).read_bytes()[-1] == 0


def test_without_duckdb_nothing_is_listed_and_what_is_missing_is_said(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
):
    trained("m9/calls")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert list(offered()) == []
    with pytest.raises(MissingExtra, match="duckdb is not installed"):
        connect("lab:m9/calls")


def test_what_is_too_large_for_a_run_is_not_kept(trained: Trained, tmp_path: Path):
    with (tmp_path / "large.gguf").open("wb") as file:
        file.truncate((64 << 20) + 1)
    trained("m9/a", tmp_path / "large.gguf", None)
    assert list(offered()) == []


def test_training_goes_on_from_it(trained: Trained):
    trained("m9/calls")
    assert served(Jobs(runs_folder()), "lab:m9/calls") == made_in("lab:m9/calls")
    see("lab:m9/calls")
    with pytest.raises(ConfigError, match="no model was trained"):
        see("lab:m9/other")


@pytest.mark.slow
def test_it_is_merged_and_made_smaller(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("torch")
    trained("m9/calls")
    words = ["quantize", "lab:m9/calls", "Q8_0", "--to", str(tmp_path / "small")]
    cli.main(words, standalone_mode=False)
    assert "m9-calls-Q8_0.gguf" in capsys.readouterr().out
    agent = Agent(
        backend=str(tmp_path / "small" / "m9-calls-Q8_0.gguf"),
        tools=[calculator],
        settings={"temperature": 0},
        runs=None,
    )
    result = agent.run_sync("Use the calculator to work out 17 * 23.")
    assert [c.name for m in result.messages for c in m.tool_calls] == ["calculator"]
