"""The lesson's numbers: what chains answer, and what they ask the model for it.

    python scenarios/m3/langchain/measure.py [--answers | --agent]

Runs outside of the sandbox, on the same model and the same index.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from langchain_core.callbacks import UsageMetadataCallbackHandler  # noqa: TID253 - a program

from agentlab.backends import connect
from agentlab.frameworks.langchain import chat_model, retriever
from agentlab_tools.open_book import MODEL, QUESTIONS, own
from agentlab_tools.open_book.library import retriever as library
from agentlab_tools.open_book.measured import Counted, beside

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
answers, inside = (
    importlib.import_module(f"{_HERE.name}.{name}") for name in ("answers", "inside")
)

ASKED = 6


def main() -> None:
    """Print both tables; with --answers, what each chain answers as well; or the agents' runs."""
    counted = Counted(connect(MODEL, threads=1, n_ctx=2048))
    beside(counted)
    if "--agent" in sys.argv:
        _agent(counted, "starter", 1)
        _agent(counted, "solution", ASKED)
        return
    _counts(counted)
    _answers(counted, answered="--answers" in sys.argv)


def _answers(counted: Counted, *, answered: bool) -> None:
    found = retriever(library(), k=1)
    for name, program in (
        ("starter", answers.CHAIN.starter),
        ("whole passages", answers.CHAIN.wrong["whole-passages"]),
        ("solution", answers.CHAIN.solution),
    ):
        names: dict[str, Any] = {}
        exec(program.code, names)  # noqa: S102 - ours
        most = 90 if answered else 1
        model = chat_model(counted, temperature=0, max_tokens=most, repeat_penalty=1.0)
        chain = names["rag"](found, model)
        counted.reset()
        right = cited = 0
        for question, answer in QUESTIONS[:ASKED]:
            said = chain.invoke(question)
            is_right = answer in said
            right += is_right
            cited += is_right and own.sentence_for(question)[0] in re.findall(r"\(([^)]+)\)", said)
        read = sum(counted.read) / ASKED
        told = f"right {right}, cited {cited} of {ASKED}; " if answered else ""
        print(f"{name:16} {told}{read:.0f} tokens read each", flush=True)


def _agent(counted: Counted, name: str, most: int) -> None:
    """The agent around the chain: what it answers, and the tokens of both."""
    names: dict[str, Any] = {}
    exec(getattr(answers.AGENT, name).code, names)  # noqa: S102 - ours
    exec(inside.AGENT.partition("_done =")[0], names)  # noqa: S102 - ours
    agent = names["assistant"](names["_chain"], counted)
    for question, answer in QUESTIONS[:most]:
        counted.reset()
        told = names["_chain"].invoke(question)
        alone = counted.total
        said = agent.run_sync(question).text
        print(f"{name}: {question}\n  the chain: {told}\n  the agent: {said}")
        calls, tokens = len(counted.read) - 1, counted.total - alone
        print(f"  right: chain {answer in told}, agent {answer in said};", end=" ")
        print(f"{alone} tokens alone, {calls} calls and {tokens} tokens as a tool", flush=True)


def _counts(counted: Counted) -> None:
    names: dict[str, Any] = {}
    exec(inside.CHAINS, names)  # noqa: S102 - ours
    for kind in inside.KINDS:
        model = chat_model(counted, temperature=0, max_tokens=8, repeat_penalty=1.0)
        usage = UsageMetadataCallbackHandler()
        counted.reset()
        try:
            names[f"_{kind}"](model).invoke(QUESTIONS[0][0], config={"callbacks": [usage]})
        except ValueError as error:
            print("  ", type(error).__name__)
        says = sum(one["total_tokens"] for one in usage.usage_metadata.values())
        print(
            f"{kind:16} {len(counted.read)} calls, {counted.total} tokens; it says {says}",
            flush=True,
        )


if __name__ == "__main__":
    main()
