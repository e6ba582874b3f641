"""m5/tool-use: a model that cannot count gets a calculator, and then a library."""

from __future__ import annotations

from agentlab.labs import (
    AgentAnswer,
    CaseRun,
    Example,
    Lab,
    ReadStep,
)
from agentlab.labs.checks import close_to, numbers_in, says_number, share
from agentlab.labs.declare import Answers, Drawn, agent_step, quiz, right, wrong
from agentlab_tools.calculator import calculator
from agentlab_tools.lexical import terms
from agentlab_tools.search import LIBRARY, search_over

from .cases import sums, topics, word_problems
from .examples import LOOK_UP_EXAMPLES, STEADY, STORY_EXAMPLES, SUM_EXAMPLES

search = search_over(LIBRARY, about="the library", top=1)


def from_the_calculator(run: CaseRun) -> bool:
    """The answer is right, and it is what the calculator returned."""
    returned = [
        number
        for call, result in run.calls
        if call.name == "calculator" and result.error is None
        for number in numbers_in(result.content)
    ]
    return says_number(run) and any(close_to(n, float(run.case.expect)) for n in returned)


def found_the_article(run: CaseRun) -> bool:
    """A search returned a passage of the right article."""
    found = [r.content for call, r in run.calls if call.name == "search" and r.error is None]
    return any(f"[{run.case.expect}:" in text for text in found)


def cites_what_it_found(run: CaseRun) -> bool:
    """The search found the right article, and the answer names it."""
    return found_the_article(run) and f"({run.case.expect})" in run.output


def keeps_to_what_it_found(run: CaseRun) -> bool:
    """At least seven in ten of the answer's words stand in what the search returned."""
    said = terms(run.output.rpartition("(")[0])
    found = {term for _, result in run.calls for term in terms(result.content)}
    kept = sum(word in found for word in said)
    return found_the_article(run) and len(said) >= 4 and kept >= 0.7 * len(said)


def spoken(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """The same exchanges without their calls."""
    return tuple(Example(user=example.user, answer=example.answer) for example in examples)


SUMS = AgentAnswer(
    instructions="Use the calculator for every sum.",
    tools=("calculator",),
    examples=SUM_EXAMPLES,
    settings=STEADY,
)
LOOK_UP = AgentAnswer(
    instructions="Use search to look things up. Name the source.",
    tools=("search",),
    examples=LOOK_UP_EXAMPLES,
    settings=STEADY,
)


lab = Lab(
    id="m5/tool-use",
    title="A model that cannot count",
    teaches=(
        "what a tool call really is",
        "showing a small model how to use a tool, instead of telling it",
        "grounding an answer in what a search returned",
    ),
    minutes=20,
    tools=(calculator, search),
    steps=(
        ReadStep(id="what-a-call-is"),
        agent_step(
            "sums",
            Answers(
                starter=SUMS.but(examples=()),
                solution=SUMS,
                wrong={
                    "no-tool": AgentAnswer(
                        instructions="You are a brilliant mathematician. Work carefully.",
                        settings=STEADY,
                    ),
                    "examples-without-calls": SUMS.but(
                        instructions="Answer every sum.", tools=(), examples=spoken(SUM_EXAMPLES)
                    ),
                    "forced-but-not-shown": SUMS.but(
                        examples=(), settings=STEADY.model_copy(update={"tool_choice": "required"})
                    ),
                },
            ),
            Drawn(sums, practice=4, graded=8),
            tools=("calculator",),
            hints=(
                "Read the last run: did the model call anything? It was told to, but never shown.",
                "Add [[examples]]: a user's sum, the call, the calculator's result, the answer.",
                "Three or four examples, one for each sign, that all end in the same plain words: "
                "The answer is ….",
            ),
            checks=(
                share("right", "seven in eight sums come out right", says_number, 7 / 8),
                share(
                    "called",
                    "the right answers come from the calculator",
                    from_the_calculator,
                    7 / 8,
                    wanted="worked out by the tool",
                ),
            ),
        ),
        agent_step(
            "stories",
            Answers(
                starter=SUMS,
                solution=SUMS.but(examples=STORY_EXAMPLES),
                wrong={
                    "no-tool": AgentAnswer(
                        instructions="Think step by step, then give the number.", settings=STEADY
                    ),
                    "one-example": SUMS.but(examples=STORY_EXAMPLES[1:2]),
                },
            ),
            Drawn(word_problems, practice=3, graded=10),
            tools=("calculator",),
            hints=(
                "The examples so far have the sum written out. Where would the model have seen "
                "which numbers of a story to put in, and which sign?",
                "Show it stories: one that multiplies, one that adds, one that divides.",
                "Five stories, each a different situation, each ending in: The answer is ….",
            ),
            checks=(
                share("right", "six in ten stories come out right", says_number, 0.6),
                share(
                    "called",
                    "the right answers come from the calculator",
                    from_the_calculator,
                    0.6,
                    wanted="worked out by the tool",
                ),
            ),
        ),
        agent_step(
            "look-it-up",
            Answers(
                starter=LOOK_UP.but(examples=()),
                solution=LOOK_UP,
                wrong={
                    "from-memory": AgentAnswer(
                        instructions="Explain the topic in one sentence. End with a source in "
                        "parentheses, like (attention.md).",
                        settings=STEADY,
                    ),
                    "made-up-sources": LOOK_UP.but(
                        instructions="Explain the topic.",
                        tools=(),
                        examples=spoken(LOOK_UP_EXAMPLES),
                    ),
                },
            ),
            Drawn(topics, practice=3, graded=8),
            tools=("search",),
            hints=(
                "Telling it to name the source is not enough: which form should the name take?",
                "In each example let the answer repeat the sentence found, then the file's name "
                "in parentheses.",
                "End each answer like this: … from real ones. (gans.md)",
            ),
            checks=(
                share(
                    "cited",
                    "five in eight answers name the article that the search found",
                    cites_what_it_found,
                    5 / 8,
                    wanted="cited rightly",
                ),
                share(
                    "faithful",
                    "five in eight answers say what the article says",
                    keeps_to_what_it_found,
                    5 / 8,
                    wanted="kept to what was found",
                ),
            ),
        ),
        quiz(
            "whose-mistake",
            "Whose mistake was it?",
            (
                "180 chairs stand in 9 equal rows. The model called "
                'calculator(expression="180 * 9"), got 1620, and said: The answer is 1620. '
                "What went wrong?"
            ),
            wrong(
                "The calculator: it should have noticed that the story divides.",
                "A tool sees its arguments, never the question.",
            ),
            right(
                "The model: it chose the wrong operation. The tool did what it was asked.",
                "A tool makes arithmetic reliable, not understanding; that is why agents are "
                "judged by whole runs and not by whether a tool was called.",
            ),
            wrong(
                "The grammar: it should have let only right expressions through.",
                "A grammar decides what can be written, not whether it is what was meant.",
            ),
            wrong(
                "The temperature: at 0 the model cannot think.",
                "Temperature decides how likely words are drawn; 0 takes the likeliest.",
            ),
            hints=("Follow the trace: what did each part know when it did its work?",),
        ),
    ),
)
