"""m3/vector-stores: one interface that four stores share, and the trade behind every index."""

from __future__ import annotations

from statistics import mean
from typing import Any, cast

from agentlab.labs import (
    Attempt,
    CaseRun,
    Check,
    Lab,
    ReadStep,
    Verdict,
)
from agentlab.labs.checks import printed, share
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.equipment import sandbox_with
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import CELLS as HOW_MANY
from .cases import COUNT, PROBES, K, clusters, histories, made

RECALL, LOOKED_AT = 0.9, 0.3


def like_the_real_ones(run: CaseRun) -> bool:
    """Every search found what Chroma, FAISS and DuckDB found."""
    return printed(run) == run.case.expect


def _cells(run: CaseRun) -> tuple[list[int], list[list[int]]] | None:
    """The cell of each vector, and the cells probed for each query; None if it is not that."""
    found = printed(run)
    if not isinstance(found, list) or len(cast(list[Any], found)) != 2:
        return None
    cell_of, probed = cast(list[list[Any]], found)
    if len(cell_of) != COUNT or not all(0 <= int(cell) < HOW_MANY for cell in cell_of):
        return None
    if any(len(set(cells)) > PROBES for cells in probed):
        return None
    return cell_of, probed


def finds_most_by_looking_at_few(attempt: Attempt) -> Verdict:
    """The cells probed hold nearly all of the true neighbours, and are few of all vectors."""
    import numpy as np

    recalls: list[float] = []
    looked: list[float] = []
    for run in attempt.runs:
        cells = _cells(run)
        if cells is None:
            return Verdict(
                passed=False,
                reason=f"build and probe did not return {COUNT} cells, and at most {PROBES} each",
            )
        vectors, queries = made(int(run.case.expect))
        if len(cells[1]) != len(queries):
            return Verdict(passed=False, reason="not every query was probed for")
        cell_of = np.array(cells[0])
        for query, probed in zip(queries, cells[1], strict=True):
            near = np.argsort(-(vectors @ query))[:K]
            inside = np.isin(cell_of, probed)
            recalls.append(float(inside[near].mean()))
            looked.append(float(inside.mean()))
    got, cost = mean(recalls), mean(looked)
    return Verdict(
        passed=got >= RECALL and cost <= LOOKED_AT,
        reason=f"recall@{K} {got:.3f} ({RECALL} needed), {cost:.0%} of the vectors looked at "
        f"({LOOKED_AT:.0%} allowed)",
    )


lab = Lab(
    id="m3/vector-stores",
    title="Finding neighbours in a hurry",
    teaches=(
        "what every vector store does, whatever its name",
        "why filters belong inside the search",
        "trading recall for speed, and measuring both",
    ),
    minutes=20,
    tools=(run_python,),
    equip=sandbox_with("numpy", timeout=30),
    steps=(
        ReadStep(id="one-interface"),
        code_step(
            "store",
            answers.STORE,
            Drawn(histories, practice=1, graded=4),
            hints=(
                "A dictionary from id to (vector, metadata) is a store already.",
                "Choose by `where` first, rank the chosen, then cut to k: in this order.",
                "scores = {id: row @ vector for … if all(about.get(n) == v for n, v in …)}, and "
                "sorted(scores, key=lambda id: -scores[id])[:k].",
            ),
            checks=(
                share(
                    "same",
                    "every search finds what Chroma, FAISS and DuckDB find",
                    like_the_real_ones,
                    1.0,
                    wanted="found the same",
                ),
            ),
        ),
        code_step(
            "cells",
            answers.CELLS,
            Drawn(clusters, practice=1, graded=3),
            hints=(
                "The starter deals vectors to cells like cards. Neighbours should share a cell.",
                "k-means: put each vector into the cell of its nearest centre, move each centre to "
                "the middle of its vectors, and repeat some ten times.",
                "np.argmax(vectors @ centres.T, axis=1) is each vector's cell; for a query probe "
                "np.argsort(-(centres @ query))[:n].",
            ),
            checks=(
                Check(
                    "trade",
                    f"recall@{K} of {RECALL}, with at most {LOOKED_AT:.0%} of the vectors "
                    "looked at",
                    finds_most_by_looking_at_few,
                ),
            ),
        ),
        quiz(
            "which-index",
            "Which index?",
            (
                "A folder of notes makes 3,000 passages. Somebody proposes an HNSW graph with a "
                "large ef_search, “because exact search does not scale”. What do you say?"
            ),
            wrong(
                "Yes: a graph is always faster.",
                "Walking a graph has a cost of its own, and building it more.",
            ),
            right(
                "Exact search over 3,000 vectors takes well under a millisecond and has a "
                "recall of 1. Measure first; build an index when there is something to gain.",
                "3,000 × 384 multiplications are nothing to a processor.",
            ),
            wrong(
                "No: approximate search is never good enough.",
                "A recall of 0.99 is plenty where the question itself is only roughly put.",
            ),
            right(
                "Whatever is chosen, check its recall against exact search on these very vectors.",
                "How well an index does depends on the vectors: the same graph that finds "
                "nearly all neighbours among sentences misses many among random directions.",
            ),
            hints=(
                "How many multiplications is one exact search?",
                "Two answers are right: one on cost, one on how to know.",
            ),
        ),
    ),
)
