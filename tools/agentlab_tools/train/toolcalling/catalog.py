"""The tools that the synthetic set is about: domains, verbs, nouns and parameters, from `data/`.

A line of the catalogue stands for a whole family of tools. `offer` draws one of them: its name in
one of many styles, its parameters under one of their names, a description, defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from agentlab.backend import ToolSpec
from agentlab_tools.train.toolcalling.pools import Split, lines, pools
from agentlab_tools.train.toolcalling.values import Kind

_PARAMETER = re.compile(r"(\w+)(?::(\w+(?:\((?:[^()]|\([^()]*\))*\))?)(?::([^!?]*))?)?([!?])")
_NEXT_PHRASE = re.compile(r"/(?=[^/]*\{v\})")  # a slash within, as in m/s, stays

_FILLERS = (
    "Returns the result as JSON.",
    "Raises an error if nothing is found.",
    "The data is updated every hour.",
    "Only call this when the user asks for it.",
    "All values are checked before use.",
)


@dataclass(frozen=True)
class Parameter:
    """A parameter under all its names and wordings."""

    names: Sequence[str]
    kind: Kind
    phrases: Sequence[str]
    """How people work a value into a sentence; empty where there is no better way than its name."""
    about: str
    required: bool


@dataclass(frozen=True)
class Family:
    """A line of the catalogue."""

    domain: str
    asks: bool
    """Whether it finds something out; else it does something."""
    verbs: Sequence[str]
    nouns: Sequence[str]
    objects: Sequence[str]
    parameters: Sequence[Parameter]


@dataclass(frozen=True)
class Offer:
    """One tool of a family, as a model is shown it."""

    family: Family
    spec: ToolSpec
    named: Mapping[str, Parameter]
    """Its parameters by the names they have here, in the schema's order."""

    @property
    def required(self) -> frozenset[str]:
        """The names of the parameters that a call must give."""
        return frozenset(self.spec.parameters.get("required", ()))


@cache
def catalogue(split: Split) -> Sequence[Family]:
    """All families of one side."""
    concepts = _concepts(split)
    families: list[Family] = []
    domain = ""
    for line in lines(f"tools_{split}.txt"):
        if line.startswith("# "):
            domain = line[2:].split()[0]
            continue
        mode, verbs, nouns, objects, parameters = (part.strip() for part in line.split(" | "))
        families.append(
            Family(
                domain,
                mode == "ask",
                verbs.split(","),
                nouns.split(","),
                objects.split(";"),
                [_parameter(match, concepts) for match in _PARAMETER.finditer(parameters)],
            )
        )
    return families


def _concepts(split: Split) -> Mapping[str, Parameter]:
    concepts: dict[str, Parameter] = {}
    for line in lines("concepts.txt"):
        if line.startswith("#"):
            continue
        key, kind, names, phrases, about = (part.strip() for part in line.split(" | "))
        part = slice(-1, None) if split == "heldout" else slice(None, -1)
        many = names.split(";")
        concepts[key] = Parameter(
            many[part] if len(many) > 2 else many,
            Kind.parse(kind),
            [] if kind.startswith("bool") else phrases.split(";")[part],
            about,
            required=False,
        )
    return concepts


def _parameter(match: re.Match[str], known: Mapping[str, Parameter]) -> Parameter:
    name, kind, phrases, mark = (match[n] or "" for n in (1, 2, 3, 4))
    required = mark == "!"
    if not kind and name in known:
        one = known[name]
        return Parameter(one.names, one.kind, one.phrases, one.about, required)
    if not kind:  # a held-out tool may use the held-out name of a concept
        one = next(p for p in known.values() if name in p.names)
        return Parameter([name], one.kind, one.phrases, one.about, required)
    options = _NEXT_PHRASE.split(phrases) if phrases else []
    return Parameter([name], Kind.parse(kind), options, f"the {words(name)}", required)


def invent(rng: Random, split: Split) -> Family:
    """A family put together from single words, for breadth of names beyond the catalogue."""
    words = pools(split)
    ours = f"{rng.choice(words['modifier'])} {rng.choice(words['quantity'])}"
    parameters: list[Parameter] = []
    for _ in range(rng.randint(1, 3)):
        name = f"{rng.choice(words['modifier'])} {rng.choice(words['quantity'])}"
        kind = Kind.parse(rng.choice(_INVENTED))
        if kind.name in ("pool", "quoted", "code_id"):
            name = f"{rng.choice(words['role'])} {rng.choice(('name', 'title', 'label', 'code'))}"
        if all(name not in p.names for p in parameters):
            parameters.append(Parameter([name], kind, [], f"the {name}", rng.random() < 0.8))
    verbs = rng.sample(words["verb"], 2)
    return Family(
        rng.choice(words["role"]),
        True,
        verbs,
        [ours.replace(" ", "_")],
        [f"the {ours}"],
        parameters,
    )


