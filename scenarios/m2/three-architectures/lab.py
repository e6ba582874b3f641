"""m2/three-architectures: a decoder, an encoder and both, of one block and one size."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step

from . import answers, judging
from .cases import of
from .routing import AGENT
from .tools import CALLS, GAPS, fill, probe, route, sandbox, wire

lab = Lab(
    id="m2/three-architectures",
    title="Three nets of one block",
    teaches=(
        "what makes a block a GPT, a BERT or a T5: masks, and what looks at what",
        "filling a gap with each, and what order does for a decoder",
        "what each of them can't do, shown by probes",
        "an encoder that chooses a tool, and a decoder that calls it",
    ),
    minutes=25,
    tools=(wire, fill, probe, route),
    equip=sandbox,
    backend=AGENT,
    steps=(
        ReadStep(id="one-block"),
        code_step(
            "wire",
            answers.WIRE,
            Drawn(of("four texts, two of them padded"), practice=1, graded=1),
            runs_on="wire",
            hints=(
                "The starter lets every place look at every place, in all three, and the writing "
                "half of t5 never looks at what was read.",
                "tril() of ones for what writes; (ids != 0) for what reads, and for every look at "
                "its memory. A block with cross attention has 4 WIDTH² more.",
                "block(rows, seen, memory, word.expand(len(ids), n, m)), and 96 for t5.",
            ),
            checks=(
                every("size", "the three are equally large, within 2 %", judging.uneven),
                every("gpt", "a decoder sees what came before", judging.miswired("gpt")),
                every("bert", "an encoder sees all words", judging.miswired("bert")),
                every("t5", "both together read all, and write in order", judging.miswired("t5")),
            ),
        ),
        code_step(
            "fill",
            answers.FILL,
            Drawn(of(f"{GAPS} fresh gaps"), practice=1, graded=1),
            runs_on="fill",
            hints=(
                "Look at what came out wrong. Could you have known better from what it was given?",
                "A decoder sees what stands before. Who says that it has to be what stood before "
                "in the sentence?",
                'gpt: [*after, "|", *before, "_"]; and for t5 a mark where the gap is.',
            ),
            checks=(
                every("gpt", "a decoder fills them", judging.unfilled("gpt", judging.GPT)),
                every("t5", "an encoder with a decoder does", judging.unfilled("t5", judging.T5)),
            ),
        ),
        code_step(
            "cannot",
            answers.CANNOT,
            Drawn(of("two probes"), practice=1, graded=1),
            runs_on="probe",
            hints=(
                "blind: which word is decided by one that comes later? torn: where are several "
                "sentences right that may not be mixed?",
                "blind: leave the first word open. torn: leave open both words that must agree, "
                "with a verb that agrees with either.",
                'blind: [], ["runs"], ["run"]. torn: [], and a verb of long ago.',
            ),
            checks=(
                every("blind", "from the left one of two is wrong", judging.sighted),
                every("torn", "in one pass words do not agree", judging.whole),
            ),
        ),
        code_step(
            "route",
            answers.ROUTE,
            Drawn(of(f"12 tools, 120 requests, {CALLS} calls"), practice=1, graded=1),
            runs_on="route",
            hints=(
                "Vectors of requests for the same tool point in about the same direction, and all "
                "have a length of 1.",
                "Tools have 2 to 12 known requests. Whatever adds up over them prefers those with "
                "many.",
                "labels[(fresh @ known.T).argmax(axis=1)], or the mean of each tool's vectors.",
            ),
            checks=(
                every("right", "95 % of the requests go to the right tool", judging.astray),
                every("called", "the agent calls it", judging.uncalled),
            ),
        ),
    ),
)
