"""m3/llamaindex: what its judges let pass and what they don't, and what its engines are."""

from __future__ import annotations

import asyncio
import json
import sys
from random import Random
from typing import Any

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import MissingExtra
from agentlab.labs import CodeStep, Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab_tools.knowledge.retrieve import Found
from agentlab_tools.knowledge.retrieve.quote import Span
from agentlab_tools.knowledge.types import Chunk, Source
from agentlab_tools.open_book import judging, measured, own, trial
from agentlab_tools.open_book.measured import Counted

TEXT = "Tea takes three minutes. Milk goes in first. " * 9
RUN = {
    "question": "How long does tea take?",
    "answer": "Tea takes three minutes. (tea.md)",
    "calls": [["ask_library", '{"question": "How long does tea take?"}']],
    "chain": ["Tea takes three minutes."],
    "searched": ["How long does tea take?"],
    "found": ["tea.md"],
    "tools": ["ask_library"],
}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m3/llamaindex", lab_roots()))


@pytest.fixture(scope="module")
def tried(lab: Lab) -> trial.Framework:
    """What the lab's own module says is run in the sandbox."""
    end = lab.id.replace("/", "_") + ".inside"
    (module,) = (one for name, one in sys.modules.items() if name.endswith(end))
    return module.TRIED


@pytest.mark.parametrize(
    ("change", "judge", "says"),
    [
        ({"answer": "Tea takes three minutes."}, judging.misattributed, "was found in tea.md"),
        ({"answer": "Three. (rope.md)"}, judging.misattributed, "the agent answers 'Three. (rope"),
        ({"answer": "(tea.md) (rope.md)"}, judging.misattributed, "was found in tea.md"),
        ({"found": []}, judging.misattributed, "was found in no file"),
        ({"answer": "See (tea.md)"}, judging.lost, "The engine said 'Tea takes three minutes.'"),
        ({"tools": ["query_engine_tool"]}, judging.offered, "which says nothing"),
        ({"searched": ["Say: How long does tea take?"]}, judging.misasked, "was searched for"),
    ],
)
def test_an_agent_is_judged_by_where_its_answer_was_found(change: Any, judge: Any, says: str):
    assert judge({"runs": [RUN]}, None) is None
    assert says in judge({"runs": [{**RUN, **change}]}, None)


def test_an_answer_in_other_words_is_kept():
    said = {**RUN, "answer": "It takes three minutes to make tea (tea.md)."}
    assert judging.lost({"runs": [said]}, None) is None


def test_without_a_source_nothing_that_the_model_reads_names_one(monkeypatch):
    monkeypatch.setattr(own, "sentence_for", lambda _: ("tea.md", "Tea takes three minutes."))
    *shown, last = own.conversation("How long?", named=False)
    assert last.text == "Tea takes three minutes.\n\nQuestion: How long?"
    assert shown == own.shown(named=False)
    assert len(shown) == len(own.shown())
    assert not any(".md" in one.text or "the source" in one.text for one in shown)
    assert own.conversation("How long?")[-1].text.startswith("[tea.md] ")


@pytest.mark.parametrize("kind", ["plain", "direct", "streamed", "imagined", "awaited", "overfull"])
async def test_each_engine_makes_the_calls_it_is_said_to_make(
    kind: str, tried: trial.Framework, monkeypatch
):
    pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")
    from agentlab.frameworks.llamaindex import llm

    class Library:
        def retrieve(self, question: str, k: int) -> list[Any]:
            return [
                Found(
                    Chunk(f"c{number}", f"{number}. {TEXT}", Source("tea.md", number, number)),
                    1 / number,
                    Span("Tea takes three minutes.", 3, 27),
                )
                for number in range(1, k + 1)
            ]

    counted = Counted(Scripted(["Three minutes."] * 99))
    for name in ("own", "lent"):  # which are not to stay
        monkeypatch.setitem(sys.modules, name, None)
    measured.beside(counted)
    monkeypatch.setattr(sys.modules["lent"], "index", Library())
    names: dict[str, Any] = {}
    exec(tried.chains, names)

    def asked() -> tuple[int, str]:
        model = llm(counted, max_tokens=8)
        answer = names[f"_{kind}"](model).query("How long does tea take?")
        return len(counted.read), str(answer)

    # on a thread, where LlamaIndex's loops are closed
    before, answer = await asyncio.to_thread(asked)
    assert "Three minutes." in answer
    assert len(counted.read) >= tried.kinds[kind]
    assert (before == 0) == (kind == "streamed"), "a stream asks when it is read"


def test_an_agent_asks_an_engine_that_names_no_source(tried: trial.Framework):
    glue = tried.agent.format(question="How long?")
    compile(glue, "glue", "exec")
    assert ".md" not in glue
    assert "set()" in glue


def test_cases_differ_from_draw_to_draw(lab: Lab):
    for step in lab.steps:
        if isinstance(step, CodeStep):
            one, other = (json.loads(step.cases(Random(n), 1)[0].input) for n in (1, 2))
            assert one["questions"] != other["questions"]


async def test_without_llamaindex_one_line_says_what_to_install(lab: Lab, monkeypatch):
    monkeypatch.setattr(trial, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as raised:
        async with lab.equip():
            pass
    assert "llamaindex" in str(raised.value)
    assert "\n" not in str(raised.value)
