"""m5/capstone: an agent made better by its own good runs, and the proof that it is."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import judging
from .answers_judge import JUDGE
from .answers_pick import PICK
from .answers_prove import PROVE
from .answers_road import ROAD
from .cases import experiments, judged, picked, roads
from .judging import HONEST, SEES
from .road import BOUND
from .tools import desk, run, walk

lab = Lab(
    id="m5/capstone",
    title="Better, and proved",
    teaches=(
        "a program that tells right from wrong, which is all a task needs",
        "what to learn from runs, and what not",
        "a claim that no luck can make, and the whole road from runs to a better model",
    ),
    minutes=40,
    tools=(run, walk),
    equip=desk,
    steps=(
        ReadStep(id="the-road"),
        code_step(
            "judge",
            JUDGE,
            Drawn(judged, practice=1, graded=2),
            runs_on="run",
            hints=(
                "What does `1999-02-03 or 1999-03-02` claim? What does it cost to say both?",
                "Work out the one right answer from the question; then compare the whole answer "
                "with it, but for spaces around it.",
                "return answer.strip() == day_in(question), and day_in finds a year of four "
                "digits, a day of one or two, and a month by its first three letters.",
            ),
            checks=(
                every("right", "what is right passes", judging.misjudged("right", "spaced")),
                every("day", "another day doesn't", judging.misjudged("day", "year", "turned")),
                every("form", "nor another form", judging.misjudged("form", "short", "around")),
                every("both", "nor two dates, or none", judging.misjudged("both", "nothing")),
            ),
        ),
        code_step(
            "pick",
            PICK,
            Drawn(picked, practice=1, graded=2),
            runs_on="run",
            hints=(
                "The starter takes whatever is right. Which questions will most of it be about? "
                "And has it seen those that are asked later?",
                "Go through the tries from the fewest tokens on; keep a list for each question of "
                "what was already taken.",
                "sorted(tries, key=lambda one: one['tokens']), then skip what is wrong, asked "
                "later, the third of its question, or an answer that it already has.",
            ),
            checks=(
                every("good", "only right ones", judging.mispicked("good")),
                every("apart", "nothing that is asked later", judging.mispicked("apart")),
                every("once", "each once", judging.mispicked("once")),
                every("even", "two of a question at most", judging.mispicked("even")),
                every("all", "no question is passed over", judging.mispicked("all")),
                every("short", "the shorter ones", judging.mispicked("short")),
            ),
        ),
        code_step(
            "prove",
            PROVE,
            Drawn(experiments, practice=1, graded=1),
            runs_on="run",
            hints=(
                "Most questions come out the same both times. Do they tell anything about the "
                "difference?",
                "Look only at questions that changed. If nothing is different, each is as likely "
                "to change one way as the other: a coin, thrown n times.",
                "min(1, 2 * sum(comb(n, k) for k in range(few + 1)) / 2**n) is how often a coin "
                "does as well; below 0.05, say which way it went.",
            ),
            checks=(
                every(
                    "honest",
                    f"where nothing changed, {HONEST:.0%} at most",
                    judging.unproved("honest"),
                ),
                every("sees", f"{SEES:.0%} of gains are seen", judging.unproved("sees")),
                every("loss", "and of losses", judging.unproved("loss")),
                every(
                    "ends", "neither four of four nor 30 of 30 mislead", judging.unproved("ends")
                ),
            ),
        ),
        code_step(
            "road",
            ROAD,
            Drawn(roads, practice=1, graded=1),
            runs_on="walk",
            hints=(
                "How many tries were right, and of how many questions? What would give it more?",
                "Three tries of each question at temperature 0.5, your pick, three epochs, and a "
                "learning rate of 0.0005.",
                "SETTINGS = {'tries': 3, 'temperature': 0.5, 'epochs': 3, 'lr': 5e-4}, with your "
                "pick and your verdict of the steps before.",
            ),
            checks=(
                every("own", "it learns from its own tries", judging.noted("own")),
                every("apart", "and from nothing that is tested", judging.noted("apart")),
                every(
                    "better",
                    "it becomes better, as far as 40 questions show",
                    judging.noted("better"),
                ),
                every("talk", f"plain talk loses {BOUND:.0%} at most", judging.noted("talk")),
                every("claim", "your verdict is what the results say", judging.noted("claim")),
            ),
        ),
        quiz(
            "why",
            "What did it learn?",
            (
                "It learnt from a dozen of its own answers, and got three or four times as many "
                "right. From all that it had said, it learnt nothing. What was in the dozen?"
            ),
            wrong(
                "New knowledge: it could not turn months into numbers before.",
                "It had given each of these answers itself. What it never does can't be picked.",
            ),
            right(
                "Your judgement: which of the things that it does anyway to do always.",
                "One bit an answer, by a program. That is all that was added, and why `right` "
                "must not let anything else pass.",
            ),
            wrong(
                "More of the same: all its answers were too many for one LoRA.",
                "They fit as well. But what a model says on average, it says already.",
            ),
            wrong(
                "The test: some of its questions were in the dozen.",
                "Those were set apart, and what you picked was checked for it.",
            ),
            hints=("What is in the dozen that is not in all that it said?",),
        ),
    ),
)
