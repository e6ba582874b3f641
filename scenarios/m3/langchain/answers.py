"""Starters, reference solutions, other right answers, and answers that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_CHAIN = """from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from own import EXAMPLES, INSTRUCTIONS


def found(documents):
    (one,) = documents
    return f"[{one.metadata['source']}] {' '.join(one.metadata['quote'].split())}"


def rag(retriever, model):
    shown = [SystemMessage(INSTRUCTIONS)]
    for user, answer in EXAMPLES:
        shown += [HumanMessage(user), AIMessage(answer)]
    prompt = ChatPromptTemplate.from_messages(
        [*shown, ("human", "{found}\\n\\nQuestion: {question}")]
    )
    given = {"found": retriever | found, "question": RunnablePassthrough()}
    return given | prompt | model | StrOutputParser()
"""
_FEW_SHOT = """from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from own import EXAMPLES, INSTRUCTIONS


def rag(retriever, model):
    pair = ChatPromptTemplate.from_messages([("human", "{user}"), ("ai", "{answer}")])
    shown = FewShotChatMessagePromptTemplate(
        example_prompt=pair, examples=[{"user": u, "answer": a} for u, a in EXAMPLES]
    )
    prompt = ChatPromptTemplate.from_messages(
        [
            ("system", INSTRUCTIONS),
            shown,
            ("human", "[{source}] {quote}\\n\\nQuestion: {question}"),
        ]
    )

    def look_up(given):
        best = retriever.invoke(given["question"])[0].metadata
        return {**given, "source": best["source"], "quote": " ".join(best["quote"].split())}

    return {"question": RunnablePassthrough()} | RunnableLambda(look_up) | prompt | model | (
        StrOutputParser()
    )
"""
_DECORATED = """from langchain_core.runnables import chain
from own import EXAMPLES, INSTRUCTIONS, asked


def rag(retriever, model):
    shown = [("system", INSTRUCTIONS)]
    for user, answer in EXAMPLES:
        shown += [("human", user), ("ai", answer)]

    @chain
    def answered(question):
        best = retriever.invoke(question)[0].metadata
        said = asked(question, best["source"], " ".join(best["quote"].split()))
        return model.invoke([*shown, ("human", said)]).text

    return answered
"""
_ESCAPED = """from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from own import EXAMPLES, INSTRUCTIONS, asked


def escaped(text):
    return text.replace("{", "{{").replace("}", "}}")


def rag(retriever, model):
    lines = [("system", INSTRUCTIONS)]
    for user, answer in EXAMPLES:
        lines += [("human", escaped(user)), ("ai", escaped(answer))]
    prompt = ChatPromptTemplate.from_messages([*lines, ("human", "{asked}")])

    def put(given):
        best = given["documents"][0].metadata
        return asked(given["question"], best["source"], " ".join(best["quote"].split()))

    return (
        {"documents": retriever, "question": RunnablePassthrough()}
        | RunnablePassthrough.assign(asked=put)
        | prompt
        | model
        | StrOutputParser()
    )
"""
CHAIN = programs(
    starter='''from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from own import EXAMPLES, INSTRUCTIONS

PROMPT = """Use the following pieces of context to answer the question at the end. If you don't \\
know the answer, just say that you don't know, don't try to make up an answer. Name your source.

{context}

Question: {question}
Answer:"""


def joined(documents):
    return "\\n\\n".join(one.page_content for one in documents)


def rag(retriever, model):
    """A chain that answers a question as your own RAG does."""
    prompt = ChatPromptTemplate.from_template(PROMPT)
    given = {"context": retriever | joined, "question": RunnablePassthrough()}
    return given | prompt | model | StrOutputParser()
''',
    solution=_CHAIN,
    also={"few-shot-prompt": _FEW_SHOT, "one-function": _DECORATED, "braces-doubled": _ESCAPED},
    wrong={
        "examples-in-a-template": _CHAIN.replace(
            "shown += [HumanMessage(user), AIMessage(answer)]",
            'shown += [("human", user), ("ai", answer)]',
        ),
        "whole-passages": _CHAIN.replace(
            "' '.join(one.metadata['quote'].split())", "one.page_content"
        ),
        "source-found-again": _CHAIN.replace(
            "    return given | prompt | model | StrOutputParser()",
            "    answer = given | prompt | model | StrOutputParser()\n"
            "    both = RunnableParallel(answer=answer, source=retriever)\n"
            '    return both | (lambda made: made["answer"])',
        ).replace("import RunnablePassthrough", "import RunnableParallel, RunnablePassthrough"),
        "never-asks": """from langchain_core.runnables import RunnableLambda


