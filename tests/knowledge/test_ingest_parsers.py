"""Files to documents: what is said, under which headings, on which lines."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from agentlab_tools.knowledge.ingest import Document, Unreadable, parse


def parts(document: Document) -> list[tuple[str, str, int]]:
    """Heading, text and first line of each part."""
    return [
        (b.heading, document.text[b.start : b.end], document.line_of(b.start))
        for b in document.blocks
    ]


MARKDOWN = """\
---
title: A guide
tags: [lamps]
---
# Guide to `lamps`

Light *them*.

## Oil

- fill
- wait

```python
# not a heading
light()
```

<!-- not said -->

## Gas

| kind | cost |
| ---- | ---- |
| town | 3    |

Last words.
"""


def test_markdown_is_cut_at_its_structure() -> None:
    document = parse(MARKDOWN.encode(), "guide.md")
    assert document.title == "Guide to lamps"
    assert parts(document) == [
        ("", "title: A guide\ntags: [lamps]", 2),
        ("Guide to lamps", "Light *them*.", 7),
        ("Guide to lamps > Oil", "- fill\n- wait", 11),
        ("Guide to lamps > Oil", "```python\n# not a heading\nlight()\n```", 14),
        ("Guide to lamps > Gas", "| kind | cost |\n| ---- | ---- |\n| town | 3    |", 23),
        ("Guide to lamps > Gas", "Last words.", 27),
    ]
    assert [block.shape for block in document.blocks] == [
        "prose",
        "prose",
        "prose",
        "code",
        "table",
        "prose",
    ]


def test_windows_line_ends_count_as_one_line() -> None:
    document = parse(b"one\r\n\r\ntwo\r\n", "a.txt")
    assert parts(document) == [("", "one", 1), ("", "two", 3)]


def test_a_heading_with_nothing_below_it_is_a_part_itself() -> None:
    document = parse(b"# One\n\n## Two\n\n## Three\n\nText.\n\nFour\n====\n", "a.md")
    assert parts(document) == [
        ("One", "## Two", 3),
        ("One > Three", "Text.", 7),
        ("", "Four\n====", 9),
    ]


def test_a_title_that_stands_only_in_front_matter_is_one() -> None:
    document = parse(b'---\ntitle: "Of lamps"\n---\nThey burn.\n', "a.md")
    assert document.title == "Of lamps"
    assert parts(document)[0] == ("", 'title: "Of lamps"', 2)


HTML = """<!doctype html><html><head><title>Lamps &amp; light</title>
<script>evil()</script><style>b {}</style></head><body>
<nav><a href=/>Home</a> <a href=/x>Products</a></nav>
<article><h1>Lamps</h1><p>A lamp burns oil, and gives light for many hours in the dark.</p>
<h2>Gas</h2><p>Gas lamps came later, and were brighter than any lamp before them.</p>
<ul><li>They need pipes laid in the street.</li></ul></article>
<footer>Copyright</footer></body></html>"""


def test_a_page_is_read_without_what_surrounds_it() -> None:
    document = parse(HTML.encode(), "lamps.html")
    said = "\n".join(text for _, text, _ in parts(document))
    assert "burns oil" in said
    assert "evil" not in said
    assert "Products" not in said
    assert any(h.endswith("Gas") and "brighter" in text for h, text, _ in parts(document))


def test_a_page_says_its_own_encoding() -> None:
    page = HTML.replace("<head>", '<head><meta charset="iso-8859-1">').replace("oil", "Öl")
    document = parse(page.encode("latin-1"), "lamps.html")
    assert "burns Öl" in document.text
    assert document.notes == ("read as windows-1252",)


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text a page, written by hand."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    out, offsets = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    return (
        out
        + (
            f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
            f"startxref\n{len(out)}\n%%EOF\n"
        ).encode()
    )


def test_a_pdf_keeps_its_pages() -> None:
    document = parse(pdf("Lamps burn oil.", "Gas came later."), "lamps.pdf")
    assert [(b.page, document.text[b.start : b.end]) for b in document.blocks] == [
        (1, "Lamps burn oil."),
        (2, "Gas came later."),
    ]


def test_a_locked_pdf_says_so() -> None:
    import io

    import pypdf

    writer = pypdf.PdfWriter(io.BytesIO(pdf("secret")))
    writer.encrypt("password", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    with pytest.raises(Unreadable, match="password"):
        parse(locked.getvalue(), "a.pdf")


def notebook(*cells: dict[str, object]) -> bytes:
    whole = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": list(cells)}
    return json.dumps(whole).encode()


def test_a_notebook_is_its_cells_and_what_they_printed() -> None:
    printed = {"output_type": "stream", "name": "stdout", "text": ["42\n"]}
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "x" * 200_000}}
    data = notebook(
        {"cell_type": "markdown", "metadata": {}, "source": ["# Sums\n", "\n", "We add."]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": "print(40 + 2)",
            "outputs": [printed, picture],
        },
    )
    document = parse(data, "sums.ipynb")
    assert parts(document) == [
        ("Sums", "We add.", 4),
        ("Sums", "print(40 + 2)", 7),
        ("Sums", "42", 9),
    ]
    assert document.title == "Sums"


PYTHON = '''\
"""Lamps."""
import os

LIMIT = 3


class Lamp:
    """Burns."""

    oil = 1

    @property
    def light(self):
        return self.oil


def fill(lamp):
    lamp.oil += 1
'''


def test_python_is_cut_at_its_functions() -> None:
    found = parts(parse(PYTHON.encode(), "lamp.py"))
    assert [(heading, line) for heading, _, line in found] == [
        ("", 1),
        ("Lamp", 7),
        ("Lamp > light", 12),
        ("fill", 17),
    ]
    assert found[2][1] == "    @property\n    def light(self):\n        return self.oil"


def test_code_that_does_not_parse_is_cut_by_its_layout() -> None:
    found = parts(parse(b"def broken(:\n    x\n\nother = 1\n\n    deeper\n", "a.py"))
    assert [text for _, text, _ in found] == ["def broken(:\n    x", "other = 1\n\n    deeper"]


def test_other_languages_are_cut_by_their_layout() -> None:
    found = parts(parse(b"fn a() {\n\n  x;\n}\n\nfn b() {\n}\n", "a.rs"))
    assert [(text, line) for _, text, line in found] == [
        ("fn a() {\n\n  x;\n}", 1),
        ("fn b() {\n}", 6),
    ]


def test_rows_bear_the_names_of_their_columns_and_their_lines() -> None:
    data = b'name;born;said\nAda;1815;"two\nlines"\nAlan;1912;\n'
    assert parts(parse(data, "people.csv")) == [
        ("", "name: Ada; born: 1815; said: two lines", 2),
        ("", "name: Alan; born: 1912", 4),
    ]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.md", b"\x00\x01\x02binary", "binary"),
        ("a.md", bytes(range(1, 32)) * 20, "binary"),
        ("a.txt", b"   \n\t\n", "blanks"),
        ("a.txt", b"x" * 200_000, "line 1 has 200,000 characters"),
        ("a.txt", "text".encode("utf-16") + b"\x00", "utf-16"),
        ("a.pdf", b"%PDF-1.4\nnot much of one", "not a PDF"),
        ("a.pdf", pdf("lost")[:200], "not a PDF"),
        ("a.pdf", pdf(""), "no text"),
        ("a.ipynb", b"{}", "not a notebook"),
        ("a.ipynb", b"[1, 2", "not a notebook"),
        ("a.ipynb", notebook(), "nothing in it"),
        ("a.csv", b"name,born\n", "without rows"),
        ("a.html", b"<html><body><script>x()</script></body></html>", "without readable text"),
        ("a.xyz", b"text", "not a kind"),
        ("a.md", b"<!-- nothing -->\n", ""),
    ],
)
def test_what_can_not_be_read_says_why(name: str, data: bytes, reason: str) -> None:
    if not reason:  # a comment is all there is: it is taken as it stands
        assert parse(data, name).blocks
        return
    with pytest.raises(Unreadable, match=reason):
        parse(data, name)


GERMAN = "Die Größenänderung überträgt sich auf die Öffnung. Für größere Gefäße genügt das nicht. "
RUSSIAN = (
    "Лампы горели всю ночь, и в окнах было светло. Никто не спал: ждали письма из города, "
    "которое должен был привезти почтальон. Утром пришёл поезд, но письма не было. "
)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", GERMAN),
        ("utf-16", GERMAN),
        ("utf-32", GERMAN),
        ("cp1252", GERMAN * 3),
        ("cp1251", RUSSIAN),
    ],
)
def test_other_encodings_are_told_apart(encoding: str, text: str) -> None:
    assert parse(text.encode(encoding), "a.txt").text == text


def test_a_few_wrong_bytes_cost_only_themselves() -> None:
    document = parse(b"good words " * 500 + b"\xff", "a.txt")
    assert document.notes == ("read as windows-1252: it is not UTF-8",)


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.ipynb", "a.py", "a.csv", "a.pdf", "a.txt"])
def test_deep_nesting_ends_in_an_answer(name: str) -> None:
    divs = "<div>" * 20_000 + "words to read"
    for deep in ("[" * 50_000, "> " * 20_000 + "x", divs, "(" * 9_000):
        with suppress(Unreadable):
            parse(deep.encode(), name)


def test_documents_of_this_project_are_read() -> None:
    root = Path(__file__).parents[2]
    for file in [*root.glob("docs/*.md"), *root.glob("agentlab/*.py"), root / "README.md"]:
        document = parse(file.read_bytes(), file.name)
        text = file.read_text(encoding="utf-8")
        for block in document.blocks:
            assert text[block.start : block.end].strip()


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nid;name\n1;Ann, A\n",
        "\nid,name\n1,'Ann, A'\n2,'Bob'\n",
        "\nid^name\n1^Ann, A\n",
        '\nid,name\n1,"Ann, A"\n2,it\'s 5:30; or 6|7\n',
    ],
)
def test_rows_of_tables_are_split_as_query_data_splits_them(text: str) -> None:
    document = parse(text.encode(), "t.csv")
    assert document.text.split("\n")[1:3] == ["id; name", "id: 1; name: Ann, A"]


def test_a_cell_longer_than_csv_expects_loses_no_file() -> None:
    document = parse(f"name,said\nAda,{'word ' * 40_000}\nBo,hi\n".encode(), "a.csv")
    assert len(document.blocks) == 2
    assert "name: Bo; said: hi\n" in document.text
