"""m4/clip: two towers, one space; words that find pictures, and what words can't ask of them."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step
from agentlab_tools.execute.tools import run_python

from . import answers, probes
from .cases import batches, seeds
from .judging import (
    FITS,
    HONEST,
    NAMED,
    RECALL,
    UNWANTED,
    blinded,
    fitting,
    fooled,
    honest,
    misled,
    named,
    on_average,
    searched,
    unlike,
    unwanted,
)
from .tools import look, sandbox

lab = Lab(
    id="m4/clip",
    title="Two towers",
    teaches=(
        "contrastive learning: the loss, its slopes, temperature and batch size",
        "search and zero-shot naming in a space of pictures and words",
        "what such a space can't be asked, measured by a probe",
    ),
    minutes=25,
    tools=(run_python, look),
    equip=sandbox,
    steps=(
        ReadStep(id="apart"),
        code_step(
            "contrast",
            answers.CONTRAST,
            Drawn(batches, practice=1, graded=1),
            hints=(
                "In the starter each picture chooses a caption. Who does not choose yet? And do "
                "its slopes know that rows are made length 1?",
                "Mean of both directions, in the loss and in the slope of the scores. What makes "
                "a row longer changes nothing: take it off.",
                "slope - (slope * a).sum(axis=1, keepdims=True) * a, divided by the length of the "
                "row as it came in.",
            ),
            checks=(
                every("loss", "the loss of any batch", unlike(loss=True)),
                every("slopes", "its slopes by pictures and by captions", unlike(loss=False)),
            ),
        ),
        code_step(
            "train",
            answers.TRAIN,
            Drawn(seeds("train", "917 things to learn from, 300 new, twice"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "The starter's loss goes to nothing. What is the easiest way to bring every "
                "picture to its caption?",
                "Something must push apart, too: contrast, with batches of 100 and more, at a "
                "temperature near 0.1.",
                "Blank out 30 % of a batch's numbers: x[rows] * (rng.random(x[rows].shape) > 0.3), "
                "and y too. 12 rounds, pace 0.005.",
            ),
            checks=(
                on_average(
                    "found", f"{RECALL:.1%} of new things are among the best 5 of 300", searched
                ),
            ),
        ),
        code_step(
            "name",
            probes.NAME,
            Drawn(seeds("name", "new pictures of 15 kinds, twice"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "How sure is the starter? And how often is it right?",
                "A softmax of plain cosines is flat. The space was learnt with scores divided by "
                "something.",
                "scores = unit(see(pictures)) @ words.T / temperature",
            ),
            checks=(
                on_average("right", f"{NAMED:.0%} get the word for their kind", named),
                on_average(
                    "honest", f"it is as sure as it is right, {HONEST:.0%} off at most", honest
                ),
            ),
        ),
        code_step(
            "blind",
            probes.PROBE,
            Drawn(
                seeds("blind", "six boxes, six kinds of question", draws=1), practice=1, graded=1
            ),
            runs_on="look",
            hints=(
                "A box that sees nothing but which things are there: which of the starter's pairs "
                "does it tell apart?",
                "Both facts must have the same words, put together in another way. And a box may "
                "like a sentence, whatever the picture: all four scores count.",
                "'not' with the same order: [a, 'no b'] and ['no a', b]. It sees if s00 + s11 > "
                "s01 + s10 for more than 0.8 of the pairs.",
            ),
            checks=(
                every("fooled", "no box is said to see what it does not", fooled),
                every("blinded", "no box is said to be blind to what it sees", blinded),
            ),
        ),
        code_step(
            "search",
            probes.SEARCH,
            Drawn(seeds("search", "eight requests, twice, and an agent"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "Which of the words in 'animals, but no birds' does the space understand?",
                "Have two texts read, and never put the unwanted one into a sentence with the "
                "wanted one.",
                "scores = seen @ told[0] - 0.3 * seen @ told[1], where there is a second.",
            ),
            checks=(
                on_average("unwanted", f"{UNWANTED:.0%} at most is what was not wanted", unwanted),
                on_average("fits", f"{FITS:.0%} of what is found fits", fitting),
                every("said", "the agent searches for it, and says what was found", misled),
            ),
        ),
    ),
)
