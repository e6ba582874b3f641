"""Odd CSV and JSON Lines files: every row is there or said to be missing, every value as written.

What a table holds is compared with what Python's own `csv` reads from the same bytes. Thousands of
files: `AGENTLAB_ODD_FILES=5000 pytest tests/data_tools/test_odd_files.py`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb")
import duckdb

from agentlab.decoding import Undecodable
from agentlab_tools.data import DataLimits, open_data
from agentlab_tools.data.gather import gather
from agentlab_tools.data.staging import quote

FILES = int(os.environ.get("AGENTLAB_ODD_FILES", "150"))

VALUES = {
    "whole": lambda r: str(r.randint(-9999, 9999)),
    "huge": lambda r: str(r.randint(10**17, 10**24)),
    "cents": lambda r: f"{r.randint(0, 999)}.{r.randint(0, 99):02}",
    "power": lambda r: f"{r.random() * 10:.3f}e-{r.randint(1, 20):02}",
    "exact": lambda r: f"{r.randint(10**10, 10**12)}.{r.randint(10**7, 10**8 - 1)}",
    "code": lambda r: f"{r.randint(0, 999):03}",
    "phone": lambda r: f"+49 30 {r.randint(1, 9999)}",
    "day": lambda r: f"2024-{r.randint(1, 12):02}-{r.randint(1, 28):02}",
    "moment": lambda r: f"2024-01-02 {r.randint(0, 23):02}:{r.randint(0, 59):02}:00",
    "clock": lambda r: f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}",
    "comma": lambda r: f"{r.randint(0, 9)},{r.randint(0, 99):02}",
    "truth": lambda r: r.choice(["true", "false"]),
    "word": lambda r: r.choice(["Müller", "naïve", "x", "He said “yes”", "5 €", "NA", "n/a", "-"]),
    "quoted": lambda r: r.choice(['say "hi"', "two\nlines", "a\r\nb", "semi;colon", "tab\there"]),
    "long": lambda r: "z" * r.choice([10, 200, 140_000 if r.random() < 0.02 else 300]),
    "line": lambda r: f"one{chr(0x2028)}two",
    "zero": lambda r: "a\0b",
}  # fmt: skip


def a_file(seed: int) -> tuple[bytes, str]:
    """An odd file, and its encoding."""
    r = random.Random(seed)
    kinds = [r.choice(list(VALUES)) for _ in range(r.randint(2, 6))]
    late = {n: r.choice(list(VALUES)) for n in range(len(kinds)) if r.random() < 0.3}
    encoding = r.choice(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
    if encoding == "cp1252":
        kinds, late = [k if k != "line" else "word" for k in kinds], {
            n: k for n, k in late.items() if k != "line"}  # fmt: skip
    if encoding.startswith("utf-16"):
        kinds = [k if k != "zero" else "word" for k in kinds]
        late = {n: k for n, k in late.items() if k != "zero"}
    delimiter, end = r.choice(",;\t|"), r.choice(["\n", "\r\n", "\r"])
    out = io.StringIO(newline="")
    quoting: Any = r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow([f"name {n}" for n in range(len(kinds))])
    count = r.randint(5, 60)
    for row in range(count):
        cells = [
            "" if r.random() < 0.05 else VALUES[late.get(n, k) if row > count * 0.8 else k](r)
            for n, k in enumerate(kinds)
        ]
        if r.random() < 0.02:
            cells = cells[:-1] if r.random() < 0.5 else [*cells, "more"]
        writer.writerow(cells)
        if r.random() < 0.03:
            out.write(end)
        if end == "\r\n" and r.random() < 0.03:
            out.seek(out.tell() - 2)
            out.truncate()
            out.write("\n")
    text = out.getvalue()
    if r.random() < 0.2:
        text = text.rstrip("\r\n")
    return text.encode(encoding), encoding


def independent(data: bytes, encoding: str) -> list[list[str]]:
    """The rows as Python's csv has them, told everything about the file."""
    csv.field_size_limit(1 << 30)
    text = data.decode(encoding)
    delimiter = next(c for c in text if c in ",;\t|")
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def same(written: str, value: Any) -> bool:
    """Whether a value is the one that is written, with nothing lost."""
    if value is None or isinstance(value, str):
        return (value or "") == written
    text = written.strip()
    match value:
        case bool():
            return text.lower() == str(value).lower()
        case int():
            return str(value) == text
        case float():
            return Decimal(repr(value)) == Decimal(text)
        case Decimal():
            return value == Decimal(text)
        case datetime():
            return value == datetime.fromisoformat(text)
        case date():
            return value == date.fromisoformat(text)
        case _:
            return str(value) == text


def read(path: Path) -> tuple[list[tuple[Any, ...]], list[tuple[int, str]], list[str]]:
    kind = "csv" if path.suffix in (".csv", ".tsv") else "json"
    with duckdb.connect() as db:
        notes: list[str] = []
        refused = gather(db, quote("t"), kind, [str(path)], notes)
        return db.execute("FROM t").fetchall(), refused, notes


