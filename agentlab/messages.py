"""What is said in a conversation: messages, the parts they hold, and what they cost.

All of these are frozen values. A `Message` is a role and a tuple of parts, each part tagged by
its `kind`, so a conversation is plain JSON both ways:

    {"role": "user", "parts": [{"kind": "text", "text": "What is 6 * 7?"}]}
    {"role": "assistant", "parts": [{"kind": "tool_call", "id": "call_1",
                                     "name": "calculator", "arguments": "{\"expression\": …}"}]}
    {"role": "tool", "parts": [{"kind": "tool_result", "call_id": "call_1", "content": "42"}]}

Bytes (images, audio, artifacts) are a `Blob`: known by hash, kept beside the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    PrivateAttr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import core_schema, to_json

from agentlab.errors import Refused, TraceError
from agentlab.media import media_type_of
from agentlab.regular import read_regular
from agentlab.values import Value


def clean(text: str) -> str:
    """Text that a file can hold: surrogates become the characters they pair up to, or U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class _Cleaned:
    """Applies `clean` to what comes from Python; no parser of JSON lets anything else through."""

    def __get_pydantic_core_schema__(
        self, source: type[str], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        text = handler(source)
        cleaned = core_schema.no_info_after_validator_function(clean, text)
        return core_schema.json_or_python_schema(json_schema=text, python_schema=cleaned)


Words: TypeAlias = Annotated[str, _Cleaned()]
"""A string made `clean` on its way in."""


class BlobStore(Protocol):
    """Where blobs are kept beside a trace. Passed as the context of (de)serialisation."""

    def put(self, sha256: str, data: bytes) -> None:
        """Keep `data` under its hash; a blob already there is left alone."""
        ...

    def path(self, sha256: str) -> Path:
        """The file that holds, or would hold, this blob."""
        ...


class Blob(Value):
    """Bytes known by their SHA-256. Equal bytes are equal blobs, loaded or not."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    _data: bytes | None = PrivateAttr(default=None)
    _file: Path | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The blob of these bytes."""
        blob = cls(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        blob._data = data
        return blob

    def read(self) -> bytes:
        """The bytes; read from beside the trace, and checked, where they are not in memory.

        Raises:
            TraceError: the file is gone, or its bytes are not those the trace named.
        """
        if self._data is not None:
            return self._data
        if self._file is None:
            raise TraceError(f"blob {self.sha256[:12]} was loaded without the folder it lies in")
        try:
            data = read_regular(self._file, self.size)
        except OSError as error:
            why = error.strerror or str(error)
            raise TraceError(f"blob {self.sha256[:12]} can't be read: {why}") from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise TraceError(f"blob {self.sha256[:12]} was changed since it was written")
        return data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blob) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    @model_serializer(mode="wrap")
    def _store(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        store: BlobStore | None = info.context
        if store is not None and self._data is not None:
            store.put(self.sha256, self._data)
        return handler(self)

    @model_validator(mode="after")
    def _locate(self, info: ValidationInfo) -> Self:
        store: BlobStore | None = info.context
        if store is not None:
            self._file = store.path(self.sha256)
        return self


class Artifact(Value):
    """A file a tool made: a plot, a table, the whole of an output too long to show."""

    name: Words
    media_type: str
    blob: Blob


class Text(Value):
    """Words."""

    kind: Literal["text"] = "text"
    text: Words


class Image(Value):
    """A picture, as PNG, JPEG, WebP or GIF bytes."""

    kind: Literal["image"] = "image"
    media_type: str
    blob: Blob

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The picture that these bytes are.

        Raises:
            Refused: they are none of the four kinds.
        """
        if (media_type := media_type_of(data)) and media_type.startswith("image/"):
            return cls(media_type=media_type, blob=Blob.of(data))
        raise Refused("these bytes are no picture: an Image is PNG, JPEG, WebP or GIF")


class Audio(Value):
    """Sound, as WAV or MP3 bytes."""

    kind: Literal["audio"] = "audio"
    media_type: str
    blob: Blob

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The sound that these bytes are.

        Raises:
            Refused: they are neither kind.
        """
        if (media_type := media_type_of(data)) and media_type.startswith("audio/"):
            return cls(media_type=media_type, blob=Blob.of(data))
        raise Refused("these bytes are no sound: an Audio is WAV or MP3")


class Reasoning(Value):
    """What the model thought before it answered. `signature` is the provider's, echoed back."""

    kind: Literal["reasoning"] = "reasoning"
    text: Words
    signature: str | None = None


class ToolCall(Value):
    """The model asks for a tool. `arguments` is the raw JSON text, kept even when malformed.

    Whoever writes one by hand may give a mapping in its place.
    """

    kind: Literal["tool_call"] = "tool_call"
    id: Words
    name: Words
    arguments: Words

    if not TYPE_CHECKING:  # type checkers hold it to be a text, which it is once it is made

        def __init__(self, /, *unnamed: Any, **data: Any) -> None:
            if isinstance(arguments := data.get("arguments"), Mapping):
                data["arguments"] = to_json(arguments).decode()
            super().__init__(*unnamed, **data)

        __init__.__pydantic_base_init__ = True


ToolErrorKind: TypeAlias = Literal[
    "unknown_tool", "bad_arguments", "tool_error", "timeout", "denied", "cancelled"
]


class ToolResult(Value):
    """What a tool answered. With an `error`, `content` says what went wrong, for the model."""

    kind: Literal["tool_result"] = "tool_result"
    call_id: Words
    content: Words
    error: ToolErrorKind | None = None
    artifacts: tuple[Artifact, ...] = ()


Part: TypeAlias = Annotated[
    Text | Image | Audio | Reasoning | ToolCall | ToolResult, Field(discriminator="kind")
]
Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


class Message(Value):
    """One turn: who speaks, and the parts of what is said, in order."""

    role: Role
    parts: tuple[Part, ...]

    @classmethod
    def system(cls, text: str) -> Self:
        """Instructions."""
        return cls(role="system", parts=(Text(text=text),))

    @classmethod
    def user(cls, *parts: str | Part) -> Self:
        """What a person says; plain strings become text parts."""
        return cls(role="user", parts=_parts("user", parts))

    @classmethod
    def assistant(cls, *parts: str | Part) -> Self:
        """What a model says; plain strings become text parts."""
        return cls(role="assistant", parts=_parts("assistant", parts))

    @classmethod
    def results(cls, results: Iterable[ToolResult]) -> Self:
        """The answers to the calls of the turn before, in the order of the calls."""
        return cls(role="tool", parts=tuple(results))

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls this message makes, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


def _parts(role: str, given: Iterable[str | Part]) -> tuple[Part, ...]:
    """Parts of a message; texts become parts."""
    parts = tuple(Text(text=part) if isinstance(part, str) else part for part in given)
    for part in parts:
        if not isinstance(part, Value):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Refused(
                f"Message.{role} takes texts, and parts such as Image or ToolCall; {part!r:.60} "
                f"is {type(part).__name__}"
            )
    return parts


_MOST = 2**53


def _countable(count: int) -> int:
    """The nearest count that can be averaged, charted and exported: files may say any."""
    return max(-_MOST, min(count, _MOST))


Count: TypeAlias = Annotated[int, AfterValidator(_countable)]
"""A number of tokens. What is beyond 2**53, which only a broken sender says, is cut to it."""


class Usage(Value):
    """Tokens and money. `cached_tokens` are the part of `input_tokens` that cost no evaluation."""

    input_tokens: Count = 0
    cached_tokens: Count = 0
    output_tokens: Count = 0
    cost: float | None = None
    """US dollars; None where no price is known, 0.0 where there is none (local models)."""

    @property
    def total_tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=None
            if self.cost is None and other.cost is None
            else (self.cost or 0.0) + (other.cost or 0.0),
        )
