"""m0/linear-algebra: layers, projections, turns and low rank, on the weights of a real model."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import directions, halved, layers, once, turns
from .judging import (
    BUDGET,
    MOST_SURPRISE,
    SECONDS,
    changed,
    far,
    forgot,
    heavy,
    slow,
    stretched,
    wasteful,
)
from .tools import run_on_adapter, run_on_weights, sandbox

KEPT = every("kept", "what it is given stays as it was", changed)

lab = Lab(
    id="m0/linear-algebra",
    title="What made it an agent",
    teaches=(
        "a layer of a model as a matrix product, for any shape",
        "projecting and turning vectors",
        "low rank: what a change to a model can be cut down to",
    ),
    minutes=25,
    tools=(run_on_weights, run_on_adapter),
    equip=sandbox,
    steps=(
        ReadStep(id="rows"),
        code_step(
            "layer",
            answers.LAYER,
            Drawn(layers, practice=3, graded=6),
            runs_on="run_on_weights",
            hints=(
                "Every row of the weight makes one number of the result: its dot product with x. "
                "Which axis of which array has to be summed over?",
                "The last axis of x, and the last axis of weight. For the size, too: mean over "
                "axis=-1, with keepdims=True.",
                "x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * scale, then @ weight.T",
            ),
            checks=(
                every("same", "the model's own layers, for every shape of x", far),
                KEPT,
            ),
        ),
        code_step(
            "without",
            answers.WITHOUT,
            Drawn(directions, practice=3, graded=6),
            runs_on="run_on_weights",
            hints=(
                "How much of the direction is in a vector is a number, and another one for each.",
                "That number must not depend on how long the direction is: divide by "
                "direction @ direction.",
                "along = x @ direction / (direction @ direction), and along[..., None] * direction "
                "is what has to go.",
            ),
            checks=(
                every("gone", "nothing is left of the direction, and all of the rest", far),
                KEPT,
            ),
        ),
        code_step(
            "turn",
            answers.TURN,
            Drawn(turns, practice=3, graded=6),
            runs_on="run_on_weights",
            hints=(
                "The starter turns all pairs alike. The 32 pairs shall have 32 speeds.",
                "Pair i turns by 100000 ** (-2 * i / 64) for each position: np.outer of the "
                "positions and of that makes all angles.",
                "speeds = 100_000.0 ** (-np.arange(0, 64, 2) / 64); angles = np.outer(positions, "
                "speeds)",
            ),
            checks=(
                every("turned", "turned as the model turns them", far),
                every("length", "every vector is as long as before", stretched),
                KEPT,
            ),
        ),
        code_step(
            "halves",
            answers.HALVES,
            Drawn(halved, practice=3, graded=6),
            runs_on="run_on_weights",
            hints=(
                "Which few directions does the matrix stretch most? np.linalg.svd has them, in "
                "order.",
                "weight = u @ diag(sizes) @ v. Keep the first columns of u, sizes, and rows of v.",
                "u, sizes, v = np.linalg.svd(weight, full_matrices=False); u[:, :rank] * "
                "sizes[:rank] and v[:rank]",
            ),
            checks=(
                every("nearest", "of all products of that rank, none is nearer", wasteful),
                KEPT,
            ),
        ),
        code_step(
            "lighten",
            answers.LIGHTEN,
            Drawn(once, practice=1, graded=1),
            runs_on="run_on_adapter",
            hints=(
                "Your halves(b @ a, 2) is right, and slow: it looks for 576 directions where "
                "there are 16 at most.",
                "q, r = np.linalg.qr(b) splits b into directions of length 1, and what is left: a "
                "16 by 16 matrix. Do it with a.T, too, and multiply what is left.",
                "u, sizes, v = np.linalg.svd(r @ s.T) of q, r = qr(b) and p, s = qr(a.T); then "
                "q @ u[:, :2] * sizes[:2] and v[:2] @ p.T",
            ),
            checks=(
                every("light", f"an eighth of the numbers: {BUDGET:,} at most", heavy),
                every(
                    "calls",
                    f"the model foresees a call with {MOST_SURPRISE} nats a token at most",
                    forgot,
                ),
                every("quick", f"{SECONDS:.0f} seconds of processor time at most", slow),
            ),
        ),
        quiz(
            "which-rank",
            "Why could it be cut?",
            (
                "Cut to rank 2, the adapter still makes an agent. What would you expect of the "
                "model's own weights, cut to rank 2 in the same way?"
            ),
            wrong(
                "The same: weights of one model are much alike.",
                "You have halved both. At rank 16 the weights were still off by nine tenths of "
                "their length.",
            ),
            right(
                "A model that is lost, since its weights spread over hundreds of directions.",
                "Everything the model knows is in them. Only what was changed for one skill is "
                "thin, and that is the bet LoRA makes before it trains.",
            ),
            wrong(
                "A model that still talks, and no longer calls tools.",
                "The calls came with the change. What is left of the weights at rank 2 can't "
                "tell one word from another.",
            ),
            hints=("Compare how far off your halves were, of a weight and of a change.",),
        ),
    ),
)
