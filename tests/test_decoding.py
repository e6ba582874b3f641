"""Bytes become the text that was written, or are refused; what was assumed is said."""

from __future__ import annotations

import pytest

from agentlab.decoding import Undecodable, decode, encoding_of, json_lines, meant


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Café Müller", "cp1252"),
        ("Grüße aus Köln", "latin-1"),
        ("Ort;Umsatz\nKöln;1,5\n", "cp1252"),
        ("He said “yes” — it costs 5 €.", "cp1252"),
        ("plain English words " * 20_000 + "by Müller", "cp1252"),
        ("ÅÄÖ Räksmörgås, köpt på Öland", "cp1252"),
        ("Olipa kerran kuningas, määrä ei ollut väärä", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "cp1250"),
        ("Es war einmal ein König, der hatte drei Töchter", "cp850"),
        ("Il était une fois un roi, très âgé déjà", "mac_roman"),
        ("Hello there, UTF-16 of somebody who forgot the mark", "utf-16-le"),
        ("Hello there, UTF-16 of somebody who forgot the mark", "utf-16-be"),
    ],
)
def test_what_is_not_utf_8_is_read_and_told(text: str, encoding: str) -> None:
    found, note = decode(text.encode(encoding))
    assert found == text
    assert note.startswith("read as")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_or_utf_8_needs_no_assumption(encoding: str) -> None:
    assert decode("Grüße, 日本".encode(encoding)) == ("Grüße, 日本", "")


def test_a_few_bytes_of_another_encoding_among_utf_8_are_read_too() -> None:
    text, note = decode("größe ü ".encode() * 3 + "Köln".encode("latin-1"))
    assert text == "größe ü " * 3 + "Köln"
    assert note == "1 byte of it is not UTF-8: read as windows-1252"


def test_labels_mean_what_the_standard_of_the_web_says() -> None:
    assert [meant(label) for label in ("ISO-8859-1", "ascii", "gb2312", "utf-16le", "what")] == [
        "windows-1252", "windows-1252", "gb18030", "utf-8", ""]  # fmt: skip
    assert decode(b"5 \x80 \x81", "iso-8859-1")[0] == "5 € \x81"


@pytest.mark.parametrize("data", [bytes(range(256)), b"PK\3\4\0\0\0\x08" * 9, b"\xff\xfeabc\xd8"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(data)


def test_pieces_are_looked_at_as_one() -> None:
    data = "ein Satz mit Ü und ö. ".encode() * 50
    assert encoding_of([data[n : n + 1] for n in range(len(data))]) == encoding_of([data])


def test_only_a_line_feed_ends_a_line_of_json() -> None:
    text = '{"a": "x\u2028y\u2029\x85z"}\r\n\n{"b": 1}'
    assert [number for number, _ in json_lines(text)] == [1, 3]


def test_a_mark_within_files_that_were_joined_is_no_part_of_a_line() -> None:
    assert list(json_lines('{"a": 1}\n\ufeff{"a": 2}\n\ufeff')) == [
        (1, '{"a": 1}'),
        (2, '{"a": 2}'),
    ]


def test_letters_of_a_mac_and_marks_that_end_files_are_text() -> None:
    said = "Name,Ort\rMüller,Köln\rGroß,Zürich\r"
    assert decode(said.encode("mac_roman")) == (said, "read as mac_roman: it is not UTF-8")
    assert decode(b"a,b\r\n\x1a") == ("a,b\r\n\x1a", "")
