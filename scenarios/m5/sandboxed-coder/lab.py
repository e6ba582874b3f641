"""m5/sandboxed-coder: an agent that writes code, mends it, draws with it, and cannot get out."""

from __future__ import annotations

import io
from typing import Any, cast

from agentlab.labs import CaseRun, Lab, ReadStep
from agentlab.labs.checks import close_to, numbers_in, printed, says_number, share
from agentlab.labs.declare import Answers, Drawn, agent_step, code_step, quiz, right, wrong
from agentlab_tools.execute.equipment import sandbox_with

from . import answers
from .answers import DRAWN, MENDED, coder, shown_success
from .cases import attempts, numbers, plots
from .tools import probe, run_python


def printed_by_the_code(run: CaseRun) -> bool:
    """The answer is right, and the sandbox printed it."""
    printed = [n for _, result in run.calls if not result.error for n in numbers_in(result.content)]
    return says_number(run) and any(close_to(n, float(run.case.expect)) for n in printed)


def mended_its_code(run: CaseRun) -> bool:
    """A call failed, a later one did not, and the answer came out right."""
    errors = [result.error is not None for _, result in run.calls]
    return True in errors and False in errors[errors.index(True) :] and printed_by_the_code(run)


def drew_something(run: CaseRun) -> bool:
    """A picture came out of the sandbox, and it is not blank."""
    from PIL import Image

    for _, result in run.calls:
        for artifact in result.artifacts:
            with Image.open(io.BytesIO(artifact.blob.read())) as image:
                colours = image.convert("RGB").getcolors(1 << 24) or []
            if len(colours) > 16 and min(image.size) >= 100:
                return True
    return False


def told_truly(run: CaseRun) -> bool:
    """The probe tried the thing, once, and said what really happened."""
    found = printed(run)
    if not isinstance(found, list) or len(cast(list[Any], found)) != 2:
        return False
    said, came = cast(list[Any], found)
    return came == [said] and (said == "allowed") == run.case.expect


lab = Lab(
    id="m5/sandboxed-coder",
    title="A coder in a box",
    teaches=(
        "letting an agent run the code it writes",
        "showing a model how to mend what failed",
        "what a sandbox holds back, and how to find out",
    ),
    minutes=25,
    tools=(run_python, probe),
    equip=sandbox_with("matplotlib", timeout=20),
    steps=(
        ReadStep(id="why-a-box"),
        agent_step(
            "mend",
            Answers(
                starter=coder(),
                solution=coder(MENDED),
                wrong={
                    "no-tool": coder(tool=False),
                    "only-success-shown": coder(shown_success(MENDED[:2])),
                    "answers-without-code": coder(
                        tuple(e.model_copy(update={"tool": None}) for e in MENDED), tool=False
                    ),
                },
            ),
            Drawn(numbers, practice=3, graded=8),
            tools=("run_python",),
            hints=(
                "Look at a run: after the error, what did the model say next?",
                "An [[examples]] entry may have `tried`: calls that failed first, each with its "
                "error. Show the same code again with what was missing.",
                'tried = [{ arguments = { code = "print(math.sqrt(81))" }, '
                "error = \"NameError: name 'math' is not defined\" }]",
            ),
            checks=(
                share(
                    "right",
                    "six in eight answers are right, and printed by the code",
                    printed_by_the_code,
                    6 / 8,
                ),
                share(
                    "mended",
                    "half of the runs mended code that had failed",
                    mended_its_code,
                    4 / 8,
                    wanted="mended",
                ),
            ),
        ),
        agent_step(
            "draw",
            Answers(
                starter=coder(MENDED[:1]),
                solution=coder(DRAWN),
                wrong={
                    "no-tool": coder(tool=False),
                    "wrong-examples": coder(MENDED[:2]),
                },
            ),
            Drawn(plots, practice=2, graded=4),
            tools=("run_python",),
            hints=(
                "The model has never seen a plot in its examples.",
                "Show it two plots that are not the ones it will be asked for.",
                "import matplotlib.pyplot as plt, a list xs, and plt.plot(xs, […]).",
            ),
            checks=(
                share(
                    "drawn",
                    "half of the runs bring a picture out of the sandbox",
                    drew_something,
                    1 / 2,
                    wanted="drew something",
                ),
            ),
        ),
        code_step(
            "probe",
            answers.PROBE,
            Drawn(attempts, practice=4, graded=10),
            runs_on="probe",
            hints=(
                "An action that is stopped raises an exception.",
                "try: …, except Exception as error: …",
                "type(error).__name__ is the name of an error.",
            ),
            checks=(
                share(
                    "truth",
                    "every attempt is made, and what came of it is told",
                    told_truly,
                    1.0,
                    wanted="told truly",
                ),
            ),
        ),
        quiz(
            "what-holds",
            "What holds it?",
            "Which of these would keep code you do not trust away from your files?",
            wrong(
                "Searching the code for the words open and import before it runs.",
                "There are endless ways to reach a file without writing open: pandas has "
                "twenty. Reading code is no boundary.",
            ),
            right(
                "Its own file system, network and process space, given by the kernel.",
                "What is not in its world cannot be opened, whatever the code says.",
            ),
            wrong(
                "Asking the model to write no dangerous code.",
                "Instructions steer a model; they bind nothing, and a web page it reads can "
                "carry others.",
            ),
            right(
                "A filter on system calls, so that what is not needed cannot be asked for.",
                "And the kernel refuses the rest.",
            ),
            hints=("Ask of each: what enforces it?", "Two of them are enforced by the kernel."),
        ),
    ),
)
