"""A slip in an answer file is told in its writer's words, with the line."""

from __future__ import annotations

import re

import pytest

from agentlab.errors import LabError
from agentlab.labs.answers import AgentAnswer, parse_answer

EXAMPLE = '[[examples]]\nuser = "a"\nanswer = "b"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            f'instructions = "x"\n\n{EXAMPLE}\ntools = ["add"]\n',
            "line 7: 'tools' is read as a part of [[examples]], because it stands below it; keys "
            "go above the first [[examples]]",
        ),
        (f"{EXAMPLE}\n{EXAMPLE}asnwer = 1\n", "line 8: there is no 'asnwer' in examples"),
        (f'{EXAMPLE}[[examples]]\nuser = "a"\n', "line 4: [[examples]] needs 'answer'"),
        ('\ninstrutions = "x"', "line 2: there is no 'instrutions'; did you mean 'instructions'?"),
        ('tools = "add"', "line 1: tools takes a list"),
        ("instructions = 3", "line 1: instructions takes a text, in quotes"),
        ('tools = []\ninstructions = "a\ntools = []', "line 2: the quote that ends this text"),
        ("\ninstructions = Add", "line 2: a text needs quotes"),
        ('tools ["add"]', 'line 1: what is set needs a name and a "="'),
        ("tools = []\ntools = []", "line 2: this is set twice"),
        ('tools = ["add"\n', "line 1, or above: the ] that ends this list"),
    ],
)
def test_a_slip_is_told_with_its_line(text: str, says: str) -> None:
    with pytest.raises(LabError, match=re.escape(says)):
        parse_answer(text, AgentAnswer, "your answer")
