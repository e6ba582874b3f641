"""AgentLab's models and indexes in LlamaIndex, and its tools in AgentLab's agents.

LlamaIndex publishes no conformance suite for LLMs or retrievers: what its own agents, programs and
query engines do with ours stands in for one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from backends.loopback import Loopback, sse, status
from knowledge.indexing import HashedWords

pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")

from llama_index.core import PromptTemplate
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import AudioBlock, ChatMessage, DocumentBlock, ImageBlock, TextBlock
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel
from said import THOUGHT, Waits

from agentlab import Agent, Message, Reply, ToolCall, ToolContext, ToolResult
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, MissingExtra, OutputInvalid, RateLimited
from agentlab.frameworks.llamaindex import as_tool, llm, retriever
from agentlab.frameworks.llamaindex.messages import to_ours
from agentlab.messages import Audio, Blob, Image, Reasoning
from agentlab_tools.knowledge.index import Index, open_index

PNG = b"\x89PNG\r\n\x1a\n0000"


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


ADD = FunctionTool.from_defaults(add)


def user(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def test_words_come_while_the_model_still_writes():
    backend = Waits()
    responses = llm(backend).stream_chat(user("?"))
    assert next(responses).delta == "one "
    backend.go.set()
    rest = [(one.delta, one.message.content) for one in responses]
    assert rest == [("two", "one two"), ("", "one two")]


async def test_words_come_while_the_model_still_writes_async():
    backend = Waits()
    responses = await llm(backend).astream_chat(user("?"))
    assert (await anext(responses)).delta == "one "
    backend.go.set()
    assert [one.delta async for one in responses] == ["two", ""]


def test_leaving_a_stream_stops_the_model():
    backend = Waits()
    responses: Any = llm(backend).stream_chat(user("?"))
    next(responses)
    responses.close()
    assert backend.closed.wait(10)


def test_a_prompt_is_completed_in_all_four_ways():
    model = llm(Scripted(["a b"] * 4))

    async def later() -> list[Any]:
        awaited = await model.acomplete("?")
        streamed = [one async for one in await model.astream_complete("?")]
        return [awaited.text, streamed[-1].text, [one.delta for one in streamed]]

    assert model.complete("?").text == "a b"
    assert [one.delta for one in model.stream_complete("?")] == ["a", " b", ""]
    assert asyncio.run(later()) == ["a b", "a b", ["a", " b", ""]]


async def test_a_plain_call_works_inside_a_running_loop():
    assert llm(Scripted(["yes"])).complete("?").text == "yes"


def streamed(reply: Reply) -> ChatMessage:
    *_, last = llm(Scripted([reply])).stream_chat(user("?"))
    return last.message


def whole(reply: Reply) -> ChatMessage:
    return llm(Scripted([reply])).chat(user("?")).message


@pytest.mark.parametrize("answer", [whole, streamed])
@pytest.mark.parametrize(
    "said",
    [
        Message.assistant("Two words."),
        THOUGHT.message,
        Message.assistant(ToolCall(id="c", name="add", arguments='{"a": ')),
        Message.assistant("No thought", Reasoning(text="then one", signature="s"), "and words"),
    ],
    ids=lambda said: "+".join(part.kind for part in said.parts),
)
def test_what_a_model_said_comes_back_as_it_was(answer: Any, said: Message):
    assert to_ours([answer(Reply(message=said))]) == (said,)


def test_what_streams_holds_all_that_was_said_so_far():
    responses = list(llm(Scripted([THOUGHT])).stream_chat(user("?")))
    assert responses[0].additional_kwargs["thinking_delta"] == "they"
    kinds = [block.block_type for block in responses[-2].message.blocks]
    assert kinds == ["thinking", "text", "tool_call", "tool_call"]
    assert responses[-1].raw == THOUGHT
    assert responses[-1].additional_kwargs["total_tokens"] == 19


def test_a_conversation_with_calls_and_results_becomes_ours():
    answer = whole(Reply(message=THOUGHT.message))
    ours = to_ours(
        [
            ChatMessage(role="system", content="Be brief."),
            ChatMessage(role="developer", content="Be kind."),
            ChatMessage(role="user", content="1 + 2?"),
            answer,
            ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "c1"}),
            ChatMessage(role="tool", content="7", additional_kwargs={"tool_call_id": "c2"}),
        ]
    )
    results = [ToolResult(call_id="c1", content="3"), ToolResult(call_id="c2", content="7")]
    assert ours == (
        Message.system("Be brief.\n\nBe kind."),
        Message.user("1 + 2?"),
        THOUGHT.message,
        Message.results(results),
    )


def test_pictures_and_sounds_arrive_as_their_bytes(tmp_path: Path):
    file = tmp_path / "a.png"
    file.write_bytes(PNG)
    address = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    blocks = [
        TextBlock(text="What?"),
        ImageBlock(image=PNG, image_mimetype="image/png"),
        ImageBlock(path=file),
        ImageBlock(url=address, image_mimetype="image/png"),
        AudioBlock(audio=b"RIFF\x00\x01", format="wav"),
    ]
    (ours,) = to_ours([ChatMessage(role="user", blocks=blocks)])
    picture = Image(media_type="image/png", blob=Blob.of(PNG))
    sound = Audio(media_type="audio/wav", blob=Blob.of(b"RIFF\x00\x01"))
    assert ours.parts[1:] == (picture, picture, picture, sound)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydantic's, inside their workflows
def test_an_agent_of_theirs_works_with_our_model():
    call = Message.assistant(ToolCall(id="c1", name="add", arguments='{"a": 1, "b": 2}'))
    backend = Scripted([call, "It is 3."])
    agent = FunctionAgent(tools=[ADD], llm=llm(backend), system_prompt="Be brief.")

    async def run() -> str:
        return str(await cast(Any, agent).run(user_msg="1 + 2?"))

    assert asyncio.run(run()) == "It is 3."
    asked = backend.requests[1]
    assert asked.messages[-1] == Message.results([ToolResult(call_id="c1", content="3")])
    assert asked.messages[0] == Message.system("Be brief.")
    assert [spec.name for spec in asked.tools] == ["add"]


def test_the_packaged_model_calls_their_tool_and_answers_in_a_structure(local: LlamaCpp):
    model = llm(local, temperature=0, max_tokens=60)
    assert model.metadata.context_window == 2048
    output = model.predict_and_call([ADD], "What is 17 plus 23?", tool_required=True)
    assert str(output) == "40"
    person = model.structured_predict(Person, PromptTemplate("{text}"), text="Ada was 36.")
    assert person == Person(name="Ada", age=36)


def test_what_a_reply_is_told_reaches_the_model():
    backend = Scripted(["a", "b"])
    model = llm(backend, temperature=0.5, stop=["\n"])
    model.chat_with_tools([ADD], "?", tool_required=True, temperature=0.1)
    model.chat(user("?"), max_tokens=9)
    first, second = (request.settings for request in backend.requests)
    assert (first.temperature, first.tool_choice, first.parallel_tool_calls) == (
        0.1,
        "required",
        False,
    )
    assert (second.temperature, second.stop, second.max_tokens) == (0.5, ("\n",), 9)


def test_an_answer_that_does_not_fit_is_told_by_our_error():
    cut = Reply(message=Message.assistant('{"name": "Ada"'), stop="length")
    model = llm(Scripted([cut, '{"name": "Ada"}']))
    prompt = PromptTemplate("Who?")
    with pytest.raises(OutputInvalid, match=r"no Person.*raise max_tokens"):
        model.structured_predict(Person, prompt)
    with pytest.raises(OutputInvalid, match=r"no Person.*age"):
        asyncio.run(model.astructured_predict(Person, prompt))


def test_an_error_of_the_model_arrives_as_it_is():
    with pytest.raises(RateLimited):
        llm(Scripted([RateLimited("slow down")])).chat(user("?"))
    with pytest.raises(RateLimited):
        list(llm(Scripted([RateLimited("slow down")])).stream_chat(user("?")))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: llm("nobody:x"), "no backend answers to"),
        (lambda: llm(Scripted("a"), temprature=1), "did you mean 'temperature'"),
        (lambda: llm(Scripted("a"), temperature=-1), "temperature"),
        (lambda: llm(Scripted("a"), api_key="k"), "open already"),
        (lambda: llm(Scripted("a")).chat(user("?"), temprature=1), "no 'temprature'"),
        (lambda: to_ours([ChatMessage(role="tool", content="3")]), "tool_call_id"),
        (
            lambda: to_ours([ChatMessage(blocks=[ImageBlock(url="https://x.org/a.png")])]),
            "https://x.org/a.png",
        ),
        (
            lambda: to_ours([ChatMessage(role="system", blocks=[ImageBlock(image=PNG)])]),
            "system message is text",
        ),
        (lambda: to_ours([ChatMessage(blocks=[DocumentBlock(data=b"x")])]), "'document'"),
        (lambda: as_tool(cast(Any, print)), "as_tool takes a LlamaIndex tool"),
    ],
)
def test_a_mistake_is_told_in_one_line(make: Any, why: str):
    with pytest.raises(ConfigError, match=why) as told:
        make()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "use", [lambda: llm("x"), lambda: as_tool(ADD), lambda: retriever("index")]
)
def test_without_llamaindex_the_extra_is_named(use: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("agentlab.frameworks.needed.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"llama-index-core is not installed: .*llamaindex"):
        use()


def called(theirs: Any, arguments: Any, said: list[str] | None = None) -> ToolResult:
    call = ToolCall(id="c", name=theirs.metadata.get_name(), arguments=json.dumps(arguments))
    context = ToolContext(call_id="c", emit=(said if said is not None else []).append)
    return asyncio.run(as_tool(theirs).call(call, context))


def test_their_tools_are_tools_of_ours():
    spec = as_tool(ADD).spec
    assert spec.name == "add"
    assert "Add two numbers." in spec.description
    assert spec.parameters["required"] == ["a", "b"]
    assert called(ADD, {"a": 1, "b": 2}).content == "3"
    assert called(ADD, {"a": "many", "b": 2}).error == "bad_arguments"
    backend = Scripted(
        [Message.assistant(ToolCall(id="c", name="add", arguments='{"a":1,"b":2}')), "3"]
    )
    agent = Agent(backend=backend, tools=[as_tool(ADD)], runs=None)
    assert agent.run_sync("1 + 2?").text == "3"
    assert backend.requests[1].messages[-1].parts == (ToolResult(call_id="c", content="3"),)


def test_their_plain_tools_run_on_a_thread_and_async_ones_in_the_loop():
    where: dict[str, int] = {}

    def plain(person: Person) -> str:
        """Plain."""
        print("at work")
        where["plain"] = threading.get_ident()
        return person.name

    async def later(n: int = 1) -> int:
        """Async."""
        where["later"] = threading.get_ident()
        return n

    def breaks() -> str:
        """Breaks."""
        raise KeyError("x")

    said: list[str] = []
    given = {"person": {"name": "Ada", "age": 36}}
    assert called(FunctionTool.from_defaults(plain), given, said).content == "Ada"
    assert called(FunctionTool.from_defaults(async_fn=later), {"n": 2}).content == "2"
    assert (where["later"], where["plain"]) == (threading.get_ident(), where["plain"])
    assert where["plain"] != threading.get_ident()
    assert "".join(said) == "at work\n"
    assert called(FunctionTool.from_defaults(breaks), {}).error == "tool_error"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text("# Tea\n\nTea is made of leaves.\nIt takes four minutes.\n")
    (notes / "rope.md").write_text("# Rope\n\nA rope is made of hemp.\n")
    with open_index(
        tmp_path / "index", embedder=HashedWords(), store="duckdb", create=True
    ) as opened:
        opened.update(notes)
        yield opened


async def test_a_node_says_where_it_stands(index: Index):
    found = retriever(index, k=1).retrieve("tea leaves")
    assert await retriever(index, k=1).aretrieve("tea leaves") == found
    (best,) = found
    assert best.node.metadata["citation"] == "notes/tea.md:3-4"
    assert best.node.metadata["source"] == "notes/tea.md"
    assert best.node.node_id == best.node.metadata["chunk"]
    assert best.score == best.node.metadata["score"]


async def test_what_is_no_question_is_told_in_one_line(index: Index):
    whole: Any = {"question": "How long does tea take?"}
    with pytest.raises(ConfigError, match="dict: give it the question alone") as raised:
        retriever(index).retrieve(whole)
    assert "\n" not in str(raised.value)
    with pytest.raises(ConfigError, match="dict: give it the question alone"):
        await retriever(index).aretrieve(whole)
    assert retriever(index, k=1).retrieve(QueryBundle("tea")) == retriever(index, k=1).retrieve(
        "tea"
    )


def test_their_query_engine_answers_from_our_index_by_our_model(index: Index):
    backend = Scripted(["Four minutes."])
    engine = RetrieverQueryEngine.from_args(retriever(index, k=1), llm=llm(backend))
    answer = engine.query("How long does tea take?")
    assert str(answer) == "Four minutes."
    assert answer.source_nodes[0].metadata["citation"] == "notes/tea.md:3-4"
    asked = backend.requests[0].messages[-1].text
    assert "citation: notes/tea.md:3-4" in asked
    assert "It takes four minutes." in asked
    assert "score" not in asked


CHUNKS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]},
    {"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
]
HELLO = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in CHUNKS] + [b"data: [DONE]\n\n"]


async def test_a_hosted_model_is_asked_over_http():
    async with Loopback(sse(*HELLO), sse(*HELLO), status(429)) as server:
        model = llm(f"{server.url}/v1#m", api_key="k", max_retries=0)
        assert (await model.acomplete("Hi")).text == "Hello"
        assert (await asyncio.to_thread(model.complete, "Hi")).text == "Hello"
        with pytest.raises(RateLimited):
            await model.acomplete("Hi")
        assert "k" not in json.dumps(model.to_payload()).split('"')
        await model.backend.aclose()


AUDITED = """
import sys
tries = []
sys.addaudithook(lambda name, of: tries.append(name) if name in
    ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto") else None)
from pathlib import Path
from agentlab.backends.scripted import Scripted
from agentlab.frameworks.llamaindex import llm, retriever, as_tool
from agentlab_tools.knowledge.index import open_index
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.tools import FunctionTool
sys.path.append(sys.argv[2])
from knowledge.indexing import HashedWords
folder = Path(sys.argv[1])
(folder / "tea.md").write_text("# Tea\\n\\nIt takes four minutes.\\n")
index = open_index(folder / "index", embedder=HashedWords(), store="duckdb", create=True)
index.update(folder / "tea.md")
engine = RetrieverQueryEngine.from_args(retriever(index), llm=llm(Scripted(["Four."])))
as_tool(FunctionTool.from_defaults(lambda: 1, name="one"))
print(engine.query("How long does tea take?"), tries)
index.close()
"""


def test_nothing_tries_to_reach_the_network(tmp_path: Path):
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", AUDITED, str(tmp_path), tests],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert done.stdout.split("\n")[0] == "Four. []"
