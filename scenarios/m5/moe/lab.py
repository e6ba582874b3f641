"""m5/moe: a mixture of experts, routed, balanced, dealt out and counted."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers, judging
from .answers_count import COUNT
from .cases import batches, models, readers, trainings
from .held import BETTER, LEAST, MOST, SHARP
from .learning import LEARN
from .sorting import SORT
from .tools import desk, send, sort, train, weigh

lab = Lab(
    id="m5/moe",
    title="Who reads what",
    teaches=(
        "a router that sends each token to a few experts, and asks nobody else",
        "a layer of experts that beats a dense one of the same cost, with none of them idle",
        "what experts come to know, what a router misses, and what a batch has to read",
    ),
    minutes=30,
    tools=(send, train, sort, weigh),
    equip=desk,
    steps=(
        ReadStep(id="experts"),
        code_step(
            "route",
            answers.ROUTE,
            Drawn(batches, practice=1, graded=2),
            runs_on="send",
            hints=(
                "The starter asks everybody about everything. Which rows does an expert need?",
                "First choose k of each row's scores, then take a softmax over those k alone, less "
                "their largest.",
                "For each expert: rows, place = np.nonzero(best == number); ask once with x[rows], "
                "and add to y[rows].",
            ),
            checks=(
                every(
                    "mixed", "each token's experts, mixed by their scores", judging.wrong("mixed")
                ),
                every("chosen", "k experts read a token, and no other", judging.wrong("chosen")),
                every("once", "an expert is asked once for a batch", judging.wrong("once")),
            ),
        ),
        code_step(
            "learn",
            LEARN,
            Drawn(trainings, practice=2, graded=2),
            runs_on="train",
            hints=(
                "Look at shares.png: some experts read nothing. What would make them be chosen?",
                "Counting has no slope, but the mean of the chances has. What is large if both "
                "are at the same expert?",
                "0.05 * len(gate) * (share * chances.mean(dim=0)).sum(), with share = "
                "torch.bincount(best, minlength=len(gate)) / len(x).",
            ),
            checks=(
                every("layer", "one expert a row, times its chance", judging.unlike),
                every("alive", f"each expert reads {LEAST:.0%} or more", judging.short("alive")),
                every("share", f"and none more than {MOST:.0%}", judging.short("share")),
                every(
                    "better",
                    f"{BETTER} nats better than a dense net of the same cost",
                    judging.short("better"),
                ),
            ),
        ),
        code_step(
            "sort",
            SORT,
            Drawn(readers, practice=1, graded=1),
            runs_on="sort",
            hints=(
                "The learnt router looked at the last letter, and so does the starter. What else "
                "do 12 characters tell?",
                "Whose letters are these? Count letters, or better pairs of them, language by "
                "language.",
                "Naive Bayes: sum the log-chances of a window's pairs in each language, with 0.1 "
                "added to every count, and take the largest.",
            ),
            checks=(
                every("alive", f"each expert reads {LEAST:.0%} or more", judging.short("alive")),
                every("share", f"and none more than {MOST:.0%}", judging.short("share")),
                every(
                    "better",
                    f"{SHARP} nats better than a dense net eight times as wide",
                    judging.short("sharp"),
                ),
            ),
        ),
        code_step(
            "count",
            COUNT,
            Drawn(models, practice=1, graded=1),
            runs_on="weigh",
            hints=(
                "What does every token use, whoever is chosen? Count that first.",
                "An expert is missed by a token with the chance 1 - k / n. And by all tokens?",
                "read = base + layers * n * (1 - (1 - k / n) ** tokens) * expert; shared experts "
                "are part of base.",
            ),
            checks=(
                every("total", "weights in all, to the weight", judging.miscounted(0)),
                every("active", "weights that a token uses", judging.miscounted(1)),
                every("read", "weights that a batch has to read", judging.miscounted(2)),
                every("agent", "the agent names machines that are large enough", judging.misled),
            ),
        ),
        quiz(
            "balanced",
            "One point nought",
            (
                "Somebody's log of a training says that the balancing loss is 1.00, just what an "
                "even load comes to. What do you know about the load?"
            ),
            wrong(
                "It is even: that is what 1.00 stands for.",
                "At step 1 of your training it read 1.000, and one expert had every window.",
            ),
            wrong(
                "At least that no expert is idle.",
                "Seven of eight were, at step 1. The chances were even; the choices were not.",
            ),
            right(
                "Nothing, until you count who was chosen.",
                "It is shares times mean chances. Where these are even, it is 1 for any load.",
            ),
            hints=(
                "What are all chances of a router whose weights are 0, and whom does it choose?",
            ),
        ),
    ),
)
