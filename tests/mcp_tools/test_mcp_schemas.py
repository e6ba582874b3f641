"""Schemas of any draft: read by the one they name, shown in the words of the latest, in bounds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agentlab_tools.mcp.convert import arguments_from
from agentlab_tools.mcp.dialects import shown
from agentlab_tools.mcp.judge import BadSchema, Judge
from agentlab_tools.mcp.names import Names

TUPLE = {"type": "array", "items": [{"type": "number"}, {"type": "string"}]}
DRAFT = "http://json-schema.org/draft-0{}/schema#"


def of(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}, **more}


@pytest.mark.parametrize(
    ("named", "schema", "fits", "does_not"),
    [
        # as the TypeScript SDK makes one of `z.tuple`
        (DRAFT.format(7), {**TUPLE, "additionalItems": False}, [[1, "x"]], [["x"], [1, "x", 2]]),
        (DRAFT.format(6), TUPLE, [[1, "x", None]], [[1, 2]]),
        (DRAFT.format(4), {"minimum": 0, "exclusiveMinimum": True}, [1], [0]),
        (DRAFT.format(7), {"minimum": 0, "exclusiveMaximum": 9}, [0], [9]),
        (DRAFT.format(7), {"dependencies": {"b": ["c"]}}, [{"b": 1, "c": 2}], [{"b": 1}]),
        (DRAFT.format(7), {"$ref": "#/definitions/n", "minimum": 5}, [1], ["x"]),
        (
            "https://json-schema.org/draft/2019-09/schema",
            {"items": [{"type": "number"}], "additionalItems": {"type": "string"}},
            [[1, "x"]],
            [[1, 2]],
        ),
        (
            "https://json-schema.org/draft/2020-12/schema",
            {"prefixItems": [{"type": "number"}], "items": False},
            [[1]],
            [[1, 2]],
        ),
        (None, TUPLE, [[1, "x"]], [[1, 2]]),  # no draft named, and no schema of the latest
        (None, {"minimum": 0, "exclusiveMinimum": True}, [1], [0]),
        ("https://example.com/own", {"type": "integer"}, [1], ["x"]),
    ],
)
def test_the_draft_that_a_schema_names_is_the_one_it_is_read_by(
    named: str | None, schema: dict[str, Any], fits: list[Any], does_not: list[Any]
) -> None:
    given = of(schema, definitions={"n": {"type": "number"}})
    if named:
        given["$schema"] = named
    judge = Judge(given)
    words, lost = shown(given, judge.dialect)
    Draft202012Validator.check_schema(words)
    assert "$schema" not in words
    assert not lost
    for value in fits:
        assert judge.problem({"a": value}) is None
        assert Draft202012Validator(words).is_valid({"a": value})
    for value in does_not:
        assert judge.problem({"a": value})
        assert not Draft202012Validator(words).is_valid({"a": value})


def test_names_and_data_are_no_keywords() -> None:
    given = of(
        {"type": "object", "properties": {"items": {"type": "array"}, "$ref": {"type": "string"}}},
        default={"items": [1], "$ref": "#/no"},
    )
    given["$schema"] = DRAFT.format(7)
    assert shown(given, "Draft7") == (
        {key: value for key, value in given.items() if key != "$schema"},
        (),
    )


def test_a_reference_that_leads_nowhere_is_left_open_and_told() -> None:
    model, lost = arguments_from(of({"$ref": "#/$defs/no", "description": "it"}))
    assert model.model_json_schema()["properties"] == {"a": {"description": "it"}}
    assert lost == ("#/$defs/no",)
    assert model.model_validate({"a": 1}).root == {"a": 1}


def test_a_reference_to_itself_has_no_verdict() -> None:
    assert Judge({"type": "object", "allOf": [{"$ref": "#"}]}).problem({}) is None


def test_a_tree_is_judged_to_its_leaves() -> None:
    tree = of(
        {"$ref": "#/$defs/n"},
        **{
            "$defs": {
                "n": {
                    "properties": {
                        "of": {"type": "array", "items": {"$ref": "#/$defs/n"}},
                        "name": {"type": "string"},
                    }
                }
            }
        },
    )
    judge = Judge(tree)
    assert judge.problem({"a": {"of": [{"of": [{"name": "x"}]}]}}) is None
    told = judge.problem({"a": {"of": [{"of": [{"name": 3}]}]}})
    assert told == "a.of.0.of.0.name: 3 is not of type 'string'"


def test_a_long_list_is_judged_to_its_end() -> None:
    judge = Judge(of({"type": "array", "items": of({"type": "integer"})}))
    items: list[Any] = [{"a": number} for number in range(5000)]
    assert judge.problem({"a": items}) is None
    assert judge.problem({"a": [*items, {"a": "x"}]}) == "a.5000.a: 'x' is not of type 'integer'"


def test_a_draft_named_further_in_can_not_lift_the_bounds() -> None:
    held: dict[str, Any] = {"a0": {"type": "string"}}
    for number in range(1, 28):
        named = {"$schema": DRAFT.format(7), "$id": f"urn:{number}"}
        held[f"a{number}"] = {**named, "allOf": [{"$ref": f"urn:{number - 1}"}] * 2}
    held["a0"]["$id"] = "urn:0"
    assert Judge(of({"$ref": "urn:27"}, **{"$defs": held})).problem({"a": "x"}) is None


@pytest.mark.parametrize("pattern", [r"^[\p{L}]+$", r"^(?<word>\w+)$", "("])
def test_patterns_of_another_dialect_refuse_nothing_that_fits(pattern: str) -> None:
    assert Judge(of({"pattern": pattern})).problem({"a": "a"}) is None


def test_a_pattern_is_judged() -> None:
    told = Judge(of({"pattern": "^[0-9]+$"})).problem({"a": "x"})
    assert told == "a: 'x' does not match '^[0-9]+$'"
    keys = Judge({"patternProperties": {"^x_": {"type": "string"}}, "additionalProperties": False})
    assert keys.problem({"x_a": "b"}) is None
    assert keys.problem({"y": "b"}) == "no such argument: 'y'"
    assert keys.problem({"x_a": 1}) == "x_a: 1 is not of type 'string'"


@pytest.mark.parametrize("keyword", ["not", "allOf", "properties"])
def test_what_is_too_large_or_too_deep_is_said(keyword: str) -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(500):
        deep = {keyword: {"not": deep, "allOf": [deep], "properties": {"a": deep}}[keyword]}
    with pytest.raises(BadSchema, match="too large to be checked"):
        Judge(of(deep))
    with pytest.raises(BadSchema, match="too large to be checked"):
        Judge({"properties": {f"p{number}": {"type": "string"} for number in range(20_000)}})


def test_names_are_told_apart_whatever_they_are() -> None:
    names = Names()
    given = ["a.b", "a b", "a_b", "a_b_2", "", "...", "x" * 90, "x" * 91, "x" * 92 + "y"]
    made = [names.give(name) for name in given]
    assert len(set(made)) == len(given)
    assert made[:3] == ["a_b", "a_b_2", "a_b_3"]
    assert all(0 < len(name) <= 64 for name in made)


def doubled(keyword: str, also: Any = None) -> dict[str, Any]:
    """Twenty-six definitions that each say the one before twice or more."""
    held: dict[str, Any] = {"a0": {"type": "string"}}
    for number in range(1, 27):
        one = {"$ref": f"#/$defs/a{number - 1}"}
        held[f"a{number}"] = {
            "if": {"if": one, "then": one, "else": one},
            "not": {"not": {"allOf": [one, one]}},
            "dependentSchemas": {"dependentSchemas": {"k": one, "l": one}},
            "unevaluatedProperties": {
                "anyOf": [{**one, "properties": {f"p{number}": {}}}] * 2,
                "unevaluatedProperties": False,
            },
            "properties": {"properties": {"k": one, "l": one}},
        }[keyword]
    return of({"$ref": "#/$defs/a26"}, **{"$defs": held})


def nest(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


MANY = [{"x": number} for number in range(5000)]
COSTLY: dict[str, tuple[dict[str, Any], Any]] = {
    **{
        f"doubled by {keyword}": (doubled(keyword), {"k": {"k": 1}, "l": {"l": 1}})
        for keyword in ("if", "not", "dependentSchemas", "unevaluatedProperties", "properties")
    },
    "references in a ring": (
        of(
            {"$ref": "#/$defs/x"},
            **{"$defs": {"x": {"$ref": "#/$defs/y"}, "y": {"$ref": "#/$defs/x"}}},
        ),
        1,
    ),
    "a dynamic reference to itself": (
        of(
            {"$dynamicRef": "#n"},
            **{"$defs": {"n": {"$dynamicAnchor": "n", "allOf": [{"$dynamicRef": "#n"}] * 2}}},
        ),
        1,
    ),
    "a tree without end": (
        of({"$ref": "#/$defs/n"}, **{"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}}),
        nest(500),
    ),
    "a pointer of twenty thousand steps": (of({"$ref": "#/" + "properties/a/" * 20_000}), 1),
    "five thousand things, each another": (of({"type": "array", "uniqueItems": True}), MANY),
    "one of nine thousand, five thousand times": (
        of({"items": {"enum": [{"x": -number} for number in range(4000)]}}),
        MANY,
    ),
    "a multiple of next to nothing": (of({"multipleOf": 1e-300}), 1e300),
    "a number of four hundred digits": (of({"maximum": 10**400, "multipleOf": 10**399}), 1e308),
    "a pattern that has no end when spelled out": (
        of({"pattern": "(((a{100}){100}){100}){100}"}),
        "a" * 3000,
    ),
    "the same, in its own words": (of({"pattern": "(?x)(a{ 9999 , 9999 }){9999}"}), "a" * 3000),
    "a pattern of five million letters": (of({"pattern": "a" * 5_000_000}), "b"),
    "patterns in patterns": (of({"pattern": "((((a+)+)+)+)+$"}), "a" * 4000 + "!"),
    "a pattern that looks ahead": (of({"pattern": "(?=(a+)+$)" * 100}), "a" * 4000 + "!"),
    "a pattern that looks back": (of({"pattern": "(?<=(a+)+)b"}), "a" * 4000),
    "a pattern of alternatives": (of({"pattern": "((a|b|c){1,9}){1,9}" * 90}), "a" * 4000 + "!"),
    "keys by a pattern": (
        of({"items": {"patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": False}}),
        [{"a" * 40 + "!": 1}] * 2000,
    ),
    "a format of brackets": (of({"format": "regex"}), "(" * 50_000),
}


@pytest.mark.skipif(sys.platform != "linux", reason="addresses are bounded by Linux's RLIMIT_AS")
@pytest.mark.parametrize("name", COSTLY)
def test_no_schema_takes_long_or_much(name: str) -> None:
    """Each in a process that may take half a gigabyte more than it has, and ten seconds."""
    program = """
import json, resource, sys
from pathlib import Path
import jsonschema, regex
from agentlab_tools.mcp.convert import arguments_from
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (512 << 20),) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
schema, value = json.load(sys.stdin)
model, _ = arguments_from(schema)
model.model_json_schema()
try:
    model.model_validate({"a": value})
except ValueError as error:
    print(len(str(error)))
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(COSTLY[name]),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.endswith("done\n"), done.stderr[-1000:]


def test_things_that_are_there_twice_are_found() -> None:
    judge = Judge(of({"type": "array", "uniqueItems": True}))
    assert judge.problem({"a": [1, True, "1", [1], {"a": 1, "b": 2}, None]}) is None
    for twice in ([1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [[1], [1.0]]):
        assert "twice" in (judge.problem({"a": twice}) or ""), twice


@pytest.mark.parametrize(
    "pattern",
    [
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "^([a-z0-9]{1,63}\\.){1,4}[a-z]{2,63}$",
    ],
)
def test_the_counts_of_ordinary_patterns_are_judged(pattern: str) -> None:
    assert "does not match" in (Judge(of({"pattern": pattern})).problem({"a": "!"}) or "")
