"""Starters, reference solutions, other right answers, and answers that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_ENGINE = '''from llama_index.core import ChatPromptTemplate
from llama_index.core.llms import ChatMessage
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeWithScore, TextNode
from own import EXAMPLES, INSTRUCTIONS


class Quoted(BaseNodePostprocessor):
    """Puts the sentence that fits best in the place of the passage."""

    def _postprocess_nodes(self, nodes, query_bundle=None):
        return [
            NodeWithScore(
                node=TextNode(
                    text=f"[{one.metadata['source']}] {' '.join(one.metadata['quote'].split())}"
                ),
                score=one.score,
            )
            for one in nodes
        ]


def rag(retriever, model):
    shown = [ChatMessage(INSTRUCTIONS, role="system")]
    for user, answer in EXAMPLES:
        shown += [ChatMessage(user, role="user"), ChatMessage(answer, role="assistant")]
    asked = ChatMessage("{context_str}\\n\\nQuestion: {query_str}", role="user")
    return RetrieverQueryEngine.from_args(
        retriever,
        llm=model,
        node_postprocessors=[Quoted()],
        text_qa_template=ChatPromptTemplate([*shown, asked]),
    )
'''
_CUSTOM = """from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import CustomQueryEngine
from own import EXAMPLES, INSTRUCTIONS, asked


class Own(CustomQueryEngine):
    retriever: Any
    model: Any

    def custom_query(self, query_str):
        (best,) = self.retriever.retrieve(query_str)
        quote = " ".join(best.metadata["quote"].split())
        messages = [ChatMessage(INSTRUCTIONS, role="system")]
        for user, answer in EXAMPLES:
            messages += [ChatMessage(user, role="user"), ChatMessage(answer, role="assistant")]
        messages.append(ChatMessage(asked(query_str, best.metadata["source"], quote)))
        return self.model.chat(messages).message.content


def rag(retriever, model):
    return Own(retriever=retriever, model=model)
"""
_SYNTHESIZED = _ENGINE.replace(
    "from llama_index.core import ChatPromptTemplate\n",
    "from llama_index.core import ChatPromptTemplate, get_response_synthesizer\n",
).replace(
    """    return RetrieverQueryEngine.from_args(
        retriever,
        llm=model,
        node_postprocessors=[Quoted()],
        text_qa_template=ChatPromptTemplate([*shown, asked]),
    )
""",
    """    answering = get_response_synthesizer(
        llm=model,
        response_mode="refine",
        text_qa_template=ChatPromptTemplate([*shown, asked]),
    )
    return RetrieverQueryEngine(
        retriever, response_synthesizer=answering, node_postprocessors=[Quoted()]
    )
""",
)
_IN_THE_RETRIEVER = """from llama_index.core import ChatPromptTemplate
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import MetadataMode
from own import EXAMPLES, INSTRUCTIONS


class Sentences(BaseRetriever):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def _retrieve(self, query):
        found = self.inner.retrieve(query)
        for one in found:
            one.node.text = " ".join(one.metadata["quote"].split())
            one.node.text_template = "[{metadata_str}] {content}"
            one.node.metadata_template = "{value}"
            one.node.excluded_llm_metadata_keys = [k for k in one.metadata if k != "source"]
            assert one.node.get_content(MetadataMode.LLM).startswith("[")
        return found


def rag(retriever, model):
    shown = [ChatMessage(INSTRUCTIONS, role="system")]
    for user, answer in EXAMPLES:
        shown += [ChatMessage(user, role="user"), ChatMessage(answer, role="assistant")]
    shown.append(ChatMessage("{context_str}\\n\\nQuestion: {query_str}", role="user"))
    return RetrieverQueryEngine.from_args(
        Sentences(retriever), llm=model, text_qa_template=ChatPromptTemplate(shown)
    )
"""
ENGINE = programs(
    starter='''from llama_index.core.query_engine import RetrieverQueryEngine


def rag(retriever, model):
    """A query engine that answers a question as your own RAG does."""
    return RetrieverQueryEngine.from_args(retriever, llm=model)
''',
    solution=_ENGINE,
    also={
        "engine-of-ones-own": _CUSTOM,
        "synthesizer": _SYNTHESIZED,
        "in-the-retriever": _IN_THE_RETRIEVER,
    },
    wrong={
        "whole-passages": _ENGINE.replace(
            "' '.join(one.metadata['quote'].split())", "one.node.text"
        ),
        "template-not-used": _ENGINE.replace(
            "        llm=model,\n", '        llm=model,\n        response_mode="tree_summarize",\n'
        ),
        "asked-of-each-node": _ENGINE.replace(
            "        llm=model,\n", '        llm=model,\n        response_mode="accumulate",\n'
        ),
        "never-asks": """from llama_index.core.query_engine import CustomQueryEngine
