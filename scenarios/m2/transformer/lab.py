"""m2/transformer: an encoder-decoder from its parts, and the leaks that make its loss too good."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong

from . import answers, judging
from .cases import built, leaking, tools_made
from .tools import build, sandbox, serve

lab = Lab(
    id="m2/transformer",
    title="Better than the coin",
    teaches=(
        "an encoder-decoder out of self-attention, cross-attention and masks",
        "what a loss can not fall below, and what it means when it does",
        "a test that sees a leak from the future in any net",
    ),
    minutes=25,
    tools=(build, serve),
    equip=sandbox,
    steps=(
        ReadStep(id="coin"),
        code_step(
            "net",
            answers.NET,
            Drawn(built, practice=1, graded=1),
            runs_on="build",
            hints=(
                "Three attentions: which rows ask in each of them, which are looked at, and what "
                "may be seen?",
                "Add self.places to both; cross asks from the target and looks at x. "
                "torch.ones(n, n).tril() says what a place may see.",
                "z = z + self.cross(norms[4](z), x, there), where there is "
                "(source != 0)[:, None, None, :], also in self.read.",
            ),
            checks=(
                every("shape", "scores for each piece of the target", judging.unlike("shape")),
                every("later", "no place sees a later one", judging.unlike("later")),
                every("earlier", "every place sees all before it", judging.unlike("earlier")),
                every("source", "every place sees the whole source", judging.unlike("source")),
                every("order", "the order of the source counts", judging.unlike("order")),
                every("padding", "pads count for nothing", judging.unlike("padding")),
                every("exact", f"{judging.RIGHT:.0%} of dates are right", judging.untranslated),
            ),
        ),
        code_step(
            "sees",
            answers.SEES,
            Drawn(leaking, practice=1, graded=1),
            runs_on="build",
            hints=(
                "A score can move and still be the highest. And what moves when you ask a net "
                "with dropout the same thing twice?",
                "Compare scores, not choices, and allow for rounding. torch.manual_seed(0) before "
                "each pass makes dropout the same in each.",
                "found[:, j] = (net(source, other)[0] - before).abs().amax(dim=-1) > 1e-5",
            ),
            checks=(
                every("leaks", "every leak is seen", judging.overlooked),
                every("honest", "no net is accused wrongly", judging.accused),
                every("where", "it is right about each place", judging.misplaced),
                every("kept", "the nets stay as they were", judging.changed),
            ),
        ),
        code_step(
            "serve",
            answers.SERVE,
            Drawn(tools_made, practice=1, graded=1),
            runs_on="serve",
            hints=(
                "The starter's loss is far below a coin. Its net has a mask. What does a place "
                "have to say, and what is it shown?",
                "Show the net target[:, :-1] and have it say target[:, 1:]. Which id does a word "
                "get that no pair had?",
                "if UNKNOWN in english.ids(text): raise ValueError(…)",
            ),
            checks=(
                every(
                    "exact", f"{judging.RIGHT:.0%} of fresh dates are right", judging.untranslated
                ),
                every("refuses", "what it can't read it does not translate", judging.made_up),
                every(
                    "agent",
                    "the agent gets what it asked for, two times of three",
                    judging.unserved,
                ),
            ),
        ),
        quiz(
            "hidden",
            "Which leak?",
            (
                "A net's loss is 0.01 nats a date. Your detector says that no place sees a later "
                "one. Alone, it writes nonsense. Where do you look?"
            ),
            right(
                "At what it is shown while it trains, beside what it has to say.",
                "If it is shown the piece that it has to say, no mask helps, and the net itself "
                "has no fault that a detector could see.",
            ),
            wrong(
                "At the training: it was too short.",
                "The loss is below the coin's. More training makes no honest net know a coin.",
            ),
            wrong(
                "At how it is decoded: its loss shows that it has learnt.",
                "0.01 nats shows that it knows how the coin fell. It can't have learnt that.",
            ),
            hints=("Which fault did the last starter have?",),
        ),
    ),
)