_INVENTED = (
    "num(1,500)",
    "int(1,900)",
    "float(0,9)",
    "pool(company)",
    "quoted(subject)",
    "code_id",
)


def words(name: str) -> str:
    """A parameter's name as people say it: `num_days` and `numDays` are `num days`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace(".", " ").lower()


def offer(family: Family, rng: Random) -> Offer:
    """Draw one tool of a family."""
    named: dict[str, Parameter] = {}
    camel = rng.random() < 0.1
    for parameter in family.parameters:
        # two parameters of one tool must not bear one name
        name = rng.choice([n for n in parameter.names if n not in named] or [parameter.about])
        named[_camel(name) if camel else name.replace(" ", "_")] = parameter
    if rng.random() < 0.1:
        named = dict(rng.sample(list(named.items()), len(named)))
    properties: dict[str, Any] = {}
    for name, parameter in named.items():
        schema = parameter.kind.schema(rng)
        if rng.random() < 0.7:
            schema["description"] = _about(parameter, name, rng)
        if not parameter.required and rng.random() < 0.45:
            _default(schema, parameter.kind)
        properties[name] = schema
    required = [name for name, parameter in named.items() if parameter.required]
    parameters: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    if rng.random() < 0.15:
        parameters["additionalProperties"] = False
    spec = ToolSpec(
        name=_name(family, rng),
        description=_description(family, named, rng),
        parameters=parameters,
    )
    return Offer(family, spec, named)


def _camel(name: str) -> str:
    first, *rest = re.split(r"[_ ]", name)
    return first + "".join(part.capitalize() for part in rest)


def _name(family: Family, rng: Random) -> str:
    verb = rng.choice(family.verbs).replace(" ", "_")
    noun = rng.choice(family.nouns)
    styles = (
        f"{verb}_{noun}",
        _camel(f"{verb}_{noun}"),
        f"{noun}_{verb}",
        f"{family.domain}.{verb}_{noun}",
        f"{family.domain}_{verb}_{noun}",
        f"{family.domain}.{noun}.{verb}",
        noun if "_" in noun else f"{noun}_{verb}",
        _camel(f"{verb}_{noun}")[0].upper() + _camel(f"{verb}_{noun}")[1:],
    )
    return rng.choices(styles, (46, 10, 8, 12, 8, 3, 9, 4))[0]


def _description(family: Family, named: Mapping[str, Parameter], rng: Random) -> str:
    verb, thing = rng.choice(family.verbs).replace("_", " "), rng.choice(family.objects)
    does = verb + ("es" if verb.endswith(("s", "h", "x")) else "s")
    needs = " and ".join(words(name) for name, p in list(named.items())[:3] if p.required)
    clause = f" given the {needs}" if needs else ""
    forms = (
        f"{verb.capitalize()} {thing}.",
        f"{verb.capitalize()} {thing}",
        f"{does.capitalize()} {thing}.",
        f"{verb.capitalize()} {thing}{clause}.",
        f"This function {does} {thing}{clause}.",
        f"Use it to {verb} {thing}.",
        f"{thing.capitalize()}.",
    )
    form = rng.choices(forms, (24, 10, 16, 22, 10, 10, 8))[0]
    return f"{form} {rng.choice(_FILLERS)}" if rng.random() < 0.15 else form


def _about(parameter: Parameter, name: str, rng: Random) -> str:
    about = parameter.about
    forms = (
        f"{about.capitalize()}.",
        about.capitalize(),
        f"The {words(name)}.",
        f"{about.capitalize()} to use.",
    )
    return rng.choice(forms)


def _default(schema: dict[str, Any], kind: Kind) -> None:
    """Give an optional parameter a default."""
    match kind.name:
        case "bool":
            schema["default"] = False
        case "enum" | "enumint":
            schema["default"] = kind.options[0]
        case "int":
            low, high = (int(n) for n in kind.of.split(","))
            schema["default"] = (low + high) // 2 if high < 50 else 10 * (1 + low // 10)
        case _:
            pass
