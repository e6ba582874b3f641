"""The calculator works out what people and models write, and nothing but arithmetic."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import ToolCall
from agentlab_tools.arithmetic import FUNCTIONS, Unworkable, evaluate, written_out
from agentlab_tools.calculator import calculator


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12 * (3 + 4)", "84"),
        ("2^10", "1024"),
        ("37 x 48", "1776"),
        ("37 × 48", "1776"),
        ("84 ÷ 4 − 1", "20"),
        ("15% of 80", "12"),
        ("1,234 * 2", "2468"),
        ("max(1,200)", "200"),
        ("7 % 3", "1"),
        ("5!", "120"),
        ("0.1 + 0.2", "0.3"),
        ("1 / 3", "0.333333333333"),
        ("sqrt(2) =", "1.41421356237"),
        ("-(-3)", "3"),
        ("10**40", "1.000000000000e+40"),
        ("2 * pi", "6.28318530718"),
        ("10^399", "1.000000000000e+399"),
        ("round(2.345, 2)", "2.35"),
        ("round(12345, -2)", "12300"),
    ],
)
def test_what_people_write_is_worked_out(written: str, value: str):
    assert written_out(evaluate(written)) == value


@pytest.mark.parametrize(
    "written",
    [
        "",
        "  ",
        "2 *",
        "1/0",
        "'a' * 3",
        "[1, 2]",
        "__import__('os').system('true')",
        "(1).__class__",
        "1 if 1 else 2",
        "open('x')",
        "9**9**9",
        "9999999**9999999",
        "round(1,-100000000)",
        "round(5, -401)",
        "'%99999999d' % 1",
        "b'a' * 9",
        "*".join(["9**400"] * 12),
        "factorial(1000) * factorial(1000)",
        "factorial(100000)",
        "1e308 * 10",
        "sqrt(-1)",
        "(-8)**(1/3)",
        "1 +" * 5000,
        "(" * 150 + ")" * 150,
        "f'{1}'",
        "x",
    ],
)
def test_anything_else_is_refused_in_one_line(written: str):
    with pytest.raises(Unworkable) as refused:
        evaluate(written)
    assert "\n" not in str(refused.value)


_EXTREMES = ("-100000000", "100000000", "1e308", "9**400", "factorial(1000)", "0.5", "0", "(-1)")


@pytest.mark.parametrize("name", [*FUNCTIONS, "+", "-", "*", "/", "//", "%", "**"])
def test_no_argument_makes_work_without_end(name: str):
    """In C, where nothing could stop it: so each is tried with what would be largest."""
    began = time.process_time()
    for first, second in product(_EXTREMES, repeat=2):
        for arguments in (f"{first}", f"{first}, {second}"):
            with suppress(Unworkable):
                evaluate(f"{name}({arguments})" if name in FUNCTIONS else f"{first}{name}{second}")
    assert time.process_time() - began < 5


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from("+-*"))
def test_whole_numbers_are_exact(a: int, b: int, sign: str):
    expected = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert written_out(evaluate(f"({a}) {sign} ({b})")) == str(expected)


@given(st.text(max_size=60))
def test_no_text_whatever_does_more_than_fail(text: str):
    with suppress(Unworkable):
        evaluate(text)


async def test_the_tool_answers_in_text_and_keeps_letters_that_are_no_arithmetic_out():
    call = ToolCall(id="1", name="calculator", arguments='{"expression": "6 * 7"}')
    assert (await calculator.call(call)).content == "42"
    call = ToolCall(id="1", name="calculator", arguments='{"expression": "{}"}')
    assert (await calculator.call(call)).error == "bad_arguments"
