"""Files that would take their parser's time, memory or life take nothing else."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agentlab_tools.knowledge.ingest import Document, Unreadable, parse
from agentlab_tools.knowledge.ingest.apart import Parser


@pytest.fixture
def parser() -> Iterator[Parser]:
    with Parser() as opened:
        yield opened


def process_of(parser: Parser) -> Any:
    return parser._process  # pyright: ignore[reportPrivateUsage]


def outcome(parse: Callable[[bytes, str], Document], data: bytes, name: str) -> Document | str:
    try:
        return parse(data, name)
    except Unreadable as error:
        return str(error)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", b"# One\n\nTwo.\n"),
        ("b.csv", b"x,y\n1,2\n"),
        ("c.txt", "wörter".encode("latin-1") * 9),
        ("d.txt", b"\0"),
        ("e.ipynb", b"{}"),
        ("f.xyz", b"no kind"),
        ("g.py", b"x = '\\d' is 'y'\n"),  # Python warns about this code where it is parsed
    ],
)
def test_what_comes_of_a_file_is_the_same_as_when_it_is_parsed_here(
    parser: Parser, name: str, data: bytes
) -> None:
    assert outcome(parser.parse, data, name) == outcome(parse, data, name)


def test_one_process_serves_many_files(parser: Parser) -> None:
    parser.parse(b"one", "a.txt")
    first = process_of(parser).pid
    parser.parse(b"two", "b.txt")
    assert process_of(parser).pid == first


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    brackets = b"[" * 90_000  # quadratic for the Markdown parser: seconds a line
    with Parser(seconds=2) as parser:
        with pytest.raises(Unreadable, match="more than 2 seconds"):
            parser.parse(b"\n".join([brackets] * 100), "a.md")
        assert parser.parse(b"next", "b.txt").text == "next"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in use")
@pytest.mark.parametrize("megabytes", [150, 215, 225, 250, 270])
def test_millions_of_small_rows_end_at_the_limit_and_not_at_the_time(megabytes: int) -> None:
    """Python that has no memory left for a number looks for the handler of that for ever."""
    with Parser(memory=megabytes << 20, seconds=100) as parser:
        with pytest.raises(Unreadable, match="takes too much memory"):
            parser.parse(b"a,b\n" + b"1,2\n" * 2_000_000, "a.csv")
        assert process_of(parser) is None
        assert parser.parse(b"next", "b.txt").text == "next"


@pytest.mark.slow
def test_a_file_that_takes_too_much_memory_is_given_up_and_the_next_is_read() -> None:
    with Parser(memory=500 << 20, seconds=290) as parser:
        with pytest.raises(Unreadable, match=r"memory|breaks its parser"):
            parser.parse(b"word\n\n" * 9_000_000, "a.txt")
        assert parser.parse(b"next", "b.txt").text == "next"


def test_a_parser_that_dies_costs_one_file(parser: Parser) -> None:
    parser.parse(b"one", "a.txt")
    os.kill(process_of(parser).pid, signal.SIGKILL)
    with pytest.raises(Unreadable, match="breaks its parser"):
        parser.parse(b"two", "b.txt")
    assert parser.parse(b"three", "c.txt").text == "three"


def test_the_process_ends_with_its_parent(parser: Parser) -> None:
    parser.parse(b"one", "a.txt")
    process = process_of(parser)
    process.stdin.close()
    assert process.wait(timeout=60) == 0
