"""m4/gan: two nets against each other draw digits, and how one tells whether they do it well."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers, judging
from .cases import generators, matches, pairs, scores
from .diagnoses import DIAGNOSE
from .games import GAME
from .played import ASKED, FAR, NEW, VARIED
from .tools import play, sandbox, see

lab = Lab(
    id="m4/gan",
    title="One seven is enough",
    teaches=(
        "two losses that work against each other, and which of two forms learns",
        "how far drawn pictures are from real ones, and what no distance sees",
        "a generator that collapses, mended, and an agent that draws with it",
    ),
    minutes=25,
    tools=(run_python, see, play),
    equip=sandbox,
    steps=(
        ReadStep(id="players"),
        code_step(
            "losses",
            answers.LOSSES,
            Drawn(scores, practice=1, graded=1),
            hints=(
                "What is the generator's slope where the discriminator is sure, at a score of -9? "
                "And what does exp(900) give?",
                "The generator wants its pictures taken for real: -log s(x), not log(1 - s(x)). "
                "Write -log s(x) as log(1 + exp(-x)).",
                "np.logaddexp(0, -x) is that loss at any x; its slope by x is s(x) - 1, and "
                "s(x) = np.exp(-np.logaddexp(0, -x)).",
            ),
            checks=(
                every("discriminator", "its loss and slopes", judging.unlike("discriminator")),
                every("generator", "its loss and slopes", judging.unlike("generator")),
                every("far", "both hold for scores of 800 and more", judging.overflown),
            ),
        ),
        code_step(
            "frechet",
            answers.FRECHET,
            Drawn(pairs, practice=2, graded=2),
            runs_on="see",
            hints=(
                "The starter looks at each feature by itself. What do two features say together?",
                "gap + trace(A) + trace(B) - 2 trace(root(A @ B)). A @ B is not symmetric, but its "
                "eigenvalues are real, and none is below 0.",
                "roots = np.sqrt(np.linalg.eigvals(a @ b).real.clip(0)); their sum is the trace of "
                "the root.",
            ),
            checks=(
                every("moved", "how far the means are apart", judging.misplaced(*judging.MOVED)),
                every("spreads", "how the spreads differ", judging.misplaced(*judging.SPREAD)),
                every("singular", "also where one is flat", judging.misplaced(*judging.THIN)),
                every("digits", "the same of digits, seen by the judge", judging.misseen),
            ),
        ),
        code_step(
            "diagnose",
            DIAGNOSE,
            Drawn(generators, practice=1, graded=1),
            runs_on="see",
            hints=(
                "What would you have to compare to see that all sevens are one? And to see that a "
                "picture was learnt by heart?",
                "Distances: of pictures of one digit from each other, digit by digit, beside real "
                "ones; and of each picture from its nearest known one.",
                "Copies are within 0.4 of a known picture. Collapsed: for some digit, the mean "
                "distance is below 0.35 of that of known ones.",
            ),
            checks=tuple(
                every(state, says, judging.misdiagnosed(state))
                for state, says in (
                    ("collapsed", "each collapse is seen"),
                    ("copies", "each copyist is seen"),
                    ("deaf", "who doesn't listen is seen"),
                    ("well", "nobody is accused who is well"),
                )
            ),
        ),
        code_step(
            "game",
            GAME,
            Drawn(matches, practice=1, graded=1),
            runs_on="play",
            hints=(
                "Look at the film. Which of the two has its turn more often, and what does it do "
                "with it?",
                "One turn each, and 1,200 rounds. Return another net of the same shape, with the "
                "mean of the generator's weights over the last hundred.",
                "kept.lerp_(now, max(0.01, 1 / n)), under torch.no_grad(), after each round, for "
                "each pair of parameters of the two nets.",
            ),
            checks=(
                every("asked", f"{ASKED:.0%} are the digit asked for", judging.short("asked")),
                every("varied", f"{VARIED:.0%} of real variety", judging.short("varied")),
                every("far", f"a Fréchet distance of {FAR:.0f} at most", judging.short("far")),
                every("new", f"no nearer than {NEW} to known digits", judging.short("new")),
                every("agent", "the agent's numbers can be read", judging.unwritten),
            ),
        ),
        quiz(
            "which",
            "Whom do you believe?",
            (
                "A new generator: the judge reads 97 % as what was asked for, its pictures are "
                "94 % as varied as real ones, its Fréchet distance is 3. What do you do first?"
            ),
            wrong(
                "Nothing: all three measures say that it is well.",
                "Known digits, with a little noise put over them, came to exactly these numbers.",
            ),
            right(
                "Look up for each picture the nearest one that it learnt from.",
                "No distance between two sets knows what was learnt from. Only this one does.",
            ),
            wrong(
                "Have a second judge read its pictures.",
                "It would read them as well. So it would the digits that they were copied from.",
            ),
            hints=("Who came next to real digits in the table of distances?",),
        ),
    ),
)
