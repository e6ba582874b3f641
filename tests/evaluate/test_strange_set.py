"""The hand-made set of function calling: sound, answerable, and nothing of the generated one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agentlab.evaluate import bfcl
from agentlab.evaluate.bfcl.asking import name_of
from agentlab.evaluate.dataset import Sample
from agentlab.messages import ToolCall
from agentlab_tools.train.toolcalling.catalog import catalogue, offer
from agentlab_tools.train.toolcalling.generate import dialogues
from agentlab_tools.train.toolcalling.plain import plain, talk
from agentlab_tools.train.toolcalling.pools import Split

FOLDER = Path(__file__).parents[2] / "benchmarks" / "strange"
COUNTS = {
    "simple_python": 100,
    "multiple": 60,
    "parallel": 50,
    "parallel_multiple": 30,
    "irrelevance": 50,
    "live_irrelevance": 30,
}
SPLITS: tuple[Split, ...] = ("train", "heldout")
TYPES = {"dict", "integer", "float", "string", "boolean", "array", "tuple", "any"}
PYTHON: Mapping[str, tuple[type, ...]] = {
    "dict": (dict,),
    "integer": (int,),
    "float": (float, int),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "tuple": (list,),
    "any": (str,),
}


@cache
def samples() -> dict[str, tuple[Sample, ...]]:
    there = bfcl.categories_in(FOLDER)
    return {name: bfcl.read_category(path, name) for name, path in there.items()}


def functions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every function, with the case that it is of."""
    for many in samples().values():
        for sample in many:
            for function in sample.case.facts["functions"]:
                yield sample.id, function


