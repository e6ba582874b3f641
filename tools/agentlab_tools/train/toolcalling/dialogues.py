"""Conversations of every sort that an agent meets, each with what the agent should say.

one          one tool, and a request for it
several      two to eight tools, and a request for one of them
parallel     a request for several calls at once
multi_turn   calls with results, and an answer in words that uses them
repair       a call that failed, and the one that mends it
missing      a required argument is not said: ask for it
irrelevant   none of the tools serves the request: say so
no_tool      tools are there, and the person just talks
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, TypeAlias

from agentlab.backend import ToolSpec
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab_tools.train.recipes.data import Chat
from agentlab_tools.train.toolcalling.catalog import (
    Family,
    Offer,
    Parameter,
    catalogue,
    invent,
    offer,
    words,
)
from agentlab_tools.train.toolcalling.pools import Split, pools, wording
from agentlab_tools.train.toolcalling.requests import Request, request

Category: TypeAlias = Literal[
    "one", "several", "parallel", "multi_turn", "repair", "missing", "irrelevant", "no_tool"
]


@dataclass(frozen=True)
class Dialogue:
    """A conversation, and the sort it is of."""

    category: Category
    chat: Chat
    offers: Sequence[Offer] = ()


@dataclass(frozen=True)
class Plain:
    """What somebody says who needs no tool, and what the untuned model answers."""

    text: str
    answer: str


def toolset(rng: Random, split: Split, count: int) -> list[Offer]:
    """Tools with different names; some from one domain, so that they are easy to confuse."""
    families = catalogue(split)
    first = _family(rng, split)
    near = [family for family in families if family.domain == first.domain and family != first]
    chosen: list[Family] = [first]
    while len(chosen) < count:
        close = [family for family in near if family not in chosen]
        other = rng.choice(close) if close and rng.random() < 0.55 else _family(rng, split)
        if other not in chosen:
            chosen.append(other)
    by_name: dict[str, Offer] = {}
    for family in chosen:
        drawn = offer(family, rng)
        by_name.setdefault(drawn.spec.name, drawn)
    offers = list(by_name.values())
    rng.shuffle(offers)
    return offers


def _family(rng: Random, split: Split) -> Family:
    return invent(rng, split) if rng.random() < 0.15 else rng.choice(catalogue(split))


def dialogue(
    category: Category, offers: Sequence[Offer], rng: Random, split: Split, plain: Sequence[Plain]
) -> Dialogue | None:
    """One conversation about these tools; None where they can't carry one of this sort."""
    target = rng.choice(offers)
    match category:
        case "one" | "several":
            wish = request(target, rng, split)
            turns = [Message.user(wish.text), Message.assistant(wish.call())]
        case "parallel":
            turns = _parallel(offers, rng, split)
        case "multi_turn":
            turns = _multi_turn(offers, rng, split)
        case "repair":
            return _repair(target, offers, rng, split)
        case "missing":
            turns = _missing(target, rng, split)
        case "irrelevant":
            turns = _irrelevant(offers, rng, split)
        case "no_tool":
            one = rng.choice(plain)
            turns = [Message.user(one.text), Message.assistant(one.answer)]
    if not turns:
        return None
    return Dialogue(category, chat_of(turns, [o.spec for o in offers]), offers)


def chat_of(turns: Sequence[Message], tools: Sequence[ToolSpec]) -> Chat:
    """A conversation in which everything the assistant says is to be learnt."""
    replies = frozenset(n for n, turn in enumerate(turns) if turn.role == "assistant")
    return Chat(tuple(turns), tuple(tools), replies)


def _parallel(offers: Sequence[Offer], rng: Random, split: Split) -> list[Message]:
    if rng.random() < 0.5:
        wishes = _same_tool(rng.choice(offers), rng, split)
        if wishes is not None:
            text, requests = wishes
            return [Message.user(text), _calls(requests)]
    count = 3 if rng.random() < 0.2 else 2
    chosen = [rng.choice(offers) for _ in range(count)]
    requests = [request(one, rng, split, plain=n > 0) for n, one in enumerate(chosen)]
    text = requests[0].text
    for later in requests[1:]:
        text = _both(rng.choice(wording(split, "also")), text, later.text)
    return [Message.user(text), _calls(requests)]


