"""m0/plots: a loss curve, a distribution and a heat map that hide nothing; and a blind reader."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import charts, curves, heats, spreads
from .judging import noted
from .tools import MODEL, draw, sandbox

lab = Lab(
    id="m0/plots",
    title="What a picture hides",
    teaches=(
        "a loss curve that keeps its spike, on axes that say what they are",
        "a distribution whose humps stay apart, and end where values end",
        "colours for signed values, and for what nobody knows",
    ),
    minutes=25,
    backend=MODEL,
    tools=(draw,),
    equip=sandbox,
    steps=(
        ReadStep(id="eyes"),
        code_step(
            "curve",
            answers.CURVE,
            Drawn(curves, practice=1, graded=1),
            runs_on="draw",
            hints=(
                "What is the highest loss of the run, and the highest point of your line? Which "
                "step does your first point stand at?",
                "Draw every loss, thin or pale; a mean may lie over it. held_out has its own "
                "steps: *zip(*held_out).",
                "ax.plot(steps, losses, linewidth=0.7, label=…), ax.plot(*zip(*held_out), "
                "label=…), set_xlabel, set_ylabel, legend.",
            ),
            checks=(
                every("labels", "both axes and both lines are named", noted("labels")),
                every("scale", "one scale, and it says so if it is logarithmic", noted("scale")),
                every("spike", "no loss lies outside of what is drawn", noted("spike")),
                every("whole", "and the axes leave none out", noted("whole")),
                every("held", "each held-out loss stands at its step", noted("held")),
            ),
        ),
        code_step(
            "spread",
            answers.SPREAD,
            Drawn(spreads, practice=1, graded=1),
            runs_on="draw",
            hints=(
                "How wide is one of your bars, and how far are the humps apart? One call of 30 "
                "seconds decides that.",
                "Take the width from where most values are (their quartiles), and the first and "
                "last edge from bounds.",
                "bins=np.linspace(low, high, round((high - low) / wide) + 1), with wide a tenth "
                "of the way between the quartiles.",
            ),
            checks=(
                every("labels", "both axes say what they show", noted("labels")),
                every("zero", "what is drawn stands on zero", noted("zero")),
                every("true", "the area of a bar is its share of the values", noted("true")),
                every("inside", "all values are in, and nothing beyond", noted("inside")),
                every("humps", "two humps are two", noted("humps")),
            ),
        ),
        code_step(
            "heat",
            answers.HEAT,
            Drawn(heats, practice=1, graded=1),
            runs_on="draw",
            hints=(
                "Which colour does 0 get? Which one does a cell get that nobody knows?",
                "vmin=-most and vmax=most, with a diverging map, and a colour of its own for bad "
                "values. Ticks for all names.",
                'matplotlib.colormaps["RdBu"].with_extremes(bad="0.6"); ax.set_xticks('
                "range(len(columns)), columns); colorbar(drawn, label=what).",
            ),
            checks=(
                every("cells", "every value stands at its two names", noted("cells")),
                every("zero", "colours grow from zero alike, by sign", noted("zero")),
                every("gaps", "what nobody knows looks like no value", noted("gaps")),
                every("key", "a colour bar says what the colours are", noted("key")),
            ),
        ),
        code_step(
            "look",
            answers.LOOK,
            Drawn(charts, practice=1, graded=1),
            runs_on="draw",
            hints=(
                "ax.patches are the bars, in the order of ax.get_xticklabels(). Where does the "
                "axis begin and end?",
                "Seen of a bar is what lies between the axis's ends: min(value, top) - bottom.",
                "Two numbers: longest by shortest of those lengths, and of the values. If "
                'ax.get_yscale() is "log", raise ValueError("… log …").',
            ),
            checks=(
                every("named", "it names the longest bar", noted("named")),
                every("values", "how many times the least its value is", noted("values")),
                every("lengths", "how many times as long it looks", noted("lengths")),
                every("log", "a log axis is an error that says so", noted("log")),
                every("called", "and a model asks for it", noted("called")),
            ),
        ),
        quiz(
            "which-mislead",
            "Which of them mislead?",
            "Four figures from this lab. Which show something that isn't there, or hide what is?",
            right(
                "Bars of 52, 62, 66 and 71 tokens a second, on an axis from 45 to 75",
                "The longest looks 3.7 times the shortest, and is 1.4 times it.",
            ),
            wrong(
                "A line of losses on an axis from 2 to 9, labelled loss",
                "A line shows change, and needs no zero. A bar's length is its value, so it does.",
            ),
            right(
                'TwoSlopeNorm(0, min, max) with "RdBu", for gains of -0.6 to 2.8',
                "Zero is white, but -0.6 is as dark as +2.8: a small loss looks like a large gain.",
            ),
            right(
                'imshow(table, cmap="RdBu", vmin=-3, vmax=3), with nan in the table',
                "Those cells stay white, and zero is nearly white: what nobody knows looks like 0.",
            ),
            hints=("Three of them. For each: what would you take it for?",),
        ),
    ),
)
