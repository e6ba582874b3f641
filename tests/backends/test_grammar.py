"""Grammars from schemas: whatever one admits is JSON that validates, or is named as unenforced."""

from __future__ import annotations

import json
import re
from datetime import date, time
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import jsonschema
import numpy as np
import pytest
from gbnf_text import sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from agentlab import Agent
from agentlab.backend import Settings
from agentlab.backends.llamacpp.constraint import Constraint
from agentlab.backends.llamacpp.gbnf import Grammar
from agentlab.backends.llamacpp.grammar import FORMATS, Compiled, compile_schema
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.pattern import Unsupported, pattern
from agentlab.backends.llamacpp.registry import locate
from agentlab.backends.llamacpp.sampling import Sampler
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError

Schema = dict[str, Any]

# random schemas

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
    typed("string", format=st.sampled_from([*FORMATS, "uri"])),
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


def compiled(schema) -> Compiled | None:
    try:
        return compile_schema(schema)
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


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas, st.integers(0, 2**32))
def test_every_text_of_a_grammar_validates_but_for_what_is_named(schema, seed):
    random, schema = Random(seed), whole(schema)
    made = compiled(schema)
    if made is None:
        return
    for _ in range(8):
        text = sample(made.grammar, random)
        assert not broken(text, schema, keywords(made)), text


def sampled(schema: Schema, count: int = 300) -> list[Any]:
    made = compile_schema(schema)
    random = Random(0)
    return [json.loads(sample(made.grammar, random, budget=150)) for _ in range(count)]


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
    assert {tuple(sorted(value)) for value in seen} >= {
        ("city", "days"),
        ("city", "days", "unit"),
        ("city", "days", "share", "tags", "unit", "when"),
    }
    for value in seen:
        jsonschema.validate(value, schema)


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 0), (1, 9), (7, 23), (-5, 5), (-120, -3), (95, 1205), (-1, 0), (999, 1000)],
)
def test_integers_reach_both_bounds_and_no_further(low, high):
    seen = sampled({"type": "integer", "minimum": low, "maximum": high}, 6000)
    assert min(seen) == low
    assert max(seen) == high


def test_integers_between_bounds_are_all_reachable():
    seen = sampled({"type": "integer", "minimum": 8, "maximum": 112}, 20000)
    assert set(seen) == set(range(8, 113))


@pytest.mark.parametrize(
    ("schema", "reached"),
    [
        ({"minimum": 0, "maximum": 1}, {0, 1}),
        ({"minimum": 0.5, "maximum": 0.75}, {0.5, 0.75}),
        ({"minimum": -2.5, "maximum": 1.25}, {-2.5, 1.25}),
        ({"exclusiveMinimum": 0, "maximum": 0.2}, {0.2}),
    ],
)
def test_numbers_reach_closed_bounds_and_stay_inside(schema, reached):
    schema = {"type": "number", **schema}
    seen = sampled(schema, 4000)
    assert reached <= set(seen)
    for value in seen:
        jsonschema.validate(value, schema)
    assert len(set(seen)) > 10


def test_one_sided_bounds_hold():
    assert min(sampled({"type": "integer", "minimum": 5}, 2000)) >= 5
    assert max(sampled({"type": "number", "exclusiveMaximum": -3}, 2000)) < -3


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


def test_of_two_bounds_the_tighter_one_holds():
    both = [{"minimum": 3, "maximum": 40}, {"type": "integer", "minimum": 7, "maximum": 9}]
    assert set(sampled({"allOf": both})) == {7, 8, 9}
    assert set(sampled({"allOf": both[::-1]})) == {7, 8, 9}
    lengths = [{"type": "string", "minLength": 1}, {"minLength": 2, "maxLength": 3}]
    assert {len(value) for value in sampled({"allOf": lengths})} == {2, 3}


def test_nullable_admits_null():
    assert None in sampled({"type": "integer", "nullable": True, "maximum": 9, "minimum": 0})


def test_additional_properties_never_take_a_declared_name():
    schema = {
        "type": "object",
        "properties": {"ab": {"type": "integer"}, "a": {"type": "integer"}},
        "additionalProperties": {"type": "string", "maxLength": 2},
    }
    seen = sampled(schema, 1500)
    assert any(set(value) - {"a", "ab"} for value in seen)
    for value in seen:
        jsonschema.validate(value, schema)


