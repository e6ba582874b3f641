"""What the lesson says of the question whose answer is not there, made again.

    python scenarios/m3/rag/measure.py [--write] [--model]

The cosines of questions that the library answers and of those it doesn't; how often one of the
former is above one of the latter; what the best threshold on the cosine is worth, beside the
solution. --write makes found.json again, from the index; --model asks SmolLM2, shown how to cite,
the questions that have no answer.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from agentlab.agent import Agent
from agentlab.backends import connect
from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.knowledge.retrieve.quote import quotable
from agentlab_tools.open_book import library

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
absent, answers, declining = (
    importlib.import_module(f"{_HERE.name}.{name}") for name in ("absent", "answers", "declining")
)


def rows() -> list[dict[str, Any]]:
    """What the index finds for every question, in the three cases: three sentences each."""
    retriever, embedder = library.retriever(), open_embedder()
    made: list[dict[str, Any]] = []

    def add(kind: str, question: str, words: str, without: str = "") -> str:
        found = retriever.retrieve(question, 12, quotes=False)
        best = [one for one in found if one.source.file != without][:3]
        quotes = [quotable(one.chunk.text, question, embedder).text for one in best]
        texts = [" ".join(quote.split()) for quote in quotes]
        vectors = embedder.embed([question, *texts])
        cosines = (vectors[1:] @ vectors[0]).tolist()
        given = [
            {"file": one.source.file, "text": text, "cosine": round(cosine, 3)}
            for one, text, cosine in zip(best, texts, cosines, strict=True)
        ]
        right = [n for n, text in enumerate(texts) if words and words in text]
        if words and not right:
            raise SystemExit(f"not found: {question}")
        made.append({"kind": kind, "question": question, "found": given, "right": right})
        return given[right[0]]["file"] if right else ""

    for question, words, near in absent.TWINS:
        file = add("there", question, words)
        add("gone", question, "", without=file)
        add("near", near, "")
    return made


def above(high: list[float], low: list[float]) -> float:
    """How often one of the first is above one of the second."""
    return statistics.mean((a > b) + (a == b) / 2 for a in high for b in low)


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--model", action="store_true")
    given = parser.parse_args()
    if given.write:
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows())
        absent.FOUND.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        absent.asked.cache_clear()
    of = {k: [a for a in absent.asked() if a.kind == k] for k in ("there", "near", "gone")}
    nearest = {k: [max(s["cosine"] for s in a.found) for a in some] for k, some in of.items()}
    for kind, cosines in nearest.items():
        print(f"{kind:6} {len(cosines)} questions, best cosine {statistics.median(cosines):.2f}")
    for kind in ("near", "gone"):
        print(f"there above {kind}: {above(nearest['there'], nearest[kind]):.2f}")
    absent_ones = nearest["near"] + nearest["gone"]
    for least in (0.4, 0.5, 0.55, 0.6, 0.65):
        declined = statistics.mean(c < least for c in absent_ones)
        wrongly = statistics.mean(c < least for c in nearest["there"])
        print(f"threshold {least}: declined {declined:.2f}, wrongly {wrongly:.2f}")
    known = declining.ABSENT
    programs = {"solution": known.solution, **known.also, **known.wrong}
    for name, program in programs.items():
        space: dict[str, Any] = {}
        exec(compile(program.code, name, "exec"), space)  # noqa: S102 - the lab's own programs
        told = {
            k: [space["answering"](a.question, list(a.found)) for a in v] for k, v in of.items()
        }
        shares = {k: statistics.mean(t is None for t in v) for k, v in told.items()}
        right = statistics.mean(
            t in a.right for t, a in zip(told["there"], of["there"], strict=True)
        )
        print(
            f"{name:24} declined: near {shares['near']:.2f}, gone {shares['gone']:.2f}, "
            f"wrongly {shares['there']:.2f}; right sentence {right:.2f}"
        )
    if given.model:
        asyncio.run(ask_model(of["near"]))


async def ask_model(near: list[Any]) -> None:
    """How many near questions SmolLM2 answers with a source, shown how to cite."""
    shown = answers.ANSWER
    backend = connect("local:smollm2")
    agent: Agent[str] = Agent(
        backend=backend,
        instructions=shown.instructions,
        examples=shown.shown(),
        settings=shown.settings,
        limits=shown.limits,
        runs=None,
    )
    cited = 0
    for one in near:
        best = one.found[0]
        said = await agent.run(f"[{best['file']}] {best['text']}\n\nQuestion: {one.question}")
        cited += f"({best['file']})" in said.output
        print(f"{one.question}\n    {said.output[:100]!r}")
    print(f"answered with the source before it: {cited} of {len(near)}")
    await backend.aclose()


if __name__ == "__main__":
    main()
