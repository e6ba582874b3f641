"""What a framework's adapter costs: CPU of a call, with a backend that answers at once.

    python benchmarks/frameworks.py [--calls N] [--repeat N]

A row is one way to ask for the same reply: the backend itself, and what a framework makes of it,
whole or word by word. The scripted backend streams a reply of forty words, or one tool call.
A framework's own fake model, which holds its reply ready, shows what of that is the framework.
Bare and adapted are measured in turn, and the best of several repeats counts (CPU time of all
threads, so a busy machine disturbs little). A row of a framework that is not installed is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from agentlab import Message, Reply, ToolCall
from agentlab.backend import ToolSpec
from agentlab.backends.scripted import Scripted

WORDS = Message.assistant(" ".join(f"word{n}" for n in range(40)))
CALL = Message.assistant(ToolCall(id="c", name="add", arguments='{"a": 2, "b": 3}'))
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
ADD = {"type": "function", "function": {"name": "add", "description": "", "parameters": SCHEMA}}
Go = Callable[[int], None]


def backend(said: Message) -> Scripted:
    """A model that says one thing, as often as it is asked."""

    def says(*_: object) -> Message:
        return said

    return Scripted(says)


async def _bare(said: Message, calls: int) -> None:
    model = backend(said)
    tools = [ToolSpec(name="add", description="", parameters=SCHEMA)] if said is CALL else []
    for _ in range(calls):
        answer = [item async for item in model.stream([Message.user("?")], tools=tools)]
        assert isinstance(answer[-1], Reply)


def bare(said: Message) -> Go:
    """The backend itself."""
    return lambda calls: asyncio.run(_bare(said, calls))


def langchain(said: Message) -> Iterator[tuple[str, Go]]:
    """LangChain's ways to ask."""
    from agentlab.frameworks.langchain import chat_model

    def invoke(calls: int) -> None:
        model = chat_model(backend(said)).bind(**({"tools": [ADD]} if said is CALL else {}))
        for _ in range(calls):
            model.invoke("?")

    def stream(calls: int) -> None:
        model = chat_model(backend(said)).bind(**({"tools": [ADD]} if said is CALL else {}))
        for _ in range(calls):
            for _chunk in model.stream("?"):
                pass

    async def ainvoke(calls: int) -> None:
        model = chat_model(backend(said)).bind(**({"tools": [ADD]} if said is CALL else {}))
        for _ in range(calls):
            await model.ainvoke("?")

    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    def fake(calls: int) -> None:
        model = GenericFakeChatModel(messages=iter([AIMessage(said.text)] * calls))
        for _ in range(calls):
            model.invoke("?")

    def fake_stream(calls: int) -> None:
        model = GenericFakeChatModel(messages=iter([AIMessage(said.text or "a")] * calls))
        for _ in range(calls):
            for _chunk in model.stream("?"):
                pass

    yield "LangChain's fake, invoke", fake
    yield "LangChain's fake, stream", fake_stream
    yield "LangChain, invoke", invoke
    yield "LangChain, ainvoke", lambda calls: asyncio.run(ainvoke(calls))
    yield "LangChain, stream", stream


def llamaindex(said: Message) -> Iterator[tuple[str, Go]]:
    """LlamaIndex's ways to ask."""
    from llama_index.core.llms import ChatMessage, MockLLM

    from agentlab.frameworks.llamaindex import llm

    asked = [ChatMessage("?")]
    fields = {"tools": [ADD]} if said is CALL else {}

    def fake(calls: int) -> None:
        model = MockLLM()
        for _ in range(calls):
            model.chat(asked)

    def chat(calls: int) -> None:
        model = llm(backend(said))
        for _ in range(calls):
            model.chat(asked, **fields)

    async def achat(calls: int) -> None:
        model = llm(backend(said))
        for _ in range(calls):
            await model.achat(asked, **fields)

    def stream_chat(calls: int) -> None:
        model = llm(backend(said))
        for _ in range(calls):
            for _response in model.stream_chat(asked, **fields):
                pass

    yield "LlamaIndex's mock, chat", fake
    yield "LlamaIndex, chat", chat
    yield "LlamaIndex, achat", lambda calls: asyncio.run(achat(calls))
    yield "LlamaIndex, stream_chat", stream_chat


def microseconds(go: Go, calls: int) -> float:
    """CPU of a call."""
    began = time.process_time()
    go(calls)
    return (time.process_time() - began) / calls * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="CPU of a call through a framework's adapter")
    parser.add_argument("--calls", type=int, default=200, help="calls of one measurement")
    parser.add_argument("--repeat", type=int, default=7, help="repeats, of which the best counts")
    given = parser.parse_args()
    frameworks = [("langchain_core", langchain), ("llama_index", llamaindex)]
    print(f"{'µs CPU a call':<28}{'words':>8}{'of bare':>9}{'call':>8}{'of bare':>9}")
    columns: dict[str, list[float]] = {}
    for said in (WORDS, CALL):
        rows: dict[str, Go] = {"the backend itself": bare(said)}
        for package, ways in frameworks:
            if find_spec(package):
                rows.update(ways(said))
        for go in rows.values():
            microseconds(go, 20)  # warm up
        best = dict.fromkeys(rows, float("inf"))
        for _ in range(given.repeat):
            for name, go in rows.items():
                best[name] = min(best[name], microseconds(go, given.calls))
        for name, value in best.items():
            columns.setdefault(name, []).append(value)
    floors = columns["the backend itself"]
    for name, values in columns.items():
        cells = "".join(
            f"{v:>8.0f}{v / floor:>8.1f}x" for v, floor in zip(values, floors, strict=True)
        )
        print(f"{name:<28}{cells}")


if __name__ == "__main__":
    main()
