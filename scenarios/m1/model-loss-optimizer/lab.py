"""m1/model-loss-optimizer: what a loss punishes, how an optimizer walks, and a model's stars."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import lessons, losses, moves, readings
from .judging import (
    NEAR,
    STARS,
    STEADY,
    WORST,
    astray,
    changed,
    entangled,
    far_off,
    miscosted,
    missloped,
    stars_off,
    unlucky,
    unsteady,
)
from .tools import sandbox, teach_stars

KEPT = every("kept", "what it is given stays as it was", changed)

lab = Lab(
    id="m1/model-loss-optimizer",
    title="What it is punished for",
    teaches=(
        "three losses, and which mistakes each of them can't bear",
        "SGD, momentum and Adam, and what a ravine does to them",
        "that the data can matter more than both",
    ),
    minutes=25,
    tools=(run_python, teach_stars),
    equip=sandbox,
    steps=(
        ReadStep(id="three-parts"),
        code_step(
            "losses",
            answers.COSTS,
            Drawn(losses, practice=3, graded=6),
            hints=(
                "Which of the three formulas has the wrong slope? And what is exp(900)?",
                "log(1 + e^s) is np.logaddexp(0, s). The log loss is that, less truth times s.",
                "(1 + np.tanh(guess / 2)) / 2 is the chance, and never overflows; its slope is "
                "chance - truth.",
            ),
            checks=(
                every("costs", "each guess costs what it should", miscosted),
                every("slopes", "and has the slope that belongs to it", missloped),
                KEPT,
            ),
        ),
        code_step(
            "movers",
            answers.MOVERS,
            Drawn(moves, practice=3, graded=3),
            hints=(
                "After one move, how much of the slope is in Adam's mean? And who else uses the "
                "speed?",
                "Make the speed a variable of the function that returns move, and say nonlocal. "
                "For Adam count the moves, too.",
                "Adam: divide the mean by 1 - keep**moves and the square by 1 - "
                "keep_squares**moves, before the root.",
            ),
            checks=(
                every("moves", "each walk goes where it should", astray),
                every("apart", "two walks at a time don't disturb each other", entangled),
                KEPT,
            ),
        ),
        code_step(
            "fit",
            answers.FIT,
            Drawn(readings, practice=1, graded=2),
            hints=(
                "Print what each row costs by each loss. Who decides where the line goes?",
                "Take the absolute loss. Then one step must suit both numbers: tokens / "
                "tokens.max() is about as large as 1.",
                "4,000 moves of adam(0.01) with the slopes of the absolute loss; divide the second "
                "number by tokens.max() at the end.",
            ),
            checks=(
                every("near", f"it foretells the work to {NEAR:.0%}, in every draw", far_off),
                every("steady", f"its seconds a token are {STEADY:.0%} apart at most", unsteady),
            ),
        ),
        code_step(
            "teach",
            answers.TEACH,
            Drawn(lessons, practice=1, graded=1),
            runs_on="teach_stars",
            hints=(
                "Look at scores.mean(axis=0) and scores.std(axis=0). What does a step on a weight "
                "do to every guess?",
                "Subtract the mean of each column, divide by its std, take the absolute loss. "
                "Begin at the median star.",
                "Undo it at the end: weights = x[1:] / std, start = x[0] - mean @ weights. SGD "
                "with 0.01 and 1,500 moves will do.",
            ),
            checks=(
                every("near", f"its stars are {STARS} off at most, on average", stars_off),
                every("worst", f"and {WORST} at most in the worst of five draws", unlucky),
            ),
        ),
        quiz(
            "what-mattered",
            "What mattered?",
            "Model, loss, optimizer: which of these do your measurements show?",
            right(
                "The loss decided what was learnt; a better optimizer got to the wrong place "
                "faster.",
                "Under the squared loss, a walk that hardly left the median star was 1.3 off. "
                "Those that arrived were 6.6 off, with any optimizer.",
            ),
            wrong(
                "Adam makes it unnecessary to look at the data.",
                "On scores as they came it was 1.21 stars off, by the absolute loss; plain SGD on "
                "centred ones was 0.77 off.",
            ),
            right(
                "Subtracting a mean from each score did more than any optimizer.",
                "All five lie around 33 and move together: a ravine. Centred and scaled, all "
                "three optimizers came to 0.8 by two losses.",
            ),
            wrong(
                "The absolute loss is always the better one.",
                "Here the far-off rows were mistakes. Were they what you must not miss, such as "
                "a flood, being deaf to them would be the mistake.",
            ),
            hints=("Two are right. Which numbers of the table would change your mind?",),
        ),
    ),
)
