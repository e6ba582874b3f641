"""m3/llamaindex: the RAG of m3/rag as a query engine, and the prompts that nobody wrote."""

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
    id="m3/llamaindex",
    title="Prompts that nobody wrote",
    teaches=(
        "a RAG as a query engine of LlamaIndex's, with the same answers for the same tokens",
        "counting what engines ask that stream, imagine or read in pieces",
        "a query engine as a tool of an agent, without losing the source",
    ),
    minutes=25,
    tools=(run_lent,),
    equip=sandbox_of(TRIED),
    steps=(
        ReadStep(id="parts"),
        code_step(
            "engine",
            answers.ENGINE,
            Drawn(of("chain", 1), practice=1, graded=1),
            runs_on="run_lent",
            hints=(
                "Run the starter and read what the model read. Who wrote that?",
                "text_qa_template takes a ChatPromptTemplate of messages; its last has "
                "{context_str} and {query_str}. What is put in as the context?",
                'A BaseNodePostprocessor can hand on other nodes: TextNode(text=f"[{source}] '
                '{quote}"), and no metadata.',
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
                "Who else sets the model's callback_manager? And an answer that streams: when is "
                "the model asked?",
                "get_dispatcher() of llama_index.core.instrumentation hears every LLMChatEndEvent. "
                "Read the answer: str(…).",
                "add_event_handler(handler), whose handle(event) keeps "
                "event.response.raw.usage.total_tokens; afterwards take it out of event_handlers.",
            ),
            checks=(
                every(
                    "heard",
                    "an engine is counted, of LlamaIndex's parts or of its own",
                    judging.miscounted("plain", "direct"),
                ),
                every("streamed", "so is one that streams", judging.miscounted("streamed")),
                every(
                    "more",
                    "what imagines, asks side by side or reads in pieces is counted whole",
                    judging.miscounted("imagined", "awaited", "overfull"),
                ),
            ),
        ),
        code_step(
            "agent",
            answers.AGENT,
            Drawn(of("agent", 1), practice=1, graded=1),
            runs_on="run_lent",
            hints=(
                "Print what the tool returns. What of engine.query(…) is not in it?",
                "A FunctionTool can return what you like: the response's text, and the file of "
                "response.source_nodes[0].",
                "return f\"{response} ({response.source_nodes[0].metadata['source']})\", in a "
                'function of question: str; and shown("ask_library").',
            ),
            checks=(
                every(
                    "offered", "the agent has one tool with a name, and calls it", judging.offered
                ),
                every("asked", "the engine is asked what the agent asked", judging.misasked),
                every("kept", "it says what the engine said", judging.lost),
                every("cited", "it names the file of that, and no other", judging.misattributed),
            ),
        ),
        quiz(
            "window",
            "Smaller, and dearer",
            (
                "To save tokens, someone sets context_window to 700, and the default engine asks "
                "25 times for one question. Why?"
            ),
            right(
                "What does not fit is read piece by piece: one call for each, in which the model "
                "rewrites its last answer.",
                "It is called compact, and refines once it has more than fits. 500 tokens are kept "
                "free for its own last answer, so hardly any are left to read.",
            ),
            wrong(
                "The passages that do not fit are left out, and searched for again.",
                "Nothing is left out, and it was searched once.",
            ),
            wrong(
                "LlamaIndex tries again each time the context overflows.",
                "It counts before it asks, so nothing overflows.",
            ),
            hints=("What did your meter say of the engine that was overfull?",),
        ),
    ),
)
