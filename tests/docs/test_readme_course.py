"""What the README says of the course is so."""

from __future__ import annotations

import re
from pathlib import Path

from agentlab.labs.course import course

README = Path(__file__).parents[2] / "README.md"


def test_every_lab_stands_in_the_readme_with_its_module_and_no_other():
    text = README.read_text(encoding="utf-8").partition("## What the course covers")[2]
    text = text.partition("\n## ")[0]
    told = re.findall(r"\[([a-z-]+)\]\(scenarios/(m\d/[a-z-]+)/lesson\.md\)", text)
    assert [id for _, id in told] == sorted(course().after, key=lambda id: id[:2])
    assert all(id.endswith(f"/{name}") for name, id in told)
    assert text.strip().startswith(f"{len(told)} labs in six modules")
    for module in course().modules:
        assert f"| {module.title} | " in text
    assert f"{len(course().topics)} topics" in text
