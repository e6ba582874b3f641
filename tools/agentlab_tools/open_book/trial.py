"""A RAG written in a framework, tried: the program in a sandbox, the model and the index outside.

TRIED = Framework("langchain_core", "langchain-core", "langchain", …)
lab = Lab(tools=(run_lent,), equip=sandbox_of(TRIED), …)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeAlias

from agentlab.errors import MissingExtra, ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, display_safe
from agentlab_tools.execute.equipment import equipped
from agentlab_tools.knowledge.retrieve import Found
from agentlab_tools.lent import Lender, lending
from agentlab_tools.open_book import MODEL, own
from agentlab_tools.open_book.library import retriever

_SECONDS = 540.0
"""By the clock, which runs on while others have the processor."""
_MOST = 40
_SHOWN = 2000


@dataclass(frozen=True)
class Framework:
    """A framework, and what is run in the sandbox on what a learner wrote with it.

    Attributes:
        module, package, extra: what is imported, installed, and named to install it.
        answers: tries `rag` on `{questions}`, and prints its `answers`.
        chains: defines a function `_KIND` for each kind, which makes a chain of a model.
        kinds: of chains, which ask the model more often, or less, than they look; and how often
            at least.
        meter: tries `meter` on a chain of a `{kind}`; prints `calls` and `tokens`.
        agent: tries `assistant` on a `{question}`, and prints its `answer`.
        named: whether what that asks names its source, as your own RAG does.
    """

    module: str
    package: str
    extra: str
    answers: str
    chains: str
    kinds: Mapping[str, int]
    meter: str
    agent: str
    named: bool = True


@dataclass
class Bench:
    """A sandbox that a model and an index are lent to, and whether its program was run."""

    lender: Lender
    framework: Framework
    begun: bool = False


def sandbox_of(framework: Framework) -> Callable[[], AbstractAsyncContextManager[Equipment]]:
    """What opens a sandbox with a framework, AgentLab, and the host's model in its reach.

    It raises MissingExtra where the framework is not installed.
    """

    @asynccontextmanager
    async def opener() -> AsyncGenerator[Equipment]:
        if find_spec(framework.module) is None:
            raise MissingExtra(framework.package, framework.extra)
        async with (
            Sandbox.open(
                packages=("agentlab", "agentlab_tools", framework.package),
                limits=SandboxLimits(timeout=_SECONDS),
                spare=False,
            ) as opened,
            lending(opened, models=(MODEL,), search=_found, most=_MOST) as lender,
        ):
            await opened.write_file("own.py", own.module())
            yield Equipment(deps=Bench(lender, framework), labels=equipped(opened).labels)

    return opener


def _found(question: str, k: int) -> list[Found]:
    """What the library has; it is indexed when it is searched first."""
    return retriever().retrieve(question, k)


@tool(timeout=600)
async def run_lent(code: str, context: ToolContext) -> str:
    """Take a program first; then try a function of it.

    The last line of what is returned is for the grader.
    """
    bench: Bench = context.deps
    if not bench.begun:
        bench.begun = True
        return (await bench.lender.run(code))[-_SHOWN:].rstrip() or "ready"
    told: dict[str, Any] = json.loads(code)
    outcome = await _TASKS[told["task"]](bench, told["questions"], context)
    return display_safe(json.dumps(outcome, ensure_ascii=False))


async def _chain(bench: Bench, questions: list[str], context: ToolContext) -> dict[str, Any]:
    """What a chain answers, what it asked for that, and what your own RAG does."""
    lender = bench.lender
    said = await _told(lender, bench.framework.answers.format(questions=questions))
    answers = said["answers"]
    theirs = [await own.answered(lender, question) for question in questions]
    outcome = {
        "questions": questions,
        "answers": answers,
        "own": [answer for answer, _ in theirs],
        "calls": len(lender.asked),
        "searches": len(lender.searched),
        "read": sum(one.reply.usage.input_tokens for one in lender.asked),
        "own_read": sum(read for _, read in theirs),
        "replies": [one.reply.message.text for one in lender.asked],
    }
    for question, one in zip(questions, lender.asked, strict=False):
        context.emit(f"{question}\n  it read: …{one.messages[-1].text[-300:]}\n")
    return outcome


async def _meter(bench: Bench, questions: list[str], context: ToolContext) -> dict[str, Any]:
    """What a meter says of chains it does not know, and what they cost."""
    lender, framework = bench.lender, bench.framework
    outcome: dict[str, Any] = {}
    await lender.run(framework.chains)
    for kind, least in framework.kinds.items():
        before = len(lender.asked)
        said = await _told(lender, framework.meter.format(kind=kind, question=questions[0]))
        made = lender.asked[before:]
        tokens = sum(one.reply.usage.total_tokens for one in made)
        says = [said["calls"], said["tokens"]]
        outcome[kind] = {"says": says, "was": [len(made), tokens], "least": least}
        context.emit(f"{kind}: {outcome[kind]}\n")
    return outcome


async def _agent(bench: Bench, questions: list[str], context: ToolContext) -> dict[str, Any]:
    """What an agent answers that has the chain as its tool."""
    lender = bench.lender
    runs: list[dict[str, Any]] = []
    for drawn in questions:
        # The index is made and the chain's answer known: a tool has little time by the clock
        question = drawn
        if bench.framework.named:
            question = await own.citable(lender, drawn)
        else:
            await own.answered(lender, question, named=False)
        before = len(lender.asked), len(lender.searched)
        said = await _told(lender, bench.framework.agent.format(question=question))
        made, searched = lender.asked[before[0] :], lender.searched[before[1] :]
        calls = [
            [call.name, call.arguments] for one in made for call in one.reply.message.tool_calls
        ]
        runs.append(
            {
                "question": question,
                "answer": said["answer"],
                "calls": calls,
                "chain": [one.reply.message.text for one in made if not one.tools],
                "searched": searched,
                "found": await asyncio.to_thread(_files, searched),
                "tools": sorted({name for one in made for name in one.tools}),
                "tokens": sum(one.reply.usage.total_tokens for one in made),
            }
        )
        context.emit(f"{question}\n  called: {calls}\n  answered: {said['answer'][:200]}\n")
    return {"runs": runs}


def _files(questions: list[str]) -> list[str]:
    """Where the library has what was searched for."""
    return sorted({own.sentence_for(question)[0] for question in questions})


async def _told(lender: Lender, glue: str) -> dict[str, Any]:
    """Run our code on the learner's functions, and read the line it ends with."""
    said = (await lender.run(glue)).rstrip()
    try:
        value: dict[str, Any] = json.loads(said.splitlines()[-1])
        return dict(value)
    except (ValueError, IndexError, TypeError):
        raise ToolError("what came out of it can't be read") from None


_Task: TypeAlias = Callable[[Bench, list[str], ToolContext], Awaitable[dict[str, Any]]]
_TASKS: Mapping[str, _Task] = {"chain": _chain, "meter": _meter, "agent": _agent}
