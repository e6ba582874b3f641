"""Grammars from schemas: whatever one admits is JSON that validates, or is named as unenforced."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import json
import math
import time
from collections.abc import Iterator
from datetime import date
from datetime import time as clock
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import guided_text
import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from pydantic import TypeAdapter, ValidationError

from agentlab import Agent
from agentlab.backend import Settings
from agentlab.backends.llamacpp.constraint import Constraint
from agentlab.backends.llamacpp.grammar import Compiled, compile_schema
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import locate
from agentlab.backends.llamacpp.sampling import Sampler
from agentlab.backends.llamacpp.schema.text_rules import FORMATS
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError

Schema = dict[str, Any]


def admits(made: Compiled, text: str) -> bool:
    return guided_text.admits(made.grammar, text)


def writes(made: Compiled, value: Any) -> bool:
    """Whether a value can be written, with its properties in some order."""
    if not isinstance(value, dict):
        return admits(made, json.dumps(value, ensure_ascii=False))
    orders = itertools.permutations(value.items())
    return any(admits(made, json.dumps(dict(o), ensure_ascii=False)) for o in orders)


def sample(made: Compiled, random: Random, most: int = 300) -> str | None:
    return guided_text.sample(made.grammar, random, most)


# every keyword, on every small value

SMALL_NUMBERS = [n / 2 for n in range(-13, 14)]
NUMBERS: list[Any] = [int(n) if n == int(n) else n for n in SMALL_NUMBERS]
LETTERS = ["".join(c) for n in range(4) for c in itertools.product('ab"é\n', repeat=n)]
# Python takes `$` to match before a last line break, JSON Schema does not
STRINGS = [text for text in LETTERS if not text.endswith("\n")]
ARRAYS: list[Any] = [list(c) for n in range(4) for c in itertools.product([0, 1, "a"], repeat=n)]
VALUES = [0, "x", None]
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
OBJECTS: list[Any] = [
    dict(zip(names, values, strict=True))
    for count in range(4)
    for names in itertools.combinations("abc", count)
    for values in itertools.product(VALUES, repeat=count)
]
OTHERS: list[Any] = [True, False, None, {}, []]
EVERYTHING = [*NUMBERS, *STRINGS[:40], *ARRAYS[:20], *OBJECTS[:30], *OTHERS]
BOUNDS = [-10, -3, -1, -0.5, 0, 0.5, 1, 2.5, 3, 5, 10]
A, B = {"const": 0}, {"type": "string"}


def numeric() -> Iterator[Schema]:
    for kind in ("integer", "number"):
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            yield from ({"type": kind, key: bound} for bound in BOUNDS)
        for low, high in itertools.product(BOUNDS, repeat=2):
            if low <= high:
                yield {"type": kind, "minimum": low, "maximum": high}
                yield {"type": kind, "exclusiveMinimum": low, "exclusiveMaximum": high}
                yield {"type": kind, "exclusiveMinimum": low, "maximum": high}
        yield from ({"type": kind, "multipleOf": step} for step in (1, 2, 3, 7, 0.5, 1.5))
        yield {"type": kind, "minimum": -4, "exclusiveMaximum": 7, "multipleOf": 3}
    for low, high in ((-3, 3), (-2.5, 0.5), (0, 6)):
        yield {
            "$schema": DRAFT_4,
            "type": "number",
            "minimum": low,
            "exclusiveMinimum": True,
            "maximum": high,
            "exclusiveMaximum": True,
        }
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        yield {key: 2}


def textual() -> Iterator[Schema]:
    yield {"type": "string"}
    for least, most in itertools.product(range(5), repeat=2):
        yield {"type": "string", "minLength": least, "maxLength": most}
        yield {"type": "string", "minLength": least, "pattern": "^a|b$"}
    for pattern in [
        "^a*$",
        "b",
        "^(ab|ba)?$",
        "^[^a]+$",
        "^[a-b]{2}$",
        "^.$",
        "^\\S*$",
        "^(a*)*$",
        "a{2,}",
        "^$",
    ]:
        yield {"type": "string", "pattern": pattern}
    yield {"allOf": [{"type": "string", "pattern": "a"}, {"pattern": "b"}]}
    for key, bound in (("minLength", 2), ("maxLength", 1), ("pattern", "a")):
        yield {key: bound}


def listed() -> Iterator[Schema]:
    for least, most in itertools.product(range(4), repeat=2):
        if least <= most:
            yield {"type": "array", "minItems": least, "maxItems": most}
            yield {"type": "array", "items": A, "minItems": least, "maxItems": most}
    for rest in (True, False, B):
        for firsts in ([A], [A, B], [B, False], [A, B, A]):
            yield {"type": "array", "prefixItems": firsts, "items": rest}
            yield {"type": "array", "prefixItems": firsts, "items": rest, "minItems": 2}
            yield {"$schema": DRAFT_7, "type": "array", "items": firsts, "additionalItems": rest}
    for key, bound in (("minItems", 2), ("maxItems", 1), ("items", A), ("prefixItems", [A])):
        yield {key: bound}
    yield {"type": "array", "prefixItems": [A]}
    yield {"type": "array", "prefixItems": [A], "unevaluatedItems": False}
    yield {"type": "array", "uniqueItems": False, "contains": A, "minContains": 0}


def keyed() -> Iterator[Schema]:
    parts: list[Any] = [True, False, A, B]
    for a, b, others in itertools.product(parts, parts, [None, *parts]):
        schema: Schema = {"type": "object", "properties": {"a": a, "b": b}}
        schema |= {} if others is None else {"additionalProperties": others}
        for required in ([], ["a"], ["b", "c"]):
            if not any(schema["properties"].get(n, others) is False for n in required):
                yield {**schema, "required": required}
    for least, most in itertools.product(range(3), [0, 1, 2, 3]):
        if least <= most:
            yield {"type": "object", "minProperties": least, "maxProperties": most}
            yield {"type": "object", "properties": {"a": A}, "minProperties": least}
            closed = {
                "type": "object",
                "properties": {"a": A, "b": B},
                "additionalProperties": False,
            }
            yield {**closed, "minProperties": least, "maxProperties": max(1, most)}
    for others in (True, False, B, A):
        yield {"type": "object", "patternProperties": {"^[ab]$": A}, "additionalProperties": others}
        yield {
            "type": "object",
            "properties": {"a": True},
            "patternProperties": {"a": A, "c": B},
            "additionalProperties": others,
        }
        yield {"type": "object", "patternProperties": {".*": A, "b": B}}
        both = {"^[ab]$": others, "b": A}
        yield {"type": "object", "patternProperties": both, "additionalProperties": others}
    for names in (
        {"enum": ["a", "b"]},
        {"pattern": "^[bc]"},
        {"maxLength": 0},
        {"const": "c"},
        False,
    ):
        yield {"type": "object", "propertyNames": names}
        yield {"type": "object", "properties": {"b": A}, "propertyNames": names}
    yield {"type": "object", "dependentRequired": {"a": ["b"], "b": ["c"]}}
    for key, bound in (("minProperties", 2), ("maxProperties", 1), ("required", ["a", "b"])):
        yield {key: bound}
    yield {
        "$schema": DRAFT_7,
        "type": "object",
        "dependencies": {"a": ["b"], "c": {"required": ["a"]}},
    }
    yield {"type": "object", "dependentSchemas": {"a": {"properties": {"b": A}}}}
    yield {
        "type": "object",
        "allOf": [{"properties": {"a": True}}],
        "properties": {"b": True},
        "unevaluatedProperties": False,
    }


def combined() -> Iterator[Schema]:
    kinds = ["null", "boolean", "number", "integer", "string", "array", "object"]
    yield from ({"type": kind} for kind in kinds)
    yield from ({"type": list(pair)} for pair in itertools.combinations(kinds, 2))
    yield from ({"const": value} for value in (0, -2, 1.5, "a", True, None, [0], {"a": 0}))
    yield {"enum": [0, "a", None, False, [1], {"b": "x"}]}
    yield {"type": "string", "enum": ["a", 0, "bb"], "maxLength": 1}
    yield {"anyOf": [{"type": "integer", "minimum": 2}, {"const": "a"}]}
    yield {"allOf": [{"type": ["integer", "string"]}, {"minimum": 1}, {"maxLength": 2}]}
    yield {"oneOf": [{"type": "integer"}, {"type": "string"}]}
    yield {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "integer", "maximum": 3}]}
    yield {
        "type": "object",
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c"]}],
    }
    yield {"not": {"type": "string"}}
    yield {"not": {"const": "a"}}
    yield {"not": {"enum": ["", "a", "ab", "b", 0, 1]}}
    yield {"type": "string", "not": {"minLength": 2}}
    yield {"type": "integer", "not": {"minimum": 2, "maximum": 4}}
    yield {"type": "object", "not": {"required": ["a", "b"]}}
    yield {"type": "object", "not": {"properties": {"a": A}, "required": ["a"]}}
    yield {"type": "object", "not": {"anyOf": [{"required": ["a"]}, {"required": ["c"]}]}}
    yield {"if": {"type": "integer"}, "then": {"minimum": 3}, "else": {"type": "string"}}
    yield {
        "type": "object",
        "if": {"properties": {"a": {"const": "x"}}, "required": ["a"]},
        "then": {"required": ["b"]},
        "else": {"required": ["c"]},
    }
    yield {"$ref": "#/$defs/n", "minimum": 1, "$defs": {"n": {"type": "integer", "maximum": 3}}}
    yield {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "string", "maxLength": 1}}}
    yield {
        "$id": "https://example.com/root",
        "$ref": "inner#/$defs/y",
        "$defs": {"x": {"$id": "inner", "$defs": {"y": {"type": "boolean"}}}},
    }
    yield {"allOf": [{"$ref": "#/$defs/n"}, {"type": "array"}], "$defs": {"n": {"maxItems": 1}}}
    a, closed = {"properties": {"a": {"type": "integer"}}}, {"additionalProperties": False}
    for one, other in itertools.permutations([a, closed, {**a, **closed}, {"required": ["a"]}], 2):
        yield {"type": "object", "allOf": [{"type": "object", **one}, {"type": "object", **other}]}
    for types in (["object", "null"], "object", ["string", "null"], "array"):
        yield {"$ref": "#/$defs/n", "type": types, "$defs": {"n": {"type": "object", **a}}}
    first, rest = {"prefixItems": [{"type": "integer"}]}, {"items": {"type": "string"}}
    for one, other in itertools.permutations([first, rest, {**first, **rest}], 2):
        yield {"type": "array", "allOf": [one, other]}
    yield {"allOf": [{"type": "number"}, {"type": "integer"}]}
    yield {"allOf": [{"type": ["string", "integer"]}, {"type": ["number", "null"]}]}


@pytest.mark.parametrize("kind", ["numeric", "textual", "listed", "keyed", "combined"])
def test_of_all_small_values_exactly_those_that_validate_can_be_written(kind):
    """Both ways, for every keyword that is claimed: nothing is left to the luck of a sample."""
    makers = {f.__name__: f for f in (numeric, textual, listed, keyed, combined)}
    values = {
        "numeric": [*NUMBERS, *OTHERS],
        "textual": [*STRINGS, *OTHERS],
        "listed": [*ARRAYS, *OTHERS],
        "keyed": [*OBJECTS, *OTHERS],
        "combined": EVERYTHING,
    }[kind]
    held = checked = 0
    for schema in makers[kind]():
        newest = jsonschema.Draft202012Validator
        validator = validator_for(schema, default=newest)(schema)
        good = [validator.is_valid(value) for value in values]
        try:
            made = compile_schema(schema, undeclared=True)
        except ConfigError:
            assert not any(good), schema
            continue
        checked += 1
        held += not made.unenforced
        for value, valid in zip(values, good, strict=True):
            written = writes(made, value)
            assert written or not valid, (schema, value, "valid, and can't be written")
            assert valid or not written or made.unenforced, (schema, value, "invalid, and unsaid")
    assert checked > 20
    assert held > 0.9 * checked


# random schemas, and random texts of their grammars

names = st.sampled_from(["a", "ab", "b", "é", 'q"', "long name", "back\\slash"])
small = st.integers(-130, 1300)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
bounds = st.one_of(small, st.sampled_from([0.5, -0.25, 1.75, 99.9, -3.125, 1e-3, 0.1]))
values = st.one_of(texts, small, st.booleans(), st.none(), st.lists(small, max_size=2))
patterns = st.sampled_from(
    [
        "^[a-z]{2,4}$",
        "^(cat|dog)s?$",
        "[0-9]+",
        "^\\d{3}-\\d{4}$",
        '^"\\w*"$',
        "^[^a-z]+$",
        "^\\S.\\W$",
        "x|^y$",
        "^\\\\path\\\\[A-Z]:$",
        "^a{0,2}?b+$",
        "(?=look)ahead",
        "^[\\d-]+$",
    ]
)


def some(**keywords: st.SearchStrategy) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries({}, optional=keywords)


def typed(name: str, **keywords: st.SearchStrategy) -> st.SearchStrategy[Schema]:
    return some(**keywords).map(lambda rest: {"type": name, **rest})


leaves = st.one_of(
    typed("string", minLength=st.integers(0, 4), maxLength=st.integers(0, 9)),
    typed("string", pattern=patterns, minLength=st.integers(0, 3)),
    typed("string", format=st.sampled_from([*FORMATS, "iri"])),
    typed("integer", minimum=bounds, maximum=bounds),
    typed(
        "integer", exclusiveMinimum=bounds, exclusiveMaximum=bounds, multipleOf=st.integers(1, 7)
    ),
    typed("number", minimum=bounds, maximum=bounds),
    typed("number", exclusiveMinimum=bounds, exclusiveMaximum=bounds, multipleOf=st.just(0.5)),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, True]),
    st.lists(values, min_size=1, max_size=4).map(lambda options: {"enum": options}),
    values.map(lambda value: {"const": value}),
    st.just({"type": ["integer", "string"], "title": "a title"}),
    st.just({"$ref": "#/$defs/node"}),
    st.just({"$ref": "#/$defs/text", "minLength": 2}),
    st.just({"type": "string", "enum": ["x", "yy", 3], "maxLength": 1}),
)


def composed(inner: st.SearchStrategy) -> st.SearchStrategy:
    properties = st.dictionaries(names, inner, max_size=4)
    required = st.lists(names, max_size=2, unique=True)
    objects = typed(
        "object",
        properties=properties,
        required=required,
        additionalProperties=st.one_of(st.booleans(), inner),
        minProperties=st.integers(0, 2),
        maxProperties=st.integers(0, 5),
    )
    arrays = typed(
        "array",
        items=inner,
        minItems=st.integers(0, 3),
        maxItems=st.integers(0, 5),
        uniqueItems=st.booleans(),
    )
    tuples = typed(
        "array",
        prefixItems=st.lists(inner, min_size=1, max_size=3),
        items=st.one_of(st.booleans(), inner),
        minItems=st.integers(0, 4),
        maxItems=st.integers(0, 4),
    )
    several = st.lists(inner, min_size=1, max_size=3)
    mixed = st.tuples(objects, several).map(lambda both: {**both[0], "anyOf": both[1]})
    return st.one_of(
        objects,
        arrays,
        tuples,
        several.map(lambda s: {"anyOf": s}),
        several.map(lambda s: {"oneOf": s}),
        several.map(lambda s: {"allOf": s}),
        mixed,
        inner.map(lambda s: {"type": "object", "not": s}),
    )


schemas = st.recursive(leaves, composed, max_leaves=6)
DEFS = {
    "text": {"type": "string", "maxLength": 5},
    "node": {
        "type": "object",
        "properties": {
            "value": {"type": "integer", "minimum": 0},
            "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
        },
        "required": ["value"],
        "additionalProperties": False,
    },
}


def whole(schema) -> Schema:
    return (
        {"allOf": [schema], "$defs": DEFS}
        if isinstance(schema, bool)
        else {**schema, "$defs": DEFS}
    )


def compiled(schema, *, undeclared: bool = False) -> Compiled | None:
    try:
        return compile_schema(schema, undeclared=undeclared)
    except ConfigError:
        return None


def keywords(compiled: Compiled) -> set[str]:
    return {pointer.rsplit("/", 1)[1] for pointer in compiled.unenforced}


def broken(text: str, schema: Schema, allowed: set[str]) -> list[str]:
    """The violations that nothing in `allowed` accounts for."""

    def blamed(error) -> bool:
        # the keyword itself, or one inside of it
        if allowed & set(error.schema_path):
            return True
        # a combinator fails for what is inside of it
        return bool(error.context) and any(blamed(inner) for inner in error.context)

    value = json.loads(text)
    checker = jsonschema.Draft202012Validator(schema)
    return [f"{e.message} ({e.validator})" for e in checker.iter_errors(value) if not blamed(e)]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas, st.booleans(), st.integers(0, 2**32))
def test_every_text_of_a_grammar_validates_but_for_what_is_named(schema, undeclared, seed):
    random, schema = Random(seed), whole(schema)
    made = compiled(schema, undeclared=undeclared)
    if made is None:
        return
    for _ in range(4):
        text = sample(made, random)
        if text is not None:
            assert not broken(text, schema, keywords(made)), text


def sampled(schema: Schema, count: int = 150) -> list[Any]:
    made = compile_schema(schema)
    random = Random(0)
    texts = [sample(made, random) for _ in range(count)]
    return [json.loads(text) for text in texts if text is not None]


def test_ordinary_schemas_are_enforced_completely():
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1, "maxLength": 20},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "unit": {"enum": ["C", "F"]},
            "when": {"type": "string", "format": "date"},
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
        },
        "required": ["city", "days"],
    }
    assert compile_schema(schema).unenforced == ()
    seen = sampled(schema)
    assert len(seen) > 100
    for value in seen:
        jsonschema.validate(value, schema)


def test_a_recursive_schema_can_nest_and_can_end():
    schema = {"$ref": "#/$defs/node", "$defs": DEFS}
    seen = sampled(schema)
    assert any(isinstance(value.get("next"), dict) for value in seen)
    assert any("next" not in value for value in seen)


def test_a_tuple_is_as_long_as_it_has_to_be():
    schema = {
        "type": "array",
        "prefixItems": [{"type": "boolean"}, {"type": "null"}, {"const": "x"}],
        "items": {"const": 0},
        "minItems": 2,
        "maxItems": 5,
    }
    seen = sampled(schema)
    assert {len(value) for value in seen} == {2, 3, 4, 5}
    for value in seen:
        jsonschema.validate(value, schema)


def test_nullable_admits_null():
    made = compile_schema({"type": "integer", "nullable": True, "maximum": 9})
    assert writes(made, None)
    assert writes(made, 9)
    assert not writes(made, 10)


def test_additional_properties_never_take_a_declared_name():
    schema = {
        "type": "object",
        "properties": {"ab": {"type": "integer"}, "a": {"type": "integer"}},
        "additionalProperties": {"type": "string", "maxLength": 2},
    }
    seen = sampled(schema, 400)
    assert any(set(value) - {"a", "ab"} for value in seen)
    for value in seen:
        jsonschema.validate(value, schema)


def test_exclusive_alternatives_by_a_tag_are_enforced():
    def shape(name: str, field: str) -> Schema:
        fields = {"kind": {"const": name}, field: {"type": "integer"}}
        return {"type": "object", "properties": fields, "required": ["kind", field]}

    assert compile_schema({"oneOf": [shape("disc", "r"), shape("box", "w")]}).unenforced == ()
    overlapping = {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 3}]}
    assert compile_schema(overlapping).unenforced == ()
    assert not writes(compile_schema(overlapping), 4)
    unclear = {"oneOf": [{"pattern": "^a"}, {"pattern": "b$"}]}
    assert compile_schema(unclear).unenforced == ("/oneOf",)


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "array", "uniqueItems": True}, "/uniqueItems"),
        ({"type": "object", "properties": {"a": {"not": {"pattern": "a"}}}}, "/properties/a/not"),
        ({"type": "array", "contains": {"type": "string"}}, "/contains"),
        ({"const": 2**60 + 1}, "/const"),
        ({"type": "integer", "maximum": 2**60 + 1}, "/maximum"),
        ({"type": "string", "pattern": "(?=a)b"}, "/pattern"),
        ({"type": "string", "format": "iri"}, "/format"),
        ({"type": "number", "multipleOf": 19.99}, "/multipleOf"),
        ({"$ref": "https://elsewhere/schema"}, "/$ref"),
        ({"type": "string", "maxLength": 1000000}, "/maxLength"),
        ({"if": {"pattern": "a"}, "then": {"minLength": 3}}, "/if"),
    ],
)
def test_what_a_grammar_cannot_hold_is_named(schema, named):
    assert named in compile_schema(schema).unenforced


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {
            "$ref": "#/$defs/endless",
            "$defs": {
                "endless": {
                    "type": "object",
                    "properties": {"next": {"$ref": "#/$defs/endless"}},
                    "required": ["next"],
                }
            },
        },
        {"$ref": "#"},
    ],
)
def test_a_schema_that_nothing_matches_is_refused(schema):
    with pytest.raises(ConfigError, match="no value can match"):
        compile_schema(schema)


# what other grammars got wrong


def test_dates_are_all_days_there_are_and_no_others():
    made = compile_schema({"type": "string", "format": "date"})
    for year in (1, 4, 100, 400, 999, 1900, 1999, 2000, 2023, 2024, 2100, 9999):
        for month, day in itertools.product(range(14), range(33)):
            try:
                text, real = datetime.date(year, month, day).isoformat(), True
            except ValueError:
                text, real = f"{year:04}-{month:02}-{day:02}", False
            assert writes(made, text) == real, text


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"type": "integer"}, [10**17 + 1, -(10**18) - 7, 10**40 + 3]),
        ({"type": "integer", "minimum": 1}, [123456789012345678, 10**25]),
        ({"type": "string", "format": "email"}, ["Ann.O'Hara@Example.COM", "a+b@x.museum"]),
        ({"type": "string", "format": "uuid"}, ["0F8FAD5B-D9CB-469F-A165-70867728950E"]),
        ({"type": "string", "format": "date-time"}, ["2024-02-29T23:59:59.123456789+05:30"]),
        (
            {"type": "string", "format": "ipv6"},
            ["::1", "2001:DB8::8:800:200C:417A", "::ffff:1.2.3.4"],
        ),
        ({"type": "string", "format": "uri"}, ["https://x.org/a(b)?q=1#f", "urn:isbn:0451450523"]),
        ({"type": "string"}, ["\u001b[1m", "\u0000", 'a"b\\c', "\U0001f600"]),
        ({"type": "string", "pattern": "^\\S+$"}, ["Zoë", "naïve"]),
        ({"type": "string", "pattern": "^(https?://)?(([a-z]*)*\\.?)*$"}, ["https://a.b"]),
        ({"type": "string", "pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"}, ["1.50", "-0.1"]),
    ],
)
def test_what_a_model_copies_comes_out_as_it_was(schema, values):
    made = compile_schema(schema)
    assert made.unenforced == ()
    for value in values:
        assert writes(made, value), value


def test_a_decimal_number_has_a_digit():
    made = compile_schema({"type": "string", "pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"})
    assert not any(writes(made, text) for text in ("", "-", "+.", "."))


TREE: Schema = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "type": "object",
            "allOf": [{"$ref": "#/$defs/base"}],
            "properties": {"left": {"allOf": [{"$ref": "#/$defs/tree"}], "type": "object"}},
        },
        "base": {
            "properties": {"v": {"type": "integer"}, "right": {"$ref": "#/$defs/tree"}},
            "required": ["v"],
        },
    },
}


@pytest.mark.parametrize("undeclared", [False, True])
def test_a_schema_that_recurses_beside_other_keywords_is_held(undeclared):
    made = compile_schema(TREE, undeclared=undeclared)
    assert made.unenforced == ()
    assert writes(made, {"left": {"v": 1}, "v": 2})
    assert not writes(made, {"left": {"v": "1"}, "v": 2})
    assert not writes(made, {"left": {}, "v": 2})


def endless() -> Iterator[Schema]:
    yield {"allOf": [{"$ref": "#"}, {"type": "object"}]}
    yield {"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}], "minProperties": 1}}}
    node = {"allOf": [{"$ref": "#/$defs/n"}, {"properties": {"k": {"$ref": "#/$defs/n"}}}]}
    yield {"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"x": node}}}}
    many = {"allOf": [{"anyOf": [{"required": [f"{i}{j}"]} for j in range(9)]} for i in range(9)]}
    yield {"type": "object", **many}
    alike = [{"properties": {f"p{i}": {"type": "integer"}}} for i in range(60)]
    yield {"type": "object", "oneOf": alike}
    cases = [
        {"if": {"properties": {"k": {"const": i}}}, "then": {"required": [f"p{i}"]}}
        for i in range(40)
    ]
    yield {"type": "object", "properties": {"k": {"type": "integer"}}, "allOf": cases}
    yield {"type": "array", "items": {"enum": list(range(3000))}, "maxItems": 4000}
    deep: Schema = {"type": "string"}
    for _ in range(300):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"]}
    yield deep


def test_no_schema_takes_for_ever():
    for schema in endless():
        start = time.process_time()
        compiled(schema, undeclared=True)
        assert time.process_time() - start < 2, schema


def test_a_type_that_is_said_again_beside_a_reference_is_the_reference():
    """As generators of schemas write it; joining them would take as long as all they hold."""
    defs: dict[str, Schema] = {"last": {"type": "string"}}
    for n in range(20):
        inner = {"$ref": f"#/$defs/d{n - 1}" if n else "#/$defs/last"}
        defs[f"d{n}"] = {
            "$ref": f"#/$defs/plain{n}",
            "type": ["object", "null"],
            "additionalProperties": inner,
        }
        defs[f"plain{n}"] = {"type": "object", "additionalProperties": inner}
    made = compile_schema({"$ref": "#/$defs/d19", "$defs": defs}, undeclared=True)
    assert "allOf" not in json.dumps(made.schema)
    assert made.unenforced == ()
    assert not writes(made, None)
    deep: object = "x"
    for _ in range(20):
        deep = {"k": deep}
    assert writes(made, deep)
    assert not writes(made, {"k": deep})


def test_many_optional_properties_beside_others_are_no_trouble():
    fields = {f"field_{i}": {"type": "string"} for i in range(60)}
    made = compile_schema({"type": "object", "properties": fields, "additionalProperties": True})
    assert made.unenforced == ()
    assert writes(made, {"field_3": "x"})
    assert admits(made, json.dumps({"field_3": "x", "field_59": "y", "more": 1}))


def test_undeclared_properties_are_admitted_where_that_is_asked_for():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert not writes(compile_schema(schema), {"a": 1, "b": 2})
    assert writes(compile_schema(schema, undeclared=True), {"a": 1, "b": 2})
    assert writes(compile_schema({**schema, "additionalProperties": True}), {"a": 1, "b": 2})
    assert not writes(compile_schema({"type": "object", "properties": {}}), {"a": 1})
    assert writes(compile_schema({"type": "object"}), {"a": 1})


def test_what_is_declared_in_another_part_of_the_schema_is_declared():
    part = {"properties": {"b": {"type": "string"}}}
    made = compile_schema({"type": "object", "properties": {"a": True}, "allOf": [part]})
    assert writes(made, {"a": 1, "b": "x"})
    assert not writes(made, {"a": 1, "b": 2})
    assert not writes(made, {"a": 1, "c": 2})


def test_an_expression_that_cannot_be_held_is_named_and_the_rest_is_held():
    made = compile_schema(
        {
            "type": "object",
            "properties": {"a": {"type": "string", "pattern": "(?=x)x"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        }
    )
    assert made.unenforced == ("/properties/a/pattern",)
    assert writes(made, {"a": "anything", "b": 1})
    assert not writes(made, {"a": "x", "b": "1"})


# with a real vocabulary


@pytest.fixture(scope="module")
def vocabulary():
    pytest.importorskip("llama_cpp")
    model = Model(locate("smollm2"))
    yield model
    model.close()


def drawn(model: Model, made: Compiled, seed: int, most: int = 160) -> str | None:
    """A text drawn token by token from random logits; None if endless."""
    numbers = np.random.default_rng(seed)
    settings = Settings(temperature=1.0, seed=seed)
    sampler = Sampler(model, settings, Constraint(made.grammar))
    # what closes a value becomes likelier the longer it gets
    closing = [t for t in range(model.size) if model.piece(t) in (b'"', b"}", b"]")]
    written = b""
    try:
        for count in range(most):
            logits = numbers.normal(0, 3, model.size).astype(np.float32)
            logits[[*closing, *model.ends]] += count / 4
            token = sampler.choose(logits)
            if token in model.ends:
                return written.decode()
            written += model.piece(token)
    finally:
        sampler.close()
    return None


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(schema=schemas, seed=st.integers(0, 2**31))
def test_what_is_drawn_under_a_grammar_validates(vocabulary, schema, seed):
    schema = whole(schema)
    made = compiled(schema)
    if made is None:
        return
    text = drawn(vocabulary, made, seed, most=60)
    if text is not None:
        assert not broken(text, schema, keywords(made)), text


def test_whole_texts_are_drawn_of_a_usual_schema(vocabulary):
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1, "maxLength": 8},
            "days": {"type": "integer", "minimum": -20, "maximum": 14},
            "when": {"type": "string", "format": "date-time"},
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "more": {"type": "array", "items": {"enum": ["é", '"', "\\"]}, "maxItems": 3},
        },
        "required": ["city", "days"],
        "additionalProperties": {"type": "boolean"},
    }
    made = compile_schema(schema)
    assert made.unenforced == ()
    texts = [drawn(vocabulary, made, seed) for seed in range(12)]
    whole_ones = [text for text in texts if text is not None]
    assert len(whole_ones) >= 10
    for text in whole_ones:
        jsonschema.validate(json.loads(text), schema)


def test_a_token_is_admitted_exactly_where_the_mask_says_so(vocabulary):
    """However a text is cut into tokens: drawing first and asking later loses nothing."""
    made = compile_schema(whole({"$ref": "#/$defs/node"}))
    random = Random(1)
    for _ in range(3):
        walk = vocabulary.guide().walk(made.grammar)
        for _ in range(25):
            mask = walk.mask()
            some = random.sample(range(vocabulary.size), 400)
            assert [walk.admits(token) for token in some] == [bool(mask[token]) for token in some]
            allowed = [token for token in np.flatnonzero(mask) if token not in vocabulary.ends]
            if not allowed:
                break
            walk.take(int(random.choice(allowed)))


def test_no_control_token_gets_into_a_text(vocabulary):
    walk = vocabulary.guide().walk(compile_schema({"type": "string"}).grammar)
    walk.take(vocabulary.tokens('"')[0])
    mask = walk.mask()
    assert not any(mask[token] for token in vocabulary.controls.values())


def test_addresses_are_those_that_the_standard_library_reads():
    made = compile_schema({"type": "string", "format": "ipv6"})
    random = Random(0)
    for _ in range(2000):
        groups = [random.choice(["0", "ab", "FFFF", "1"]) for _ in range(random.randint(0, 9))]
        if groups and random.random() < 0.2:
            groups[-1] = "192.0.2.33"
        if random.random() < 0.7:
            groups.insert(random.randint(0, len(groups)), "")
        text = ":".join(groups)
        text = f":{text}" if text.startswith(":") else text
        text = f"{text}:" if text.endswith(":") else text
        try:
            real = bool(ipaddress.IPv6Address(text))
        except ValueError:
            real = False
        assert writes(made, text) == real, text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("uuid", "3F2504E0-4F89-11D3-9A0C-0305E82C3301"),
        ("email", "Mary.O'Brien@Example.COM"),
    ],
)
def test_a_format_takes_capitals(kind, text):
    assert writes(compile_schema({"type": "string", "format": kind}), text)


@pytest.mark.parametrize("kind", [date, UUID, Decimal, bytes, clock])
def test_typed_output_is_held_to_what_its_type_is_or_listed(kind):
    schema = Agent(backend=Scripted([]), output_type=kind).output_schema
    assert schema is not None
    made = compile_schema(schema)
    adapter = TypeAdapter(kind)
    texts = [text for seed in range(60) if (text := sample(made, Random(seed))) is not None]
    assert len(texts) >= 20
    wrong = 0
    for text in texts:
        if json.loads(text) in (math.inf, -math.inf):
            continue  # JSON has numbers that no float holds
        try:
            adapter.validate_json(text)
        except ValidationError:
            wrong += 1
    assert not wrong or made.unenforced
