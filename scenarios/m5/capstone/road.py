"""The whole road with a learner's program: tries, what it picks, training, the test, its verdict.

All of it is an improvement as `agentlab improve` makes them, in `improve` in AGENTLAB_HOME, so that
the runs behind every number can be looked at. What was tried with the same settings is not tried
again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from agentlab.backend import Settings
from agentlab.backends.llamacpp.registry import split
from agentlab.errors import ToolError
from agentlab.evaluate import Plan, Sample, compare, report
from agentlab.evaluate.plan import given
from agentlab.export.chat import NotAnExample, lines
from agentlab.labs.answers import AgentAnswer, Example
from agentlab.labs.attempt import Case
from agentlab.limits import Limits
from agentlab.places.home import home
from agentlab.private import private_folder
from agentlab.trace import Trace
from agentlab.trace.reading import trace_path
from agentlab.trace.results import Results, RunResult
from agentlab_tools.improve.findings import Asked, Change, main_score, verdict_of
from agentlab_tools.improve.goal import Goal
from agentlab_tools.improve.improvement import LORA, files_of, plain_talk
from agentlab_tools.improve.workshop import Workshop
from agentlab_tools.train.jobs import Job, Jobs

from . import task

LEARN, TEST = 60, 40
BOUND = 0.05
"""By how much the perplexity of plain talk may rise."""
MODEL = "local:smollm2"
_TALK = 5
_LEAST = 4
AGENT = AgentAnswer(
    instructions="Write the date in the text as year-month-day, for example 1999-12-31, and "
    "nothing else.",
    examples=(
        Example(user="The war ended on May 8, 1945. Which date is that?", answer="1945-05-08"),
    ),
    settings=Settings(temperature=0, max_tokens=16, repeat_penalty=1.0),
    limits=Limits(steps=1),
)
ALLOWED: Mapping[str, tuple[float, float]] = {
    "tries": (1, 6),
    "temperature": (0.05, 2),
    "epochs": (0.5, 12),
    "lr": (1e-6, 0.1),
}
"""What a program may choose, and between what."""
Emit = Callable[[str], None]
Called = Callable[[str, Any], Awaitable[Any]]
"""Calls a function of the program with arguments, inside."""


def _unheard(_: RunResult) -> None:
    """Nobody looks."""


@dataclass
class Told:
    """Tells of stages, and waits for jobs."""

    emit: Emit

    def said(self, text: str) -> None:
        """A line."""
        self.emit(f"{text}\n")

    def asking(self, stage: str, left: int) -> Callable[[RunResult], None]:
        """Only that it begins."""
        if left:
            self.emit(f"{stage}: {left} runs\n")
        return _unheard

    async def training(self, stage: str, jobs: Jobs, job: Job) -> Job:
        """Wait until it is over; it ends with whoever waits."""

        def wait() -> Job:
            return [*jobs.watch(job.id)][-1]

        self.emit(f"{stage}: training\n")
        try:
            return await asyncio.to_thread(wait)
        except asyncio.CancelledError:
            jobs.cancel(job.id, grace=0)
            raise


def goal_of(seed: int) -> Goal:
    """The task in parts, drawn from a seed."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    drawn = task.questions(rng, LEARN + TEST)
    samples = [Sample(f"q{n}", Case(asked, right)) for n, (asked, right) in enumerate(drawn)]
    learn, test = (
        Plan(task="dates", samples=given(part), answer=AGENT, scorers=("exact",))
        for part in (samples[:LEARN], samples[LEARN:])
    )
    # nothing is chosen here: one model is tuned
    return Goal(backend=MODEL, learn=learn, choose=test, test=test, temperature=1, seed=seed)


async def walked(
    seed: int, called: Called, emit: Emit, made: Callable[[Path], None]
) -> tuple[str, dict[str, str | None]]:
    """(what to show, what is wrong by check); `made` is told the adapter that was learnt."""
    goal = goal_of(seed)
    chosen = settings_of(await called("settings", None))
    folder = private_folder(home() / "improve" / f"m5-capstone-{seed}")
    goal.save(folder)
    shop = Workshop(
        goal.model_copy(update={"temperature": chosen["temperature"]}), folder, Told(emit)
    )
    tries = await _tried(shop, chosen)
    rows = [row for results in tries for row in _rows(results, shop)]
    later = [sample.input for sample in goal.test.samples or ()]
    kept = await called("pick", [rows, later])
    found: dict[str, str | None] = dict.fromkeys(("own", "apart", "better", "talk", "claim"))
    picked = _matched(rows, kept)
    if picked is None or len(picked) < _LEAST:
        found["own"] = f"pick must return messages of {_LEAST} tries at least, as they are"
    elif {row["question"] for row in picked} & set(later):
        found["apart"] = "questions of the test are learnt from"
    if any(found.values()) or picked is None:
        return f"{len(rows)} tries", {**found, "better": None, "talk": None, "claim": None}
    right = sum(row["right"] for row in picked)
    emit(f"learning from {len(picked)} of {len(rows)} tries, {right} of them right\n")
    model, name = await _tuned(shop, picked, chosen)
    made(Path(split(model)[1][0]))
    before = await shop.asked("test-first", MODEL, goal.test)
    after = await shop.asked(f"test-{name}", model, goal.test)
    change = changed(before, after)
    said = await called("verdict", [_marks(before), _marks(after)])
    talk = await asyncio.to_thread(_talk, model)
    found["better"] = _not_better(change)
    worst = max(talk.values())
    if worst > BOUND:
        found["talk"] = f"plain talk: the perplexity rose by {worst:.1%}, {BOUND:.0%} are allowed"
    truth = verdict_of(change)
    if said != truth:
        found["claim"] = f"your verdict is {said!r}; the results say {truth!r}"
    shown = (
        f"{right} right tries of {len(picked)} learnt from; {change.before.mean:.2f} → "
        f"{change.after.mean:.2f} on {TEST} questions, {change.better} better, {change.worse} "
        f"worse; plain talk {worst:+.1%}; {folder}"
    )
    return shown, found


