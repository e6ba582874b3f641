"""m0/notebook: saved notebooks found out, mended, run again in any order, and asked by a model."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import again, days, notebooks, questions
from .judging import (
    failing,
    made_up,
    miscut,
    misjudged,
    misled,
    misquoted,
    mistold,
    not_asked,
    wrong_after,
    wrong_at_once,
    wrong_twice,
)
from .tools import MODEL, run_notebook, sandbox

lab = Lab(
    id="m0/notebook",
    title="What the kernel remembers",
    teaches=(
        "telling a notebook that works from one that worked once",
        "cells that can be run again, in any order",
        "a notebook as a model's tool",
    ),
    minutes=25,
    backend=MODEL,
    tools=(run_python, run_notebook),
    equip=sandbox,
    steps=(
        ReadStep(id="kernel"),
        code_step(
            "find",
            answers.FIND,
            Drawn(notebooks, practice=1, graded=1),
            hints=(
                "A notebook that was run out of order may be sound, and one with the counts 1, 2, "
                "3 may not. What would show it?",
                "Run its cells in an empty dict of names and in an empty folder, and compare what "
                "they print with what is stored.",
                "with contextlib.chdir(tempfile.mkdtemp()), then for each cell "
                "contextlib.redirect_stdout(io.StringIO()) and exec(source, names).",
            ),
            checks=(
                every("found", "the first cell that breaks is named", misjudged(True)),
                every("cleared", "and a sound notebook is left alone", misjudged(False)),
            ),
        ),
        code_step(
            "mend",
            answers.MEND,
            Drawn(days, practice=1, graded=1),
            runs_on="run_notebook",
            hints=(
                "Run it, and read which cell fails first. Which names does it use that no cell "
                "above gives it?",
                "The counts 4 to 11 are of cells that are gone. One of them began the list. And "
                "who writes limit.json, before anybody reads it?",
                'seconds = [float(row["seconds"]) for row in rows if not row["error"]]; the limit '
                "is a number, and needs no file.",
            ),
            checks=(
                every("runs", "it runs from the top in fresh kernels", failing),
                every("fresh", "on a fresh machine, it says what is so", misled(0)),
                every("left", "and where yesterday's files lie about", misled(1)),
            ),
        ),
        code_step(
            "again",
            answers.AGAIN,
            Drawn(again, practice=1, graded=1),
            runs_on="run_notebook",
            hints=(
                "Which cell changes what it was given? Which name means one thing above a cell "
                "and another below it?",
                "Give what each cell makes a name that no other cell writes to, and leave what "
                "came from above as it is.",
                'in_ms = [row | {"ms": …} for row in rows], then good = [… for row in in_ms …].',
            ),
            checks=(
                every("cells", "it has 4 to 9 cells", miscut),
                every("once", "run from the top, it says what is so", wrong_at_once),
                every("twice", "and so if each cell is run twice", wrong_twice),
                every("after", "and after any two are run again", wrong_after),
            ),
        ),
        code_step(
            "asked",
            answers.ASKED,
            Drawn(questions, practice=1, graded=1),
            runs_on="run_notebook",
            hints=(
                "The cells above the parameters are run once, those below for every question. "
                "Where does the count begin?",
                "Begin the count below the parameters. And what should happen if no row has "
                "this tool?",
                'errors = [row["error"] for row in rows if row["tool"] == tool]; if not errors: '
                "raise ValueError(…).",
            ),
            checks=(
                every("called", "the model asks the notebook", not_asked),
                every("right", "each answer is of its own question", mistold),
                every("said", "and the model says it", misquoted),
                every("honest", "what nobody called is an error, not a number", made_up),
            ),
        ),
        quiz(
            "colab",
            "On a machine of somebody else's",
            "You open your mended notebook in Google Colab, on a machine that is new each time. "
            "Run all fails. What can be the reason?",
            right(
                "calls.csv is not there.",
                "Files stay behind. What a session there wrote is gone with its machine, too.",
            ),
            right(
                "A package has another version, or isn't installed.",
                "It comes with packages of its own. What you need besides, a first cell has to "
                "install, with versions.",
            ),
            wrong(
                "The execution counts in the file are not 1, 2, 3.",
                "Nothing reads them when cells are run. A fresh kernel counts anew.",
            ),
            wrong(
                "Your kernel ran cells that it never ran.",
                "For this notebook that is so no longer: it needs nothing from the kernel it "
                "was written in.",
            ),
            right(
                "A key that it reads from the environment isn't set there.",
                "It has to be put among the service's secrets. In a cell, it would be saved with "
                "the notebook and shared.",
            ),
            hints=("Three. What is in the notebook's file, and what is around it?",),
        ),
    ),
)
