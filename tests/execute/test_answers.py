"""What an interpreter says is read as the hostile text it may be."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentlab_tools.execute import SandboxLimits, answers, display_safe
from agentlab_tools.execute.inside import wire
from agentlab_tools.execute.packages import Packages
from agentlab_tools.execute.plan import Interpreter, Plan

PLAN = Plan(Interpreter.of(), Packages(), SandboxLimits(figures=3, figure_bytes=2000))
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (10).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0" + bytes(4)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("outcome", "value", "value_truncated", "error", "broken", "figures_dropped")


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_nothing(line: bytes) -> None:
    assert answers.read(line) is None or isinstance(answers.read(line), dict)


def test_what_breaks_a_parser_is_nothing() -> None:
    assert answers.read(b"[" * 1_000_000) is None
    assert answers.read(b'{"a": ' * 100_000) is None
    assert answers.read(b'{"a": ' + b"9" * 1_000_000 + b"}") is None
    assert answers.read(b"\xff\xfe") is None
    assert answers.read(b"[1]") is None
    assert answers.read(b'{"a": [' + b"{}," * 300_000 + b"{}]}") is None
    assert answers.read(b'{"a": "' + b'\\"' * 400_000) is None
    assert answers.read(b'{"a": {"b": 1}}') is None


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_a_text_holds_it_stays_a_text(value: str, error: str) -> None:
    wanted = {"id": "7", "value": value, "error": error, "figures_dropped": 3}
    assert answers.read(json.dumps(wanted).encode()) == wanted
    assert answers.read(wire.encode(wanted).rstrip()) == wanted


def test_the_longest_honest_answer_is_read() -> None:
    for odd in ('"', "[", "{", ",", "\\", "\0", "😀"):
        wanted = {"id": "7", "value": odd * 20_000, "error": odd * 20_000}
        line = json.dumps(wanted).encode()
        assert len(line) < PLAN.line_bytes
        assert answers.read(line) == wanted


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
def test_fields_of_any_type_make_a_valid_answer(found: dict[str, Any]) -> None:
    answer = answers.answer(found, PLAN)
    answers.figure(found.get("value"), PLAN)
    assert answer.outcome in {"ok", "error", "interrupted"}
    assert answer.value is None or answer.value.encode() is not None
    assert 0 <= answer.figures_dropped < 2_000_000


def test_long_fields_are_cut_with_a_flag() -> None:
    answer = answers.answer({"outcome": "ok", "value": "x" * 10**6, "error": "y" * 10**6}, PLAN)
    assert answer.value_truncated
    assert len(answer.value or "") < 21_000
    assert len(answer.error or "") < 21_000


def test_only_small_png_pictures_are_figures() -> None:
    good = b64encode(PNG).decode()
    assert answers.figure(good, PLAN) == PNG
    for other in ("!!", 7, None, b64encode(b"GIF89a" + bytes(40)).decode()):
        assert answers.figure(other, PLAN) is None
    assert answers.figure(b64encode(PNG + bytes(3000)).decode(), PLAN) is None
    bomb = PNG.replace((10).to_bytes(4, "big"), (100_000).to_bytes(4, "big"))
    assert answers.figure(b64encode(bomb).decode(), PLAN) is None


def test_an_answer_is_plain_json() -> None:
    line = json.dumps({"id": "x", "outcome": "ok", "value": "1"}).encode()
    found = answers.read(line)
    assert found is not None
    assert answers.answer(found, PLAN).value == "1"


@given(st.text())
def test_shown_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    shown = display_safe(text)
    assert all(ord(c) >= 32 or c in "\n\t" for c in shown)
    assert not any(0x7F <= ord(c) <= 0x9F or 0x202A <= ord(c) <= 0x202E for c in shown)
    assert display_safe(shown) == shown


def test_escape_sequences_go_and_words_stay() -> None:
    assert display_safe("\x1b[1;31mred\x1b[0m") == "red"
    assert display_safe("a\x1b]0;title\x07b\x1b]52;c;AAAA\x1b\\c") == "abc"
    assert display_safe("50%\r100%\r\ndone") == "50%\n100%\ndone"
    assert display_safe("\x9b2Jx\u202egnp.exe") == "xgnp.exe"
    assert display_safe("plain\ttext\nstays é€") == "plain\ttext\nstays é€"
