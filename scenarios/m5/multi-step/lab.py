"""m5/multi-step: a long run goes wrong half-way. Find where, mend it there, and compare."""

from __future__ import annotations

from pathlib import Path

from agentlab import Trace
from agentlab.labs import (
    AgentAnswer,
    Attempt,
    Call,
    CaseRun,
    Check,
    ForkAnswer,
    ForkStep,
    Lab,
    ReadStep,
    Verdict,
)
from agentlab.labs.checks import share
from agentlab.labs.declare import Answers, Drawn, agent_step, quiz, right, wrong

from .depot import DEPOT, look_up, look_up_next, parcels
from .examples import FIVE, POINTERS, PROSE, STEADY

DELIVERY = Path(__file__).parent / "runs" / "delivery.jsonl"
PARCEL = "8125"
WAY = DEPOT.steps(PARCEL)
MISTAKE = 7
"""The first reply that is wrong: the van is looked up again, and the driver is not."""


def says_it(run: CaseRun) -> bool:
    """The answer has the phone number, and no other."""
    return str(run.case.expect) in run.output and "or" not in run.output.split()


def looked_it_up(run: CaseRun) -> bool:
    """It went the whole way through the book, line after line, and then said the number."""
    keys = [call.arguments for call, result in run.calls if result.error is None]
    way = iter(keys)
    return says_it(run) and all(any(f'"{step}"' in key for key in way) for step in _way(run))


def _way(run: CaseRun) -> tuple[str, ...]:
    return run.case.facts.get("steps", WAY)


def reached(attempt: Attempt) -> Verdict:
    """The fork ends with the right number, looked up."""
    (run,) = attempt.runs
    said = f"it says {run.output!r}" if run.output else "it ends without an answer"
    if looked_it_up(run):
        return Verdict(passed=True, reason=said)
    missed = "never looked up" if says_it(run) else "not the number in the book"
    return Verdict(passed=False, reason=f"{said}, {missed}" if run.output else said)


def kept(first: int) -> Check:
    """Everything that was right stays: the fork is at this event and not before."""

    def judge(attempt: Attempt) -> Verdict:
        at = attempt.answer.at if isinstance(attempt.answer, ForkAnswer) else 0
        if at == first:
            return Verdict(passed=True, reason=f"events 0 to {first - 1} are the old run's")
        where = "before" if at < first else "behind"
        lost = "good steps are made again" if at < first else "the mistake is kept"
        return Verdict(passed=False, reason=f"event {at} is {where} the right place, so {lost}")

    return Check("kept", "what was right is kept, and nothing else", judge)


def shorter(attempt: Attempt) -> Verdict:
    """The fork gets there in fewer replies than its parent took to give up."""
    (run,) = attempt.runs
    before = Trace.load(DELIVERY)
    replies = [sum(e.kind == "model_replied" for e in es) for es in (before.events, run.events)]
    told = f"{replies[1]} replies instead of {replies[0]}"
    return Verdict(passed=replies[1] < replies[0], reason=told)


def by_itself(attempt: Attempt) -> Verdict:
    """The model chose to look up the driver; nobody put that call there."""
    (run,) = attempt.runs
    mine = attempt.answer.call if isinstance(attempt.answer, ForkAnswer) else None
    asked = any(f'"{WAY[2]}"' in call.arguments for call, _ in run.calls)
    if mine is not None:
        return Verdict(passed=False, reason="you made the call: change what the tool says instead")
    if not asked:
        return Verdict(passed=False, reason=f"it never asked for {WAY[2]}")
    return Verdict(passed=True, reason=f"after your line it asked for {WAY[2]} on its own")


def no_number_given(attempt: Attempt) -> Verdict:
    """The changed line does not have the answer in it."""
    said = attempt.answer.tool_result if isinstance(attempt.answer, ForkAnswer) else None
    told = said is not None and DEPOT.number(PARCEL) in said
    reason = "your line has the number in it" if told else "the number comes from the book"
    return Verdict(passed=not told, reason=reason)


RIGHT = Check("right", "the run ends with the driver's number, looked up", reached)

IN_PROSE = AgentAnswer(
    instructions="Use look_up until you know the answer.",
    tools=("look_up",),
    examples=PROSE,
    settings=STEADY,
    limits=FIVE,
)
BY_POINTERS = IN_PROSE.but(
    instructions="Use look_up_next until you know the answer.",
    tools=("look_up_next",),
    examples=POINTERS,
)