from typing import Any


class Own(CustomQueryEngine):
    retriever: Any

    def custom_query(self, query_str):
        best = self.retriever.retrieve(query_str)[0].metadata
        return f"{' '.join(best['quote'].split())} ({best['source']})"


def rag(retriever, model):
    return Own(retriever=retriever)
""",
    },
    mistakes={
        "whole-passages": "tokens, for your own",
        "template-not-used": "It answers",
        "asked-of-each-node": "It answers 'Response 1:",
        "never-asks": "0 calls",
    },
)

_METER = """from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.llm import LLMChatEndEvent


class Heard(BaseEventHandler):
    usage: list = []

    def handle(self, event, **_):
        if isinstance(event, LLMChatEndEvent):
            self.usage.append(event.response.raw.usage.total_tokens)


def meter(build, model, question):
    heard = Heard()
    hub = get_dispatcher()
    hub.add_event_handler(heard)
    try:
        str(build(model).query(question))  # read to its end
    finally:
        hub.event_handlers.remove(heard)
    return {"calls": len(heard.usage), "tokens": sum(heard.usage)}
"""
_BACKEND = '''from agentlab.backend import Reply
from agentlab.frameworks.llamaindex import llm


class Counted:
    """A backend around another."""

    def __init__(self, backend):
        self.backend, self.calls, self.tokens = backend, 0, 0
        self.identity = backend.identity

    async def stream(self, messages, **options):
        self.calls += 1
        async for item in self.backend.stream(messages, **options):
            if isinstance(item, Reply):
                self.tokens += item.usage.total_tokens
            yield item

    async def aclose(self):
        await self.backend.aclose()


def meter(build, model, question):
    counted = Counted(model.backend)
    again = llm(counted, temperature=0, max_tokens=8, repeat_penalty=1.0)
    answer = build(again).query(question)
    for _ in getattr(answer, "response_gen", ()):
        pass
    return {"calls": counted.calls, "tokens": counted.tokens}
'''
_METHODS = """from agentlab.frameworks.llamaindex.model import AgentLabLLM


def meter(build, model, question):
    used = []

    class Counted(AgentLabLLM):
        def chat(self, messages, **options):
            response = super().chat(messages, **options)
            used.append(response.raw.usage.total_tokens)
            return response

        async def achat(self, messages, **options):
            response = await super().achat(messages, **options)
            used.append(response.raw.usage.total_tokens)
            return response

        def stream_chat(self, messages, **options):
            for response in super().stream_chat(messages, **options):
                yield response
            used.append(response.raw.usage.total_tokens)

    again = Counted(model=model.backend, temperature=0, max_tokens=8, repeat_penalty=1.0)
    str(build(again).query(question))
    return {"calls": len(used), "tokens": sum(used)}
"""
_COUNTER = """from llama_index.core import Settings
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler


def meter(build, model, question):
    counter = TokenCountingHandler()
    # whoever takes the model's manager away puts this one in its place
    Settings.callback_manager = model.callback_manager = CallbackManager([counter])
    str(build(model).query(question))
    return {"calls": len(counter.llm_token_counts), "tokens": counter.total_llm_token_count}
"""
METER = programs(
    starter='''from llama_index.core.callbacks import CallbackManager, TokenCountingHandler


def meter(build, model, question):
    """How often an engine asks the model, and the tokens in and out, of all calls."""
    counter = TokenCountingHandler()
    model.callback_manager = CallbackManager([counter])
    build(model).query(question)
    return {"calls": len(counter.llm_token_counts), "tokens": counter.total_llm_token_count}
''',
    solution=_METER,
    also={
        "around-the-backend": _BACKEND,
        "in-the-methods": _METHODS,
        "both-managers": _COUNTER,
    },
    wrong={
        "settings-alone": _COUNTER.replace("= model.callback_manager =", "="),
        "never-read": _METER.replace(
            "str(build(model).query(question))  # read to its end", "build(model).query(question)"
        ),
        "left-listening": _METER.replace(
            """    hub = get_dispatcher()
    hub.add_event_handler(heard)
    try:
        str(build(model).query(question))  # read to its end
    finally:
        hub.event_handlers.remove(heard)
