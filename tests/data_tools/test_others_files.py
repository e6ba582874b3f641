"""Tables as other programs write them: each value as it is there, what is assumed in one line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb")
import duckdb

from agentlab_tools.data import DataLimits, open_data
from agentlab_tools.data.gather import gather
from agentlab_tools.data.staging import quote

NULL = None
CELLS = [
    ["id", "name", "note"],
    ["1", "Ann, A", 'say "hi"'],
    ["2", "O'Hara", "two\nlines"],
    ["3", "x;y|z\tq", "plain"],
]
ROWS = [(int(cells[0]), *cells[1:]) for cells in CELLS[1:]]


def table(
    tmp_path: Path, content: str | bytes, name: str = "t.csv"
) -> tuple[list[str], list[tuple[Any, ...]], list[str], list[tuple[int, str]]]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with duckdb.connect() as db:
        notes: list[str] = []
        kind = "json" if "json" in name else "csv"
        refused = gather(db, quote("t"), kind, [str(path)], notes)
        columns = [" ".join(row[:2]) for row in db.execute("DESCRIBE t").fetchall()]
        return columns, db.execute("FROM t").fetchall(), notes, refused


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        ({}, ""),
        ({"dialect": "excel-tab"}, ""),
        ({"dialect": "unix"}, ""),
        ({"delimiter": ";"}, ""),
        ({"delimiter": "|"}, ""),
        ({"quoting": csv.QUOTE_NONNUMERIC}, ""),
        ({"quoting": csv.QUOTE_NONE, "escapechar": "\\"}, "backslash"),
        ({"quotechar": "'", "quoting": csv.QUOTE_ALL}, "single quotes"),
        ({"quotechar": "'", "delimiter": ";", "quoting": csv.QUOTE_ALL}, "single quotes"),
        ({"delimiter": "^"}, "separated by '^'"),
        ({"delimiter": "~"}, "separated by '~'"),
        ({"delimiter": ":"}, "separated by ':'"),
        ({"delimiter": "\x1f"}, "separated by '\\x1f'"),
    ],
)  # fmt: skip
def test_a_dialect_of_csv_is_read_as_it_was_written(
    dialect: dict[str, Any], said: str, tmp_path: Path
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows(CELLS)
    columns, rows, notes, _ = table(tmp_path, out.getvalue())
    assert columns == ["id BIGINT", "name VARCHAR", "note VARCHAR"]
    assert rows == ROWS
    assert (said in notes[0]) if said else not notes


@pytest.mark.parametrize(
    ("content", "columns", "row", "said"),
    [
        # R: row names have no name of their own, and spaces stand between values
        (
            '"mpg" "cyl"\n"Mazda RX4" 21 6\n"Datsun 710" 22.8 4\n',
            ["column0 VARCHAR", "mpg DOUBLE", "cyl BIGINT"],
            ("Datsun 710", 22.8, 4),
            "separated by ' '",
        ),
        (
            '"";"mpg";"cyl"\n"Mazda RX4";21,5;6\n"Datsun 710";22,8;4\n',
            ["column0 VARCHAR", "mpg VARCHAR", "cyl BIGINT"],
            ("Datsun 710", "22,8", 4),
            "mpg is text: it holds numbers in a notation of their own, first '21,5' on line 2",
        ),
        # Excel in German, in English, and on a Mac of before
        (
            "Datum;Betrag;Kunde\r\n31.01.2024;1.234,50;Müller\r\n01.02.2024;99,00;Groß\r\n".encode(
                "cp1252"
            ),
            ["Datum VARCHAR", "Betrag VARCHAR", "Kunde VARCHAR"],
            ("01.02.2024", "99,00", "Groß"),
            "Datum is text: it holds days in a notation of their own, first '31.01.2024' on line 2",
        ),
        (
            'Date,Amount\r\n1/31/2024,"$1,234.50"\r\n2/1/2024,$99\r\n'.encode("utf-8-sig"),
            ["Date VARCHAR", "Amount VARCHAR"],
            ("2/1/2024", "$99"),
            "Amount is text: it holds numbers in a notation of their own, first '$1,234.50'",
        ),
        (
            "Name,Ort\rMüller,Köln\rGroß,Zürich\r".encode("mac_roman"),
            ["Name VARCHAR", "Ort VARCHAR"],
            ("Groß", "Zürich"),
            "read as mac_roman",
        ),
        (
            "item,share\nx,50%\ny,(12.5%)\n",
            ["item VARCHAR", "share VARCHAR"],
            ("y", "(12.5%)"),
            "share is text: it holds numbers",
        ),
        (
            "t,x\n2024-01-01 10:00:00+00,1\n2024-01-02T10:00:00Z,2\n",
            ["t VARCHAR", "x BIGINT"],
            ("2024-01-02T10:00:00Z", 2),
            "t is text: it holds moments with a time zone",
        ),
        (
            "a,b,,\n1,x,,\n,,,\n2,y,,\n",
            ["a BIGINT", "b VARCHAR", "column2 VARCHAR", "column3 VARCHAR"],
            (2, "y", NULL, NULL),
            "line 3 has no values at all",
        ),
    ],
)
def test_what_other_programs_export(
    content: str | bytes, columns: list[str], row: tuple[Any, ...], said: str, tmp_path: Path
) -> None:
    found, rows, notes, _ = table(tmp_path, content)
    assert found == columns
    assert rows[-1] == row
    assert any(said in note for note in notes), notes


@pytest.mark.parametrize(
    ("content", "columns", "rows", "refused"),
    [
        ("# by x, y\n# on 2024, may\na,b\n1,2\n3,4\n", ["a", "b"], 2, [1, 2]),
        ("#by x\n#chrom,start\nchr1,100\nchr2,200\n", ["#chrom", "start"], 2, [1]),
        ("#name,city\nAnn,Oslo\nBob,Rome\n", ["#name", "city"], 2, []),
        ("Report, May\n\na,b,c\n1,2,3\n4,5,6\n", ["a", "b", "c"], 2, [1]),
        ("a,b\n1,x\n2,y\n\x1a", ["a", "b"], 2, [4]),
        ("mpg,cyl\ncar,21,6\nbus,NA,8\nvan,9,8\n", ["column0", "mpg", "cyl"], 3, []),
    ],
)
def test_what_stands_around_a_table_is_none_of_its_rows(
    content: str, columns: list[str], rows: int, refused: list[int], tmp_path: Path
) -> None:
    names, found, _, left = table(tmp_path, content)
    assert [name.split()[0] for name in names] == columns
    assert len(found) == rows
    assert [line for line, _ in left] == refused


@pytest.mark.parametrize(
    "content",
    [
        "name\nAnn Lee\nBob Ray\n",
        "time\n10:30:00\n11:45:00\n",
        "10:30:00\n11:45:00\n",
        "said\n'tis one\n'twas two\n",
        "url\nhttp://a:80\nhttp://b:81\n",
        'title\n"a" "b"\n"c" "d"\n',
    ],
)
def test_one_column_stays_one_whatever_stands_in_it(content: str, tmp_path: Path) -> None:
    columns, rows, *_ = table(tmp_path, content)
    assert (len(columns), {len(row) for row in rows}) == (1, {1})
    assert "'tis one" not in content or rows[0] == ("'tis one",)


def test_numbers_of_json_are_numbers_however_they_are_written(tmp_path: Path) -> None:
    columns, rows, *_ = table(tmp_path, '{"a": 1E5}\n{"a": 1.5e3}\n{"a": -0}\n', "t.jsonl")
    assert (columns, [row[0] for row in rows]) == (["a DOUBLE"], [100_000, 1500, 0])
    # what Python and pandas write, though no JSON
    columns, rows, *_ = table(tmp_path, '[{"a": NaN}, {"a": 1.5}, {"a": -Infinity}]', "t.json")
    assert (columns, str(rows)) == (["a DOUBLE"], "[(nan,), (1.5,), (-inf,)]")
    columns, rows, notes, _ = table(tmp_path, '{"a": 9007199254740993}\n{"a": 1e400}\n', "t.jsonl")
    assert (columns, rows) == (["a VARCHAR"], [("9007199254740993",), ("1e400",)])
    assert notes == ["a is text: its numbers are larger or finer than any type holds"]


def test_what_json_loses_is_told(tmp_path: Path) -> None:
    lines = '{"a": 1, "a": 2}\n{"a": 3}\n'
    _, rows, notes, _ = table(tmp_path, lines, "t.jsonl")
    assert (rows, notes) == ([(2,), (3,)], ["line 1 has a name twice: the last value counts"])
    _, rows, notes, _ = table(tmp_path, r'[{"a": "x\ud83d"}, {"a": "\ud83d\ude00"}]', "t.json")
    assert rows == [("x\N{REPLACEMENT CHARACTER}",), ("😀",)]
    assert notes == ["line 1 has half a character, read as \N{REPLACEMENT CHARACTER}"]


def test_nested_text_is_found_as_it_is_written(tmp_path: Path) -> None:
    rows = [{"a": {"n": "Müller"}}, {"a": {"n": 2.5}}]
    _, found, *_ = table(tmp_path, json.dumps(rows), "t.json")
    assert found == [('{"n": "Müller"}',), ('{"n": 2.5}',)]


def test_json_text_sequences_are_rows(tmp_path: Path) -> None:
    assert table(tmp_path, '\x1e{"a": 1}\n\x1e{"a": 2}\n', "t.json")[1] == [(1,), (2,)]


async def test_values_are_told_as_they_are_and_not_as_pythons(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    duckdb.execute(
        "COPY (SELECT TIMESTAMP_NS '2024-01-01 10:00:00.123456789' AS n, 'infinity'::DATE AS i, "
        "'-infinity'::TIMESTAMP AS m, DATE '10000-01-01' AS d, 0.1::FLOAT AS f, [DATE '2024-01-01']"
        f" AS l) TO '{path}' (FORMAT parquet)"
    )
    wanted = (
        "2024-01-01 10:00:00.123456789",
        "infinity",
        "-infinity",
        "10000-01-01",
        "0.1",
        "[2024-01-01]",
    )
    async with open_data([path], DataLimits(cell=40)) as data:
        assert (await data.query("FROM t")).rows == (wanted,)
        assert tuple(column.sample[0] for column in data.tables[0].columns) == wanted


def test_what_pandas_writes_is_what_it_had(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"id": [1, 2], "name": ["Bö, b", 'O"x'], "amount": [1.5, None], "ok": [True, False]}
    )
    wanted = [(1, "Bö, b", 1.5, True), (2, 'O"x', None, False)]
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        for separator in ",;\t|":
            text = frame.to_csv(index=False, sep=separator)
            assert table(tmp_path, text.encode(encoding))[1] == wanted, (encoding, separator)
    assert table(tmp_path, frame.to_csv())[1] == [(n, *row) for n, row in enumerate(wanted)]
    lines = frame.to_json(orient="records", lines=True)
    assert table(tmp_path, lines, "t.jsonl")[1] == wanted
    assert table(tmp_path, frame.to_json(orient="records"), "t.json")[1] == wanted
