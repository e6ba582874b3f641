"""Answers to `judge`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_MONTHS = '''\
import re

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def day_in(question):
    """The day that a question names, as year-month-day."""
    words = re.findall(r"[A-Za-z]+|[0-9]+", question)
    year = next(word for word in words if word.isdigit() and len(word) == 4)
    day = next(word for word in words if word.isdigit() and len(word) < 3)
    place = words.index(day)
    near = [words[place - 1], words[place + 1]]
    month = next(word for word in near if word[:3].lower() in MONTHS and not word.isdigit())
    return f"{year}-{MONTHS.index(month[:3].lower()) + 1:02}-{int(day):02}"


'''


def _with(body: str, head: str = _MONTHS) -> str:
    return f"{head}def right(question, answer):\n    {body}\n"


_PARSED = """\
import re
from datetime import datetime

FORMS = ("%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y", "%b %d %Y")


def right(question, answer):
    found = re.search(r"(\\d{1,2} [A-Z][a-z]+|[A-Z][a-z]+ \\d{1,2},?) \\d{4}", question).group()
    for form in FORMS:
        try:
            return datetime.strptime(found, form).strftime("%Y-%m-%d") == answer.strip()
        except ValueError:
            pass
    return False
"""

JUDGE = programs(
    starter=_with(
        "return bool(re.search(r'\\d{4}-\\d{2}-\\d{2}', answer))",
        "import re\n\n\n",
    ).replace(
        "answer):\n",
        'answer):\n    """Whether an answer is the date that the question names."""\n',
    ),
    solution=_with("return answer.strip() == day_in(question)"),
    also={
        "by-strptime": _PARSED,
        "by-a-pattern": _with(
            "return re.fullmatch(rf'\\s*{day_in(question)}\\s*', answer) is not None"
        ),
        "by-a-date": _with(
            "from datetime import date\n"
            "    try:\n"
            "        text = answer.strip()\n"
            "        told = date.fromisoformat(text)\n"
            "        return len(text) == 10 and told.isoformat() == day_in(question)\n"
            "    except ValueError:\n"
            "        return False"
        ),
    },
    wrong={
        "anywhere-in-it": _with("return day_in(question) in answer"),
        "the-first-date-counts": _with(
            "found = re.search(r'\\d{4}-\\d{2}-\\d{2}', answer)\n"
            "    return bool(found) and found.group() == day_in(question)"
        ),
        "not-a-space-too-many": _with("return answer == day_in(question)"),
        "by-its-numbers": _with(
            "numbers = sorted(map(int, re.findall(r'\\d+', answer)))\n"
            "    return numbers == sorted(map(int, day_in(question).split('-')))"
        ),
        "the-year-will-do": _with("return answer.strip()[:4] == day_in(question)[:4]"),
    },
    mistakes={
        "anywhere-in-it": "both",
        "the-first-date-counts": "both",
        "not-a-space-too-many": "right",
        "by-its-numbers": "form",
        "the-year-will-do": "day",
    },
)
