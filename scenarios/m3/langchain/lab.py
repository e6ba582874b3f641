"""m3/langchain: the RAG of m3/rag as a chain, and what the chain really asks the model."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.open_book import judging
from agentlab_tools.open_book.cases import of
from agentlab_tools.open_book.trial import run_lent, sandbox_of

from . import answers
from .inside import TRIED

lab = Lab(
    id="m3/langchain",
    title="The chain, and what it asks",
    teaches=(
        "a RAG as a chain of LangChain's, with the same answers for the same tokens",
        "counting what a chain really asks, whoever retries, caches or runs beside it",
        "a chain as a tool of an agent",
    ),
    minutes=25,
    tools=(run_lent,),
    equip=sandbox_of(TRIED),
    steps=(
        ReadStep(id="parts"),
        code_step(
            "chain",
            answers.CHAIN,
            Drawn(of("chain", 2), practice=1, graded=1),
            runs_on="run_lent",
            hints=(
                "Run the starter and read what the model read. What of your own prompt is not in "
                "it?",
                "The examples go before the question as messages. A tuple is a template and its "
                "braces are variables; a HumanMessage is what it is.",
                "[{source}] {quote}, both of the document's metadata, the quote's white space "
                "made single; then an empty line, and Question: {question}.",
            ),
            checks=(
                every("same", "each answer is that of your own RAG", judging.differs),
                every("model", "each answer is the model's", judging.invented),
                every("cost", "one search and one call each, no more to read", judging.dearer),
            ),
        ),
        code_step(
            "meter",
            answers.METER,
            Drawn(of("meter", 1), practice=1, graded=1),
            runs_on="run_lent",
            hints=(
                "Compare, kind by kind, what you say with what the model had. Which calls does a "
                "handler not hear of that is given to the chain?",
                "A model has callbacks of its own: model.callbacks = [...]. And what is in the "
                "usage of a reply that came from a cache, and in no other?",
                'Count in on_llm_end, unless "total_cost" is in '
                "response.generations[0][0].message.usage_metadata.",
            ),
            checks=(
                every(
                    "plain",
                    "a plain chain, invoked or streamed, is counted",
                    judging.miscounted("plain", "streamed"),
                ),
                every("retried", "so is one that is tried again", judging.miscounted("retried")),
                every("cached", "what a cache answers costs nothing", judging.miscounted("cached")),
                every("threads", "no thread is overlooked", judging.miscounted("threads")),
            ),
        ),
        code_step(
            "agent",
            answers.AGENT,
            Drawn(of("agent", 1), practice=1, graded=1),
            runs_on="run_lent",
            hints=(
                "Print chain.as_tool().name and .description. What would you ask of such a tool?",
                "The tool wants a name, a sentence on what it does, and one argument, a question "
                "of type str. And the chain wants the question, not a dictionary.",
                "@tool over def ask_library(question: str) -> str, with a docstring; then "
                'as_tool(ask_library), and shown("ask_library").',
            ),
            checks=(
                every(
                    "offered", "the agent has one tool with a name, and calls it", judging.offered
                ),
                every("asked", "the chain is asked what the agent asked", judging.misasked),
                every("cited", "the answer names the chain's source", judging.uncited),
            ),
        ),
        quiz(
            "retry",
            "Once more, with feeling",
            (
                "A chain ends in a parser of JSON. At temperature 0 the model answers in prose, "
                "and someone adds .with_retry(), as it stands. What happens?"
            ),
            wrong(
                "The model is told what was wrong with its answer, and mends it.",
                "with_retry tells nobody anything: it runs the same chain on the same input.",
            ),
            right(
                "The same prompt is answered in the same way three times, paid for each time, "
                "and then it fails.",
                "Three calls, and some seconds of waiting in between. A retry is for what passes "
                "by itself: a service that is busy. An answer at temperature 0 does not.",
            ),
            wrong(
                "The second and third answers come from the model's cache, and cost nothing.",
                "Nothing is cached unless a cache was set. You have counted the calls.",
            ),
            hints=("What did your meter say of the chain that was retried?",),
        ),
    ),
)
