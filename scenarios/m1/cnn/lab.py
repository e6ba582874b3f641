"""m1/cnn: a filter that slides, what moves with the picture and what does not, and a search."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import black_boxes, maps, searches, shifts
from .judging import FOUND, RIGHT, SAID, misfit, misjudged, misled, misread, unfound
from .reader import NAMES
from .tools import NEAR, SHIFTS, look, sandbox

lab = Lab(
    id="m1/cnn",
    title="Two points to the right",
    teaches=(
        "convolution and pooling, written out",
        "what moves with a picture and what does not, measured",
        "filters that read moved digits, and a net that searches",
    ),
    minutes=25,
    tools=(run_python, look),
    equip=sandbox,
    steps=(
        ReadStep(id="slide"),
        code_step(
            "convolve",
            answers.CONVOLVE,
            Drawn(maps, practice=1, graded=2),
            hints=(
                "How many channels does the starter look at? Where does it use stride, and where "
                "padding?",
                "Room goes all round before anything slides. (h + 2 * padding - a) // stride + 1 "
                "rows come out.",
                "x[:, :, r * stride : r * stride + a, c * stride : c * stride + b], and tensordot "
                "over axes [1, 2, 3] of both.",
            ),
            checks=(
                every("maps", "convolutions of any shape", misfit("convolved", "how")),
                every("pooled", "poolings of any size and stride", misfit("pooled", "sizes")),
            ),
        ),
        code_step(
            "moves",
            answers.MOVES,
            Drawn(black_boxes, practice=1, graded=2),
            hints=(
                "A picture may have to move by more than one point. And which columns of the map "
                "follow, if not all do?",
                "Try shifts of 1 to 6 in turn. One place only? Then move a spot on black, by 1, 2, "
                "3 and 4, and look whether anything changes.",
                "follows = np.isclose(moved[:, :, 1:], first[:, :, :-1]).all(axis=(0, 1)); if any "
                "does, return step, int(follows.argmax()).",
            ),
            checks=(
                every(
                    "inside",
                    "nets that follow everywhere",
                    misjudged(lambda said: said is not None and said[0] > 0 and said[1] == 0),
                ),
                every(
                    "edge",
                    "nets that follow, but not at the edge",
                    misjudged(lambda said: said is not None and said[1] > 0),
                ),
                every(
                    "nowhere",
                    "nets for which the place is nothing, and nets tied to it",
                    misjudged(lambda said: said in (None, [0, 0])),
                ),
            ),
        ),
        code_step(
            "shifted",
            answers.SHIFTED,
            Drawn(shifts, practice=1, graded=1),
            runs_on="look",
            hints=(
                "Each weight of the starter belongs to one point. What would not mind where in the "
                "picture a stroke is?",
                "Filters that slide, of each the largest answer anywhere, and ten scores from "
                "those. Leave room at the edge.",
                "(peaks(x[rows], filters, padding=4) + bias).relu() @ weights + end, with 32 "
                "filters of 9 by 9, 8 times through the digits.",
            ),
            checks=tuple(
                every(
                    kind.replace(" ", "-"), f"{RIGHT:.0%} of digits {kind} are read", misread(kind)
                )
                for kind in SHIFTS
            ),
        ),
        code_step(
            "find",
            answers.FIND,
            Drawn(searches, practice=1, graded=1),
            runs_on="look",
            hints=(
                "The net must choose one of ten for every window, also for one with half a digit. "
                "What answer does it lack?",
                "An eleventh: nothing. Make examples of it from the digits: moved by 3 points and "
                "more, and pieces of 7 by 7 put anywhere.",
                "Train on both with the label 10. The place is where scores[:, :10].max(axis=1) - "
                "scores[:, 10] is largest.",
            ),
            checks=(
                every(
                    "found",
                    f"{FOUND:.0%} are found, {NEAR} points off at most, with their digit",
                    unfound,
                ),
                every("said", f"the agent says what is where, in {SAID} of {len(NAMES)}", misled),
            ),
        ),
        quiz(
            "why",
            "What made it robust?",
            (
                "A net of convolutions, pooled by 2, with a dense layer on top, reads 94 % of "
                "digits in the middle and 18 % two points off. What happened?"
            ),
            wrong(
                "Its filters had not learnt enough.",
                "Filters of noise came to 21 %. Its maps moved along as they should.",
            ),
            right(
                "The maps moved with the digit, and the dense layer has a weight for each place.",
                "To move along is one thing, not to mind is another. Something must drop the "
                "place.",
            ),
            wrong(
                "Pooling by 2 makes a net indifferent to shifts of 2.",
                "It makes one place of two. A shift of 2 moves its map by exactly one.",
            ),
            hints=("You measured it: how does a map pooled by 2 answer to a shift of 2?",),
        ),
    ),
)