def rag(retriever, model):
    def answered(question):
        best = retriever.invoke(question)[0].metadata
        return f"{' '.join(best['quote'].split())} ({best['source']})"

    return RunnableLambda(answered)
""",
    },
    mistakes={
        "examples-in-a-template": "missing variables",
        "whole-passages": "tokens, for your own",
        "source-found-again": "4 searches for 2",
        "never-asks": "0 calls",
    },
)

_METER = """from langchain_core.callbacks import BaseCallbackHandler


class Seen(BaseCallbackHandler):
    def __init__(self):
        self.calls = self.tokens = 0

    def on_llm_end(self, response, **_):
        usage = response.generations[0][0].message.usage_metadata
        if "total_cost" not in usage:  # else it is from the cache
            self.calls += 1
            self.tokens += usage["total_tokens"]


def meter(build, model, question):
    seen = Seen()
    model.callbacks = [seen]
    try:
        build(model).invoke(question)
    except Exception as error:
        print("it failed:", type(error).__name__)
    return {"calls": seen.calls, "tokens": seen.tokens}
"""
_BACKEND = '''from agentlab.backend import Reply
from agentlab.frameworks.langchain import chat_model


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
    again = chat_model(counted, temperature=0, max_tokens=8, repeat_penalty=1.0)
    try:
        build(again).invoke(question)
    except ValueError:
        pass
    return {"calls": counted.calls, "tokens": counted.tokens}
'''
_METHODS = """from contextlib import suppress

from agentlab.frameworks.langchain.model import ChatAgentLab


def meter(build, model, question):
    made = []

    class Counted(ChatAgentLab):
        def _generate(self, *given, **options):
            result = super()._generate(*given, **options)
            made.append(result.generations[0].message.usage_metadata["total_tokens"])
            return result

        def _stream(self, *given, **options):
            for chunk in super()._stream(*given, **options):
                if chunk.message.usage_metadata:
                    made.append(chunk.message.usage_metadata["total_tokens"])
                yield chunk

    again = Counted(model=model.backend, temperature=0, max_tokens=8, repeat_penalty=1.0)
    with suppress(Exception):
        build(again).invoke(question)
    return {"calls": len(made), "tokens": sum(made)}
"""
_LIMITER = """from threading import local

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.rate_limiters import BaseRateLimiter


class Gate(BaseRateLimiter):
    def __init__(self):
        self.here, self.used = local(), []

    def acquire(self, *, blocking=True):
        self.here.passed = True
        return True

    async def aacquire(self, *, blocking=True):
        return self.acquire()


class Usage(BaseCallbackHandler):
    def __init__(self, gate):
        self.gate = gate

    def on_chat_model_start(self, *given, **more):
        self.gate.here.passed = False

    def on_llm_end(self, response, **_):
        if self.gate.here.passed:
            [[one]] = response.generations
            self.gate.used.append(one.message.usage_metadata["total_tokens"])


def meter(build, model, question):
    gate = Gate()
    model.rate_limiter = gate  # is asked for leave after the cache has been looked into
    model.callbacks = [Usage(gate)]
    try:
        build(model).invoke(question)
    except Exception as error:
        print("it failed:", type(error).__name__)
    return {"calls": len(gate.used), "tokens": sum(gate.used)}
"""
METER = programs(
    starter='''from langchain_core.callbacks import UsageMetadataCallbackHandler


def meter(build, model, question):
    """How often a chain asks the model, and the tokens in and out, of all calls."""
    usage = UsageMetadataCallbackHandler()
    calls = 0
    try:
        build(model).invoke(question, config={"callbacks": [usage]})
        calls = 1
    except Exception as error:
        print("it failed:", type(error).__name__)
    tokens = sum(one["total_tokens"] for one in usage.usage_metadata.values())
    return {"calls": calls, "tokens": tokens}
''',
    solution=_METER,
    also={
        "around-the-backend": _BACKEND,
        "in-the-methods": _METHODS,
        "past-the-rate-limiter": _LIMITER,
    },
    wrong={
        "given-to-the-call": _METER.replace("    model.callbacks = [seen]\n", "").replace(
            ".invoke(question)", '.invoke(question, config={"callbacks": [seen]})'
        ),
        "cache-counted": _METER.replace('"total_cost" not in usage', "usage"),
        "gives-up": _METER.replace(
            """    try:
        build(model).invoke(question)
    except Exception as error:
        print("it failed:", type(error).__name__)
