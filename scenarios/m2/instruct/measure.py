"""What the lesson says, measured: a training, and the template it is asked through.

python scenarios/m2/instruct/measure.py continues      what the untuned model makes of a question
python scenarios/m2/instruct/measure.py untuned/question sound/turns sound/question
python scenarios/m2/instruct/measure.py shuffled/turns      learns each answer with another question

A training (`sound`, `end`, `prompt`, `shuffled`) takes a minute or more, once on a machine.
"""

from __future__ import annotations

import asyncio
import importlib
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from agentlab_tools.train.waiting import share_openmp

HERE = Path(__file__).resolve().parent
TURNS = """{{ bos_token }}{% for message in messages -%}
<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}
{{ message.content }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""
PLAIN = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
SERVED: Mapping[str, str] = {
    "plain": PLAIN,
    "no line": TURNS.replace("model\n{% endif", "model{% endif"),
    "no model": TURNS.replace("<start_of_turn>model\n{% endif", "{% endif"),
    "question": "{{ bos_token }}Question: {{ messages[-1].content }}\nAnswer:",
}
"""Templates that are not the one it learnt."""
ASKED, SHOWN = 24, 6
SEED = 5
CONTINUED = (
    "What is the capital of France?",
    "What is the chemical symbol for gold?",
    "Which country has the longest coast?",
)


def part(name: str) -> ModuleType:
    """A module of the lab."""
    if "instruct" not in sys.modules:
        package = ModuleType("instruct")
        package.__path__ = [str(HERE)]
        sys.modules["instruct"] = package
    return importlib.import_module(f"instruct.{name}")


def rows(kind: str) -> list[tuple[list[int], list[int]]]:
    """The pairs as they are learnt, or with a mistake."""
    turns = part("turns")
    chosen = turns.pairs()[: turns.LEARNT]
    answers = [one.answer_ids for one in chosen]
    if kind == "shuffled":
        random.Random(0).shuffle(answers)  # noqa: S311 - the seed is the point
    made = [turns.row(one.question_ids, a) for one, a in zip(chosen, answers, strict=True)]
    if kind == "end":
        return [(ids[:-1], labels[:-1]) for ids, labels in made]
    return [(ids, list(ids)) for ids, _ in made] if kind == "prompt" else made


def say(text: str) -> None:
    """Show how far it is."""
    sys.stderr.write(text)


def adapter(kind: str) -> Path | None:
    """What learnt such rows; None for the model as it is."""
    return None if kind == "untuned" else part("tuning").adapter_for(rows(kind), say)


async def asked(kind: str, template: str, count: int) -> list[Any]:
    """What a model says to the first so many tasks."""
    serving = part("serving")
    async with serving.served(template, adapter(kind)) as model:
        return [await serving.talk(model, task) for task in serving.some(SEED, count)]


async def compare(kind: str, name: str) -> None:
    """Print what it is right about, and some of what it says."""
    is_right = part("turns").is_right
    talks = await asked(kind, {"turns": TURNS, **SERVED}[name], ASKED)
    first = [is_right(one.wrote.strip().split("\n")[0], one.task.answer) for one in talks]
    ended, right = (sum(getattr(one, what) for one in talks) for what in ("ended", "right"))
    print(f"{kind}/{name}: {ended} ended, {right} right, first line {sum(first)}, of {ASKED}")
    for one in talks[:SHOWN]:
        print(f"    {one.task.question} {one.wrote!r}")


async def continues() -> None:
    """Print 30 tokens that the untuned model writes after a question, bare and between marks."""
    serving: Any = part("serving")
    serving.MOST = 30
    for name, template in (("plain", PLAIN), ("turns", TURNS)):
        async with serving.served(template, None) as model:
            for question in CONTINUED:
                one = await serving.talk(model, part("turns").Task("", question, ""))
                print(f"{name}: {question} {one.wrote!r}")


def main(arguments: Sequence[str]) -> None:
    """Do what is asked for."""
    share_openmp()
    for argument in arguments:
        kind, _, name = argument.partition("/")
        asyncio.run(continues() if kind == "continues" else compare(kind, name))


if __name__ == "__main__":
    main(sys.argv[1:])
