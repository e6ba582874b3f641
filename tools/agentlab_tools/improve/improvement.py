"""The loop: try, keep what was right, tune, choose; and at the end, one test of the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentlab.backends.llamacpp import registry
from agentlab.backends.schemes import is_local
from agentlab.errors import ConfigError
from agentlab.evaluate import Plan, compare, report
from agentlab.messages import Usage
from agentlab.trace.results import Results
from agentlab_tools.improve.findings import (
    Asked,
    Candidate,
    Change,
    Findings,
    Flip,
    Round,
    Talk,
    main_score,
)
from agentlab_tools.improve.flips import flips
from agentlab_tools.improve.goal import Goal
from agentlab_tools.improve.picking import pick
from agentlab_tools.improve.workshop import Workshop
from agentlab_tools.train.bridge.load import see
from agentlab_tools.train.jobs import Job

LEAST_CHATS, LEAST_PAIRS = 8, 8
"""Lines with which training is worth its time."""
_TALK = 24
"""Plain conversations of each kind that are read."""
LORA: Mapping[str, Any] = {"epochs": 3, "rows": 1, "held_out": 0.0, "lr": 5e-4}
_DPO: Mapping[str, Any] = {"epochs": 1, "rows": 4, "held_out": 0.0, "lr": 1e-4}


class Improvement:
    """One improvement, from its goal to its findings."""

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop
        self._asked: list[Results] = []
        self._jobs: list[Job] = []

    @property
    def goal(self) -> Goal:
        """What is to become better."""
        return self._shop.goal

    async def run(self) -> Findings:
        """Do all that is not done yet.

        Raises:
            ConfigError, ModelNotFound: the model can't be tuned, or is not there.
            AgentLabError: something can't be asked or trained.
        """
        goal = self.goal
        if not is_local(goal.backend):
            raise ConfigError(
                f"{goal.backend} can't be tuned from here: improve a model of this machine, e.g. "
                "local:smollm2, local:agent or a GGUF file"
            )
        see(goal.backend)
        began = await self._ask("choose-first", goal.backend, goal.choose)
        rounds: list[Round] = []
        tries: list[Results] = []
        candidates: list[Candidate] = []
        model, best = goal.backend, _asked(began)
        chosen: Candidate | None = None
        for number in range(1, goal.rounds + 1):
            tries.append(await self._ask(f"try-{number}", model, goal.learn))
            if goal.tries > 1:
                more = goal.tries - 1
                tries.append(await self._ask(f"vary-{number}", model, goal.learn, sampled=more))
            tuned = await self._tuned(number, tries, rounds)
            candidates += tuned
            for one in tuned:
                if one.chosen_on.mean > best.mean:
                    chosen, model, best = one, one.model, one.chosen_on
        change, flips, also = await self._compared(chosen)
        return Findings(
            task=goal.task,
            backend=goal.backend,
            began=_asked(began),
            rounds=tuple(rounds),
            candidates=tuple(candidates),
            best=chosen.name if chosen else None,
            change=change,
            flips=flips,
            also=also,
            talk=self._talk(chosen) if chosen else (),
            bound=goal.bound,
            usage=sum((r.usage for results in self._asked for r in results.results), Usage()),
            asking_seconds=sum(r.seconds for results in self._asked for r in results.results),
            training_seconds=sum(job.seconds for job in self._jobs),
        )

    async def _tuned(
        self, number: int, tries: Sequence[Results], rounds: list[Round]
    ) -> list[Candidate]:
        """What came of a round: a model tuned on what was right, and one that prefers it."""
        shop, goal = self._shop, self.goal
        chats, pairs = (shop.data / f"{kind}-{number}.jsonl" for kind in ("chats", "pairs"))
        picked = pick(tries, shop.runs, most=goal.most, chats=chats, pairs=pairs)
        rounds.append(Round(**picked.__dict__))
        shop.watcher.said(
            f"round {number}: {picked.right} of {picked.tried} tries were right, on "
            f"{picked.answered} of {picked.questions} questions; {picked.chats} conversations and "
            f"{picked.pairs} pairs to learn from"
        )
        if picked.chats < LEAST_CHATS:
            return []
        settings = {**LORA, "keep": str(plain_talk(shop.data)), **goal.lora}
        lora = await self._train(
            f"lora-{number}", "lora", {**settings, "data": str(chats), "model": goal.backend}
        )
        found = [await self._candidate(f"lora-{number}", lora)]
        if picked.pairs >= LEAST_PAIRS:
            told = {**_DPO, **goal.dpo, "data": str(pairs), "model": f"job:{lora.id}"}
            dpo = await self._train(f"dpo-{number}", "dpo", told)
            found.append(await self._candidate(f"dpo-{number}", dpo))
        return found

    async def _candidate(self, name: str, job: Job) -> Candidate:
        model = self._shop.jobs.model(job.id)
        results = await self._ask(f"choose-{name}", model, self.goal.choose)
        journal = self._shop.jobs.open(job.id)
        journal.poll()
        return Candidate(
            name=name,
            job=job.id,
            model=model,
            chosen_on=_asked(results),
            seconds=job.seconds,
            tokens=sum(step.tokens for step in journal.curve.values()),
        )

    async def _compared(
        self, chosen: Candidate | None
    ) -> tuple[Change | None, tuple[Flip, ...], dict[str, Change]]:
        """The test, and the other tasks, before and after."""
        goal = self.goal
        if chosen is None:
            return None, (), {}
        change, before, after = await self._changed("test", chosen, goal.test)
        also = {
            name: (await self._changed(f"also-{number}", chosen, plan))[0]
            for number, (name, plan) in enumerate(goal.also.items(), 1)
        }
        return change, flips(before, after, self._shop.runs), also

    async def _changed(
        self, stage: str, chosen: Candidate, plan: Plan
    ) -> tuple[Change, Results, Results]:
        before = await self._ask(f"{stage}-first", self.goal.backend, plan)
        after = await self._ask(f"{stage}-{chosen.name}", chosen.model, plan)
        compared = compare(before, after, seed=self.goal.seed)
        name = main_score(report(before).scores)
        return Change.of(_asked(before), _asked(after), compared[name]), before, after

    def _talk(self, chosen: Candidate) -> tuple[Talk, ...]:
        """Perplexity of talk that nothing was tuned on."""
        from agentlab_tools.train.toolcalling.talk import perplexities

        self._shop.watcher.said("reading plain talk, before and after")
        read = [
            perplexities(*files_of(name), most=_TALK) for name in (self.goal.backend, chosen.model)
        ]
        return tuple(Talk(kind=kind, before=read[0][kind], after=read[1][kind]) for kind in read[0])

    async def _ask(
        self, stage: str, model: str, plan: Plan, *, sampled: int | None = None
    ) -> Results:
        results = await self._shop.asked(stage, model, plan, sampled=sampled)
        self._asked.append(results)
        return results

    async def _train(self, stage: str, recipe: str, settings: Mapping[str, Any]) -> Job:
        job = await self._shop.trained(stage, recipe, settings)
        self._jobs.append(job)
        return job


def plain_talk(folder: Path) -> Path:
    """A file of conversations without tools, which are to be answered as they are now."""
    from agentlab_tools.train.toolcalling import generate

    path = folder / "talk.jsonl"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        generate.write(path, generate.talks("train"))
    return path


def _asked(results: Results) -> Asked:
    scores = report(results).scores
    return Asked.of(results.header.name, scores[main_score(scores)])


def files_of(name: str) -> tuple[Path, list[Path]]:
    """The GGUF of a model of this machine, and its adapters."""
    found = registry.find(name)
    return found.path, list(found.adapters.values())
