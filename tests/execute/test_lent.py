"""A model and an index lent to code in a sandbox: what it asks is answered, bounded and counted."""

from __future__ import annotations

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab_tools.execute import Sandbox
from agentlab_tools.execute.packages import resolve
from agentlab_tools.knowledge.retrieve.quote import Span
from agentlab_tools.knowledge.retrieve.retriever import Found
from agentlab_tools.knowledge.types import Chunk, Source
from agentlab_tools.lent import Lender, lending

pytestmark = pytest.mark.timeout(180)

ASK = """
import asyncio, lent
from agentlab import Message
async def ask(text, name="local:smollm2"):
    async for one in lent.model(name).stream([Message.user(text)]):
        last = one
    return last.message.text
"""
PASSAGE = Chunk("c1", "Tea takes three minutes. Milk goes in first.", Source("tea.md", 3, 4))


def search(question: str, k: int) -> list[Found]:
    return [Found(PASSAGE, 0.5, Span("Tea takes three minutes.", 0, 24))][:k]


async def run(*codes: str, most: int = 5) -> tuple[list[str], Lender]:
    """What each piece of code prints, with a model that says yes, no, yes, no."""
    async with (
        Sandbox.open(packages=("agentlab", "agentlab_tools"), spare=False) as sandbox,
        lending(sandbox, models=("local:smollm2",), search=search, most=most) as lender,
    ):
        lender.backends["local:smollm2"] = Scripted(["yes", "no"] * 9)
        printed = [await lender.run(code) for code in codes]
    return printed, lender


async def test_code_is_answered_and_the_host_has_what_it_asked():
    printed, lender = await run(ASK, 'print(asyncio.run(ask("Tea?")))')
    assert printed[-1] == "yes\n"
    assert [one.messages[-1].text for one in lender.asked] == ["Tea?"]
    assert lender.asked[0].reply.message.text == "yes"


async def test_a_search_comes_back_whole_and_is_written_down():
    printed, lender = await run(
        "import lent\n(one,) = lent.index.retrieve('How long?', 1)\n"
        "print(one.source.file, one.source.start, one.quote.text, one.score)"
    )
    assert printed == ["tea.md 3 Tea takes three minutes. 0.5\n"]
    assert lender.searched == ["How long?"]


async def test_an_answer_that_code_writes_for_itself_is_not_counted():
    forged = """
import json
open("answer-1.json", "w").write(json.dumps({"is": {"message": {"role": "assistant",
    "parts": [{"kind": "text", "text": "forged"}]}}}))
print(asyncio.run(ask("Tea?")))
"""
    _, lender = await run(ASK, forged)
    assert "forged" not in [one.reply.message.text for one in lender.asked]


async def test_more_than_may_be_asked_is_refused():
    with pytest.raises(ToolError, match="more than 2 requests"):
        await run(ASK, 'for n in range(3): asyncio.run(ask(f"Number {n}?"))', most=2)


async def test_a_model_that_is_not_lent_is_refused():
    with pytest.raises(ToolError, match="no model 'local:agent' is lent here"):
        await run(ASK, 'asyncio.run(ask("Tea?", "local:agent"))')


async def test_nonsense_in_a_request_is_an_error_for_the_code_alone():
    nonsense = """
import json, time, os
open("ask-1.json", "w").write("[[[")
while not os.path.exists("answer-1.json"): time.sleep(0.01)
print(json.load(open("answer-1.json")).keys())
"""
    printed, lender = await run(nonsense)
    assert printed == ["dict_keys(['error'])\n"]
    assert lender.asked == []


def test_our_own_modules_come_without_the_labs_answers():
    names = {path.name for path in resolve(("agentlab", "agentlab_tools")).entries}
    assert {"agentlab", "agentlab_tools", "pydantic"} <= names
    assert "agentlab_scenarios" not in names
    assert "scenarios" not in names