@pytest.mark.parametrize("block", range(5))
def test_every_row_of_an_odd_table_is_there_as_python_reads_it(block: int, tmp_path: Path) -> None:
    for seed in range(block, FILES, 5):
        data, encoding = a_file(seed)
        path = tmp_path / "odd.csv"
        path.write_bytes(data)
        header, *wanted = independent(data, encoding)
        rows, refused, notes = read(path)
        assert len(rows) + len(refused) == len(wanted), (seed, encoding, notes)
        for said, found in zip(wanted, rows, strict=True):
            padded = [*said, *[""] * (len(found) - len(said))]
            assert all(map(same, padded, found)), (seed, encoding, said, found)
        assert header[0] == "name 0"


def table(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> tuple[Any, Any, Any]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path)


def test_a_longer_row_keeps_all_others_and_is_told(tmp_path: Path) -> None:
    text = "id,amount\n" + "".join(f"{n},{n * 10}\n" for n in range(1, 200)) + "200,2000,see mail\n"
    rows, refused, notes = table(tmp_path, text)
    assert (len(rows), sum(row[1] for row in rows), refused) == (200, 201_000, [])
    assert rows[-1] == (200, 2000, "see mail")
    assert notes == ["line 201 has more fields than the header: they are in columns of their own"]


def test_a_row_beyond_all_measure_is_refused_with_its_line(tmp_path: Path) -> None:
    rows, refused, _ = table(tmp_path, "a,b\n1,2\n" + "," * 500 + "\n3,4\n")
    assert rows == [(1, 2), (3, 4)]
    assert refused == [(3, "501 fields where the header has 2")]


@pytest.mark.parametrize(
    ("column", "late", "total"),
    [("10", "2.75", 252_750.0), ("1", "A1", None), ("7", "007", None), ("2024", "+5", None)],
)
def test_types_are_decided_on_all_rows(
    column: str, late: str, total: float | None, tmp_path: Path
) -> None:
    rows, _, notes = table(tmp_path, "v,w\n" + f"{column},x\n" * 25_000 + f"{late},x\n" * 1000)
    if total is not None:
        assert sum(row[0] for row in rows) == total
        return
    assert [rows[0][0], rows[-1][0]] == [column, late]
    assert notes == [
        f"v is text: 1,000 values are not written as a number, first {late!r} on line 25,002"
    ]


def test_what_a_number_would_lose_stays_text(tmp_path: Path) -> None:
    written = ["9" * 40, "1E5", "00.5", "-0", "1e999", "12:30", "01/02/2024", "1.2.3", "١"]
    for value in written:
        rows, _, _ = table(tmp_path, f"a,b\n{value},1\n")
        assert rows == [(value, 1)], value
    rows, _, _ = table(tmp_path, "a,b\n12345678901234567.25,1\n")
    assert rows == [(Decimal("12345678901234567.25"), 1)]


def test_a_day_among_moments_keeps_the_time_of_the_others(tmp_path: Path) -> None:
    rows, _, _ = table(tmp_path, "d,n\n" + "2024-01-01,1\n" * 25_000 + "2024-01-02 23:59:00,1\n")
    assert max(row[0] for row in rows) == datetime(2024, 1, 2, 23, 59)


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        ("sep=;\na;b\n1;2\n", ["a", "b"], 1),
        ("Report of May\n\na,b\n1,2\n3,4\n", ["a", "b"], 2),
        ("a,a,A\n1,2,3\n", ["a", "a_1", "A_2"], 1),
        ("a,,b\n1,2,3\n", ["a", "column1", "b"], 1),
        ("1,2\n3,4\n", ["column0", "column1"], 2),
        ("country,2019,2020\nFR,1,2\n", ["country", "2019", "2020"], 1),
        ('a,b\n1, "x, y"\n2, "z"\n', ["a", "b"], 2),
        ('a,b\n"say \\"hi\\", you",2\n"x",3\n', ["a", "b"], 2),
        ("x y\n1 2\n", ["x y"], 1),
        ("id,path\n1,a|b|c|d\n2,b|c|d|e\n3,x|y|z|w\n", ["id", "path"], 3),
        (
            "mpg cyl\ncar,21,6\nbus,9,8\n".replace("mpg cyl", "mpg,cyl"),
            ["column0", "mpg", "cyl"],
            2,
        ),
    ],
)
def test_headers_as_people_write_them(
    content: str, names: list[str], rows: int, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with duckdb.connect() as db:
        gather(db, quote("t"), "csv", [str(path)], [])
        assert [row[0] for row in db.execute("DESCRIBE t").fetchall()] == names
        assert len(db.execute("FROM t").fetchall()) == rows


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path) -> None:
    rows, _, notes = table(tmp_path, 'a,b\n1,2\n3,"oops\n' + "5,6\n" * 10)
    assert len(rows) == 2
    assert notes == ["a quote opened on line 3 is never closed: what follows is one value"]


