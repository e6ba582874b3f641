"""m5/quantization: what fewer bits a weight save, and what they cost, on the real model."""

from __future__ import annotations

from agentlab.labs import CaseRun, Lab, ReadStep
from agentlab.labs.checks import share, told
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import LOSS, MEGABYTES, budgets, levels_and_error, roundings
from .measuring import quantize_and_measure, sandbox


def few_enough_levels(run: CaseRun) -> bool:
    """No block has more different numbers than its bits can tell apart."""
    found = levels_and_error(told(run), run.case.facts["rows"])
    return found is not None and found[0] <= run.case.expect["levels"]


def near_enough(run: CaseRun) -> bool:
    """The weights are about as close to what they were as one scale a block allows."""
    found = levels_and_error(told(run), run.case.facts["rows"])
    return found is not None and found[1] <= run.case.expect["error"]


def small_enough(run: CaseRun) -> bool:
    """The file fits the budget."""
    return told(run).get("megabytes", 1e9) <= run.case.expect["megabytes"]


def good_enough(run: CaseRun) -> bool:
    """The model is hardly more surprised by text than it was."""
    return told(run).get("loss", 1e9) <= run.case.expect["loss"]


lab = Lab(
    id="m5/quantization",
    title="Fewer bits a weight",
    teaches=(
        "rounding weights in blocks, each with a scale of its own",
        "measuring what a quantized model lost, by its perplexity",
        "choosing a kind by numbers instead of by its name, and by what the model is for",
    ),
    minutes=20,
    # a case brings back twelve rows of weights
    tools=(run_python.with_(max_chars=60_000), quantize_and_measure),
    equip=sandbox,
    steps=(
        ReadStep(id="why-fewer-bits"),
        code_step(
            "round",
            answers.ROUND,
            Drawn(roundings, practice=2, graded=4),
            hints=(
                "With b bits, a signed whole number reaches from -(2^(b-1) - 1) to 2^(b-1) - 1. "
                "Which scale makes the largest weight just fit?",
                "One large weight makes the scale coarse for all that share it. Let only 32 "
                "neighbours share one: rows.reshape(-1, 32).",
                "scales = abs(blocks).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1), then "
                "np.round(blocks / scales) * scales, in the shape of rows.",
            ),
            checks=(
                share(
                    "levels",
                    "no block has more different numbers than its bits can tell apart",
                    few_enough_levels,
                    1.0,
                    wanted="fit their bits",
                ),
                share(
                    "error",
                    "weights stay as close as one scale for 32 of them allows",
                    near_enough,
                    1.0,
                    wanted="close enough",
                ),
            ),
        ),
        code_step(
            "choose",
            answers.CHOOSE,
            Drawn(budgets, practice=1, graded=1),
            runs_on="quantize",
            hints=(
                "Try a few kinds, and write down what each weighs and what it loses.",
                "The number in a name is the bits of most weights, not of all, and not how good "
                "the rest is. Two kinds weigh nearly the same and lose very differently.",
                "Look among those with a K and an M: they spend bits where they matter.",
            ),
            checks=(
                share(
                    "size",
                    f"the file has at most {MEGABYTES:.0f} MB",
                    small_enough,
                    1.0,
                    wanted="small enough",
                ),
                share(
                    "loss",
                    f"its perplexity is at most {LOSS:.0%} above that of F16",
                    good_enough,
                    1.0,
                    wanted="good enough",
                ),
            ),
        ),
        quiz(
            "where-it-helps",
            "Where the speed comes from",
            (
                "On the same processor, a file of four bits a weight writes almost twice as many "
                "tokens a second as one of sixteen. Why?"
            ),
            wrong(
                "Multiplying small numbers needs fewer steps than multiplying large ones.",
                "The weights are turned back into ordinary numbers, or multiplied as bytes; "
                "the processor mostly waits for memory either way.",
            ),
            right(
                "To write one token, every weight is fetched from memory once, and a "
                "quarter of the bytes take a quarter of the time to fetch.",
                "Yes. Reading a long prompt gains less: many tokens share each fetched "
                "weight, and then the multiplying counts.",
            ),
            wrong(
                "The model skips weights that were rounded to zero.",
                "Nothing is skipped: a zero is fetched and multiplied like any other weight.",
            ),
            wrong(
                "It writes shorter answers.",
                "How long an answer is has nothing to do with it.",
            ),
            hints=("How often is a weight used while one token is written?",),
        ),
        ReadStep(id="and-the-agent"),
    ),
)
