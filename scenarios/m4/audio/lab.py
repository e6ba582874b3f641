"""m4/audio: sound as numbers, through a recogniser's ear, and an agent that one speaks to."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from .answers_clean import CLEAN
from .answers_mel import MEL
from .answers_resample import RESAMPLE
from .answers_talk import TALK
from .answers_wave import WAVE
from .cases import seeds
from .judging import CLOSE, noted
from .talking import ANSWERED, QUESTIONS
from .tools import listen, sandbox

lab = Lab(
    id="m4/audio",
    title="What the machine hears",
    teaches=(
        "sound as samples, spectra and mel bands, exact to what a recogniser expects",
        "sound made of a spectrum without phases",
        "noise, and what a filter for ears does to a machine that hears",
        "an agent spoken to, and how many words were heard otherwise",
    ),
    minutes=35,
    tools=(listen,),
    equip=sandbox,
    steps=(
        ReadStep(id="air"),
        code_step(
            "resample",
            RESAMPLE,
            Drawn(seeds("resample", "tones, and whistled sentences"), practice=1, graded=1),
            runs_on="listen",
            hints=(
                "Draw a tone of 15,000 hertz, and look at every third sample only. Which tone is "
                "that?",
                "What is above half of the lower rate must go first. A sinc as wide as the lower "
                "rate's samples does both: filter, and read between.",
                "Sum x[n] * cut * np.sinc(cut * (t - n)) over 40 / cut samples around t, under a "
                "window, with cut = 0.97 * min(1, to / rate).",
            ),
            checks=(
                every("length", "as long as before", noted("length")),
                every("kept", "what can be kept is kept", noted("kept")),
                every("folded", "what is too high is gone, and not folded", noted("folded")),
                every("heard", "whistles that nobody hears do no harm", noted("heard")),
            ),
        ),
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
                every(
                    "heard", "the recogniser hears through it as through its own", noted("heard")
                ),
            ),
        ),
        code_step(
            "wave",
            WAVE,
            Drawn(seeds("wave", "sentences as bands"), practice=1, graded=1),
            runs_on="listen",
            hints=(
                "The values are logarithms of power, and magnitudes roots of power. What undoes "
                "BANK? Spreading back is not it.",
                "Begin with phases of chance. Make sound, take its spectrum, keep its phases, and "
                "put your magnitudes back; then again.",
                "back: add irfft(frame) * WINDOW at each 160th sample, divide by the sum of "
                "WINDOW**2. Then 120 times: turned = made / np.abs(made).",
            ),
            checks=(
                every("length", "160 samples a frame", noted("length")),
                every("level", "as loud as what was said", noted("level")),
                every(
                    "close", f"its bands are those it was made of, within {CLOSE}", noted("close")
                ),
                every("heard", "the recogniser hears it as well as what was said", noted("heard")),
            ),
        ),
        code_step(
            "clean",
            CLEAN,
            Drawn(seeds("clean", "sentences under whistles and hum"), practice=1, graded=1),
            runs_on="listen",
            hints=(
                "A gate on samples can't tell a whistle from a vowel. What can, once there are "
                "spectra?",
                "The first 45 frames hold noise alone: their mean power is the noise at each "
                "frequency. Make softer what is not well above it.",
                "gain = np.sqrt(np.maximum(1 - 2 * noise / power, 0.001)), times the frames, "
                "phases and all; then back.",
            ),
            checks=(
                every("length", "as many samples as before", noted("length")),
                every("nearer", "what is left is mostly speech", noted("nearer")),
                every("quiet", "where it was quiet, nothing is lost", noted("quiet")),
                every("heard", "the error rate is less than half of what it was", noted("heard")),
            ),
        ),
        code_step(
            "talk",
            TALK,
            Drawn(seeds("talk", "texts, pairs of texts, and an agent"), practice=1, graded=1),
            runs_on="listen",
            hints=(
                "Which of the starter's words has anybody ever said? And what does one word too "
                "many at the beginning cost in errors?",
                "number(n) calls itself: below 20, below 100, then hundreds, then thousands. For "
                "errors, fill a table, row by row.",
                "table[n][m] = min(one above + 1, one to the left + 1, the one between + (words "
                "differ)).",
            ),
            checks=(
                every("numbers", "whole numbers are said as one says them", noted("numbers")),
                every("signs", "points, minus, percent and degrees too", noted("signs")),
                every("plain", "stops, dashes and capitals are not heard", noted("plain")),
                every("errors", "errors are counted, and no more than need be", noted("errors")),
                every(
                    "agent",
                    f"{ANSWERED} of {QUESTIONS} spoken answers are heard with their number",
                    noted("agent"),
                ),
            ),
        ),
        quiz(
            "cleaner",
            "Cleaner, and heard worse",
            (
                "Under hiss, subtraction makes speech eight decibels cleaner, and the error rate "
                "goes from 34 to 53 %. Why?"
            ),
            wrong(
                "It takes more of the speech away than of the noise.",
                "Then speech would not stand eight decibels higher over all that differs from it.",
            ),
            wrong(
                "The recogniser needs noise, and can't do with clean speech.",
                "Without any hiss, the rate is 5 %.",
            ),
            right(
                "What is left has holes and chirps, which it never met; noise it did.",
                "With a third of the noise put back over them, it is three decibels less clean, "
                "and the rate is 25 %.",
            ),
            hints=("Look at what is left in cleaned.png. Is it like any noise that you know?",),
        ),
    ),
)
