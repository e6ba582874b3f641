"""The benchmark's rules, its files, and what of a case a model sees."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agentlab.backend import Settings
from agentlab.backends.schemes import SCHEMES, Scheme
from agentlab.backends.scripted import Scripted
from agentlab.cli.main import cli
from agentlab.errors import ConfigError
from agentlab.evaluate import Plan, bfcl
from agentlab.evaluate.bfcl.asking import schema_of, tool_of
from agentlab.evaluate.plan import given
from agentlab.labs.attempt import Case
from agentlab.messages import Message, ToolCall
from agentlab.trace import Trace, runs_in
from agentlab.trace.results import Results, results_in

TRIP: dict[str, Any] = {
    "name": "travel.book",
    "description": "Book a trip.",
    "parameters": {
        "type": "dict",
        "properties": {
            "city": {"type": "string", "description": "Where to."},
            "days": {"type": "integer", "description": "How long.", "default": 1},
            "budget": {"type": "float", "description": "Dollars."},
            "stops": {"type": "array", "items": {"type": "string"}, "description": "On the way."},
            "sizes": {"type": "tuple", "items": {"type": "float"}},
            "guest": {
                "type": "dict",
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                "optional": True,
            },
            "rooms": {"type": "array", "items": {"type": "dict"}},
            "quiet": {"type": "boolean"},
            "by": {"type": "any"},
        },
        "required": ["city"],
    },
}
WEATHER = {
    "name": "weather",
    "description": "The weather.",
    "parameters": {
        "type": "dict",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
        "required": ["city"],
    },
}


def wrong(
    calls: list[tuple[str, Any]], expect: list[Any], category: str = "simple_python"
) -> str | None:
    """What the benchmark finds wrong with these calls."""
    case = Case("?", expect, {"category": category, "before": [], "functions": [TRIP, WEATHER]})
    made = [
        ToolCall(
            id=str(n), name=name, arguments=text if isinstance(text, str) else json.dumps(text)
        )
        for n, (name, text) in enumerate(calls)
    ]
    return bfcl.problem(made, case)


# parameter, what is accepted, right values, wrong values
RULES: list[tuple[str, list[Any], list[Any], list[Any]]] = [
    ("city", ["New York", "NYC"], ["new york", "NEW_YORK", "New-York.", "nyc"], ["York", "", 5]),
    ("city", ["it's"], ['it"s', "IT'S"], ["its"]),
    ("days", [3], [3], [3.0, "3", True, 4, None]),
    ("days", [1], [1], [True]),
    ("budget", [5, 5.5], [5, 5.0, 5.5], ["5", 6, True]),
    ("stops", [["Bonn", "Köln"]], [["bonn", "KÖLN."]], [["Köln", "Bonn"], ["Bonn"], "Bonn", [1]]),
    ("sizes", [[1.5, 2]], [[1.5, 2.0]], [[1.5], [2.0, 1.5], [1.5, 2]]),
    ("guest", [{"name": ["Ada"], "age": [36, ""]}], [{"name": "ADA", "age": 36}, {"name": "Ada"}], [
        {"name": "Ada", "age": "36"}, {"age": 36}, {"name": "Ada", "x": 1}, {}, "Ada",
    ]),
    ("rooms", [[{"beds": [2]}, {"beds": [1]}]], [[{"beds": 2}, {"beds": 1}]], [
        [{"beds": 1}, {"beds": 2}], [{"beds": 2}], [], [2, 1],
    ]),
    ("quiet", [True], [True], [False, 1, "true"]),
    # a variable's name, of another type than the described one, is compared as it is
    ("days", ["length"], ["length"], ["Length", "3"]),
    # what may be left out may also be empty, if it is a list
    ("stops", ["", ["Bonn"]], [["Bonn"], []], [["Köln"]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "accepted", "right", "not_right"), RULES)
def test_values(name: str, accepted: list[Any], right: list[Any], not_right: list[Any]):
    others = {} if name == "city" else {"city": "Ulm"}
    expect = [{"travel.book": {"city": ["Ulm"], name: accepted}}]
    for value in right:
        assert wrong([("travel_book", {**others, name: value})], expect) is None, value
    for value in not_right:
        assert wrong([("travel_book", {**others, name: value})], expect), value


def test_what_must_be_given_and_what_may_not():
    expect = [{"travel.book": {"city": ["Ulm"], "days": [2, ""], "budget": [9.0]}}]
    whole = {"city": "Ulm", "days": 2, "budget": 9}

    def less(*names: str, **more: Any) -> str | None:
        given = {k: v for k, v in {**whole, **more}.items() if k not in names}
        return wrong([("travel_book", given)], expect)

    assert less() is None
    assert less("days") is None
    assert less("city") == "city is missing"
    assert less("budget") == "budget is missing, though it is asked for"
    assert less(color="red") == "color should not be given"
    assert less(quiet=True) == "quiet should not be given"
    assert wrong([("weather", whole)], expect) == "weather was called, and not travel_book"
    assert wrong([], expect) == "0 calls, where there should be 1"
    assert wrong([("travel_book", whole)] * 2, expect) == "2 calls, where there should be 1"
    assert wrong([("travel_book", '{"city": ')], expect) == "0 calls, where there should be 1"
    assert "'Rom', not 'Ulm'" in str(less(city="Rom"))


def test_several_calls_come_in_any_order_and_each_once():
    ulm, rom = ({"weather": {"city": [city], "unit": [""]}} for city in ("Ulm", "Rom"))
    trip = {"travel.book": {"city": ["Ulm"], "budget": [5.0, ""]}}
    ours = ("weather", {"city": "Ulm"}), ("weather", {"city": "Rom"})

    def parallel(calls: list[Any], expect: list[Any]) -> str | None:
        return wrong(calls, expect, "parallel_multiple")

    assert parallel([ours[1], ours[0]], [ulm, rom]) is None
    assert parallel([ours[0], ours[0]], [ulm, rom])
    assert parallel([ours[0]], [ulm, rom]) == "1 calls, where there should be 2"
    assert parallel([ours[0], ("travel_book", {"city": "Ulm", "budget": 5})], [trip, ulm]) is None
    # equal in Python, and not the same: one is right, and the other is none
    pair = [{"travel.book": {"city": ["Ulm"], "days": [5]}}] * 2
    two = [("travel_book", {"city": "Ulm", "days": days}) for days in (5.0, 5)]
    assert parallel(two, pair)


def test_where_nothing_fits_and_where_something_does():
    call = ("weather", {"city": "Ulm"})
    assert wrong([], [], "live_irrelevance") is None
    assert wrong([call], [], "irrelevance") == "weather was called, where no function fits"
    assert wrong([("weather", "no json")], [], "irrelevance") is None
    assert wrong([call], [], "live_relevance") is None
    assert wrong([], [], "live_relevance") == "nothing was called"


def test_a_function_is_shown_in_json_schema():
    spec = tool_of(TRIP).spec
    assert spec.name == "travel_book"
    properties = spec.parameters["properties"]
    assert spec.parameters["type"] == "object"
    assert spec.parameters["required"] == ["city"]
    assert properties["budget"] == {"type": "number", "description": "Dollars."}
    assert properties["days"]["default"] == 1
    assert properties["sizes"] == {"type": "array", "items": {"type": "number"}}
    assert properties["guest"]["type"] == "object"
    assert properties["guest"]["properties"]["age"] == {"type": "integer"}
    assert "optional" not in properties["guest"]
    assert properties["rooms"]["items"] == {"type": "object"}
    assert properties["by"] == {"type": "string"}
    assert schema_of({"description": "?"}) == {"type": "string", "description": "?"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files as the benchmark lays them out."""
    top = tmp_path / "bfcl" / "data"
    (top / "possible_answer").mkdir(parents=True)
    (top / "unused_datasets" / "question").mkdir(parents=True)
    many = [
        {
            "id": f"multiple_{n}",
            "question": [[{"role": "user", "content": f"The weather in town {n}?"}]],
            "function": [TRIP, WEATHER],
        }
        for n in range(6)
    ]
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "What is love?"},
    ]
    none = [{"id": "live_irrelevance_0", "question": [said], "function": [WEATHER]}]
    for name, rows in (("multiple", many), ("live_irrelevance", none), ("simple", many[:1])):
        write(top / f"BFCL_v4_{name}.json", rows)
    write(top / "unused_datasets" / "question" / "BFCL_v4_parallel.json", many)
    answers = [
        {"id": f"multiple_{n}", "ground_truth": [{"weather": {"city": [f"town {n}"]}}]}
        for n in range(6)
    ]
    write(top / "possible_answer" / "BFCL_v4_multiple.json", answers)
    write(top / "possible_answer" / "BFCL_v4_simple.json", answers[:1])
    return top.parent


