"""m2/attention: attention by hand, in a real model; its heads found by what they look at."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers, judging
from .cases import of
from .tools import run_on_model, sandbox

lab = Lab(
    id="m2/attention",
    title="Eight heads that copy",
    teaches=(
        "scaled dot-product attention, as a real model uses it",
        "finding out what a head does by what it looks at",
        "switching heads off, and measuring what that costs",
    ),
    minutes=25,
    tools=(run_on_model,),
    equip=sandbox,
    steps=(
        ReadStep(id="asked"),
        code_step(
            "attend",
            answers.ATTEND,
            Drawn(of("attend"), practice=1, graded=1),
            runs_on="run_on_model",
            hints=(
                "The starter lets every token look at all others, and compares lengths as well. "
                "What is said of the scale, and of what comes later?",
                "Repeat k and v along axis -3. Mask with -inf before the softmax, from the end: "
                "np.tri(n, m, m - n). Take the largest score away before exp.",
                "np.where(np.tri(n, m, m - n, dtype=bool), q @ np.swapaxes(k, -1, -2) / "
                "np.sqrt(size), -np.inf), then the softmax over axis -1",
            ),
            checks=(
                every("same", "attention, for every shape of q, k and v", judging.differs),
                every("model", "with it the model says what llama.cpp says", judging.elsewhere),
                every("kept", "what it is given stays as it was", judging.changed),
            ),
        ),
        code_step(
            "look",
            answers.LOOK,
            Drawn(of("look"), practice=1, graded=1),
            runs_on="run_on_model",
            hints=(
                "What can be copied from a line in which nothing is said twice?",
                "Say 25 drawn tokens twice. In the second half, at place i, the same token stood "
                "at i - 25. Which place would help to say what comes next?",
                "i = np.arange(25, 50); weights[:, :, i, i - 25 + 1].mean(axis=-1)",
            ),
            checks=(
                every(
                    "back",
                    "your first six that look back do so on fresh lines",
                    judging.misses("back", "look back one on fresh lines"),
                ),
                every(
                    "copy",
                    "your first six that copy do so on fresh lines",
                    judging.misses("copy", "look at what came next, on fresh lines"),
                ),
            ),
        ),
        code_step(
            "off",
            answers.DEAREST,
            Drawn(of("dearest"), practice=1, graded=1),
            runs_on="run_on_model",
            hints=(
                "A head that copies has to find the place after the same token. How would a place "
                "know which token stood before it?",
                "Try the first few heads that look back one, each switched off, and take the one "
                "that costs most. Then measure that one on fresh lines.",
                "back = np.diagonal(weights, -1, axis1=2, axis2=3).mean(axis=-1); "
                "max(best_five, key=lambda head: cost(ids, head, 24))",
            ),
            checks=(
                every(
                    "dear",
                    f"what is said again costs {judging.DEAR} nats a token more",
                    judging.cheap,
                ),
                every("again", "what you say it costs there", judging.mismeasured),
                every("plain", "what you say it costs on ordinary text", judging.overcharged),
            ),
        ),
        code_step(
            "agent",
            answers.SPLIT,
            Drawn(of("split"), practice=1, graded=1),
            runs_on="run_on_model",
            hints=(
                "A call repeats things: the name of the tool, the number of the order. Which "
                "heads were those that copy?",
                "The first eight by your score of copying. For each of them one of its layer that "
                "copies least, and none twice.",
                "order = sorted heads by copies; needed = order[:8]; then for layer, _ in needed: "
                "the last of order in that layer that is not taken yet",
            ),
            checks=(
                every("plain", "ordinary text costs as good as nothing more", judging.harmed),
                every(
                    "needed",
                    f"without the eight an order's number costs {judging.NEEDED:g} nats or more",
                    judging.unneeded,
                ),
                every(
                    "spare",
                    f"without the other eight, {judging.FREE:g} at most",
                    judging.unspared,
                ),
            ),
        ),
        quiz(
            "explained",
            "What has been shown?",
            (
                "With eight heads off the agent looks up wrong orders; with eight others of the "
                "same layers off, the right ones. What do you conclude?"
            ),
            wrong(
                "Those eight heads hold the skill of calling tools.",
                "It still called. They copy whatever stands there, and you found them in the "
                "model before it was tuned to call anything.",
            ),
            right(
                "Copying a number needs them. Other parts may be needed just as much.",
                "Switching off shows what is needed, not what is enough. Layer 16 had such a part "
                "that copies nothing itself.",
            ),
            wrong(
                "Any eight heads of those layers would have done.",
                "That is what the other eight were for: as many, as deep, and no harm done.",
            ),
            hints=("What did you find below the heads that copy?",),
        ),
    ),
)
