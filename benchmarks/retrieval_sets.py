"""Public sets of questions with judged documents, as the folders `retrieval.py --set` reads.

    python benchmarks/retrieval_sets.py smart DOCUMENTS QUERIES JUDGEMENTS OUT
    python benchmarks/retrieval_sets.py squad FILE.json OUT

smart  the format of SMART's collections (Cranfield, CACM, CISI, MED …): `.I`, `.T`, `.W`.
       A judgement is a line `query document grade` or `query 0 document grade`. Cranfield numbers
       its queries in its judgements by their order, as this does where the file is called cran….
       Its grades run from 1, the best, to 4; every one of them counts as relevant here.
squad  SQuAD's format (XQuAD): each paragraph is a document, each question has one that answers it.

OUT then has BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def entries(file: Path) -> dict[str, dict[str, str]]:
    """SMART's entries by number: the text of each field."""
    found: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    name = ""
    for line in file.read_text(encoding="latin-1").splitlines():
        if start := re.match(r"\.I\s+(\d+)", line):
            fields = found[str(int(start[1]))] = {}
            name = ""
        elif mark := re.fullmatch(r"\.([A-Z])\s*", line):
            name = mark[1]
        elif name:
            fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
    return found


def smart(documents: Path, queries: Path, judgements: Path) -> tuple[Any, Any, Any]:
    """Texts, questions, and grades of a collection."""
    asked = list(entries(queries).items())
    if queries.name.startswith("cran"):
        asked = [(str(n), fields) for n, (_, fields) in enumerate(asked, 1)]
    grades: dict[str, dict[str, int]] = {}
    for line in judgements.read_text(encoding="latin-1").splitlines():
        numbers = line.split()
        if len(numbers) < 3:
            continue
        query = str(int(numbers[0]))
        # `query 0 document grade`, or `query document …`, where being listed is being relevant
        document = numbers[2] if numbers[1] == "0" else numbers[1]
        grades.setdefault(query, {})[str(int(document))] = 1
    texts = {n: (f.get("T", ""), f.get("W", "")) for n, f in entries(documents).items()}
    return texts, {n: f.get("W", f.get("T", "")) for n, f in asked}, grades


def squad(file: Path) -> tuple[Any, Any, Any]:
    """Paragraphs, questions, and the paragraph that answers each."""
    texts: dict[str, tuple[str, str]] = {}
    queries: dict[str, str] = {}
    grades: dict[str, dict[str, int]] = {}
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            document = f"p{len(texts)}"
            texts[document] = (article["title"].replace("_", " "), paragraph["context"])
            for row in paragraph["qas"]:
                queries[row["id"]] = row["question"]
                grades[row["id"]] = {document: 1}
    return texts, queries, grades


def write(
    out: Path,
    texts: Mapping[str, tuple[str, str]],
    queries: Mapping[str, str],
    grades: Mapping[str, Mapping[str, int]],
) -> None:
    """BEIR's three files."""
    (out / "qrels").mkdir(parents=True, exist_ok=True)

    def lines(file: Path, rows: Iterable[Mapping[str, str]]) -> None:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    lines(
        out / "corpus.jsonl",
        ({"_id": n, "title": title, "text": text} for n, (title, text) in texts.items()),
    )
    lines(out / "queries.jsonl", ({"_id": n, "text": text} for n, text in queries.items()))
    judged = [
        f"{query}\t{document}\t{grade}\n"
        for query, found in grades.items()
        for document, grade in found.items()
        if query in queries and document in texts
    ]
    (out / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged))


def main() -> None:
    """Convert one set."""
    match sys.argv[1:]:
        case ["smart", documents, queries, judgements, out]:
            write(Path(out), *smart(Path(documents), Path(queries), Path(judgements)))
        case ["squad", file, out]:
            write(Path(out), *squad(Path(file)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
