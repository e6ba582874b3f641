"""m4/vision: pictures as parts over the wire, and a language model that is given eyes."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers, answers_wire, judging
from .cases import seeds
from .tools import look, sandbox

lab = Lab(
    id="m4/vision",
    title="Seeing or guessing",
    teaches=(
        "pictures as parts of a message, over four protocols",
        "a picture as vectors that a language model reads in place of words",
        "how one tells what was seen from what was guessed, and an agent that looks",
    ),
    minutes=30,
    tools=(look,),
    equip=sandbox,
    steps=(
        ReadStep(id="eyes"),
        code_step(
            "wire",
            answers_wire.WIRE,
            Drawn(seeds("wire", "four messages over four protocols"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "Read what the server says of the first message it refuses, protocol by protocol.",
                "The name of a file may lie: Image.open(io.BytesIO(data)).format doesn't. Shrink "
                "and convert what needs it, and leave the rest as it is.",
                "ImageOps.exif_transpose(picture) before picture.thumbnail((1568, 1568)): the copy "
                "no longer says how it is turned.",
            ),
            checks=(
                every("accepted", "each protocol's server takes them", judging.unsent("accepted")),
                every("order", "every text and picture, in order", judging.unsent("order")),
                every("seen", "the pictures arrive as they are", judging.unsent("seen")),
            ),
        ),
        code_step(
            "soft",
            answers.SOFT,
            Drawn(seeds("soft", "64 new drawings, 16 new things"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "To the starter all pictures are one. Which of the arrays knows 3,200 words "
                "without any picture?",
                "In the space of `agree`, a picture has cosines with all words, and with all known "
                "pictures. Mix their vectors by a softmax.",
                "scores = unit(see(pictures)) @ unit(read(words)).T; softmax(scores / 0.06) @ "
                "tokens. And a second vector: known pictures, names.",
            ),
            checks=(
                every(
                    "drawings",
                    f"{judging.DRAWINGS:.0%} of new drawings get their name",
                    judging.too_few("drawings", judging.DRAWINGS, "drawings"),
                ),
            ),
        ),
        code_step(
            "ask",
            answers.ASK,
            Drawn(seeds("ask", "64 new drawings, in your words"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "What does the model choose where there is nothing to see? Compare that with what "
                "it chooses by the picture.",
                "Take what it would have said anyway off. And show it what you want: examples with "
                "words where the picture will be.",
                "BEFORE ends where the picture is: 'The picture of a dog shows a dog. The picture "
                "of a'. AFTER = ' shows a'. Then own - none.",
            ),
            checks=(
                every(
                    "chosen",
                    f"{judging.CHOSEN:.0%} of new drawings are named right",
                    judging.too_few("right", judging.CHOSEN, "chosen"),
                ),
            ),
        ),
        code_step(
            "agent",
            answers.TELL,
            Drawn(seeds("agent", "60 pictures to tell of, and an agent"), practice=1, graded=1),
            runs_on="look",
            hints=(
                "As in the last step: what speaks for a name is what the picture adds to it.",
                "Make chances of the gains, by a softmax. One name where the best has most of it.",
                "'a rooster' where its chance is above 0.75, else 'a rooster or a violin': the "
                "agent passes both on.",
            ),
            checks=(
                every("right", "the right name is told", judging.unnamed),
                every("sure", "one name where it is clear, two where not", judging.unsure),
                every("agent", "the agent looks, and says what it was told", judging.misled),
            ),
        ),
        quiz(
            "seeing",
            "Does it see?",
            (
                "A model answers 80 % of your questions on pictures. Without any picture, it "
                "answers 35 %. What shows best how much it takes from what is in the picture?"
            ),
            wrong(
                "80 % less 35 %: the picture is worth 45 points.",
                "Without one it meets what it never learnt from, and may do worse than guess.",
            ),
            right(
                "Ask each question again with another question's picture.",
                "All is as usual but what is seen. What stays right then was guessed.",
            ),
            wrong(
                "Make sure that each answer is right equally often: then nothing can be guessed.",
                "A question's own words can still give its answer away.",
            ),
            wrong(
                "Ask for its reasons, and read whether they tell of the picture.",
                "It can tell of a picture that it was never given.",
            ),
            hints=("Which comparison changes the picture, and nothing else?",),
        ),
    ),
)