def test_a_field_of_a_million_characters_costs_nothing_else(tmp_path: Path) -> None:
    rows, _, _ = table(tmp_path, f"a,b\n1,{'x' * 1_000_000}\n2,y\n")
    assert [len(row[1]) for row in rows] == [1_000_000, 1]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.json"])
def test_an_empty_file_is_said_to_be(content: bytes, name: str, tmp_path: Path) -> None:
    with pytest.raises(Undecodable, match="is empty"):
        table(tmp_path, content, name)


def test_lines_that_are_no_object_are_refused_by_number(tmp_path: Path) -> None:
    lines = '{"a": 1}\n{"a": 2\n[3]\n\n{"a": 4, "b": "x\u2028y"}\n'
    rows, refused, _ = table(tmp_path, lines, "t.jsonl")
    assert rows == [(1, None), (4, "x\u2028y")]
    assert [line for line, _ in refused] == [2, 3]


def test_numbers_in_json_are_those_that_are_written(tmp_path: Path) -> None:
    text = '{"a": 12345678901234567890123, "b": 1, "c": "007", "d": {"x": 1}}\n'
    text += '{"a": 1, "b": 2.75, "c": "8", "d": {"x": 2}}\n'
    rows, _, _ = table(tmp_path, text, "t.jsonl")
    assert rows[0] == (12345678901234567890123, 1.0, "007", {"x": 1})
    assert rows[1] == (1, 2.75, "8", {"x": 2})


def test_a_late_kind_makes_a_json_column_text_and_is_told(tmp_path: Path) -> None:
    rows, _, notes = table(tmp_path, '{"a":1}\n' * 25_000 + '{"a":"x"}\n', "t.jsonl")
    assert (len(rows), rows[0], rows[-1]) == (25_001, ("1",), ("x",))
    assert notes == ["a is text: it holds values of several kinds (number, string)"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("layout", ["array", "pretty", "lines", "beside"])
def test_json_in_any_layout_and_encoding(layout: str, encoding: str, tmp_path: Path) -> None:
    objects = [{"name": "Müller", "n": n} for n in range(1000)]
    text = {
        "array": json.dumps(objects, ensure_ascii=False),
        "pretty": json.dumps(objects, ensure_ascii=False, indent=2),
        "lines": "\r\n".join(json.dumps(o, ensure_ascii=False) for o in objects),
        "beside": " ".join(json.dumps(o, ensure_ascii=False, indent=1) for o in objects),
    }[layout]
    rows, refused, _ = table(tmp_path, text.encode(encoding), "t.json")
    assert (len(rows), refused, rows[-1]) == (1000, [], ("Müller", 999))


def test_half_an_array_is_not_passed_off_as_a_whole_one(tmp_path: Path) -> None:
    with pytest.raises(Undecodable, match="does not end"):
        table(tmp_path, '[{"a": 1}, {"a": 2},', "t.json")
    with pytest.raises(Undecodable, match="not JSON at line 2"):
        table(tmp_path, '[{"a": 1},\n{"a": 2} {"a": 3}]', "t.json")


@pytest.mark.parametrize(
    ("usual", "late", "said"),
    [
        ("2024-01-31", "2024-13-01", "a day or a moment"),
        ("2024-01-31 10:00:00", "2024-01-31 10:00:00+02:00", "a day or a moment"),
        ("10:00:00", "25:00:00", "a time"),
        ("true", "maybe", "true or false"),
    ],
)
async def test_what_keeps_a_column_from_its_type_is_named(
    tmp_path: Path, usual: str, late: str, said: str
) -> None:
    file = tmp_path / "late.csv"
    file.write_text("n,v\n" + f"1,{usual}\n" * 12_000 + f"2,{late}\n")
    async with open_data([file]) as data:
        (table,) = data.tables
        assert (table.rows, table.columns[1].type) == (12_001, "VARCHAR")
        (note,) = table.notes
        assert note == f"v is text: 1 value is not written as {said}, first {late!r} on line 12,002"


async def test_wide_and_narrow_rows_side_by_side_keep_their_places(tmp_path: Path) -> None:
    """Rows that are taken whole, and by place, within one batch and over its end."""
    file = tmp_path / "uneven.csv"
    rows = [f"{i},a{i}" + (",more" if i % 7_001 == 7_000 else "") for i in range(45_000)]
    rows[30] = "30"
    file.write_text("n,v\n" + "\n".join(rows) + "\n")
    async with open_data([file], DataLimits(rows=10)) as data:
        sql = "SELECT count(*), count(v), count(column2), sum(n) FROM uneven"
        assert (await data.query(sql)).rows == (("45000", "44999", "6", str(sum(range(45_000)))),)
        found = await data.query("SELECT count(*) FROM uneven WHERE v = 'a' || n")
        assert found.rows == (("44999",),)
        late = await data.query("SELECT n FROM uneven WHERE column2 = 'more' ORDER BY n LIMIT 2")
        assert late.rows == (("7000",), ("14001",))
