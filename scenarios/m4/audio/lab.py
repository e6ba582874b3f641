"""m4/audio: sound as numbers, through a recogniser's ear, and an agent that one speaks to."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step

from .answers_mel import MEL
from .cases import seeds
from .judging import noted
from .tools import listen, sandbox

lab = Lab(
    id="m4/audio",
    title="What the machine hears",
    teaches=(
        "sound as samples, spectra and mel bands, exact to what a recogniser expects",
        "sound made of a spectrum without phases",
        "noise, and what a filter for ears does to a machine that hears",
    ),
    minutes=25,
    tools=(listen,),
    equip=sandbox,
    steps=(
        ReadStep(id="air"),
        code_step(
            "mel",
            MEL,
            Drawn(seeds("mel", "made sounds, and sentences to be heard"), practice=1, graded=1),
            runs_on="listen",
            hints=(
                "Which of the starter's frames begins where? Each must have 400 samples, and its "
                "middle at 160 times its number.",
                "Pad 200 mirrored samples on each side, multiply each frame by the window, square "
                "what rfft returns, and let 80 triangles add that up.",
                "A triangle between three points: np.maximum(0, np.minimum(rise, fall)) * 2 / "
                "(high - low), the points even in mels.",
            ),
            checks=(
                every("shape", "80 bands, a frame for each 160 samples", noted("shape")),
                every("scale", "the loudest is as loud as it should be", noted("scale")),
                every("bands", "tones are in the bands where they belong", noted("bands")),
                every("exact", "every number is the one expected", noted("exact")),
                every("heard", "the recogniser hears through it as through its own", noted("heard")),
            ),
        ),
    ),
)
