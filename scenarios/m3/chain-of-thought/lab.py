"""m3/chain-of-thought: working written out before the answer beats answering at once."""

from __future__ import annotations

from agentlab.labs import AgentAnswer, Example, Lab, ReadStep
from agentlab.labs.checks import share
from agentlab.labs.declare import Answers, Drawn, agent_step, quiz, right, wrong

from .cases import orders, sums
from .examples import (
    MORE_NUMBERS,
    STEADY,
    answer,
    answer_then_steps,
    first_step_only,
    in_one_step,
    of_orders,
    of_sums,
    orders_then_answer,
    steps_then_answer,
    told_after,
)
from .judging import answers


def _shown(examples: tuple[Example, ...], instructions: str = "") -> AgentAnswer:
    return AgentAnswer(instructions=instructions, examples=examples, settings=STEADY)


lab = Lab(
    id="m3/chain-of-thought",
    title="Thinking on paper",
    teaches=(
        "why working written before an answer makes the answer better",
        "showing a model worked examples, with steps it can take",
    ),
    minutes=15,
    steps=(
        ReadStep(id="one-token-at-a-time"),
        agent_step(
            "working-first",
            Answers(
                starter=_shown(of_sums(answer)),
                solution=_shown(of_sums(steps_then_answer)),
                wrong={
                    "told-only": _shown(of_sums(answer), "Think step by step."),
                    "steps-after": _shown(of_sums(answer_then_steps)),
                },
            ),
            Drawn(sums, practice=4, graded=12),
            hints=(
                "The sum of three numbers takes two small sums. Which number comes out of the "
                "first, and where is the model to find it again?",
                "Write the small sums into the `answer` of every example, in front of the words "
                "The answer is.",
                'What is 3 + 2 + 4? becomes "3 + 2 = 5. 5 + 4 = 9. The answer is 9."',
            ),
            checks=(share("right", "half of twelve answers are right", answers, 1 / 2),),
        ),
        agent_step(
            "steps-it-can-take",
            Answers(
                starter=_shown(of_orders(told_after)),
                solution=_shown(of_orders(orders_then_answer)),
                wrong={
                    "more-of-the-same": _shown(of_orders(told_after, MORE_NUMBERS)),
                    "a-step-left-out": _shown(of_orders(first_step_only)),
                    "one-big-step": _shown(of_orders(in_one_step)),
                },
            ),
            Drawn(orders, practice=4, graded=12),
            hints=(
                "Read a wrong reply up to its first wrong number. What would the model have had "
                "to work out there, and is it written anywhere?",
                "Add 4: 8 names one number of the small sum and its result. The other one has to "
                "be fetched from the sentence before. Write down whole sums.",
                'Start with 3, add 2, add 4. becomes "Add 2: 3 + 2 = 5. Add 4: 5 + 4 = 9. The '
                'answer is 9."',
            ),
            checks=(share("right", "half of twelve answers are right", answers, 1 / 2),),
        ),
        quiz(
            "what-the-steps-do",
            "What the steps do",
            "Why does the working help before the answer, and not behind it?",
            wrong(
                "The model takes more time over the question before it says something.",
                "Time by itself does nothing. Every token costs the same work, and a reply "
                "of twenty tokens without the middle sum in them would be no better.",
            ),
            right(
                "The answer is written with the working in front of it, so it can be read "
                "off from there.",
                "Every token is chosen from what stands before it. What stands behind the "
                "answer came too late to have a part in it.",
            ),
            wrong(
                "The model checks its answer against the working, and corrects it.",
                "It cannot: a token once written stays. When the answer comes first it is a "
                "guess, and the working behind it, even where it is right, changes nothing.",
            ),
            wrong(
                "Examples with working teach the model to add: its weights change.",
                "No weight changes while a model answers. Leave the examples out, and it "
                "answers as it did before.",
            ),
            hints=("Which tokens can the model see at the moment when it writes the answer?",),
        ),
    ),
)
