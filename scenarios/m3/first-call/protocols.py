"""The three protocols as a service reads them: what came in, and what went out.

Both are read strictly, by the services' published references, since a local server forgives what
the services do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

Name: TypeAlias = Literal["chat", "responses", "messages"]

PATHS: Mapping[Name, str] = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}


@dataclass(frozen=True)
class Conversation:
    """What was said so far, and how long the answer may be, in tokens."""

    instructions: str
    turns: tuple[tuple[str, str], ...]
    """Role and text; the roles are `user` and `assistant`."""
    limit: int


@dataclass(frozen=True)
class Answer:
    """What a service answered, and what it counted."""

    text: str
    read: int
    """All tokens that went in, those from a cache among them."""
    written: int


class Refused(Exception):
    """A request that the service would not take."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def admit(name: Name, path: str, headers: Mapping[str, str], key: str) -> None:
    """Look at a request's path and headers, as a service does before it reads the body.

    Raises:
        Refused: there is no such path, or the key or the version is not where it belongs.
    """
    if path != PATHS[name]:
        raise Refused(404, f"there is nothing at {path}")
    given = {header.lower(): value for header, value in headers.items()}
    if name == "messages":
        if given.get("x-api-key") != key:
            raise Refused(401, "no valid key: this service looks for it in the header x-api-key")
        if given.get("anthropic-version") != "2023-06-01":
            raise Refused(400, "the header anthropic-version must be 2023-06-01")
    elif given.get("authorization") != f"Bearer {key}":
        raise Refused(401, "no valid key: this service wants `authorization: Bearer <key>`")


def received(name: Name, model: str, body: Mapping[str, Any]) -> Conversation:
    """The conversation in a request's body.

    Raises:
        Refused: the body is not what this protocol's reference asks for.
    """
    if body.get("model") != model:
        raise Refused(404, f"there is no model {body.get('model')!r}; `model` must be {model!r}")
    match name:
        case "chat":
            field, told, turns = "max_completion_tokens", "", _turns(body, "messages", {"text"})
            if "max_tokens" in body:
                field = "max_tokens"  # the older name, which other services still use
            if turns and turns[0][0] in ("system", "developer"):
                told, turns = turns[0][1], turns[1:]
        case "responses":
            field, told = "max_output_tokens", _instructions(body)
            turns = _turns(body, "input", {"input_text", "output_text"})
            if not told and turns and turns[0][0] in ("system", "developer"):
                told, turns = turns[0][1], turns[1:]
        case "messages":
            field, system = "max_tokens", body.get("system", "")
            told = system if isinstance(system, str) else _text(system, {"text"}, "system")
            turns = _turns(body, "messages", {"text"})
            if any(role == "system" for role, _ in turns):
                raise Refused(400, "no turn may be the system's: instructions go into `system`")
    limit = body.get(field)
    if type(limit) is not int or limit < 1:
        raise Refused(400, f"the length of the answer is not bounded: `{field}` must be a number")
    return Conversation(told, turns, limit)


def _instructions(body: Mapping[str, Any]) -> str:
    told = body.get("instructions") or ""
    if not isinstance(told, str):
        raise Refused(400, "`instructions` must be text")
    return told


def _turns(body: Mapping[str, Any], field: str, kinds: set[str]) -> tuple[tuple[str, str], ...]:
    given = body.get(field)
    if field == "input" and isinstance(given, str):
        return (("user", given),)
    if not isinstance(given, list) or not given:
        raise Refused(400, f"`{field}` must be a list of turns")
    turns: list[tuple[str, str]] = []
    for number, item in enumerate(cast(list[object], given)):
        where = f"{field}[{number}]"
        if not isinstance(item, dict):
            raise Refused(400, f"{where} must be an object")
        turn = cast(dict[str, Any], item)
        role, content = turn.get("role"), turn.get("content")
        if role not in ("user", "assistant", "system", "developer"):
            raise Refused(400, f"{where}: there is no role {role!r}")
        text = content if isinstance(content, str) else _text(content, kinds, where)
        turns.append((str(role), text))
    return tuple(turns)


def _text(parts: object, kinds: set[str], where: str) -> str:
    """The text of a list of parts."""
    if not isinstance(parts, list):
        raise Refused(400, f"{where}: `content` must be text or a list of parts")
    texts: list[str] = []
    for item in cast(Sequence[object], parts):
        part = cast(dict[str, Any], item) if isinstance(item, dict) else {}
        if part.get("type") not in kinds or not isinstance(part.get("text"), str):
            raise Refused(400, f"{where}: a part must have a `type` ({', '.join(kinds)}) and text")
        texts.append(part["text"])
    return "".join(texts)


def answered(name: Name, body: Mapping[str, Any]) -> Answer:
    """What an answer's body says.

    Raises:
        KeyError, IndexError, TypeError: it is no answer of this protocol.
    """
    usage = body["usage"]
    match name:
        case "chat":
            text = body["choices"][0]["message"]["content"] or ""
            return Answer(text, usage["prompt_tokens"], usage["completion_tokens"])
        case "responses":
            parts = [
                part["text"]
                for item in body["output"]
                if item["type"] == "message"
                for part in item["content"]
                if part["type"] == "output_text"
            ]
            return Answer("".join(parts), usage["input_tokens"], usage["output_tokens"])
        case "messages":
            text = "".join(part["text"] for part in body["content"] if part["type"] == "text")
            cached = ("cache_read_input_tokens", "cache_creation_input_tokens")
            read = usage["input_tokens"] + sum(usage.get(field) or 0 for field in cached)
            return Answer(text, read, usage["output_tokens"])
