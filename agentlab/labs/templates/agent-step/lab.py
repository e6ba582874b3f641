"""mN/name: what the lab is made of. Its text is in lesson.md, one heading for each step here."""

from __future__ import annotations

from agentlab.labs import CaseRun, Lab, ReadStep
from agentlab.labs.checks import says_number, share
from agentlab.labs.declare import Drawn, agent_step, quiz, right, wrong

from . import answers
from .cases import questions
from .tools import count_letter


def counted_by_the_tool(run: CaseRun) -> bool:
    """The answer is right, and the tool returned it: read from the run, not from the answer."""
    returned = {r.content for call, r in run.calls if call.name == "count_letter" and not r.error}
    return says_number(run) and str(run.case.expect) in returned


lab = Lab(
    id="mN/name",
    title="Letters it cannot see",
    teaches=(
        "why a model that reads tokens can't count letters",
        "showing it how to use a tool that can",
    ),
    minutes=10,
    tools=(count_letter,),
    steps=(
        ReadStep(id="what-it-reads"),
        agent_step(
            "count",
            answers.COUNT,
            Drawn(questions, practice=2, graded=6),
            tools=("count_letter",),
            hints=(
                "Read a run: did the model call anything? It was told to, but never shown.",
                "Add [[examples]]: a user's question, the tool, its arguments, its result, and "
                "an answer.",
                "Three examples with other words, each ending in: The answer is ….",
            ),
            checks=(
                share(
                    "counted",
                    "five in six answers are right, and counted by the tool",
                    counted_by_the_tool,
                    5 / 6,
                    wanted="counted rightly",
                ),
            ),
        ),
        quiz(
            "why",
            "Why the tool?",
            "Why does a model that spells strawberry without a mistake miscount its r's?",
            wrong(
                "It has never read the word.",
                "It writes the word rightly, so it has.",
            ),
            right(
                "It reads the word as one token or a few, and never sees the letters in them.",
                "Yes. To the tool the word is letters, so that it only has to count.",
            ),
            wrong(
                "Its temperature is too high.",
                "It ran at temperature 0, and miscounted all the same.",
            ),
            hints=("In the playground, F5 shows a conversation as the model reads it.",),
        ),
    ),
)
