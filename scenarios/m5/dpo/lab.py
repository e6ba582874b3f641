"""m5/dpo: the learner says which of two answers is better, and the model comes to agree."""

from __future__ import annotations

from agentlab.labs import CaseRun, Lab, ReadStep
from agentlab.labs.checks import close_to, numbers_in, share, told
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers
from .cases import UNSEEN, pairs, talks
from .training import align, bench, run

MOST_WORDS = 20
FEWEST_WORDS = 4
NEEDED = 9


def gives_the_loss(run: CaseRun) -> bool:
    """The last number printed is the loss."""
    if not run.calls or run.calls[-1][1].error is not None:
        return False
    found = numbers_in(run.calls[-1][1].content)
    return bool(found) and close_to(found[-1], run.case.expect)


def is_brief(run: CaseRun) -> bool:
    """Enough answers are short, and yet answers."""
    return sum(FEWEST_WORDS <= n <= MOST_WORDS for n in told(run).get("words", [])) >= NEEDED


lab = Lab(
    id="m5/dpo",
    title="Which answer is better?",
    teaches=(
        "what a preference is, and how a model learns from it without a reward model",
        "the loss of DPO, and why it needs the model as it was",
        "that a model learns what you prefer, not what you meant",
    ),
    minutes=25,
    tools=(run, align),
    equip=bench,
    steps=(
        ReadStep(id="preferences"),
        code_step(
            "loss",
            answers.LOSS,
            Drawn(pairs, practice=2, graded=6),
            runs_on="run",
            hints=(
                "How much more likely has the better answer become since the training began? "
                "And the worse one?",
                "The margin is beta times the difference of these two. Sigmoid makes a "
                "probability of it.",
                "margin = beta * ((better - better_was) - (worse - worse_was)); the loss is "
                "-math.log(1 / (1 + math.exp(-margin))).",
            ),
            checks=(share("loss", "the loss is right for every pair", gives_the_loss, 1.0),),
        ),
        code_step(
            "prefer",
            answers.PREFER,
            Drawn(talks, practice=1, graded=1),
            runs_on="align",
            hints=(
                "You want short answers. Which of two answers would you pick, by something that "
                "a program can count?",
                "Count the words, or the sentences. Where two answers are alike, None says that "
                "the pair teaches nothing.",
                'return "a" if len(a.split()) < len(b.split()) else "b"',
            ),
            checks=(
                share(
                    "brief",
                    f"{NEEDED} of {UNSEEN} answers to unseen questions have {FEWEST_WORDS} to "
                    f"{MOST_WORDS} words",
                    is_brief,
                    1.0,
                    wanted="brief enough",
                ),
            ),
        ),
        quiz(
            "what-it-learnt",
            "What did it learn?",
            (
                "After the training, `What is a planet?` is answered with `A planet is a planet "
                "that is not a star.` What happened?"
            ),
            wrong(
                "The training failed: the loss did not fall.",
                "It fell, and the answers did become short.",
            ),
            right(
                "The model learnt exactly what was preferred, short answers. That they say "
                "something was never part of the preference.",
                "Yes. What is rewarded is what you get, and the easiest way to it is taken. "
                "People who judge answers for a living are asked for much more than length.",
            ),
            wrong(
                "DPO makes models forget facts, so it should not be used.",
                "It knew little about planets before, too: it only said so at length.",
            ),
            wrong(
                "The temperature was too low for a good answer.",
                "Temperature 0 takes the likeliest words; it made the long answers as well.",
            ),
            hints=("Read your `prefer` again. Would it have liked that answer?",),
        ),
    ),
)
