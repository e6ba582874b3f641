"""Whether calls are right, by the benchmark's published rules.

Calls are right if there are as many as expected, and each is one of those expected, in any order.
A call is right if the function is, all required parameters are there and no undescribed one, and
each value has the described type and is among those accepted. A whole number may stand for a float.
Texts are compared without blanks, case and the punctuation `,./-_*^`, and quotation marks are one.
A parameter may be left out where the accepted values hold `""`. What is not a call to begin with
(arguments that are no JSON object) counts as none.

The rules have corners, kept here because a score is only comparable under the same rules: texts
within lists and within one level of dicts are compared in the same loose way, deeper ones exactly;
and where the accepted values are of another type than the described one (a variable's name, say),
that type is taken for it and compared exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from pydantic_core import from_json

from agentlab.evaluate.bfcl.asking import name_of
from agentlab.labs.attempt import Case
from agentlab.messages import ToolCall

Accepted: TypeAlias = Sequence[Any]
"""The values that are accepted for a parameter."""

_KINDS: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "dict": dict,
    "any": str,
}
_IGNORED = str.maketrans("", "", " ,./-_*^")


def problem(calls: Sequence[ToolCall], case: Case) -> str | None:
    """What is wrong with the calls of a reply to a case; None if nothing is."""
    made = [(call.name, given) for call in calls if (given := _object(call.arguments)) is not None]
    category = str(case.facts["category"])
    if category.endswith("irrelevance"):
        return f"{made[0][0]} was called, where no function fits" if made else None
    if category.endswith("relevance"):
        return None if made else "nothing was called"
    if len(made) != len(case.expect):
        return f"{len(made)} calls, where there should be {len(case.expect)}"
    functions = {function["name"]: function["parameters"] for function in case.facts["functions"]}
    left = list(made)
    for expected in case.expect:
        ((name, accepted),) = expected.items()
        problems: list[str] = []
        for index, call in enumerate(left):
            wrong = _call_problem(call, name, functions[name], accepted)
            if wrong is None:
                del left[index]  # not by value: 5 and 5.0 are equal, and only one may be right
                break
            problems.append(wrong)
        else:
            return problems[0]
    return None


def _call_problem(
    call: tuple[str, dict[str, Any]],
    name: str,
    parameters: Mapping[str, Any],
    accepted: Mapping[str, Accepted],
) -> str | None:
    called, given = call
    if called != name_of(name):
        return f"{called} was called, and not {name_of(name)}"
    for parameter in parameters.get("required", ()):
        if parameter not in given:
            return f"{parameter} is missing"
    for parameter, value in given.items():
        described = parameters["properties"].get(parameter)
        if described is None or parameter not in accepted:
            return f"{parameter} should not be given"
        if not _is_right(value, described, accepted[parameter]):
            return f"{parameter} is {value!r:.60}, not {_any_of(accepted[parameter])}"
    for parameter, values in accepted.items():
        if parameter not in given and "" not in values:
            return f"{parameter} is missing, though it is asked for"
    return None


def _is_right(value: Any, described: Mapping[str, Any], accepted: Accepted) -> bool:
    word = described["type"]
    kind, inner = _KINDS[word], None
    if word in ("array", "tuple"):
        inner = _KINDS.get(described.get("items", {}).get("type"))
    if word == "float" and type(value) is int:
        value = float(value)
    theirs = _kind_of(accepted)
    if type(value) is kind:
        if inner is not None and not any(_inside(value, inner, one) for one in accepted):
            return False
        of_another_kind = theirs is not None and theirs is not kind
    elif type(value) is theirs:
        of_another_kind = True
    else:
        return False
    if not of_another_kind:
        if kind is dict:
            return any(_same_dict(value, one) for one in accepted if one != "")
        if kind is list and inner is dict:
            return any(_same_dicts(value, one) for one in accepted)
        if kind is str:
            return _loose(value) in [_loose(one) for one in accepted if isinstance(one, str)]
        if kind is list:
            return _all_loose(value) in [_all_loose(one) for one in accepted]
    return value in accepted


def _inside(values: Sequence[Any], kind: type, accepted: Any) -> bool:
    """Whether all items have the described type, or that of the accepted ones."""
    if not isinstance(accepted, list):
        return True
    theirs = _kind_of(cast(list[Any], accepted))
    return all(type(value) is kind or type(value) is theirs for value in values)


def _same_dict(value: Any, accepted: Mapping[str, Accepted]) -> bool:
    if not isinstance(value, dict):
        return False
    given = cast(dict[str, Any], value)
    for key, one in given.items():
        if key not in accepted or _loose(one) not in [_loose(other) for other in accepted[key]]:
            return False
    return all(key in given or "" in values for key, values in accepted.items())


def _same_dicts(values: Sequence[Any], accepted: Sequence[Any]) -> bool:
    if len(values) != len(accepted):
        return False
    return all(
        other != "" and _same_dict(one, other) for one, other in zip(values, accepted, strict=True)
    )


def _all_loose(values: Sequence[Any]) -> list[Any]:
    return [_loose(value) for value in values]


def _loose(value: Any) -> Any:
    """A text as it is compared; anything else as it is."""
    if not isinstance(value, str):
        return value
    return value.translate(_IGNORED).lower().replace("'", '"')


def _kind_of(accepted: Accepted) -> type[object] | None:
    """The type of the accepted values: that of the first which is not `""`."""
    return next((cast(type[object], type(value)) for value in accepted if value != ""), None)


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        given = cast(object, from_json(arguments))
    except ValueError:
        return None
    return cast(dict[str, Any], given) if isinstance(given, dict) else None


def _any_of(accepted: Accepted) -> str:
    """The accepted values, for a reason."""
    told = " or ".join("left out" if value == "" else repr(value) for value in accepted)
    return re.sub(r"\s+", " ", told)[:100]
