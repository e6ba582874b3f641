"""How well the bundled 135M models answer from documents, and what their citations are worth.

    python benchmarks/answers.py [--backend local:smollm2] [--json] [--all]
    python benchmarks/answers.py --set xquad.en.json [--backend …] [--half second] [--own-words]

The article library is indexed with `minilm`; 24 questions it answers and 8 that it does not are
asked by `agentlab ask`'s own code, and the former also without documents. An answer counts as right
if it holds the expected words; a citation counts if it stands in the index and holds them. Greedy
sampling: the same numbers each time, whatever else the machine does.

--set    a public set in SQuAD's format instead, its questions asked with their paragraph there,
         with it taken out, and with its whole article taken out (as in absent.py, which fits the
         judge on the first half: report the second). Shares with Wilson's intervals, 95 %.
--own-words  lets the model put the answer in its own words, as hosted ones do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from _public_answers import ask_all, table
from absent import CASES

from agentlab.agent import Agent
from agentlab.backend import Settings
from agentlab.backends import connect
from agentlab_tools.knowledge.ask import ask, stands
from agentlab_tools.knowledge.index import open_index
from agentlab_tools.knowledge.retrieve import Retriever
from agentlab_tools.search import LIBRARY

ANSWERED = {
    "What does LoRA freeze?": "model",
    "What does CLIP train together with a text encoder?": "image encoder",
    "What does backpropagation compute?": "gradient",
    "What does a diffusion model learn to remove from a picture?": "noise",
    "Which model does direct preference optimization not need?": "reward model",
    "What do you keep to get GPT?": "decoder",
    "In how many bits does QLoRA keep the base model?": "4",
    "What does quantization store weights as?": "integers",
    "What does a router pick for each token in a mixture of experts?": "few",
    "What does a convolutional network slide over an image?": "filters",
    "What do you keep to get BERT?": "encoder",
    "What does perplexity say?": "equally likely",
    "Who proposed to weight words by how few documents contain them?": "Jones",
    "What does BM stand for in BM25?": "best match",
    "How long should passages be when documents are split for retrieval?": "100 to 400",
    "What is top-p sampling also called?": "nucleus",
    "In which year was QLoRA published?": "2023",
    "What are the usual defaults of k1 and b in BM25?": "1.2",
    "What does attention let each token fetch?": "information",
    "What does a transformer keep of earlier tokens while generating?": "keys",
    "In which format are arguments given in function calling?": "JSON",
    "What does gradient descent lower?": "loss",
    "What does prompt injection hide in a text?": "instructions",
    "What does an embedding turn a sentence into?": "numbers",
}
"""Questions, each answered in one sentence of the library, and words of the answer."""

UNANSWERED = (
    "What is the capital of Mongolia?",
    "Who won the 1998 football world cup?",
    "How do I bake sourdough bread?",
    "At what temperature does mercury boil?",
    "Who wrote Don Quixote?",
    "How high is Mount Kenya?",
    "When was the great earthquake of Lisbon?",
    "How do I mend a bicycle tyre?",
)


async def measure(name: str) -> dict[str, Any]:
    """Ask everything."""
    backend = connect(name)
    small = name.startswith("local:") or name.endswith(".gguf")
    closed = Agent(
        backend=backend,
        instructions="Answer in a few words.",
        settings=Settings(temperature=0, max_tokens=60),
        runs=None,
    )
    rows: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        open_index(Path(folder), embedder="minilm", create=True) as index,
    ):
        index.update(LIBRARY)
        retriever = Retriever(index.store, index.embedder)
        for question in (*ANSWERED, *UNANSWERED):
            expected = ANSWERED.get(question)
            told = await ask(
                question,
                retriever,
                index.embedder,
                backend,
                own_words=not small,
                most=2 if small else 8,
            )
            row: dict[str, Any] = {"question": question, "answer": told.text}
            row["stands"] = all(stands(one, index.store) for one in told.citations)
            if expected is not None:
                quotes = " ".join(one.quote for one in told.citations).lower()
                row["right"] = expected.lower() in (told.text or "").lower()
                row["cited"] = row["stands"] and expected.lower() in quotes
                alone = (await closed.run(question)).output
                row["right without"] = expected.lower() in alone.lower()
            rows.append(row)
    await backend.aclose()
    answered, unanswered = rows[: len(ANSWERED)], rows[len(ANSWERED) :]
    return {
        "right": sum(row["right"] for row in answered),
        "right without documents": sum(row["right without"] for row in answered),
        "citation holds the answer": sum(row["cited"] for row in answered),
        "of": len(answered),
        "citations that stand in the index": sum(row["stands"] for row in rows),
        "answers": len(rows),
        "said not to be found": sum(row["answer"] is None for row in unanswered),
        "of unanswerable": len(unanswered),
        "wrongly said not to be found": sum(row["answer"] is None for row in answered),
        "rows": rows,
    }


def main() -> None:
    """Read the options, print the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--backend", action="append", help="with --set, several  [default: local:smollm2]"
    )
    parser.add_argument("--set", type=Path, dest="file")
    parser.add_argument("--half", choices=["first", "second", "both"], default="second")
    parser.add_argument(
        "--questions", type=int, nargs=3, default=[80, 80, 40], metavar="N", help="of each case"
    )
    parser.add_argument("--own-words", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="each question and its answer")
    given = parser.parse_args()
    names: list[str] = given.backend or ["local:smollm2"]
    if given.file is not None:
        counts: dict[str, int] = dict(zip(CASES, given.questions, strict=True))
        rates = asyncio.run(
            ask_all(given.file, given.half, counts, names, own_words=given.own_words)
        )
        for name, of in rates.items():
            for one in of if given.all else ():
                print(f"{one.case:8} {one.question.text}\n         {one.answer.text}")
            print("\n  ".join([name, *table(of)]))
        return
    told = asyncio.run(measure(names[0]))
    rows = told.pop("rows")
    if given.json:
        print(json.dumps({**told, "rows": rows}, indent=2))
        return
    for row in rows if given.all else ():
        mark = {True: "right", False: "wrong", None: ""}[row.get("right")]
        print(f"{mark:6} {row['question']}\n       {row['answer']}")
    for name, value in told.items():
        print(f"{name:36} {value}")


if __name__ == "__main__":
    main()
