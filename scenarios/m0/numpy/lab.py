"""m0/numpy: the arrays by which a model chooses its words, and what they cost."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import sayings, scores, searches
from .judging import (
    changed,
    greedy,
    misshapen,
    misspoken,
    not_nearest,
    not_probabilities,
    slow,
)
from .tools import sandbox, speak

lab = Lab(
    id="m0/numpy",
    title="The last layer is yours",
    teaches=(
        "arrays, their shapes, and which axis is meant",
        "whether an array is a copy, or another's memory",
        "no loop, and no more memory than it takes",
    ),
    minutes=25,
    tools=(run_python, speak),
    equip=sandbox,
    steps=(
        ReadStep(id="memory"),
        code_step(
            "softmax",
            answers.SOFTMAX,
            Drawn(scores, practice=3, graded=9),
            hints=(
                "Run it. Which cases are wrong: those with several rows, or those that are cold?",
                "Each row needs a sum of its own: axis=-1, and keepdims=True so that it still "
                "lines up. And e to the power of 300 is too large for a float32.",
                "Take each row's largest score away before np.exp: the chances stay the same, and "
                "no power is larger than 1. With `-`, not `-=`.",
            ),
            checks=(
                every("shape", "the result has the shape of the scores", misshapen),
                every("chances", "they are the chances, at every temperature", not_probabilities),
                every("kept", "the scores it was given stay as they are", changed),
            ),
        ),
        code_step(
            "nearest",
            answers.NEAREST,
            Drawn(searches, practice=1, graded=3),
            hints=(
                "What do the two loops compute between them? A table: a row for each query, a "
                "column for each vector.",
                "queries @ vectors.T is that table of dot products. The lengths of the vectors "
                "divide its columns; those of the queries change no order.",
                "scores = queries @ vectors.T / np.linalg.norm(vectors, axis=1), then "
                "np.argsort(-scores, axis=1)[:, :k]",
            ),
            checks=(
                every("shape", "one row of k numbers for each query", misshapen),
                every("nearest", "they are the nearest by cosine, best first", not_nearest),
                every("speed", "it is four times as fast as the loop, or more", slow),
                every("memory", "it holds no more than 8 MB at once", greedy),
                every("kept", "the vectors it was given stay as they are", changed),
            ),
        ),
        code_step(
            "speak",
            answers.SPEAK,
            Drawn(sayings, practice=2, graded=4),
            runs_on="speak",
            hints=(
                "Three things: the k best, best first; the chances among those k alone; where the "
                "die falls when they lie side by side.",
                "np.cumsum of the chances has the right end of each share. The die's share is the "
                "first whose end lies beyond it.",
                "np.searchsorted(np.cumsum(chances), die, side='right') is its place among the "
                "k; return the token that stands there.",
            ),
            checks=(every("chosen", "every token is the one that the die chose", misspoken),),
        ),
        quiz(
            "whose-memory",
            "Whose memory is it?",
            (
                "A row of the scores was taken, row = scores[3], and then changed: row -= row.max()"
                ". Which lines would have kept `scores` as it was?"
            ),
            right(
                "row = scores[[3]] in the first line",
                "A list of numbers picks rows that need not lie side by side, so they are copied.",
            ),
            wrong(
                "row = scores[3:4] in the first line",
                "A slice is the same memory, described anew: where it begins, and how it strides.",
            ),
            wrong(
                "row = scores.reshape(-1, scores.shape[-1])[3] in the first line",
                "The block need not be moved to be read in another shape, so nothing is copied.",
            ),
            right(
                "row = row - row.max() in the second line",
                "That makes a new array and gives it the name; -= writes into the old one.",
            ),
            hints=("Two of them. Which lines make a new array?",),
        ),
    ),
)
