"""m0/python-core: a trace read with lists and dicts, and a class whose methods a model calls."""

from __future__ import annotations

from functools import partial

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every, printed
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.equipment import sandbox_with
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import dialogues, runs, tallies
from .judging import (
    changing,
    leaking,
    miscounted,
    misread,
    misstored,
    not_asked,
    not_refused,
)
from .tools import MODEL, serve

listed = partial(every, read=printed)

lab = Lab(
    id="m0/python-core",
    title="What the agent did",
    teaches=(
        "reading a record of events with lists and dicts",
        "two names for one thing, and when that hurts",
        "a class whose methods a model can use",
    ),
    minutes=25,
    backend=MODEL,
    tools=(run_python, serve),
    equip=sandbox_with(timeout=20),
    steps=(
        ReadStep(id="names"),
        code_step(
            "calls",
            answers.CALLS,
            Drawn(runs, practice=3, graded=9),
            hints=(
                "Print some events of the kinds tool_started and tool_finished. What do they "
                "share, by which one finds the other?",
                "Keep the calls in a dict by their id: it keeps the order in which they came. "
                "Look each result up by its call_id, and not every one has a call there.",
                'Take the lines by text.split("\\n"), put json.loads into a try, and begin every '
                'call with "result": None, "error": "unfinished".',
            ),
            checks=(listed("calls", "every trace gives the calls that were begun in it", misread),),
        ),
        code_step(
            "tally",
            answers.TALLY,
            Drawn(tallies, practice=1, graded=4),
            hints=(
                "Run the starter, and read the second verdict. When is the {} in the first line "
                "made: at each call, or once?",
                "None as the default, and a new dict in the body. dict(totals) is new on the "
                "outside only: whose are the dicts in it?",
                "new = {tool: dict(counts) for tool, counts in (totals or {}).items()}",
            ),
            checks=(
                every("counts", "calls and failures are counted, and added up", miscounted),
                every("apart", "a tally that was begun afresh begins at nothing", leaking),
                every("kept", "what it was given stays as it is", changing),
            ),
        ),
        code_step(
            "store",
            answers.STORE,
            Drawn(dialogues, practice=1, graded=1),
            runs_on="serve",
            hints=(
                "Look at the calls: what does the model send as the count? And whose lamps are "
                "in the second store?",
                "count: int makes it a number. What belongs to one store alone is made in "
                "__init__, as self.items.",
                "Look first, then take: if count > there: raise ValueError(…). And "
                "self.items.get(item, 0), for what never was there.",
            ),
            checks=(
                every(
                    "called", "the model finds a method for every question", not_asked, read=printed
                ),
                every(
                    "kept",
                    "each store holds what was put there and left there",
                    misstored,
                    read=printed,
                ),
                every("refused", "nobody can take more than there is", not_refused, read=printed),
            ),
        ),
        quiz(
            "who-else",
            "Who else holds it?",
            (
                "mine = [[0] * 3] * 2, then yours = list(mine), then yours[0][0] = 7. What is "
                "mine now?"
            ),
            wrong(
                "[[0, 0, 0], [0, 0, 0]]: list(mine) was a copy.",
                "It is a new list of the same two entries, and what stands in them is not copied.",
            ),
            wrong(
                "[[7, 0, 0], [0, 0, 0]]: the first row is shared.",
                "It is, but so is the second: * 2 wrote the same row down twice.",
            ),
            right(
                "[[7, 0, 0], [7, 0, 0]]: there is one row, with four names.",
                "mine[0], mine[1], yours[0] and yours[1] are one list. Only the zeros in it could "
                "be repeated safely, since a number can't be changed.",
            ),
            wrong(
                "[[7, 7, 7], [7, 7, 7]]: everything is one zero.",
                "One zero, yes, but yours[0][0] = 7 puts something else in one place; it does not "
                "change the zero.",
            ),
            hints=("How many lists does [[0] * 3] * 2 make? Count the brackets that are run.",),
        ),
    ),
)
