"""m1/kinds-of-learning: the same emoji with labels, without any, and with nothing but rewards."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import games, labelled, unlabelled
from .judging import (
    BEST,
    HONEST,
    REGRET,
    RIGHT,
    SLACK,
    accurate,
    choosy,
    honest,
    on_average,
    regretful,
    spread_out,
)
from .tools import learn, sandbox

lab = Lab(
    id="m1/kinds-of-learning",
    title="Told, left alone, rewarded",
    teaches=(
        "learning from labels, and how good it will be on what it has not seen",
        "learning without labels, and what it finds instead of yours",
        "learning from rewards, from a live agent",
    ),
    minutes=25,
    tools=(learn,),
    equip=sandbox,
    steps=(
        ReadStep(id="signals"),
        code_step(
            "labelled",
            answers.LABELLED,
            Drawn(labelled, practice=2, graded=6),
            runs_on="learn",
            hints=(
                "Whom does the starter ask how good it is? Somebody who has the answers by heart.",
                "Hold some of the labelled ones back: learn from the others, and see how many of "
                "those held back come out right.",
                "np.array_split of a random order makes parts. Hold each back in turn, count, and "
                "learn from all of them for the fresh ones.",
            ),
            checks=(
                on_average("right", f"{RIGHT:.0%} of the fresh ones come out right", accurate),
                on_average("honest", f"the share it expects is {HONEST:.0%} off at most", honest),
            ),
        ),
        code_step(
            "clustered",
            answers.CLUSTERED,
            Drawn(unlabelled, practice=3, graded=6),
            runs_on="learn",
            hints=(
                "Run it with another seed. Is it the same grouping? What decides?",
                "Where it ends depends on where it starts. Start many times; which of the results "
                "would you keep, knowing no labels?",
                "Call once(x, k, rng) forty times with one rng, and return the groups of the try "
                "with the least spread, which is the second thing it returns.",
            ),
            checks=(
                every(
                    "close",
                    f"no grouping found is closer by more than {SLACK - 1:.1%}",
                    spread_out,
                ),
            ),
        ),
        code_step(
            "rewarded",
            answers.REWARDED,
            Drawn(games, practice=2, graded=5),
            runs_on="learn",
            hints=(
                "A good prompt whose first answer was wrong has a rate of 0. When does the starter "
                "ask with it again?",
                "Something must bring it back to prompts it knows little of, and do so less and "
                "less: chance, hope, or doubt.",
                "Thompson's way: random.betavariate(1 + right, 1 + wrong) draws what the rate may "
                "be. Draw for each prompt, and ask with the one that drew most.",
            ),
            checks=(
                on_average(
                    "regret", f"{REGRET} of chance's regret, or less, over all games", regretful
                ),
                on_average(
                    "live",
                    f"the live agent is asked with its best prompt {BEST:.0%} of the time",
                    choosy,
                ),
            ),
        ),
        quiz(
            "which-kind",
            "Which kind made it?",
            (
                "The model that you rewarded was itself made by learning: it read text, then "
                "conversations, then judgements of people on its answers. Which are right?"
            ),
            right(
                "Reading text needed no labels from anyone: the next word is the label.",
                "So it can be done with all text there is. It is called self-supervised.",
            ),
            wrong(
                "Reading text is clustering, since nobody labelled anything.",
                "Each prediction is compared with a right answer, the word that comes next. "
                "Clustering has no right answer to compare with.",
            ),
            wrong(
                "From a judgement it learns what it should have said.",
                "A reward says how good an answer was, never which would have been better. Your "
                "chooser had to try the others to find out.",
            ),
            right(
                "From a conversation it learns what it should have said, word for word.",
                "The answer in the conversation is the label. That is the first kind again.",
            ),
            hints=("Two of them. In which of the three is the right answer known?",),
        ),
    ),
)
