"""Evaluations: everything asked as often as wanted, nothing asked twice, all of it kept."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from evaluated import MANY, adder, evaluation, samples, task

from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError, ConfigError, LabError, TraceError
from agentlab.evaluate import Aids, Evaluation, compare, data_task, lab_task, report, scorer
from agentlab.labs.answers import AgentAnswer
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.runner import GRADING_SEED
from agentlab.labs.values import AgentStep
from agentlab.trace import Trace, runs_in, trace_path
from agentlab.trace.query import query
from agentlab.trace.results import Results, RunResult, Score, results_path


async def test_every_sample_is_a_run_with_a_trace_and_a_result(runs: Path):
    results = await evaluation(runs, scorers=("numeric", "steps:1")).run()
    assert [r.sample for r in results.results] == [f"s{n}" for n in range(8)]
    assert [r.passed for r in results.results] == [n % 4 != 3 for n in range(8)]
    trace = Trace.load(trace_path(runs, results.results[2].run))
    assert trace.header.labels == {"eval": "x", "sample": "s2", "epoch": "1"}
    found = report(results)
    assert found.scores["numeric"].mean == found.scores["passed"].mean == 0.75
    assert found.scores["steps:1"].mean == 1.0
    assert found.done == 8


async def test_sql_sees_the_results(runs: Path):
    await evaluation(runs).run()
    sql = "SELECT avg(value), count(*) FROM results WHERE name = 'x' AND score = 'numeric'"
    assert query(runs, sql)[1] == [(0.75, 8)]
    assert query(runs, "SELECT count(*) FROM runs WHERE passed")[1] == [(6,)]


async def test_epochs_ask_again_with_the_next_seed_and_count_as_one_sample(runs: Path):
    seeds: list[tuple[str, int | None]] = []

    def script(messages, tools, settings):
        seeds.append((messages[-1].text, settings.seed))
        return "0" if (settings.seed or 0) % 2 else adder(messages)

    given = AgentAnswer.model_validate({"settings": {"seed": 10}})
    made = data_task("sums", samples(2), given, Scripted(script), runs)
    results = await Evaluation(made, (scorer("numeric"),), runs, "x", epochs=3).run()
    assert sorted(seeds) == [(f"{n} + {n}", seed) for n in (0, 1) for seed in (10, 11, 12)]
    found = report(results)
    assert found.scores["numeric"].n == 2
    assert found.samples == {"s0": 1.0, "s1": pytest.approx(2 / 3)}


async def test_as_many_are_asked_at_once_as_was_said_and_no_more(runs: Path):
    now = most = 0

    async def script(messages, *_):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return adder(messages)

    results = await evaluation(runs, 12, script, concurrency=4).run()
    assert most == 4
    assert len(results.results) == 12


async def test_what_is_finished_is_not_asked_again_and_what_failed_is(runs: Path):
    asked: list[str] = []
    down = True

    def script(messages, *_):
        asked.append(messages[-1].text)
        return (
            BackendError("it is down") if down and messages[-1].text == "2 + 2" else adder(messages)
        )

    first = await evaluation(runs, 4, script).run()
    assert [r.error for r in first.results] == [None, None, "it is down", None]
    assert report(first).scores["numeric"].mean == 0.5
    assert len(report(first).failed) == 1
    assert evaluation(runs, 4, script).left() == 1
    down = False
    asked.clear()
    second = await evaluation(runs, 4, script).run()
    assert asked == ["2 + 2"]
    assert report(second).scores["numeric"].mean == 0.75
    assert report(second).failed == ()
    asked.clear()
    third = await evaluation(runs, 4, script, epochs=2).run()
    assert len(asked) == 4
    assert len(third.results) == 8


async def test_results_are_on_disk_before_anyone_is_told(runs: Path):
    def told(result: RunResult) -> None:
        assert result in Results.load(results_path(runs, "x")).results

    await evaluation(runs, 3).run(told)


async def test_other_questions_another_agent_or_other_scorers_need_another_name(runs: Path):
    await evaluation(runs, 4).run()
    for other in (
        evaluation(runs, 5),
        evaluation(runs, 4, scorers=("exact",)),
        Evaluation(task(runs, 4, instructions="Add."), (scorer("numeric"),), runs, "x"),
    ):
        with pytest.raises(ConfigError, match="choose another --name"):
            await other.run()
    assert len(Results.load(results_path(runs, "x")).results) == 4


async def test_a_mistake_in_the_data_ends_it_with_one_error(runs: Path):
    async def never(_code: str, _tests: str) -> Score:
        raise AssertionError

    code = scorer("code", Aids(run_code=never))
    with pytest.raises(ConfigError, match="tests"):
        await Evaluation(task(runs), (code,), runs, "x").run()


async def test_a_bug_is_raised_and_not_a_wrong_answer(runs: Path):
    def script(*_):
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await evaluation(runs, 2, script).run()
    assert caught.group_contains(ZeroDivisionError)


def test_killed_at_any_moment_it_goes_on_and_repeats_nothing_finished(runs: Path, tmp_path: Path):
    log = tmp_path / "asked.log"
    command = [sys.executable, str(Path(__file__).with_name("evaluated.py")), str(runs), str(log)]
    finished: dict[str, str] = {}
    for goal in (3, 11, 20):
        process = subprocess.Popen(command)
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            path = results_path(runs, "x")
            if path.exists() and path.read_bytes().count(b"\n") > goal:
                break
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kept = {r.sample: r.run for r in Results.load(results_path(runs, "x")).results}
        assert len(kept) >= goal
        assert finished.items() <= kept.items()
        finished = kept
    assert len(finished) < MANY
    asked_before = Counter(log.read_text().split())
    subprocess.run(command, check=True, timeout=60)
    results = Results.load(results_path(runs, "x"))
    assert len(results.results) == MANY
    assert finished.items() <= {r.sample: r.run for r in results.results}.items()
    asked = Counter(log.read_text().split())
    for sample in finished:
        assert asked[sample.removeprefix("s")] == asked_before[sample.removeprefix("s")]
    # at most what was under way when it was killed is asked again
    assert sum(asked.values()) <= MANY + 3 * 3


async def test_a_comparison_is_made_sample_by_sample(runs: Path):
    await evaluation(runs, 8, name="a").run()
    await evaluation(
        runs,
        8,
        lambda messages, *_: (
            adder(messages)
            if "7" in messages[-1].text
            else f"{2 * int(messages[-1].text.split()[0])}"
        ),
        name="b",
    ).run()
    before, after = (Results.load(results_path(runs, name)) for name in "ab")
    found = compare(before, after)["numeric"]
    assert (found.better, found.worse, found.test) == (1, 0, "mcnemar")
    assert found.difference.mean == pytest.approx(1 / 8)
    await evaluation(runs, 5, name="c").run()
    with pytest.raises(TraceError, match="different questions"):
        compare(before, Results.load(results_path(runs, "c")))


async def test_a_step_of_a_lab_is_evaluated_by_its_own_checks(runs: Path):
    lab = load(find_folder("m5/tool-use", lab_roots()))
    step = lab.step("sums")
    assert isinstance(step, AgentStep)
    right = [case.expect for case in step.cases(Random(GRADING_SEED), 3)]
    backend = Scripted([f"{right[0]}", "0", f"{right[2]}"])
    made = lab_task(lab, "sums", backend, runs, count=3)
    assert [check.id for check in made.checks] == ["right", "called"]
    aids = Aids(checks=made.checks, answer=made.answer)
    both = (scorer("check:right", aids), scorer("check:called", aids))
    results = await Evaluation(made, both, runs, "lab").run()
    assert [r.scores["check:right"].passed for r in results.results] == [True, False, True]
    assert not any(r.passed for r in results.results)
    labels = {Trace.load(path).header.labels["lab"] for path in runs_in(runs)}
    assert labels == {"m5/tool-use"}
    with pytest.raises(LabError, match="no agent to evaluate"):
        lab_task(lab, "whose-mistake", backend, runs)


async def test_the_same_results_give_the_same_report(runs: Path):
    results = await evaluation(runs, 20).run()
    assert report(results, seed=3) == report(Results.load(results.path), seed=3)


def test_secrets_of_the_agent_do_not_reach_the_results(runs: Path):
    made = task(runs, 2, lambda *_: "My key, which I tell to no one at all, is now canary-77b1")
    made = replace(made, agent=made.agent.with_(secrets=("canary-77b1",)))
    asyncio.run(Evaluation(made, (scorer("exact"),), runs, "x").run())
    files = [path for path in runs.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert not any(b"canar" in path.read_bytes() for path in files)
