"""A checkpoint's card: its command makes the same again."""

from __future__ import annotations

import shlex
from pathlib import Path

from agentlab_tools.train.recipe import RecipeSettings
from agentlab_tools.train.recipes.card import Card

CARD = Card(
    title="A net",
    about="It does nothing.",
    data=("Words (nobody, CC0)",),
    measured={"right": 0.98765, "as asked": "9 of 10"},
    limits="All else.",
    files={"net.npz": "weights"},
)


class Settings(RecipeSettings):
    """What can be chosen."""

    lr: float = 1e-3
    words: str = "none"
    quick: bool = False


def test_its_command_gives_back_every_setting(tmp_path: Path) -> None:
    given = Settings(seed=3, lr=0.00012345, words="a 'b' $c", quick=True)
    CARD.write(tmp_path / "card.md", "nothing", given)
    (line,) = [
        line
        for line in (tmp_path / "card.md").read_text().splitlines()
        if line.startswith("agentlab train")
    ]
    words = shlex.split(line)
    assert words[:3] == ["agentlab", "train", "nothing"]
    pairs = dict(word.split("=", 1) for word in words[4::2])
    assert Settings.model_validate_strings(pairs) == given


def test_it_tells_what_was_measured_and_learnt_from(tmp_path: Path) -> None:
    CARD.write(tmp_path / "card.md", "nothing", Settings())
    text = (tmp_path / "card.md").read_text()
    for told in (
        "| right | 0.988 |",
        "| as asked | 9 of 10 |",
        "- Words (nobody, CC0)",
        "All else.",
    ):
        assert told in text
    assert "agentlab train nothing\n" in text