def test_exclusive_alternatives_by_a_tag_are_enforced():
    def shape(name: str, field: str) -> Schema:
        fields = {"kind": {"const": name}, field: {"type": "integer"}}
        return {"type": "object", "properties": fields, "required": ["kind", field]}

    assert compile_schema({"oneOf": [shape("disc", "r"), shape("box", "w")]}).unenforced == ()
    overlapping = {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 3}]}
    assert compile_schema(overlapping).unenforced == ("/oneOf",)


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "array", "uniqueItems": True}, "/uniqueItems"),
        ({"type": "object", "properties": {"a": {"not": {"type": "string"}}}}, "/properties/a/not"),
        ({"type": "string", "pattern": "(?=a)b"}, "/pattern"),
        ({"type": "string", "format": "uri"}, "/format"),
        ({"type": "number", "multipleOf": 0.1}, "/multipleOf"),
        ({"$ref": "https://elsewhere/schema"}, "/$ref"),
        ({"type": "string", "maxLength": 100000}, "/maxLength"),
        ({"if": {"type": "string"}, "then": {"minLength": 3}}, "/if"),
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


@pytest.mark.parametrize(
    "expression", ["(?=a)", "a(?i)b", "\\bword", "a$b", "(a", "[a", "a**", "[b-a]"]
)
def test_unclear_expressions_are_refused(expression):
    with pytest.raises(Unsupported):
        pattern(expression)


# llama.cpp's own reading of the same grammars


@pytest.fixture(scope="module")
def vocabulary():
    pytest.importorskip("llama_cpp")
    model = Model(locate("smollm2"))
    yield model
    model.close()


def drawn(model: Model, grammar: Grammar, seed: int, most: int = 160) -> str | None:
    """A text drawn token by token from random logits under llama.cpp's grammar; None if endless."""
    numbers = np.random.default_rng(seed)
    made = Constraint(grammar)
    sampler = Sampler(model, Settings(temperature=1.0, seed=seed), made)
    # what closes a value becomes likelier the longer it gets
    closing = [t for t in range(model.size) if model.piece(t) in (b'"', b"}", b"]")]
    written = b""
    try:
        for count in range(most):
            logits = numbers.normal(0, 3, model.size).astype(np.float32)
            logits[[*closing, *model.ends]] += count / 4
            token = sampler._bound(logits)
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
def test_llama_cpp_takes_every_grammar_and_what_it_draws_validates(vocabulary, schema, seed):
    schema = whole(schema)
    made = compiled(schema)
    if made is None:
        return
    text = drawn(vocabulary, made.grammar, seed, most=60)
    if text is not None:
        assert not broken(text, schema, keywords(made)), text


def test_a_constant_is_written_though_no_token_begins_one_of_its_characters(vocabulary):
    """It can begin raw, with those that have tokens, and go on escaped."""
    made = compile_schema({"const": "\x80é\U00040000"})
    for seed in range(20):
        assert json.loads(str(drawn(vocabulary, made.grammar, seed))) == "\x80é\U00040000"


def test_llama_cpp_draws_whole_texts_of_a_usual_schema(vocabulary):
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
    texts = [drawn(vocabulary, made.grammar, seed) for seed in range(12)]
    whole_ones = [text for text in texts if text is not None]
    assert len(whole_ones) >= 10
    for text in whole_ones:
        jsonschema.validate(json.loads(text), schema)


def test_both_readings_of_a_grammar_agree(vocabulary):
    """What our reading writes, llama.cpp's reading admits token by token."""
    schema = whole({"$ref": "#/$defs/node"})
    grammar = compile_schema(schema).grammar
    random = Random(1)
    for _ in range(20):
        sampler = Sampler(vocabulary, Settings(), Constraint(grammar))
        for token in vocabulary.tokens(sample(grammar, random)):
            assert sampler._admits(sampler._grammar, token)
            vocabulary.lib.llama_sampler_accept(sampler._grammar, token)
        assert sampler._admits(sampler._grammar, vocabulary.eos)
        sampler.close()


def test_a_date_is_every_day_there_is_and_no_other():
    pattern = re.compile(FORMATS["date"])
    for year in range(1890, 2110):
        for month in range(1, 14):
            for day in range(33):
                text = f"{year:04}-{month:02}-{day:02}"
                try:
                    there = bool(date(year, month, day))
                except ValueError:
                    there = False
                assert bool(pattern.search(text)) == there, text
    assert pattern.search("2000-02-29")
    assert pattern.search("2400-02-29")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("uuid", "3F2504E0-4F89-11D3-9A0C-0305E82C3301"),
        ("email", "Mary.O'Brien@Example.COM"),
    ],
)
def test_a_format_takes_capitals(kind, text):
    assert re.search(FORMATS[kind], text)


@pytest.mark.parametrize("kind", [date, UUID, Decimal, bytes, time])
def test_typed_output_is_held_to_what_its_type_is_or_listed(kind):
    schema = Agent(backend=Scripted([]), output_type=kind).output_schema
    assert schema is not None
    compiled = compile_schema(schema)
    adapter = TypeAdapter(kind)
    fits = 0
    for seed in range(200):
        text = sample(compiled.grammar, Random(seed))
        try:
            adapter.validate_json(text)
            fits += 1
        except ValidationError:
            pass
    assert fits == 200 or compiled.unenforced
