"""What is learnt from tries: good runs, each once, and pairs that part where the model parted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agentlab.backends.scripted import Scripted
from agentlab.evaluate import Evaluation, Sample, data_task, scorer
from agentlab.labs.answers import AgentAnswer, Example
from agentlab.labs.attempt import Case
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.trace.results import Results
from agentlab_tools.improve.picking import Picked, pick

Script = Callable[..., Any]


def tried(
    runs: Path,
    says: Script,
    *,
    questions: int = 4,
    epochs: int = 3,
    name: str = "try",
    **answer: Any,
) -> Results:
    """Questions asked so many times; `says` gets the conversation and the number of the run."""
    asked = iter(range(10_000))

    def script(messages: Sequence[Message], *_: Any) -> Any:
        return says(messages, next(asked))

    samples = tuple(Sample(f"s{n}", Case(f"{n} + {n}", 2 * n)) for n in range(questions))
    task = data_task("sums", samples, AgentAnswer(**answer), Scripted(script), runs)
    scorers = (scorer("numeric"),)
    return asyncio.run(Evaluation(task, scorers, runs, name, epochs=epochs).run())


def picked(tmp_path: Path, *tries: Results, most: int = 2) -> tuple[Picked, list[Any], list[Any]]:
    files = [tmp_path / "data" / name for name in ("chats.jsonl", "pairs.jsonl")]
    found = pick(tries, tmp_path / "runs", most=most, chats=files[0], pairs=files[1])
    chats, pairs = ([json.loads(line) for line in file.read_text().splitlines()] for file in files)
    assert (len(chats), len(pairs)) == (found.chats, found.pairs)
    return found, chats, pairs


def number_in(messages: Sequence[Message]) -> int:
    return int(next(m for m in reversed(messages) if m.role == "user").text.split()[0])


def test_right_answers_are_learnt_once_each_and_wrong_ones_never(tmp_path: Path) -> None:
    def says(messages: Sequence[Message], run: int) -> str:
        n = number_in(messages)
        return f"It is {2 * n if n != 3 else 1}." if run < 8 else f"{2 * n if n != 3 else 1}"

    found, chats, pairs = picked(tmp_path, tried(tmp_path / "runs", says))
    assert (found.tried, found.right, found.questions, found.answered) == (12, 9, 4, 3)
    assert found.chats == 6
    answers = [chat["messages"][-1]["content"] for chat in chats]
    assert len(set(answers)) == 6
    assert "1" not in answers
    assert pairs == []  # no question was answered rightly and wrongly


def test_of_an_easy_question_no_more_is_learnt_than_of_others(tmp_path: Path) -> None:
    def says(messages: Sequence[Message], run: int) -> str:
        return "word " * run + str(2 * number_in(messages))

    results = tried(tmp_path / "runs", says, questions=1, epochs=6)
    _, chats, _ = picked(tmp_path, results, most=2)
    assert [chat["messages"][-1]["content"] for chat in chats] == ["0", "word 0"]


def test_a_pair_is_right_and_wrong_after_the_same_words(tmp_path: Path) -> None:
    def says(messages: Sequence[Message], run: int) -> str:
        n = number_in(messages)
        return f"{2 * n}" if run >= 4 else f"{2 * n + 1}"

    example = Example(user="7 + 7", answer="14")
    results = tried(tmp_path / "runs", says, instructions="Add.", examples=(example,))
    _, chats, pairs = picked(tmp_path, results)
    assert len(pairs) == 4
    for row in pairs:
        assert [m["role"] for m in row["messages"]] == ["system", "user", "assistant", "user"]
        n = int(row["messages"][-1]["content"].split()[0])
        assert (row["chosen"]["content"], row["rejected"]["content"]) == (
            f"{2 * n}",
            f"{2 * n + 1}",
        )
    # the example's answer is read, and not learnt
    assert all(chat["messages"][2]["weight"] == 0 for chat in chats)


def test_runs_with_calls_part_at_the_call_that_differs_whatever_its_id(tmp_path: Path) -> None:
    begun: list[int] = []

    def says(messages: Sequence[Message], run: int) -> Any:
        (last,) = messages[-1].parts
        if isinstance(last, ToolResult):
            return f"It is {last.content}."
        wrong = len(begun) < 4
        begun.append(run)
        n = number_in(messages)
        told = json.dumps({"expression": f"{n} + {n + wrong}"})
        return Message.assistant(ToolCall(id=f"id{run}", name="calculator", arguments=told))

    results = tried(tmp_path / "runs", says, epochs=2, tools=("calculator",))
    found, chats, pairs = picked(tmp_path, results)
    assert found.right == 4
    assert all(len(chat["messages"]) == 4 and chat["tools"] for chat in chats)
    assert len(pairs) == 4
    for row in pairs:
        assert [m["role"] for m in row["messages"]] == ["user"]
        assert row["chosen"]["tool_calls"] != row["rejected"]["tool_calls"]
        assert row["tools"]


def test_the_same_call_under_two_ids_is_no_difference(tmp_path: Path) -> None:
    def says(messages: Sequence[Message], run: int) -> Any:
        (last,) = messages[-1].parts
        n = number_in(messages)
        if isinstance(last, ToolResult):
            return f"It is {2 * n + (run < 8)}."
        told = json.dumps({"expression": f"{n} + {n}"})
        return Message.assistant(ToolCall(id=f"id{run}", name="calculator", arguments=told))

    results = tried(tmp_path / "runs", says, epochs=2, tools=("calculator",))
    _, _, pairs = picked(tmp_path, results)
    assert len(pairs) == 4
    assert all(
        [m["role"] for m in row["messages"]] == ["user", "assistant", "tool"] for row in pairs
    )


def test_a_run_that_never_ended_is_no_example(tmp_path: Path) -> None:
    def says(messages: Sequence[Message], run: int) -> Any:
        if run < 4:
            return str(2 * number_in(messages))
        return Message.assistant(
            ToolCall(id=f"id{run}", name="calculator", arguments='{"expression": "1"}')
        )

    results = tried(tmp_path / "runs", says, epochs=2, tools=("calculator",))
    found, chats, pairs = picked(tmp_path, results)
    assert (found.right, len(chats), len(pairs)) == (4, 4, 0)
