"""m0/calculus: slopes measured and derived, a descent that must not step too far, and a model."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import bowls, corrections, functions, losses
from .judging import (
    NATS,
    RIGHT,
    changed,
    mislabelled,
    misshapen,
    not_its_slopes,
    not_the_loss,
    not_the_slope,
    too_long,
    too_short,
    unsure,
    wasteful,
)
from .tools import run_on_reviews, sandbox

KEPT = every("kept", "what it is given stays as it was", changed)

lab = Lab(
    id="m0/calculus",
    title="Which way is down",
    teaches=(
        "the slope of anything, measured; and what spoils it",
        "the chain rule, checked against the measured slope",
        "gradient descent, and the longest step it bears",
    ),
    minutes=25,
    tools=(run_python, run_on_reviews),
    equip=sandbox,
    steps=(
        ReadStep(id="slopes"),
        code_step(
            "gradient",
            answers.GRADIENT,
            Drawn(functions, practice=4, graded=8),
            hints=(
                "Print what it finds for f(x) = x[0] ** 2 at 3.0, with several h. Then at 3 "
                "million, and at the whole number 3.",
                "h = 1e-5 is near the best where x is about 1. Where x is larger, let h grow "
                "with it. Work on copies that are floats.",
                "x = np.array(x, dtype=float); h = 1e-5 * max(1, abs(x.flat[n])); move one "
                "number of a copy up, of another down.",
            ),
            checks=(
                every("shape", "the gradient has the shape of x", misshapen),
                every("slopes", "it is the gradient, to a millionth of its length", not_the_slope),
                every("asked", "f is asked twice for each number, and once more", wasteful),
                KEPT,
            ),
        ),
        code_step(
            "chain",
            answers.LOSS,
            Drawn(losses, practice=3, graded=6),
            hints=(
                "Check it with your gradient from the step before: which of the slopes are off?",
                "Where the label is right the gap is the chance less 1. And for a mean over rows "
                "every slope is a mean, too.",
                "gap[rows, labels] -= 1; gap /= len(labels); the slopes are (gap * scores).sum() "
                "and gap.sum(axis=0). Take each row's maximum away before exp.",
            ),
            checks=(
                every("loss", "the loss, however large the scores are", not_the_loss),
                every("slopes", "its slopes, as measured", not_its_slopes),
                KEPT,
            ),
        ),
        code_step(
            "edge",
            answers.EDGE,
            Drawn(bowls, practice=2, graded=5),
            hints=(
                "How much the slope changes over a move of length 1 is the curvature that way: "
                "gradient(x + move) - gradient(x). Which way is it largest?",
                "That change, as a move of length 1, points more steeply than the move before. "
                "Do it again and again.",
                "direction = direction / np.linalg.norm(direction), then direction = gradient(x + "
                "direction) - gradient(x), 300 times; its length is L.",
            ),
            checks=(
                every("long", "with 95 % of that step a descent comes down", too_long),
                every("short", "with 105 % of it, it blows up", too_short),
            ),
        ),
        code_step(
            "correct",
            answers.CORRECT,
            Drawn(corrections, practice=1, graded=1),
            runs_on="run_on_reviews",
            hints=(
                "Your loss_and_slopes tells which way is up, for the scale and for the bias. Put "
                "it in front of correct.",
                "A step: scale -= 0.3 * by_scale, and the same for the bias. Ten are not enough.",
                "for _ in range(1000): _, by_scale, by_bias = loss_and_slopes(scores, labels, "
                "scale, bias), then the step.",
            ),
            checks=(
                every("right", f"{RIGHT:.0%} of fresh reviews are labelled rightly", mislabelled),
                every("sure", f"a right label costs {NATS} nats at most", unsure),
            ),
        ),
        quiz(
            "what-moved",
            "What did the descent find?",
            "Three numbers made a judge of a model that had said positive to every review. Why?",
            wrong(
                "It learnt from 24 reviews what is positive.",
                "Three numbers can't hold that. Not a weight of the model was touched, and the "
                "fresh reviews were others.",
            ),
            right(
                "It had told them apart all along, around the wrong middle.",
                "Its scores for a good and a bad review differed. The bias moved the middle "
                "between them to where it belongs, and the scale made it sure.",
            ),
            wrong(
                "A larger scale makes any answer right.",
                "It makes answers surer, right or wrong: by itself it left all reviews positive.",
            ),
            right(
                "The four examples before each review had pushed all scores one way.",
                "They take turns and end in negative, so the model expected a positive one. What "
                "is the same for all reviews is what a bias takes away.",
            ),
            hints=("Two are right. What does a bias do to all reviews alike?",),
        ),
    ),
)