def write(file: Path, rows: list[Any]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_files_are_found_below_a_folder_in_the_benchmarks_order(folder: Path):
    there = bfcl.categories_in(folder)
    assert list(there) == ["simple_python", "multiple", "live_irrelevance"]
    assert there["simple_python"].name == "BFCL_v4_simple.json"
    samples = bfcl.read_category(there["multiple"], "multiple")
    assert [sample.id for sample in samples] == [f"multiple_{n}" for n in range(6)]
    assert samples[4].case.input == "The weather in town 4?"
    assert samples[4].case.expect == [{"weather": {"city": ["town 4"]}}]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 1 is not JSON"),
        ('{"question": []}', 'line 1 is not a case of the benchmark: no "id"'),
        ('{"id": "multiple_0", "question": [], "function": []}', "not laid out as expected"),
        ('{"id": "multiple_9", "question": [[{"role": "user", "content": "?"}]], "function": []}',
         "'multiple_9' is not laid out as expected"),
    ],
)  # fmt: skip
def test_files_that_are_not_as_they_should_be(folder: Path, line: str, says: str):
    path = folder / "data" / "BFCL_v4_multiple.json"
    path.write_text(line)
    with pytest.raises(ConfigError, match=says):
        bfcl.read_category(path, "multiple")
    (folder / "data" / "possible_answer" / path.name).unlink()
    with pytest.raises(ConfigError, match="No such file"):
        bfcl.read_category(path, "multiple")