def settings_of(said: object) -> dict[str, float]:
    """A program's settings, each in its bounds.

    Raises:
        ToolError: not so.
    """
    if not isinstance(said, dict) or set(said) != set(ALLOWED):  # pyright: ignore[reportUnknownArgumentType]
        raise ToolError(f"SETTINGS must have {', '.join(ALLOWED)}, and nothing else")
    for name, (low, high) in ALLOWED.items():
        value: object = said[name]  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(value, int | float) or not low <= value <= high:
            raise ToolError(f"{name} must be a number from {low:g} to {high:g}")
    return {name: float(said[name]) for name in ALLOWED}  # pyright: ignore[reportUnknownArgumentType]


async def _tried(shop: Workshop, chosen: Mapping[str, float]) -> list[Results]:
    tries = [await shop.asked("try", MODEL, shop.goal.learn)]
    more = round(chosen["tries"]) - 1
    if more:
        stage = f"vary-{chosen['temperature']:g}-{more}"
        tries.append(await shop.asked(stage, MODEL, shop.goal.learn, sampled=more))
    return tries


def _rows(results: Results, shop: Workshop) -> list[dict[str, Any]]:
    """What a program sees of tries."""
    rows: list[dict[str, Any]] = []
    for result in results.results:
        try:
            (line,) = lines(Trace.load(trace_path(shop.runs, result.run)))
        except NotAnExample:
            continue
        messages = json.loads(line)["messages"]
        rows.append(
            {
                "question": messages[-2]["content"],
                "answer": messages[-1]["content"],
                "right": result.passed,
                "tokens": result.usage.output_tokens,
                "messages": messages,
            }
        )
    return rows


def _matched(rows: Sequence[dict[str, Any]], kept: object) -> list[dict[str, Any]] | None:
    """The tries whose messages were returned; None if some are of no try."""
    known = {json.dumps(row["messages"], sort_keys=True): row for row in rows}
    try:
        return [known[json.dumps(one, sort_keys=True)] for one in kept]  # pyright: ignore[reportUnknownVariableType, reportGeneralTypeIssues]
    except (KeyError, TypeError):
        return None


async def _tuned(
    shop: Workshop, picked: Sequence[Mapping[str, Any]], chosen: Mapping[str, float]
) -> tuple[str, str]:
    """(the tuned model, the name of its stage)."""
    text = "".join(json.dumps({"messages": row["messages"]}) + "\n" for row in picked)
    told = {"epochs": chosen["epochs"], "lr": chosen["lr"]}
    digest = hashlib.sha256(f"{text}{json.dumps(told)}".encode()).hexdigest()[:8]
    data = private_folder(shop.data) / f"{digest}.jsonl"
    data.write_text(text, encoding="utf-8")
    settings = {**LORA, "keep": str(plain_talk(shop.data)), **told}
    job = await shop.trained(
        f"lora-{digest}", "lora", {**settings, "data": str(data), "model": MODEL}
    )
    return shop.jobs.model(job.id), f"lora-{digest}"


def changed(before: Results, after: Results) -> Change:
    """Two models on the same questions."""
    scores = [report(results).scores for results in (before, after)]
    name = main_score(scores[0])
    asked = [
        Asked.of(results.header.name, found[name])
        for results, found in zip((before, after), scores, strict=True)
    ]
    return Change.of(asked[0], asked[1], compare(before, after)[name])


def _marks(results: Results) -> list[int]:
    """1 for each question that came out right, in the order of questions."""
    by_sample = {result.sample: int(result.passed) for result in results.results}
    return [by_sample[name] for name in sorted(by_sample)]


def _not_better(change: Change) -> str | None:
    if verdict_of(change) == "better":
        return None
    return (
        f"{change.before.mean:.2f} → {change.after.mean:.2f}: {change.better} questions became "
        f"right and {change.worse} wrong, which is not shown to be better"
    )


def _talk(model: str) -> dict[str, float]:
    """How much the perplexity of plain talk rose, as a share, by kind."""
    before, after = _talked(MODEL), _talked(model)
    return {kind: after[kind] / before[kind] - 1 for kind in before}


@lru_cache(maxsize=2)
def _talked(model: str) -> dict[str, float]:
    from agentlab_tools.train.toolcalling.talk import perplexities

    return perplexities(*files_of(model), most=_TALK)