lab = Lab(
    id="m5/multi-step",
    title="The mistake half-way",
    teaches=(
        "reading a long run for the first step that went wrong",
        "forking a run there, to test what would have helped",
        "mending the agent, and measuring that it is mended",
    ),
    minutes=25,
    tools=(look_up, look_up_next),
    steps=(
        ReadStep(id="many-steps"),
        quiz(
            "find-it",
            "Find it",
            "Which is the first event of this run that should have been different?",
            wrong(
                "Event 1, where it asks for the parcel",
                "The parcel is all it knows at that point. A good first step.",
            ),
            wrong(
                "Event 4, where it asks for the van",
                "The line it has just read names the van. A good second step.",
            ),
            right(
                "Event 7, where it asks for the van again",
                "It has just read that Sara drives the van, and asks about the van once more. "
                "All that follows is this same mistake.",
            ),
            wrong(
                "Event 22, where the limit on steps stops it",
                "A limit only ends what was lost long before. Where a run stops and where it "
                "goes wrong are seldom the same place.",
            ),
            hints=(
                "Read from the top. At each reply ask: with what stood there, what would you do?",
            ),
        ),
        ForkStep(
            id="mend-it",
            title="Mend one step",
            run=DELIVERY,
            expect=DEPOT.number(PARCEL),
            starter=ForkAnswer(at=0),
            solution=ForkAnswer(at=MISTAKE, call=Call(name="look_up", arguments={"key": WAY[2]})),
            wrong={
                "said-once-more": ForkAnswer(at=6, prompt="Do not look up the same thing twice."),
                "too-late": ForkAnswer(at=10, call=Call(name="look_up", arguments={"key": WAY[2]})),
                "another-driver": ForkAnswer(
                    at=MISTAKE, call=Call(name="look_up", arguments={"key": "driver Mia"})
                ),
                "nothing-changed": ForkAnswer(at=6),
            },
            hints=(
                "`at` is the event that shall be different: the first wrong reply.",
                "In place of that reply, put the call it should have made: [call] with a name and "
                "arguments.",
                'at = 7, and [call] name = "look_up", arguments = { key = "driver Sara" }',
            ),
            checks=(
                RIGHT,
                kept(MISTAKE),
                Check("shorter", "it gets there sooner than it gave up", shorter),
            ),
        ),
        ForkStep(
            id="test-it",
            title="Test what caused it",
            run=DELIVERY,
            expect=DEPOT.number(PARCEL),
            starter=ForkAnswer(
                at=6, tool_result="Van Bison is driven by Sara, who is a careful driver."
            ),
            solution=ForkAnswer(at=6, tool_result=f"next: {WAY[2]}"),
            wrong={
                "the-call-again": ForkAnswer(
                    at=MISTAKE, call=Call(name="look_up", arguments={"key": WAY[2]})
                ),
                "the-number-itself": ForkAnswer(
                    at=6, tool_result=f"next: {WAY[2]}, phone {DEPOT.number(PARCEL)}"
                ),
                "an-order": ForkAnswer(
                    at=6, tool_result="Van Bison is driven by Sara. Do not ask for the van again!"
                ),
            },
            hints=(
                "What does the model have to write next? How far is that from what it reads?",
                "It copies well and rephrases badly. Let the line hold the key just as it has to "
                "be asked for.",
                'at = 6 and tool_result = "next: driver Sara"',
            ),
            checks=(
                RIGHT,
                Check("by-itself", "the model takes the right step by itself", by_itself),
                Check("not-told", "the line does not give the answer away", no_number_given),
            ),
        ),
        agent_step(
            "mend-the-agent",
            Answers(
                starter=IN_PROSE,
                solution=BY_POINTERS,
                wrong={
                    "sterner": IN_PROSE.but(
                        instructions="Use look_up until you know the answer. First the parcel, "
                        "then its van, then the driver. Never look up the same thing twice!",
                    ),
                    "not-shown": BY_POINTERS.but(examples=()),
                    "one-step-shown": BY_POINTERS.but(
                        examples=tuple(e.model_copy(update={"then": ()}) for e in POINTERS)
                    ),
                },
            ),
            Drawn(parcels, practice=3, graded=6),
            tools=("look_up", "look_up_next"),
            hints=(
                "The last step showed which lines the model can follow. One of the two tools "
                "speaks like that.",
                "Change the tool in `tools` and in the examples, and what the examples' results "
                "say.",
                'With look_up_next the results read "next: van Mole", "next: driver Kim", '
                '"phone: 0555 1234".',
            ),
            checks=(
                share(
                    "found",
                    "five in six numbers are right, and looked up",
                    looked_it_up,
                    5 / 6,
                    wanted="found",
                ),
            ),
        ),
        quiz(
            "what-you-know",
            "What you know now",
            (
                "One fork came out right, and then five or six fresh parcels in six. What did "
                "the fork tell you that the six parcels could not?"
            ),
            wrong(
                "That the agent is good enough to be used.",
                "One run says next to nothing about the next one. That is what the six "
                "parcels were for.",
            ),
            right(
                "That this change, and nothing else, would have saved this very run.",
                "Everything before the change is the same, event by event, so the change is "
                "the only thing that can have made the difference.",
            ),
            wrong(
                "That every run like this one can be saved in the same way.",
                "A fork is one run. The six parcels speak about others, and even they only "
                "for questions of this kind.",
            ),
            wrong(
                "That the model has learnt from its mistake.",
                "No weight has changed. It reads what stands before it, each time anew.",
            ),
            hints=("What is the same in the two runs that `agentlab diff` compares?",),
        ),
    ),
)
