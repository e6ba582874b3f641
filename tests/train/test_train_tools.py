"""An agent that trains: it starts a real job, watches it, stops it, and asks a person first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conversation import call, calls, kinds, results_in
from test_jobs import TINY, over, wait

from agentlab import Agent, Decision, Policy
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.messages import ToolCall
from agentlab.plugins.tools import load_tools
from agentlab.trace import Trace
from agentlab_tools.train.jobs import JobLimits, Jobs
from agentlab_tools.train.served import served
from agentlab_tools.train.tools import training_tools

NAMES = ("start_training", "training_status", "stop_training", "evaluate_model", "quantize_model")


@pytest.fixture
def jobs(tmp_path: Path):
    jobs = Jobs(tmp_path / "jobs")
    yield jobs
    for job in jobs.list():
        if job.active:
            jobs.cancel(job.id, grace=0)


def tools(jobs: Jobs, **options):
    return training_tools(jobs, recipes={"tiny": TINY}, **options)


def agent(jobs: Jobs, runs: Path, *replies, **options) -> Agent:
    return Agent(backend=Scripted(replies), tools=tools(jobs), runs=runs, **options)


async def ask(jobs: Jobs, tool_name: str, **arguments) -> str:
    """One call of a tool, made past any approval."""
    (tool,) = [tool for tool in tools(jobs) if tool.name == tool_name]
    result = await tool.call(ToolCall(id="c", name=tool_name, arguments=json.dumps(arguments)))
    return f"{result.error}: {result.content}" if result.error else result.content


async def yes(_call) -> Decision:
    return Decision(verdict="allow")


START = call("start_training", id="s", recipe="tiny", settings={"steps": 25})
STATUS = call("training_status", id="w", wait=60)


async def test_an_agent_trains_once_a_person_agrees(jobs, runs):
    trainer = agent(jobs, runs, calls(START), calls(STATUS), "It is trained.")
    result = await trainer.run("Train.", approver=yes)
    started, status = results_in(result.messages)
    assert started.content.endswith(" is running")
    assert "completed" in status.content
    assert "step 25 of 25, loss " in status.content
    assert "loss: " in status.content
    assert jobs.get("last").progress is not None


async def test_nothing_is_trained_before_a_person_answers(jobs, runs):
    paused = await agent(jobs, runs, calls(START), "ok").run("Train.")
    assert paused.outcome == "paused"
    assert jobs.list() == []
    assert paused.path is not None
    assert "tool_started" not in kinds(Trace.load(paused.path))


async def test_a_policy_may_allow_by_name_what_asks_of_itself(jobs, runs):
    allowed = agent(jobs, runs, calls(START), "ok", approval=Policy(allow=("start_*",)))
    assert (await allowed.run("Train.")).outcome == "completed"
    assert len(jobs.list()) == 1


async def test_looking_asks_nobody(jobs, runs):
    result = await agent(jobs, runs, calls(STATUS), "ok").run("How is it?")
    assert result.outcome == "completed"
    (answer,) = results_in(result.messages)
    assert answer.error == "tool_error"
    assert "no job 'last'" in answer.content


def test_the_tools_say_what_they_do_and_which_of_them_ask():
    loaded = load_tools(NAMES)
    assert [tool.name for tool in loaded if tool.ask] == [
        "start_training",
        "stop_training",
        "quantize_model",
    ]
    assert [tool.name for tool in loaded if tool.read_only] == ["training_status", "evaluate_model"]


async def test_what_a_model_gets_wrong_comes_back_to_it(jobs):
    assert "no recipe 'magic'; there are: tiny" in await ask(jobs, "start_training", recipe="magic")
    # a file the agent wrote itself would run outside any sandbox
    assert "no recipe" in await ask(jobs, "start_training", recipe=TINY)
    wrong = await ask(jobs, "start_training", recipe="tiny", settings={"stepz": 1})
    assert "there is no setting 'stepz'" in wrong
    assert jobs.list() == []


async def test_one_job_at_a_time_and_it_can_be_stopped(jobs):
    slow = {"steps": 9999, "pause": 0.01}
    assert "is running" in await ask(jobs, "start_training", recipe="tiny", settings=slow)
    again = await ask(jobs, "start_training", recipe="tiny", settings=slow)
    assert again.startswith("tool_error: job ")
    assert "wait for it, or stop it" in again
    wait(jobs, jobs.get("last"), lambda job: job.progress)
    assert ": running" in await ask(jobs, "training_status", wait=0.2)
    assert ": cancelled (somebody stopped it)" in await ask(jobs, "stop_training")
    assert jobs.get("last").checkpoint


async def test_a_job_of_an_agent_is_bounded_in_time(jobs):
    (start, *_) = tools(jobs, limits=JobLimits(seconds=0.3))
    arguments = json.dumps({"recipe": "tiny", "settings": {"steps": 9999, "pause": 0.01}})
    await start.call(ToolCall(id="c", name="start_training", arguments=arguments))
    assert over(jobs, jobs.get("last")).reason == "the time limit of 0.3 s was reached"


def test_a_job_serves_what_it_made(jobs, tmp_path):
    recipe = tmp_path / "makes.py"
    recipe.write_text(
        "from agentlab_tools.train.recipe import Recipe, RecipeSettings\n"
        "class Settings(RecipeSettings):\n"
        "    model: str = 'local:smollm2'\n"
        "    name: str\n"
        "def run(settings, work):\n"
        "    work.artifact(settings.name, lambda path: path.write_bytes(b'GGUF'))\n"
        "recipe = Recipe('makes', '', Settings, run, needs=())\n"
    )

    def made(name: str) -> str:
        return over(jobs, jobs.submit(str(recipe), {"name": name})).id

    adapter, model, table = made("adapter.gguf"), made("model.gguf"), made("table.txt")
    file = jobs.folder / adapter / "artifacts" / "adapter.gguf"
    assert served(jobs, adapter) == f"local:smollm2+{file}"
    assert served(jobs, f"job:{adapter}") == served(jobs, adapter)
    assert served(jobs, model) == str(jobs.folder / model / "artifacts" / "model.gguf")
    assert served(jobs, "local:smollm2") == "local:smollm2"
    with pytest.raises(ConfigError, match="left no model"):
        served(jobs, table)
    with pytest.raises(ConfigError, match="not on this machine"):
        served(jobs, "openai:gpt-9")
    # what is trained on a job's model is served on it too, whichever job is the last by then
    second = jobs.submit(str(recipe), {"name": "adapter.gguf", "model": f"job:{adapter}"})
    over(jobs, second)
    theirs = jobs.folder / second.id / "artifacts" / "adapter.gguf"
    assert served(jobs, second.id) == f"local:smollm2+{file}+{theirs}"
