"""The lesson's numbers: what engines ask the model, what they answer, and what an agent cites.

    python scenarios/m3/llamaindex/measure.py [--answers | --window | --agent]

Runs outside of the sandbox, on the same model and the same index.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from llama_index.core import Settings  # noqa: TID253 - a program
from llama_index.core.callbacks import (  # noqa: TID253 - a program
    CallbackManager,
    TokenCountingHandler,
)
from llama_index.core.query_engine import RetrieverQueryEngine  # noqa: TID253 - a program

from agentlab.backends import connect
from agentlab.frameworks.llamaindex import llm, retriever
from agentlab_tools.open_book import MODEL, QUESTIONS, own
from agentlab_tools.open_book.library import retriever as library
from agentlab_tools.open_book.measured import Counted, beside

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
answers, inside = (
    importlib.import_module(f"{_HERE.name}.{name}") for name in ("answers", "inside")
)

ASKED = QUESTIONS[:6]
WINDOWS = (2048, 1000, 800, 700, 650)


def main() -> None:
    """Print one of the tables; without an option what is asked and heard."""
    counted = Counted(connect(MODEL, threads=1, n_ctx=2048))
    beside(counted)
    named: dict[str, Callable[[Counted], None]] = {
        "--answers": _answers,
        "--window": _windows,
        "--agent": _agents,
    }
    (named[sys.argv[1]] if sys.argv[1:] else _heard)(counted)


def _model(counted: Counted, max_tokens: int) -> Any:
    return llm(counted, temperature=0, max_tokens=max_tokens, repeat_penalty=1.0)


def _names(*programs: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for program in programs:
        exec(program, names)  # noqa: S102 - ours
    return names


def _files(text: str) -> Sequence[str]:
    return re.findall(r"\(([\w-]+\.md)\)", text)


def _answers(counted: Counted) -> None:
    for name, program in (("starter", answers.ENGINE.starter), ("own", answers.ENGINE.solution)):
        rag = _names(program.code)["rag"]
        engine = rag(retriever(library(), k=1), _model(counted, 90))
        counted.reset()
        right = cited = based = 0
        for question, answer in ASKED:
            text = str(engine.query(question))
            right += answer in text
            cited += own.sentence_for(question)[0] in text
            based += text.startswith("Based on")
            print("  ", text)
        read = sum(counted.read) / len(ASKED)
        print(
            f"{name}: right {right}, source named {cited}, 'Based on …' {based} of {len(ASKED)}; "
            f"{read:.0f} tokens read each",
            flush=True,
        )


def _heard(counted: Counted) -> None:
    """What handlers hear of each engine: the model's own, and the one of Settings."""
    for key, prompt in _default(counted).get_prompts().items():
        if key.endswith("text_qa_template"):
            chosen: Any = cast(Any, prompt).select(llm=_model(counted, 90))
            first = str(chosen.message_templates[0].content)
            print(f"{len(first.split())} words: {first}")
    builders = _names(inside.ENGINES)
    for kind in inside.KINDS:
        theirs: list[int] = []
        for of_model in (True, False):
            counter = TokenCountingHandler()
            model = _model(counted, 8)  # before Settings, as a meter is given one
            Settings.callback_manager = CallbackManager([] if of_model else [counter])
            if of_model:
                model.callback_manager = CallbackManager([counter])
            counted.reset()
            str(builders[f"_{kind}"](model).query(ASKED[0][0]))  # read to its end
            theirs.append(counter.total_llm_token_count)
        calls = len(counted.read)
        print(f"{kind}: {calls} calls, {counted.total} tokens; the model's, Settings': {theirs}")


def _default(counted: Counted, window: int = 2048) -> RetrieverQueryEngine:
    model = _model(counted, 90)
    model.context_window = window
    return RetrieverQueryEngine.from_args(retriever(library(), k=3), llm=model)


def _windows(counted: Counted) -> None:
    question, _ = QUESTIONS[4]
    for window in WINDOWS:
        counted.reset()
        try:
            text = str(_default(counted, window).query(question))
        except ValueError as error:
            text = str(error)
        print(f"{window}: {len(counted.read)} calls, {counted.total} tokens; {text[:90]!r}")


def _agents(counted: Counted) -> None:
    """What agents cite whose tool is an engine that names no source."""
    for name in ("starter", "solution"):
        program = getattr(answers.AGENT, name).code
        tried = inside.AGENT.format(question="").partition("_done =")[0]
        names = _names(program, tried)
        agent = names["assistant"](names["_Own"](), counted)
        cited: list[bool] = []
        for question, _ in ASKED:
            counted.reset()
            text = agent.run_sync(question).text
            found = own.sentence_for(question)[0]
            cited.append(list(_files(text)) == [found])
            print(f"  {found}: {text}\n    {len(counted.read)} calls, {counted.total} tokens")
        print(f"{name}: {sum(cited)} of {len(cited)} name the file, and no other", flush=True)


if __name__ == "__main__":
    main()