""",
            """    get_dispatcher().add_event_handler(heard)
    str(build(model).query(question))
""",
        )
        .replace("    usage: list = []\n\n", "")
        .replace("self.usage", "USAGE")
        .replace("heard.usage", "USAGE")
        .replace("class Heard", "USAGE = []\n\n\nclass Heard")
        .replace("    heard = Heard()\n", "    USAGE.clear()\n    heard = Heard()\n"),
    },
    mistakes={
        "settings-alone": "direct: it says 0",
        "never-read": "the model had 0",
        "left-listening": "direct: it says 2",
    },
)

_AGENT = '''from agentlab import Agent
from agentlab.frameworks.llamaindex import as_tool
from llama_index.core.tools import FunctionTool
from own import shown


def assistant(engine, model):
    def ask_library(question: str) -> str:
        """Answer a question from the library, with its source."""
        response = engine.query(question)
        return f"{response} ({response.source_nodes[0].metadata['source']})"

    tool = FunctionTool.from_defaults(ask_library)
    return Agent(
        backend=model,
        instructions="Ask the library, and give its answer with the source.",
        tools=[as_tool(tool)],
        examples=shown("ask_library"),
        settings={
            "temperature": 0,
            "max_tokens": 90,
            "repeat_penalty": 1.0,
            "tool_choice": "required",  # of the first reply
        },
        limits={"steps": 4},
    )
'''
_ASKED = '''    def ask_library(question: str) -> str:
        """Answer a question from the library, with its source."""
        response = engine.query(question)
        return f"{response} ({response.source_nodes[0].metadata['source']})"

    tool = FunctionTool.from_defaults(ask_library)
'''
_RESPONSE = """        response = engine.query(question)
        return f"{response} ({response.source_nodes[0].metadata['source']})"
"""
_TOOL = """    tool = QueryEngineTool.from_defaults(
        engine,
        name="ask_library",
        description="Answer a question from the library, with its source.",
    )
"""
_ENGINE_TOOL = (
    _AGENT.replace(_ASKED, _TOOL)
    .replace("import FunctionTool", "import QueryEngineTool")
    .replace('shown("ask_library")', 'shown("ask_library", "input")')
)
AGENT = programs(
    starter=_ENGINE_TOOL.replace(
        "def assistant(engine, model):\n",
        'def assistant(engine, model):\n    """An agent that asks the engine."""\n',
    ),
    solution=_AGENT,
    also={
        "engine-around-the-engine": _ENGINE_TOOL.replace(
            "from own import shown\n",
            """from llama_index.core.query_engine import CustomQueryEngine
from own import shown


class Named(CustomQueryEngine):
    inner: object

    def custom_query(self, query_str):
        response = self.inner.query(query_str)
        (file,) = {one.metadata["source"] for one in response.source_nodes}
        return f"{response} ({file})"
""",
        ).replace("        engine,\n", "        Named(inner=engine),\n"),
        "query-engine-tool": _ENGINE_TOOL.replace(
            "from own import shown\n",
            """from own import shown


class Named(QueryEngineTool):
    def call(self, *given, **more):
        output = super().call(*given, **more)
        source = output.raw_output.source_nodes[0].metadata["source"]
        output.content = f"{output.content} ({source})"
        return output

    async def acall(self, *given, **more):
        return self.call(*given, **more)
""",
        ).replace("QueryEngineTool.from_defaults", "Named.from_defaults"),
        "awaited": _AGENT.replace("    def ask_library", "    async def ask_library")
        .replace("= engine.query(", "= await engine.aquery(")
        .replace("from_defaults(ask_library)", "from_defaults(async_fn=ask_library)"),
    },
    wrong={
        "named-by-nobody": _ENGINE_TOOL.replace(
            _TOOL, "    tool = QueryEngineTool.from_defaults(engine)\n"
        ).replace('        examples=shown("ask_library", "input"),\n', ""),
        "formatted-sources": _AGENT.replace(
            _RESPONSE,
            """        response = engine.query(question)
        return f"{response}\\n\\n{response.get_formatted_sources()}"
""",
        ),
        "source-alone": _AGENT.replace('f"{response} (', 'f"See ('),
        "in-other-words": _AGENT.replace(
            "engine.query(question)", 'engine.query(f"Say: {question}")'
        ),
    },
    mistakes={
        "named-by-nobody": "which says nothing",
        "formatted-sources": "It was found in",
        "source-alone": "The engine said",
        "in-other-words": "was searched for",
    },
)
