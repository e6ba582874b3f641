"""What an evaluation found: a mean for each scorer and how sure it is, or two, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from agentlab.errors import TraceError
from agentlab.evaluate.statistics import Comparison, Interval, mean_interval, paired
from agentlab.messages import Usage
from agentlab.trace.results import Results, RunResult

ALL = "passed"
"""The name under which `every scorer passed` is reported, where there are several."""


@dataclass(frozen=True)
class Report:
    """One evaluation.

    Attributes:
        scores: by scorer, and `passed` for all of them together where there are several.
        samples: of each sample, the mean over its epochs of every scorer's mean.
    """

    name: str
    scores: dict[str, Interval]
    samples: dict[str, float]
    done: int
    failed: tuple[RunResult, ...]
    usage: Usage
    seconds: float


def report(results: Results, *, seed: int = 0) -> Report:
    """Sum results up. A run that failed counts as wrong.

    Raises:
        TraceError: there are none yet.
    """
    if not results.results:
        raise TraceError(f"{results.header.name} has no results yet")
    names = scorers_of(results)
    by_name = {name: means(results, name) for name in names}
    means_of_all = {
        sample: fmean(values[sample] for values in by_name.values()) for sample in by_name[names[0]]
    }
    return Report(
        name=results.header.name,
        scores={
            name: mean_interval(list(values.values()), seed=seed)
            for name, values in by_name.items()
        },
        samples=means_of_all,
        done=len(results.results),
        failed=tuple(r for r in results.results if r.error is not None),
        usage=sum((r.usage for r in results.results), Usage()),
        seconds=sum(r.seconds for r in results.results),
    )


def scorers_of(results: Results) -> list[str]:
    """The scorers of an evaluation, and `passed` where there are several."""
    listed = results.header.about.get("scorers")
    names: Sequence[str] = (
        [str(name) for name in listed]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if isinstance(listed, list) and listed
        else sorted({name for r in results.results for name in r.scores})
    )
    return [*names, ALL] if len(names) != 1 else list(names)


def means(results: Results, scorer: str) -> dict[str, float]:
    """The mean over its epochs of each sample's score."""
    values: dict[str, list[float]] = {}
    for result in results.results:
        values.setdefault(result.sample, []).append(_value(result, scorer))
    return {sample: fmean(scores) for sample, scores in values.items()}


def _value(result: RunResult, scorer: str) -> float:
    if scorer == ALL:
        return float(result.passed)
    score = result.scores.get(scorer)
    return 0.0 if score is None or result.error is not None else score.value


def compare(first: Results, second: Results, *, seed: int = 0) -> dict[str, Comparison]:
    """Two evaluations, on the samples and scorers that both have.

    Raises:
        TraceError: they have nothing in common, or are of different data.
    """
    data = [results.header.about.get("data") for results in (first, second)]
    if data[0] != data[1]:
        raise TraceError(
            f"{first.header.name} and {second.header.name} were asked different questions, so "
            "they can't be compared"
        )
    by_scorer: dict[str, Comparison] = {}
    names = [name for name in scorers_of(first) if name in scorers_of(second)]
    for name in names:
        ours, theirs = means(first, name), means(second, name)
        both = [sample for sample in ours if sample in theirs]
        if both:
            by_scorer[name] = paired([ours[s] for s in both], [theirs[s] for s in both], seed=seed)
    if not by_scorer:
        raise TraceError(
            f"{first.header.name} and {second.header.name} have no sample and scorer in common"
        )
    return by_scorer