def _both(frame: str, a: str, b: str) -> str:
    ended = a if a[-1] in ".?!" else f"{a}."
    follows = not re.match(r"\{a\} \{b\}$", frame)
    later = b[:1].lower() + b[1:] if follows and not b.startswith(("I ", "I'")) else b
    return frame.replace("{a}", ended).replace("{b}", later)


def _same_tool(target: Offer, rng: Random, split: Split) -> tuple[str, list[Request]] | None:
    """One request for two or three values of one parameter, everything else being equal."""
    names = [
        name
        for name, p in target.named.items()
        if p.required and p.kind.name in ("pool", "person", "quoted", "id", "int", "num", "email")
    ]
    if not names:
        return None
    name = rng.choice(names)
    parameter = target.named[name]
    values = {(v := parameter.kind.draw(rng, split)).text: v for _ in range(rng.randint(2, 3))}
    if len(values) < 2:
        return None
    base = request(target, rng, split)
    own = _as_said(base, name, parameter)
    if own is None or base.text.count(own) != 1:
        return None
    *most, last = values
    text = base.text.replace(own, f"{', '.join(most)} and {last}")
    requests = [
        Request(text, target, {**base.arguments, name: value.json}) for value in values.values()
    ]
    return text, requests


def _as_said(base: Request, name: str, parameter: Parameter) -> str | None:
    """How a value stands in the text of a request, where that is plain to see."""
    text = str(base.arguments[name])
    if parameter.kind.name == "quoted":
        text = next((f"{q}{text}{q}" for q in "\"'" if f"{q}{text}{q}" in base.text), text)
    places = re.findall(rf"(?<![\w.,-]){re.escape(text)}(?![\w-]|[.,]\d)", base.text)
    return text if len(places) == 1 else None


def _calls(requests: Sequence[Request]) -> Message:
    return Message.assistant(*(one.call(f"call_{n}") for n, one in enumerate(requests, 1)))


def _multi_turn(offers: Sequence[Offer], rng: Random, split: Split) -> list[Message]:
    first = request(rng.choice(offers), rng, split)
    if rng.random() < 0.7:
        result, answer = outcome(first, rng, split)
        return [Message.user(first.text), *_made(first.call(), result), Message.assistant(answer)]
    second = request(rng.choice(offers), rng, split, plain=True)
    text = rng.choice(wording(split, "first"))
    text = text.replace("{a}", first.text).replace("{b}", second.text)
    results = [outcome(one, rng, split) for one in (first, second)]
    return [
        Message.user(text),
        *_made(first.call("call_1"), results[0][0]),
        *_made(second.call("call_2"), results[1][0]),
        Message.assistant(f"{results[0][1]} {results[1][1]}"),
    ]


def _made(call: ToolCall, result: str) -> list[Message]:
    return [Message.assistant(call), Message.results([ToolResult(call_id=call.id, content=result)])]


