"""m4/diffusion: noise to picture, step by step, guided by a prompt that can be turned up."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import judging
from .answers_learn import LEARN
from .answers_perfect import PERFECT
from .answers_steps import STEPS
from .cases import seeds
from .judging import COPIED
from .learning import FAR, NEW, SHOWN, UNSHOWN, UNTOLD, VARIED
from .sampling import ENOUGH, NEAR
from .tools import desk, learn, paint, walk

lab = Lab(
    id="m4/diffusion",
    title="The perfect one only copies",
    teaches=(
        "the straight way from noise to a picture, and which direction has the least loss",
        "a net that learns it, draws what was never shown, and a prompt that is turned up",
        "more from as many looks at a net, and an agent that words the prompt",
    ),
    minutes=30,
    tools=(walk, learn, paint),
    equip=desk,
    steps=(
        ReadStep(id="noise"),
        code_step(
            "perfect",
            PERFECT,
            Drawn(seeds("mixtures, and a walk to digits"), practice=1, graded=1),
            runs_on="walk",
            hints=(
                "Which noise would have made x out of a picture y, at t? Pictures whose noise is "
                "likelier weigh more.",
                "The noise is (x - t y) / (1 - t), and as likely as exp(-its square / 2). The mean "
                "picture by these weights, less x, over 1 - t.",
                "Late, each chance is too small for a float. Take the largest exponent off all of "
                "a row before np.exp.",
            ),
            checks=(
                every("way", "mixtures, and where they lead", judging.noted("way")),
                every("best", "the direction of least loss", judging.noted("best")),
                every("late", "also where t is nearly 1", judging.noted("late")),
                every("walk", f"it leads to within {COPIED} of known digits", judging.astray),
            ),
        ),
        code_step(
            "learn",
            LEARN,
            Drawn(seeds("3,000 digits in colours, and 60 prompts"), practice=1, graded=1),
            runs_on="learn",
            hints=(
                "At guidance 0 nobody is asked. What does the starter's net make of a prompt that "
                "is all 0, which it was never shown?",
                "Train longer, with a prompt of 0 in one row of seven. To draw, look twice: with "
                "the prompt and with 0.",
                "untold + guidance * (told - untold). Then 900 rounds, with a rate that rises to "
                "0.004 and falls.",
            ),
            checks=(
                every(
                    "untold",
                    f"at guidance 0, {UNTOLD:.0%} at most are as asked",
                    judging.lacking("untold"),
                ),
                every("turned", "turned up, more are", judging.lacking("turned")),
                every("shown", f"at 2, {SHOWN:.0%} of those shown", judging.lacking("shown")),
                every(
                    "unshown", f"and {UNSHOWN:.0%} of those never shown", judging.lacking("unshown")
                ),
                every("varied", f"{VARIED:.0%} of real variety", judging.lacking("varied")),
                every("far", f"a Fréchet distance of {FAR:.0f} at most", judging.lacking("far")),
                every("new", f"no nearer than {NEW} to known digits", judging.lacking("new")),
            ),
        ),
        code_step(
            "steps",
            STEPS,
            Drawn(seeds("emoji by their names, and an agent"), practice=1, graded=1),
            runs_on="paint",
            hints=(
                "How many steps can you afford, if each looks twice? And at guidance 1, is the "
                "look without a prompt of any use?",
                "The direction turns on the way. Half-way through a step, it is nearer to the mean "
                "of the step than at its beginning.",
                "middle = x + far / 2 * way(x, t); x = x + far * way(middle, t + far / 2). Untold "
                "is needed only if guidance is not 1.",
            ),
            checks=(
                every("looks", "no more looks than there are", judging.noted("looks")),
                every(
                    "near",
                    f"at most {NEAR[1.0]} to {NEAR[2.0]} times as far off as Euler's steps",
                    judging.noted("near"),
                ),
                every("agent", f"{ENOUGH} of 3 wishes come true", judging.ungranted),
            ),
        ),
        quiz(
            "left",
            "What was it good for?",
            (
                "A net to which the prompt was never left out draws better at guidance 2 than one "
                "that was trained by the book. Why does guidance work there at all?"
            ),
            wrong(
                "It does not: at guidance 2 such a net does what it does at 1.",
                "By words it went from 83 % at guidance 1 to 98 % at 2, and by sentences from 81 "
                "to 99.",
            ),
            right(
                "No prompt is a vector of 0: what a prompt adds is gone, and a direction is left.",
                "At guidance 0 it draws digits of some kind, 1 % of them as asked. And no row of "
                "the training was spent on that.",
            ),
            wrong(
                "It learnt the way without a prompt from the prompts that were never shown.",
                "Nothing is learnt from those. They are asked for afterwards.",
            ),
            hints=("What does a layer add to its sum for an input that is 0?",),
        ),
    ),
)
