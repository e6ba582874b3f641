"""What came of it, and what may be claimed: never more than an interval shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from agentlab.evaluate import Comparison, Interval
from agentlab.evaluate.report import ALL
from agentlab.messages import Usage, Value

Verdict: TypeAlias = Literal["better", "not shown", "worse", "nothing chosen"]
_LEVEL = 0.05


class Asked(Value):
    """How a model did on a part: a mean and its interval."""

    results: str
    """The name of the evaluation."""
    mean: float
    low: float | None
    high: float | None
    questions: int

    @classmethod
    def of(cls, results: str, interval: Interval) -> Asked:
        """From an evaluation's interval."""
        return cls(
            results=results,
            mean=interval.mean,
            low=interval.low,
            high=interval.high,
            questions=interval.n,
        )


class Change(Value):
    """Two models on the same questions: the second less the first."""

    before: Asked
    after: Asked
    mean: float
    low: float | None
    high: float | None
    better: int
    """Questions on which the second did better."""
    worse: int
    p: float
    """Of the exact test, two-sided."""

    @classmethod
    def of(cls, before: Asked, after: Asked, compared: Comparison) -> Change:
        """From a paired comparison."""
        return cls(
            before=before,
            after=after,
            mean=compared.difference.mean,
            low=compared.difference.low,
            high=compared.difference.high,
            better=compared.better,
            worse=compared.worse,
            p=compared.p,
        )


class Flip(Value):
    """A question of the test on which the two models differ."""

    question: str
    before: str
    after: str
    better: bool
    runs: tuple[str, str]
    """Of the first model and of the chosen one."""


class Candidate(Value):
    """A model that was tuned, and how it did on the questions set aside for choosing."""

    name: str
    """`lora-1`: from the first round's good runs; `dpo-1`: the same, then right before wrong."""
    job: str
    model: str
    """As `connect` takes it."""
    chosen_on: Asked
    seconds: float
    """Of training."""
    tokens: int
    """Learnt from."""


class Talk(Value):
    """Perplexity of plain talk that nothing was tuned on, before and after."""

    kind: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """As a share."""
        return self.after / self.before - 1


class Round(Value):
    """What was tried in a round, and what came of it to learn from, with the rounds before."""

    tried: int
    right: int
    questions: int
    answered: int
    chats: int
    pairs: int


class Findings(Value):
    """All numbers of an improvement. Each evaluation named here has its traces beside it."""

    task: str
    backend: str
    began: Asked
    """The first model on the questions set aside for choosing."""
    rounds: tuple[Round, ...]
    candidates: tuple[Candidate, ...]
    best: str | None
    """The name of the candidate that was chosen; None where none was better than the beginning."""
    change: Change | None
    """On questions that neither learning nor choosing has seen."""
    flips: tuple[Flip, ...] = ()
    """Some of the questions on which they differ."""
    also: dict[str, Change] = {}
    talk: tuple[Talk, ...] = ()
    bound: float
    usage: Usage
    """Of everything that was asked."""
    asking_seconds: float
    training_seconds: float

    @property
    def verdict(self) -> Verdict:
        """What may be said of the task."""
        return "nothing chosen" if self.change is None else verdict_of(self.change)

    @property
    def costs(self) -> tuple[str, ...]:
        """Where it became worse elsewhere, or may have by more than the bound."""
        found = [
            f"plain talk ({one.kind}): perplexity {one.change:+.1%}"
            for one in self.talk
            if one.change > self.bound
        ]
        for name, change in self.also.items():
            low = change.mean if change.low is None else change.low
            if low < -self.bound:
                found.append(f"{name}: {change.mean:+.3f}, and it may be {low:+.3f}")
        return tuple(found)

    @property
    def claim(self) -> str:
        """The result in a sentence."""
        if self.change is None:
            tuned = len(self.candidates)
            return (
                "None of the tuned models did better than the first on the questions set aside."
                if tuned
                else "There was too little to learn from, so nothing was tuned."
            )
        numbers = f"{self.change.before.mean:.3f} → {self.change.after.mean:.3f}"
        between = (
            f", the same on each (p = {self.change.p:.1g})"
            if self.change.low is None or self.change.high is None
            else f", difference {self.change.low:+.3f} … {self.change.high:+.3f}"
        )
        of = f"on {self.change.before.questions} questions it had not seen"
        said = {
            "better": "It became better",
            "worse": "It became worse",
            "not shown": "It is not shown that it became better",
        }[self.verdict]
        return f"{said}: {numbers} {of}{between}."


def verdict_of(change: Change) -> Verdict:
    """What may be said of a change."""
    low, high = change.low, change.high
    if low is None or high is None:  # the same on every question: a bootstrap sees no spread
        low = high = change.mean if change.p < _LEVEL else 0.0
    return "better" if low > 0 else "worse" if high < 0 else "not shown"


def main_score(scores: Mapping[str, Interval]) -> str:
    """The scorer that counts: all of them together, where there are several."""
    return ALL if ALL in scores else next(iter(scores))
