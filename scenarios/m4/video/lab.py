"""m4/video: clips out of noise, frame by frame or all together, and whose digit stays itself."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import judging, scenes
from .cases import seeds
from .desk import desk
from .drawn import DRAWN
from .plans import LONG
from .tools import draw, shoot, watch
from .verdicts import VERDICT

lab = Lab(
    id="m4/video",
    title="Still the same seven",
    teaches=(
        "whether a clip keeps its digit, and moves it as it was asked to",
        "how noise is taken out of frames, one by one or all together",
        "films longer than a net can see, and what is left to chance in them",
    ),
    minutes=25,
    backend="local:agent",
    tools=(watch, draw, shoot),
    equip=desk,
    steps=(
        ReadStep(id="block"),
        code_step(
            "verdict",
            VERDICT,
            Drawn(seeds("verdict", "28 clips, good and bad"), practice=1, graded=1),
            runs_on="watch",
            hints=(
                "Whose seven is it? The judge reads a seven in any hand. What would show you that "
                "it is another?",
                "Hold each settled frame against the first one: np.corrcoef. For the motion, take "
                "the middle of the ink in every frame, not in the last alone.",
                "A good clip: correlation 0.82 or more with the first frame; middles within 1 "
                "point of where meant(motion) has them.",
            ),
            checks=tuple(
                every(state, says, judging.misjudged(state))
                for state, says in (
                    ("gone", "clips that end in the dark are told"),
                    ("other", "clips of another digit are told"),
                    ("changes", "digits that become another are told"),
                    ("moves", "wrong motions are told"),
                    ("well", "no good clip is accused"),
                )
            ),
        ),
        code_step(
            "film",
            DRAWN,
            Drawn(seeds("film", "seven plans, a film each"), practice=1, graded=1),
            runs_on="draw",
            hints=(
                "The starter goes all the way to what the net believes, at the first order. How "
                "far does an order say to go?",
                "A frame at level now is now parts noise. At level it is to be level / now of the "
                "way from what is believed; at 0, all noise is gone.",
                "if level < now: x[at] = clean[n] + level / now * (x[at] - clean[n]), and then "
                "levels[at] = level.",
            ),
            checks=(
                every(
                    "together",
                    "all frames at once",
                    judging.undrawn("all at once", "nothing given"),
                ),
                every("one", "one after the other", judging.undrawn("one after the other")),
                every("stairs", "each at a level of its own", judging.undrawn("a staircase")),
                every("told", "what the net is told", judging.undrawn("told of more noise")),
                every("rise", "no noise is put back", judging.undrawn("levels that rise")),
                every("longer", "films longer than the net", judging.undrawn("twelve frames")),
            ),
        ),
        code_step(
            "long",
            LONG,
            Drawn(seeds("long", "eight films of 29 frames, and two stories"), practice=1, graded=1),
            runs_on="shoot",
            hints=(
                "Print one order of the starter. How many frames are known before it, and what is "
                "the net told of the others?",
                "What of a clip is left to chance, once its first frame and its motion are known? "
                "Try fewer moments, and one known frame in place of four.",
                "A call a shot: (at, [0] + [1] * 7, [0] * 8) for at in range(0, frames - 1, 7).",
            ),
            checks=(
                every("calls", f"{scenes.CALLS} calls a film at most", judging.short("calls")),
                every("kept", "the digit stays itself", judging.short("kept")),
                every("astray", "it goes where it was to go", judging.short("astray")),
                every("agent", "a story that the agent was told is shown", judging.untold),
            ),
        ),
        quiz(
            "chance",
            "What is left to chance?",
            (
                "From a first frame and a motion, one call makes better clips than eight moments. "
                "From the prompt alone, it makes a pale cloud. What decides?"
            ),
            wrong(
                "How much noise is left behind a single call.",
                "None is left: one call goes to level 0, with a first frame or without.",
            ),
            right(
                "Whether more than one clip fits what is given.",
                "The net says the mean of all clips that fit. Of one that is the clip; of "
                "thousands, a cloud, and moments choose among them.",
            ),
            wrong(
                "How often the net met that level in training.",
                "It met all levels, and nothing but pure noise behind a first frame hardly ever.",
            ),
            wrong(
                "Whether the net ever saw that prompt.",
                "Of prompts that it never saw, given a first frame, clips are as good.",
            ),
            hints=("What is the mean of all sevens that go left?",),
        ),
    ),
)
