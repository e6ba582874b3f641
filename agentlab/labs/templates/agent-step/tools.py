"""What the agent of this lab can use: typed functions, whose docstring is what the model reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentlab import tool


@tool
def count_letter(
    letter: Annotated[str, Field(pattern="^[a-z]$")],
    # The model's grammar is made from this: whatever does not match can't even be written
    word: Annotated[str, Field(pattern="^[a-z]{2,20}$")],
) -> int:
    """Count how often a letter stands in a word."""
    return word.count(letter)
