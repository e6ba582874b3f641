"""What a service makes of the parts of a user's message, protocol by protocol, read strictly.

By the references of the four protocols: OpenAI's Chat Completions and Responses, Anthropic's
Messages, Google's generateContent. A field that a protocol does not know is refused here. Some
services are more lenient, and none says beforehand in what.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from agentlab.media import PICTURES, media_type_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Name: TypeAlias = Literal["chat", "responses", "messages", "gemini"]
NAMES: tuple[Name, ...] = ("chat", "responses", "messages", "gemini")
MODEL = "one-that-sees"
PATHS: Mapping[Name, str] = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "gemini": f"/v1beta/models/{MODEL}:generateContent",
}
LONGEST_SIDE = 1568
"""Points. Claude makes larger pictures smaller, and who sends them pays for the way."""

_MOST = 30_000_000
"""Points that are decoded."""


class Refused(Exception):
    """What a service would not take, in words of its own."""


@dataclass(frozen=True)
class Seen:
    """A picture as it came in, upright."""

    media_type: str
    points: Array


Arrived: TypeAlias = "str | Seen"


def body(name: Name, parts: object) -> dict[str, Any]:
    """A whole request around the parts of one message."""
    match name:
        case "chat":
            message = {"role": "user", "content": parts}
            return {"model": MODEL, "messages": [message], "max_completion_tokens": 50}
        case "responses":
            message = {"type": "message", "role": "user", "content": parts}
            return {"model": MODEL, "input": [message], "max_output_tokens": 50}
        case "messages":
            message = {"role": "user", "content": parts}
            return {"model": MODEL, "messages": [message], "max_tokens": 50}
        case "gemini":
            message = {"role": "user", "parts": parts}
            return {"contents": [message], "generationConfig": {"maxOutputTokens": 50}}


def received(name: Name, request: object) -> list[Arrived]:
    """The texts and pictures of a request's one message, in order.

    Raises:
        Refused: it is not as the protocol's reference has it, or a picture can't be seen.
    """
    outer = {"chat": "messages", "responses": "input", "messages": "messages"}.get(name, "contents")
    given = cast(dict[str, Any], request) if isinstance(request, dict) else {}
    listed = given.get(outer)
    sole = cast(list[object], listed)[0] if isinstance(listed, list) and len(listed) == 1 else None  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(sole, dict):
        raise Refused(f"{outer}: one message is expected")
    inside = "parts" if name == "gemini" else "content"
    parts: object = cast(dict[str, Any], sole).get(inside)
    if not isinstance(parts, list) or not parts:
        raise Refused(
            f"{outer}[0]: a list of parts is expected, not {str(cast(object, parts))[:40]!r}"
        )
    return [
        _READERS[name](part, f"{outer}[0].part[{number}]")
        for number, part in enumerate(cast(Sequence[object], parts))
    ]


def _fields(part: object, where: str, needed: Sequence[str], other: Sequence[str] = ()) -> Any:
    """The part, if it has these fields and no unknown ones."""
    if not isinstance(part, dict):
        raise Refused(f"{where}: an object is expected, not {str(part)[:40]!r}")
    given = cast(dict[str, Any], part)
    if unknown := sorted(set(given) - {*needed, *other}, key=str):
        raise Refused(f"{where}: unknown field {str(unknown[0])[:40]!r}")
    if missing := [one for one in needed if one not in given]:
        raise Refused(f"{where}: {missing[0]!r} is missing")
    return given


def _kind(part: object, where: str) -> object:
    return cast(dict[str, Any], part).get("type") if isinstance(part, dict) else None


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise Refused(f"{where}: text must be a string, not {type(value).__name__}")
    if not value.strip():
        raise Refused(f"{where}: text content blocks must be non-empty")
    return value


def _chat(part: object, where: str) -> Arrived:
    match _kind(part, where):
        case "text":
            return _text(_fields(part, where, ("type", "text"))["text"], where)
        case "image_url":
            inner = _fields(part, where, ("type", "image_url"))["image_url"]
            return _linked(
                _fields(inner, f"{where}.image_url", ("url",), ("detail",)), "url", where
            )
        case other:
            raise Refused(f"{where}: type is {other!r}; 'text' and 'image_url' are known")


def _responses(part: object, where: str) -> Arrived:
    match _kind(part, where):
        case "input_text":
            return _text(_fields(part, where, ("type", "text"))["text"], where)
        case "input_image":
            return _linked(
                _fields(part, where, ("type", "image_url"), ("detail",)), "image_url", where
            )
        case other:
            raise Refused(f"{where}: type is {other!r}; 'input_text' and 'input_image' are known")


def _messages(part: object, where: str) -> Arrived:
    match _kind(part, where):
        case "text":
            return _text(_fields(part, where, ("type", "text"))["text"], where)
        case "image":
            source = _fields(part, where, ("type", "source"))["source"]
            source = _fields(source, f"{where}.source", ("type", "media_type", "data"))
            if source["type"] != "base64":
                raise Refused(f"{where}.source: type is {source['type']!r}, not 'base64'")
            return _seen(source["media_type"], source["data"], where)
        case other:
            raise Refused(f"{where}: type is {other!r}; 'text' and 'image' are known")


def _gemini(part: object, where: str) -> Arrived:
    given = _fields(part, where, (), ("text", "inlineData"))
    if len(given) != 1:
        raise Refused(f"{where}: a part is either text or inlineData")
    if "text" in given:
        return _text(given["text"], where)
    inner = _fields(given["inlineData"], f"{where}.inlineData", ("mimeType", "data"))
    return _seen(inner["mimeType"], inner["data"], where)


_READERS: Mapping[Name, Callable[[object, str], Arrived]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "gemini": _gemini,
}
_LINK = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_DETAILS = ("auto", "low", "high")


def _linked(given: Mapping[str, Any], field: str, where: str) -> Seen:
    if given.get("detail", "auto") not in _DETAILS:
        raise Refused(f"{where}: detail must be one of {', '.join(_DETAILS)}")
    link = given[field]
    found = _LINK.fullmatch(link) if isinstance(link, str) else None
    if found is None:
        raise Refused(f"{where}: {field} must be data:<media type>;base64,<data>")
    return _seen(found[1], found[2], where)


def _seen(media_type: object, data: object, where: str) -> Seen:
    """A picture, if it is one, of the type it is said to be, and not too large."""
    if media_type not in PICTURES:
        raise Refused(f"{where}: the media type {str(media_type)[:40]!r} is not supported")
    try:
        raw = base64.b64decode(cast(str, data), validate=True)
    except (ValueError, TypeError, binascii.Error):
        raise Refused(f"{where}: the data is not base64") from None
    true = media_type_of(raw)
    if true != media_type:
        raise Refused(f"{where}: it is said to be {media_type}, and looks like {true}")
    points = upright(raw)
    if points is None:
        raise Refused(f"{where}: the picture can't be decoded")
    tall, wide, _ = points.shape
    if max(tall, wide) > LONGEST_SIDE:
        raise Refused(f"{where}: {wide} × {tall} points; no side may have over {LONGEST_SIDE}")
    return Seen(str(media_type), points)


def upright(data: bytes) -> Array | None:
    """A picture's points, turned as its file says, (tall, wide, 3); None if it can't be read."""
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > _MOST:
                return None
            turned = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, TypeError, SyntaxError, EOFError, struct.error, zlib.error):
        return None  # what Pillow raises on bytes that are none
    except Image.DecompressionBombError:
        return None
    return np.asarray(turned)


def answer(name: Name, text: str) -> dict[str, Any]:
    """An answer as the protocol has it."""
    match name:
        case "chat":
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            return {
                "id": "c1",
                "object": "chat.completion",
                "created": 0,
                "model": MODEL,
                "choices": [choice],
            }
        case "responses":
            part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
            item = {
                "id": "m1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
            return {
                "id": "r1",
                "object": "response",
                "created_at": 0,
                "model": MODEL,
                "status": "completed",
                "output": [item],
            }
        case "messages":
            return {
                "id": "m1",
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            }
        case "gemini":
            content = {"role": "model", "parts": [{"text": text}]}
            return {"candidates": [{"content": content, "finishReason": "STOP"}]}