def outcome(asked: Request, rng: Random, split: Split) -> tuple[str, str]:
    """What a tool answers, and what the assistant says then."""
    words = pools(split)
    thing = asked.offer.family.nouns[0].replace("_", " ")
    number = rng.choice((rng.randint(2, 5000), round(rng.uniform(0, 90), 2)))
    if rng.random() < 0.1:
        why = rng.choice(("not found", "the service is not available", "permission denied"))
        return rng.choice((f"Error: {why}", f'{{"error": "{why}"}}')), f"It did not work: {why}."
    if not asked.offer.family.asks:
        code = f"{rng.choice('ABKRT')}-{rng.randint(100, 9999)}"
        forms = (
            (f'{{"status": "ok", "id": "{code}"}}', f"Done. The id is {code}."),
            ("ok", "Done."),
            (f'{{"success": true, "reference": "{code}"}}', f"Done. The reference is {code}."),
        )
        return rng.choice(forms)
    names = rng.sample(words[rng.choice(("company", "title", "restaurant", "product"))], 3)
    listed = f"{names[0]}, {names[1]} and {names[2]}"
    word = rng.choice(("good", "high", "low", "normal", "open", "delayed", "sunny", "active"))
    forms = (
        (str(number), f"The {thing} is {number}."),
        (f'{{"result": {number}}}', f"The result is {number}."),
        (f'{{"{thing.replace(" ", "_")}": {number}}}', f"The {thing} is {number}."),
        (
            f'{{"value": {number}, "status": "{word}"}}',
            f"The value is {number} and the status is {word}.",
        ),
        (", ".join(names), f"I found {listed}."),
        (f'{{"results": ["{names[0]}", "{names[1]}", "{names[2]}"]}}', f"I found {listed}."),
        (word, f"The {thing} is {word}."),
    )
    return rng.choice(forms)


def _repair(target: Offer, offers: Sequence[Offer], rng: Random, split: Split) -> Dialogue | None:
    """A tool does not know a word, and says which one it knows: the call is made with that."""
    wish = request(target, rng, split)
    names = [n for n, v in wish.arguments.items() if isinstance(v, str) and len(v) > 4]
    names = [n for n in names if target.named[n].kind.name in ("pool", "person", "quoted", "words")]
    if not names:
        return None
    name = rng.choice(names)
    right = wish.arguments[name]
    at = rng.randrange(1, len(right) - 1)
    wrong = right[:at] + right[at + 1 :]
    if wish.text.count(right) != 1:
        return None
    failed = Request(wish.text, target, {**wish.arguments, name: wrong})
    why = rng.choice(
        (
            f"Error: unknown {words(name)} '{wrong}', did you mean '{right}'?",
            f"{name}: there is no '{wrong}'. Use '{right}'.",
        )
    )
    result, answer = outcome(wish, rng, split)
    turns = [
        Message.user(wish.text.replace(right, wrong)),
        *_made(failed.call("call_1"), why),
        *_made(wish.call("call_2"), result),
        Message.assistant(answer),
    ]
    return Dialogue("repair", chat_of(turns, [o.spec for o in offers]), offers)


def _missing(target: Offer, rng: Random, split: Split) -> list[Message]:
    open_kinds = ("bool", "enum", "enumint", "object")
    names = [n for n, p in target.named.items() if p.required and p.kind.name not in open_kinds]
    if not names:
        return []
    name = rng.choice(names)
    wish = request(target, rng, split, without=[name])
    question = rng.choice(wording("train", "ask_back")).replace("{w}", words(name))
    return [Message.user(wish.text), Message.assistant(question)]


def _irrelevant(offers: Sequence[Offer], rng: Random, split: Split) -> list[Message]:
    domains = {one.family.domain for one in offers}
    others = [family for family in catalogue(split) if family.domain not in domains]
    wish = request(offer(rng.choice(others), rng), rng, split)
    return [Message.user(wish.text), Message.assistant(rng.choice(wording("train", "refuse")))]


def as_row(chat: Chat) -> dict[str, Any]:
    """A conversation in the format of `agentlab export --to chat`, which recipes read."""
    tools = [{"type": "function", "function": tool.model_dump()} for tool in chat.tools]
    turns = [_turn(m, n in chat.learnt) for n, m in enumerate(chat.messages)]
    return {"messages": turns, **({"tools": tools} if tools else {})}


def _turn(message: Message, learnt: bool) -> dict[str, Any]:
    if message.role == "tool":
        result = next(part for part in message.parts if isinstance(part, ToolResult))
        return {"role": "tool", "tool_call_id": result.call_id, "content": result.content}
    turn: dict[str, Any] = {"role": message.role, "content": message.text or None}
    if message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.role == "assistant" and not learnt:
        turn["weight"] = 0
    return turn