def test_the_model_replies_once_and_nothing_is_run(folder: Path, tmp_path: Path):
    path = bfcl.categories_in(folder)["live_irrelevance"]
    samples = bfcl.read_category(path, "live_irrelevance")
    plan = Plan(
        task="t", samples=given(samples), answer=bfcl.ANSWER, scorers=("bfcl",), suite="bfcl"
    )
    plan = Plan.model_validate_json(plan.model_dump_json())  # as it goes to another machine
    call = ToolCall(id="1", name="weather", arguments='{"city": "Ulm"}')
    backend = Scripted([Message.assistant(call)])

    async def ask() -> Trace:
        task = plan.open_task(backend, tmp_path / "runs")
        async with task.start(task.samples[0], 1, "x") as run:
            await run
        return Trace.load(next(iter(runs_in(tmp_path / "runs"))))

    trace = asyncio.run(ask())
    (request,) = backend.requests
    assert [(m.role, m.text) for m in request.messages] == [
        ("system", "Be brief."),
        ("user", "Hello."),
        ("assistant", "Good day."),
        ("user", "What is love?"),
    ]
    assert [tool.name for tool in request.tools] == ["weather"]
    assert request.settings == Settings(temperature=0, max_tokens=512)
    kinds = [event.kind for event in trace.events]
    assert "tool_started" not in kinds
    assert kinds[-1] == "run_finished"


def open_forecaster(name: str) -> Scripted:
    """Asks for the weather in the right town, but of the fourth."""

    def script(messages: Any, *_: Any) -> Message:
        town = messages[-1].text.partition(" in ")[2].rstrip("?")
        given = {"city": "elsewhere" if town == "town 4" else town}
        return Message.assistant(ToolCall(id="1", name="weather", arguments=json.dumps(given)))

    return Scripted(script, name=name)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, runs: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    scheme = Scheme("forecaster", local=True, opens="test_bfcl:open_forecaster")
    monkeypatch.setitem(SCHEMES, "forecaster", scheme)
    monkeypatch.setitem(sys.modules, "test_bfcl", sys.modules[__name__])

    def call(*args: object) -> tuple[int, str]:
        words = ["eval", "bfcl", *map(str, args), "-b", "forecaster:x", "--runs", str(runs)]
        code = cli.main(words, standalone_mode=False)
        return code or 0, capsys.readouterr().out

    return call


def test_a_row_for_each_category_and_results_as_any_others(
    folder: Path, command: Any, runs: Path, capsys: pytest.CaptureFixture[str]
):
    code, out = command(folder, "multiple", "live_irrelevance")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert [row[:2] for row in rows if row and row[0] in bfcl.CATEGORIES] == [
        ["multiple", "0.833"],
        ["live_irrelevance", "0.000"],
    ]
    results = {Results.load(path).header.name[:13] for path in results_in(runs)}
    assert results == {"bfcl-multiple", "bfcl-live_irr"}
    (wrong,) = [
        result
        for path in results_in(runs)
        for result in Results.load(path).results
        if not result.passed and result.sample.startswith("multiple")
    ]
    assert wrong.sample == "multiple_4"
    assert wrong.scores["bfcl"].reason == "city is 'elsewhere', not 'town 4'"
    cli.main(["eval", "list", "--runs", str(runs)], standalone_mode=False)
    assert "bfcl 0.833" in capsys.readouterr().out


def test_a_draw_is_the_same_every_time_and_a_limit_is_held(folder: Path, command: Any):
    code, out = command(folder, "multiple", "--cases", 3, "--json", "--at-least", 0.9)
    first = json.loads(out)["multiple"]
    assert first["n"] == 3
    assert code == (1 if first["mean"] < 0.9 else 0)
    assert json.loads(command(folder, "multiple", "--cases", 3, "--json")[1])["multiple"] == first
    other = json.loads(command(folder, "multiple", "--cases", 3, "--seed", 1, "--json")[1])
    assert other["multiple"]["name"] != first["name"]


def test_an_agent_of_ones_own_has_no_tools_of_its_own(folder: Path, command: Any, tmp_path: Path):
    file = tmp_path / "agent.toml"
    file.write_text('instructions = "Call."\ntools = ["calculator"]\n')
    with pytest.raises(ConfigError, match="tools come with the cases"):
        command(folder, "--agent", file)
    file.write_text('instructions = "Call."\n[settings]\nmax_tokens = 9\n')
    code, out = command(folder, "multiple", "--agent", file, "--json")
    assert code == 0
    assert json.loads(out)["multiple"]["mean"] == pytest.approx(5 / 6)


def test_a_wrong_word_is_told_with_the_right_ones(folder: Path, tmp_path: Path, command: Any):
    with pytest.raises(ConfigError, match="no category 'simple'; there are: simple_python"):
        command(folder, "simple")
    with pytest.raises(ConfigError, match="no file of the category parallel"):
        command(folder, "parallel")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no files of the benchmark"):
        command(tmp_path / "empty")
