"""m3/embeddings: nearest by meaning, measured against search by words, and the two together."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import isclose
from statistics import mean
from typing import cast

from agentlab.labs import (
    Attempt,
    CaseRun,
    Check,
    Equipment,
    Lab,
    ReadStep,
    Verdict,
)
from agentlab.labs.checks import share
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute import Sandbox, SandboxLimits
from agentlab_tools.execute.equipment import equipped
from agentlab_tools.execute.tools import run_python

from . import answers
from .articles import recall, world
from .cases import mixtures, neighbours, rankings, read

K = 5


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with the articles' vectors in its workspace."""
    import numpy as np

    known = world()
    limits = SandboxLimits(timeout=30)
    async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
        for name, array in (("vectors", known.vectors), ("asked", known.asked)):
            file = io.BytesIO()
            np.save(file, array)
            await opened.write_file(f"{name}.npy", file.getvalue())
        about = [
            {"name": name, "text": text}
            for name, text in zip(known.names, known.texts, strict=True)
        ]
        await opened.write_file("articles.json", json.dumps(about, ensure_ascii=False))
        questions = [question.text for question in known.questions]
        await opened.write_file("questions.json", json.dumps(questions, ensure_ascii=False))
        yield equipped(opened)


def printed(run: CaseRun) -> str:
    """What the last call printed, if it did not fail."""
    return run.calls[-1][1].content if run.calls and not run.calls[-1][1].error else ""


def nearest_by_cosine(run: CaseRun) -> bool:
    """The articles are those nearest by cosine, in order."""
    return read(printed(run)) == run.case.expect


def measured_rightly(run: CaseRun) -> bool:
    """Every share is the one that was to be measured."""
    shares = read(printed(run))
    found = cast(list[object], shares) if isinstance(shares, list) else []
    expect = cast(list[float], run.case.expect)
    return len(found) == len(expect) and all(
        isinstance(one, int | float) and isclose(one, other, abs_tol=1e-9)
        for one, other in zip(found, expect, strict=True)
    )


def _fused(run: CaseRun) -> list[list[int]]:
    """The rankings that came out; none if they are not rankings of the articles' numbers."""
    found = read(printed(run))
    count = len(world().names)
    if not isinstance(found, list) or len(cast(list[object], found)) != len(run.case.expect):
        return []
    for ranking in cast(list[object], found):
        if not isinstance(ranking, list):
            return []
        numbers = cast(list[object], ranking)
        if len(set(map(str, numbers))) < len(numbers):
            return []
        if not all(isinstance(n, int) and 0 <= n < count for n in numbers):
            return []
    return cast(list[list[int]], found)


def beats_both(attempt: Attempt) -> Verdict:
    """Over all questions, more of what is right is among the first five than in either ranking."""
    known = world()
    shares: dict[str, list[float]] = {"fused": [], "words": [], "meaning": []}
    for run in attempt.runs:
        fused = _fused(run)
        if not fused:
            return Verdict(
                passed=False, reason="fuse did not return each article's number at most once"
            )
        for question, ranking in zip(cast(list[int], run.case.expect), fused, strict=True):
            right = known.questions[question].right
            shares["fused"].append(recall(ranking, right, K))
            shares["words"].append(recall(known.by_words[question], right, K))
            shares["meaning"].append(recall(known.by_meaning[question], right, K))
    got = {name: mean(found) for name, found in shares.items() if found}
    best = max(got["words"], got["meaning"])
    told = ", ".join(f"{name} {value:.3f}" for name, value in got.items())
    return Verdict(passed=got["fused"] >= best + 0.01, reason=f"recall@{K}: {told}")


lab = Lab(
    id="m3/embeddings",
    title="Near in meaning",
    teaches=(
        "comparing texts by the cosine of their vectors",
        "measuring a search by its recall",
        "when words find more than meaning, and how to have both",
    ),
    minutes=20,
    tools=(run_python,),
    equip=sandbox,
    steps=(
        ReadStep(id="directions"),
        code_step(
            "nearest",
            answers.NEAREST,
            Drawn(neighbours, practice=1, graded=3),
            hints=(
                "Print the lengths: np.linalg.norm(vectors, axis=1). Are they equal?",
                "The cosine is the dot product divided by both lengths; the query's is the same "
                "for all rows, so it changes no order.",
                "scores = vectors @ query / np.linalg.norm(vectors, axis=1), then np.argsort.",
            ),
            checks=(
                share(
                    "nearest",
                    "every question gets the articles nearest to it by cosine",
                    nearest_by_cosine,
                    1.0,
                    wanted="found the nearest",
                ),
            ),
        ),
        code_step(
            "measure",
            answers.RECALL,
            Drawn(rankings, practice=1, graded=3),
            hints=(
                "Of what is it a share: of what was looked at, or of what is right?",
                "If two articles are right and one of them is among the first k, that is 1/2.",
                "len(set(ranked[:k]) & right) / len(right)",
            ),
            checks=(
                share(
                    "recall",
                    "every ranking is measured rightly",
                    measured_rightly,
                    1.0,
                    wanted="measured rightly",
                ),
            ),
        ),
        code_step(
            "fuse",
            answers.FUSE,
            Drawn(mixtures, practice=1, graded=3),
            hints=(
                "The two scores are on different scales, but ranks can be compared.",
                "Let every ranking give an article points: many for a high rank, few for a low.",
                "1 / (20 + rank), summed over both rankings; an article that is in one only gets "
                "points from that one.",
            ),
            checks=(
                Check("more", "the fused ranking finds more than either of the two", beats_both),
            ),
        ),
        quiz(
            "blind-spot",
            "The blind spot of embeddings",
            (
                "A search by meaning answers “Is the drug safe?” with “The drug is not safe” at a "
                "cosine of 0.9. What went wrong?"
            ),
            right(
                "Nothing: near in meaning is not the same as agreeing. Whether a text says "
                "yes or no must be read, not measured.",
                "Both texts are about the same thing, and that is what the vectors say.",
            ),
            wrong(
                "The vectors were not normalised.",
                "The cosine divides by the lengths, whatever they are.",
            ),
            wrong(
                "384 numbers are too few; more dimensions would tell the two apart for sure.",
                "Larger models also put a sentence and its negation close together: they "
                "occur in the same company.",
            ),
            wrong(
                "The search should have used the Euclidean distance.",
                "For vectors of length 1 it gives the same order as the cosine.",
            ),
            hints=("What do the two sentences share, and what does one word change?",),
        ),
    ),
)