""",
            "    build(model).invoke(question)\n",
        ),
    },
    mistakes={
        "given-to-the-call": "threads: it says",
        "cache-counted": "cached: it says 3",
        "gives-up": "OUTPUT_PARSING_FAILURE",
    },
)

_AGENT = '''from agentlab import Agent
from agentlab.frameworks.langchain import as_tool
from langchain_core.tools import tool
from own import shown


def assistant(chain, model):
    @tool
    def ask_library(question: str) -> str:
        """Answer a question from the library, with its source."""
        return chain.invoke(question)

    return Agent(
        backend=model,
        instructions="Ask the library, and give its answer with the source.",
        tools=[as_tool(ask_library)],
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
AGENT = programs(
    starter='''from agentlab import Agent
from agentlab.frameworks.langchain import as_tool
from own import shown


def assistant(chain, model):
    """An agent that asks the chain."""
    return Agent(
        backend=model,
        instructions="Ask the library, and give its answer with the source.",
        tools=[as_tool(chain.as_tool())],
        examples=shown("RunnableSequence"),
        settings={
            "temperature": 0,
            "max_tokens": 90,
            "repeat_penalty": 1.0,
            "tool_choice": "required",  # of the first reply
        },
        limits={"steps": 4},
    )
''',
    solution=_AGENT,
    also={
        "as-tool-of-a-dict": _AGENT.replace(
            '''    @tool
    def ask_library(question: str) -> str:
        """Answer a question from the library, with its source."""
        return chain.invoke(question)
''',
            """    ask_library = (RunnableLambda(lambda given: given["question"]) | chain).as_tool(
        name="ask_library",
        description="Answer a question from the library, with its source.",
        arg_types={"question": str},
    )
""",
        ).replace(
            "from langchain_core.tools import tool",
            ("from langchain_core.runnables import RunnableLambda"),
        ),
        "structured-tool": _AGENT.replace(
            '''    @tool
    def ask_library(question: str) -> str:
        """Answer a question from the library, with its source."""
        return chain.invoke(question)
''',
            """    async def asked(question: str) -> str:
        return await chain.ainvoke(question)

    ask_library = StructuredTool.from_function(
        coroutine=asked,
        name="look_up",
        description="Looks the answer to a question up, and names the file it is from.",
    )
""",
        )
        .replace("import tool\n", "import StructuredTool\n")
        .replace('shown("ask_library")', 'shown("look_up")'),
        "tool-of-agentlab": _AGENT.replace(
            "from agentlab import Agent\nfrom agentlab.frameworks.langchain import as_tool\n"
            "from langchain_core.tools import tool\n",
            "from agentlab import Agent, tool\n",
        )
        .replace("    def ask_library", "    async def ask_library")
        .replace("return chain.invoke", "return await chain.ainvoke")
        .replace("as_tool(ask_library)", "ask_library"),
    },
    wrong={
        "the-question-in-a-dict": _AGENT.replace(
            '''    @tool
    def ask_library(question: str) -> str:
        """Answer a question from the library, with its source."""
        return chain.invoke(question)
''',
            """    ask_library = chain.as_tool(
        name="ask_library",
        description="Answer a question from the library, with its source.",
        arg_types={"question": str},
    )
""",
        ).replace("from langchain_core.tools import tool\n", ""),
        "the-source-cut-off": _AGENT.replace(
            "return chain.invoke(question)", 'return chain.invoke(question).rpartition(" (")[0]'
        ).replace('        examples=shown("ask_library"),\n', ""),
        "no-tool": _AGENT.replace(
            '            "tool_choice": "required",  # of the first reply\n', ""
        )
        .replace("        tools=[as_tool(ask_library)],\n", "")
        .replace('examples=shown("ask_library"),\n', ""),
    },
    mistakes={
        "the-question-in-a-dict": "searched for",
        "the-source-cut-off": "and answers",
        "no-tool": "offered 0 tools",
    },
)
