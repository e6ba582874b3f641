"""What people ask for: a request for a tool, and the call that answers it.

The wording is put together from sentences and phrases of one side (train or held out); values are
written as they are said, and typing errors never touch them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from agentlab.backends.llamacpp.grammar import json_text
from agentlab.messages import ToolCall
from agentlab_tools.train.toolcalling.catalog import Offer, Parameter, words
from agentlab_tools.train.toolcalling.pools import Split, wording
from agentlab_tools.train.toolcalling.values import Value


@dataclass(frozen=True)
class Request:
    """A request and the arguments it states, in the schema's order."""

    text: str
    offer: Offer
    arguments: Mapping[str, Any]

    def call(self, id: str = "call_1") -> ToolCall:
        """The call that answers it."""
        return ToolCall(id=id, name=self.offer.spec.name, arguments=json_text(dict(self.arguments)))


def request(
    offer: Offer, rng: Random, split: Split, *, without: Collection[str] = (), plain: bool = False
) -> Request:
    """Ask for a tool.

    Args:
        without: parameters to leave unsaid.
        plain: with nothing said before it.
    """
    values: dict[str, Value | bool] = {}
    for name, parameter in offer.named.items():
        if name in without or not (parameter.required or rng.random() < 0.4):
            continue
        is_bool = parameter.kind.name == "bool"
        values[name] = rng.random() < 0.5 if is_bool else parameter.kind.draw(rng, split)
    explicit = 0.95 if rng.random() < 0.12 else 0.08
    parts = [
        _phrase(name, offer.named[name], value, rng, split, explicit)
        for name, value in values.items()
    ]
    if rng.random() < 0.35:
        rng.shuffle(parts)
    text = _sentence(offer, parts, rng, split)
    if not plain and rng.random() < 0.12:
        text = f"{rng.choice(wording(split, 'before'))} {text}"
    arguments = {
        name: value if isinstance(value, bool) else value.json for name, value in values.items()
    }
    return Request(text, offer, arguments)


def _phrase(
    name: str,
    parameter: Parameter,
    value: Value | bool,
    rng: Random,
    split: Split,
    explicit: float,
) -> str:
    if isinstance(value, bool):
        yes, no = parameter.kind.switch
        if rng.random() >= explicit:
            return rng.choice(yes if value else no)
        text = rng.choice(("yes", "true") if value else ("no", "false"))
    else:
        text = value.text
        if parameter.phrases and rng.random() >= explicit:
            return rng.choice(parameter.phrases).replace("{v}", text)
    frame = rng.choice(wording(split, "explicit"))
    return frame.replace("{w}", words(name)).replace("{v}", text)


def _sentence(offer: Offer, parts: list[str], rng: Random, split: Split) -> str:
    family = offer.family
    frame = rng.choice(wording(split, "ask" if family.asks else "do"))
    verb = rng.choice(family.verbs).replace("_", " ")
    front = ""
    if "{P}" in frame:
        front = parts.pop(0) if parts else "Please"
        tail = f" {_joined(parts, rng)}" if parts else ""
        frame = f"{frame[:-1]}{tail}{frame[-1]}" if frame[-1] in ".?" else frame + tail
    text = (
        frame.replace("{o}", rng.choice(family.objects))
        .replace("{v}", _mistyped(verb, rng))
        .replace("{V}", verb.capitalize())
        .replace("{P}", front[:1].upper() + front[1:])
    )
    return text.replace(" {p}", f" {_joined(parts, rng)}" if parts else "")


def _joined(parts: list[str], rng: Random) -> str:
    comma = rng.random()
    if len(parts) > 1 and comma < 0.25:
        return ", ".join(parts)
    if len(parts) > 2 and comma < 0.4:
        return f"{' '.join(parts[:-1])} and {parts[-1]}"
    return " ".join(parts)


def _mistyped(word: str, rng: Random) -> str:
    if len(word) < 5 or rng.random() > 0.04:
        return word
    at = rng.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
