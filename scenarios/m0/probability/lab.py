"""m0/probability: Bayes on fresh tables, text from counts, and what a model's claims are worth."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import claims, pieces, tables, witnesses
from .judging import (
    NATS,
    changed,
    costly,
    dear,
    dishonest,
    misjudged,
    no_chances,
    not_off,
    not_the_mean,
    not_the_spread,
)
from .tools import run_on_claims, run_on_text, sandbox

lab = Lab(
    id="m0/probability",
    title="How sure is it?",
    teaches=(
        "what a sign is worth: Bayes, and the rare thing",
        "a language model of counts, in the unit of a real one",
        "mean and spread, and claims that keep their word",
    ),
    minutes=25,
    tools=(run_python, run_on_text, run_on_claims),
    equip=sandbox,
    steps=(
        ReadStep(id="alarm"),
        code_step(
            "posterior",
            answers.POSTERIOR,
            Drawn(tables, practice=4, graded=8),
            hints=(
                "Two things are missing: what was believed before, and that all chances sum to 1.",
                "A thousand chances multiplied are 0 in a float. Add their logarithms, or bring "
                "the chances to a sum of 1 after every sign.",
                "belief = dict(prior); for each sign multiply by chances[cause][sign], then "
                "divide by the sum. A chance of 0 then stays 0.",
            ),
            checks=(
                every("follows", "the chances are those that follow from the signs", misjudged),
                every("kept", "what it is given stays as it was", changed),
            ),
        ),
        code_step(
            "writer",
            answers.WRITER,
            Drawn(pieces, practice=1, graded=3),
            runs_on="run_on_text",
            hints=(
                "What does the starter say of a character that never came after these four? It "
                "came after the last three, perhaps.",
                "Keep counts after 0, 1, 2, 3 and 4 characters. Begin with all alike, and mix in "
                "one length after the other.",
                "found[s] = (counts[s] + kinds * found[s]) / (total + kinds), where kinds is how "
                "many different characters came after it.",
            ),
            checks=(
                every("sum", "at every place the chances sum to 1", no_chances),
                every("bits", "unseen text costs at most 15 % more than by our counts", costly),
            ),
        ),
        code_step(
            "doubt",
            answers.DOUBT,
            Drawn(claims, practice=3, graded=9),
            hints=(
                "How much does luck move a claim of 0.99, and how much one of 0.5? The starter "
                "moves all of them alike.",
                "Each claim p has a variance of its own, p (1 - p). Variances of independent "
                "things add up; spreads do not.",
                "spread = math.sqrt(sum(p * (1 - p) for p in claims))",
            ),
            checks=(
                every("mean", "as many hits are expected as were claimed", not_the_mean),
                every("spread", "the spread is that of these very claims", not_the_spread),
                every("off", "what came is that many spreads off, with its sign", not_off),
            ),
        ),
        code_step(
            "honest",
            answers.HONEST,
            Drawn(witnesses, practice=1, graded=2),
            runs_on="run_on_claims",
            hints=(
                "Print how many of each kind were right in `known`, beside what was claimed.",
                "The kind says more than the claim does. And of what never happened in a few "
                "tries you may not say that it never will.",
                "For each kind (right + 1) / (count + 2): Laplace's rule, as if one more had been "
                "right, and one more wrong.",
            ),
            checks=(
                every("kinds", "in every kind as many are right as is claimed", dishonest),
                every("cost", f"what comes costs {NATS} nats at most", dear),
            ),
        ),
        quiz(
            "which-question",
            "Which question was it?",
            (
                "A guard finds 99 of 100 attacks, and is wrong on 1 of 100 harmless pages. One "
                "page in 1,000 is an attack. How many of its alarms are attacks?"
            ),
            wrong(
                "99 in 100.",
                "That is how many attacks raise an alarm, the question turned around.",
            ),
            wrong(
                "About half of them.",
                "So it would be if attacks were as rare as false alarms, one page in 100.",
            ),
            right(
                "About one in eleven.",
                "Of 100,000 pages 100 are attacks, and 99 of them are found. Of the other 99,900 "
                "a hundredth raises an alarm: 999. So 99 of 1,098.",
            ),
            hints=("Count pages: of 100,000, how many alarms are true, and how many are not?",),
        ),
    ),
)
