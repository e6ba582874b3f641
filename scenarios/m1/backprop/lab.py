"""m1/backprop: an engine that passes blame backward, and a model that is taught with it."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import arrays, engines, leanings
from .judging import RIGHT, changed, misruled, off, taught
from .tools import sandbox, teach

lab = Lab(
    id="m1/backprop",
    title="Passing the blame",
    teaches=(
        "reverse-mode differentiation, on graphs of any shape and depth",
        "the slopes of products, stretched sums and losses",
        "training with an engine of your own, on a real model's scores",
    ),
    minutes=25,
    tools=(run_python, teach),
    equip=sandbox,
    steps=(
        ReadStep(id="blame"),
        code_step(
            "engine",
            answers.ENGINE,
            Drawn(engines, practice=5, graded=6),
            hints=(
                "A value that was used twice is blamed twice, and the starter keeps what came "
                "last. But adding up alone walks every path.",
                "Visit each value once, after all that it went into. Put them in order first; a "
                "stack of your own is never too deep.",
                "Keep this call's blame in a dict by id(node), add it to node.grad when the node's "
                "turn has come, and only then pass it on.",
            ),
            checks=(every("slopes", "every leaf has its slope, added up over calls", off),),
        ),
        code_step(
            "rules",
            answers.RULES,
            Drawn(arrays, practice=6, graded=12),
            hints=(
                "Compare shapes: the slope by an array has the array's own shape, always.",
                "What was stretched was used many times, so its blame is added up: sum over axes "
                "that were added in front, and over those of size 1.",
                "Swap the last two axes only: np.swapaxes(b, -1, -2). And take each row's largest "
                "score away before np.exp; the mean divides slopes by the number of rows.",
            ),
            checks=(
                every("products", "matmul_back, for matrices and batches", misruled("products")),
                every("sums", "add_back, for whatever was stretched", misruled("sums")),
                every("losses", "surprise and its slope, for any scores", misruled("losses")),
                every("kept", "what it is given stays as it was", changed),
            ),
        ),
        code_step(
            "teach",
            answers.TRAIN,
            Drawn(leanings, practice=1, graded=2),
            runs_on="teach",
            hints=(
                "Print the loss. Does it fall? The slope says where the loss grows.",
                "Downhill is minus. And what does lean.grad hold after the second backward()?",
                "lean.grad = np.zeros_like(lean.data) at the start of each round, and "
                "lean.data - 5 * lean.grad at its end.",
            ),
            checks=(taught("right", f"right about {RIGHT:.0%} of names it was not taught"),),
        ),
        quiz(
            "what-changed",
            "What did it learn?",
            (
                "You added 49,152 numbers to the model's scores, the same ones whatever it reads, "
                "and its answers became right. What does that say?"
            ),
            right(
                "It told the kinds apart before; another answer stood in the way.",
                "A number that is the same for every name can't tell names apart. What could was "
                "in the scores already.",
            ),
            wrong(
                "It was taught what the 40 names are.",
                "Then it would fail on others, and the names are nowhere in those numbers.",
            ),
            wrong(
                "It is now better at everything.",
                "Of eight other questions, the first token changed in three, mostly because 'The' "
                "had been pushed down. Nothing in the numbers knows of any question.",
            ),
            hints=("The same numbers are added for an owl and for a ship.",),
        ),
    ),
)