def described(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every named value of a schema, at any depth."""
    for name, one in schema.get("properties", {}).items():
        yield name, one
        yield from described(one)
    if "items" in schema:
        yield from described(schema["items"])


def first(accepted: Any) -> Any:
    """The first value that is accepted, with those of a dict, or of the dicts of a list."""
    match accepted[0]:
        case dict() as values:
            return inner(values)
        case [dict(), *_] as rows:
            return [inner(row) for row in rows]
        case value:
            return value


def inner(accepted: Mapping[str, Any]) -> dict[str, Any]:
    """A dict by its accepted values: what is deeper still stands as it is."""
    return {name: values[0] for name, values in accepted.items() if values[0] != ""}


def whole(accepted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: first(values) for name, values in accepted.items() if values[0] != ""}


def calls_of(sample: Sample) -> list[ToolCall]:
    """The calls that give the first accepted value of everything."""
    return [
        ToolCall(id=str(n), name=name_of(name), arguments=json.dumps(whole(accepted)))
        for n, expected in enumerate(sample.case.expect)
        for name, accepted in expected.items()
    ]


def test_every_category_loads_and_has_its_cases():
    assert {name: len(many) for name, many in samples().items()} == COUNTS
    assert list(samples()) == [name for name in bfcl.CATEGORIES if name in COUNTS]
    ids = [sample.id for many in samples().values() for sample in many]
    assert len(set(ids)) == len(ids)
    for name, many in samples().items():
        assert [one.id for one in many] == [f"{name}_s{n:03}" for n in range(1, len(many) + 1)]


def test_questions_and_answers_are_of_the_same_cases():
    for path in (FOLDER / "possible_answer").glob("*.json"):
        asked, answered = (
            [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()]
            for file in (FOLDER / path.name, path)
        )
        assert asked == answered


def test_as_many_calls_and_functions_as_a_category_has():
    for name, many in samples().items():
        for sample in many:
            tools, calls = len(sample.case.facts["functions"]), len(sample.case.expect)
            assert (tools > 1) == (name in ("multiple", "parallel_multiple")) or (
                name == "irrelevance"
            ), sample.id
            if name.endswith("irrelevance"):
                assert calls == 0, sample.id
            else:
                assert (calls > 1) == name.startswith("parallel"), sample.id


def test_the_accepted_calls_are_right_and_others_are_not():
    for many in samples().values():
        for sample in many:
            calls = calls_of(sample)
            assert bfcl.problem(calls, sample.case) is None, sample.id
            if calls:
                assert bfcl.problem(calls[1:], sample.case), sample.id
                assert bfcl.problem([*calls, calls[0]], sample.case), sample.id


def test_no_two_expected_calls_of_a_case_are_the_same():
    for many in samples().values():
        for sample in many:
            calls = [(call.name, call.arguments) for call in calls_of(sample)]
            assert len(set(calls)) == len(calls), sample.id


def test_answers_name_what_is_described():
    for many in samples().values():
        for sample in many:
            shapes = {f["name"]: f["parameters"] for f in sample.case.facts["functions"]}
            for expected in sample.case.expect:
                ((name, accepted),) = expected.items()
                assert set(accepted) == set(shapes[name]["properties"]), sample.id
                for parameter in shapes[name]["required"]:
                    assert "" not in accepted[parameter], (sample.id, parameter)


def test_what_may_be_left_out_may_also_be_its_default():
    for many in samples().values():
        for sample in many:
            shapes = {f["name"]: f["parameters"] for f in sample.case.facts["functions"]}
            for expected in sample.case.expect:
                ((name, accepted),) = expected.items()
                for parameter, one in shapes[name]["properties"].items():
                    if "default" in one and "" in accepted[parameter]:
                        assert one["default"] in accepted[parameter], (sample.id, parameter)


def test_accepted_values_are_of_the_described_type_and_words():
    for many in samples().values():
        for sample in many:
            shapes = {f["name"]: f["parameters"] for f in sample.case.facts["functions"]}
            for expected in sample.case.expect:
                ((name, accepted),) = expected.items()
                for parameter, values in accepted.items():
                    for value in values:
                        if value != "":
                            one = shapes[name]["properties"][parameter]
                            assert fits(value, one), (sample.id, parameter, value)


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    if type(value) not in PYTHON[schema["type"]]:
        return False
    if "items" in schema and schema["items"]["type"] != "dict":
        return all(fits(item, schema["items"]) for item in value)
    return "enum" not in schema or value in schema["enum"]


def test_every_schema_is_sound():
    for id, function in functions():
        assert re.fullmatch(r"[\w./-]{1,64}", function["name"]), id
        assert function["parameters"]["type"] == "dict", id
        shapes = [function["parameters"], *(one for _, one in described(function["parameters"]))]
        for one in shapes:
            sound(one, id)


def sound(schema: Mapping[str, Any], id: str) -> None:
    assert schema["type"] in TYPES, id
    if schema["type"] == "dict":
        assert set(schema["required"]) <= set(schema["properties"]), id
    if schema["type"] in ("array", "tuple"):
        sound(schema["items"], id)
    if "enum" in schema:
        assert len(set(schema["enum"])) == len(schema["enum"]) > 1, id
    if "default" in schema:
        assert fits(schema["default"], schema), id


def test_no_function_is_of_two_cases():
    owners: dict[str, set[str]] = {}
    for id, function in functions():
        owners.setdefault(bare(function["name"]), set()).add(id)
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}


def bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@pytest.mark.parametrize("split", SPLITS)
def test_no_function_has_a_name_that_is_generated(split: Split):
    theirs = {
        bare(name)
        for family in catalogue(split)
        for noun in family.nouns
        for verb in family.verbs
        for name in (
            noun,
            f"{verb}_{noun}",
            f"{noun}_{verb}",
            f"{family.domain}_{verb}_{noun}",
            f"{family.domain}_{noun}_{verb}",
        )
    }
    theirs |= {
        bare(tool.name) for made in dialogues(split, 60, seed=11) for tool in made.chat.tools
    }
    assert theirs & {bare(function["name"]) for _, function in functions()} == set()


@pytest.mark.parametrize("split", SPLITS)
def test_no_parameter_is_described_as_a_generated_one(split: Split):
    rng = Random(5)
    theirs = {
        (name, one["description"])
        for family in catalogue(split)
        for _ in range(30)
        for name, one in described(offer(family, rng).spec.parameters)
        if "description" in one
    }
    ours = {
        (name, one["description"])
        for _, function in functions()
        for name, one in described(function["parameters"])
        if "description" in one
    }
    assert ours & theirs == set()


@pytest.mark.parametrize("split", SPLITS)
def test_no_request_is_worded_like_a_generated_one(split: Split):
    texts = [
        message.text
        for made in dialogues(split, 120, seed=11)
        for message in made.chat.messages
        if message.role == "user"
    ]
    texts += [one.text for kept in (plain, talk) for one in kept(split)]
    theirs = {run for text in texts for run in runs(text)}
    for many in samples().values():
        for sample in many:
            assert theirs.isdisjoint(runs(sample.case.input)), sample.id


def runs(text: str, count: int = 6) -> set[tuple[str, ...]]:
    """Every run of so many words in a text."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[n : n + count]) for n in range(len(words) - count + 1)}
