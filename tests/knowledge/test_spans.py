"""Answers are runs of a document's words: nothing left out, added, or put in another order."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab_tools.knowledge.spans import covering, pattern, run_of, words

TEXT = 'The "Council of the European Union", and the European Parliament (EP), meet twice a year.'


def test_words_in_another_order_are_no_answer() -> None:
    # all of these words are in the text, and so are most pairs of neighbours
    mixed = "the Council of the Council of the European Parliament"
    assert not re.fullmatch(pattern([TEXT]), mixed)
    assert run_of(mixed, [TEXT]) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Council of the European Union", "Council of the European Union"),
        ("twice a year.", "twice a year"),
        ("European Parliament EP", "European Parliament (EP)"),
    ],
)
def test_a_run_is_shown_as_it_stands(said: str, shown: str) -> None:
    assert re.fullmatch(pattern([TEXT]), said)
    assert run_of(said, [TEXT]) == shown


def test_a_run_does_not_go_from_one_text_into_the_next() -> None:
    texts = ["Ada wrote the notes.", "Babbage built the engine."]
    assert not re.fullmatch(pattern(texts), "the notes. Babbage")
    assert run_of("the notes. Babbage", texts) is None


def test_what_must_be_said_is_in_every_run() -> None:
    at = TEXT.index("Parliament")
    core = covering(TEXT, at, at + len("Parliament"))
    assert [word.text for word in words(TEXT)][core[0]] == "Parliament"
    allowed = pattern([TEXT], core)
    assert re.fullmatch(allowed, "the European Parliament EP")
    assert not re.fullmatch(allowed, "Council of the European Union")
    assert run_of("Council of the European Union", [TEXT], core) is None


@given(st.text(alphabet='ab ,.\n"(é', max_size=60), st.data())
def test_every_run_fits_the_pattern_and_is_found_again(text: str, data: st.DataObject) -> None:
    there = words(text)
    if not there:
        return
    first = data.draw(st.integers(0, len(there) - 1))
    last = data.draw(st.integers(first, min(len(there) - 1, first + 24)))
    said = " ".join(word.text for word in there[first : last + 1])
    assert re.fullmatch(pattern([text]), said)
    assert run_of(said, [text]) is not None
    assert re.fullmatch(pattern([text], (first, first)), there[first].text)
