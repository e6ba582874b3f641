"""What the loop asks of a model: stream deltas, then exactly one `Reply`.

A backend is anything with this shape; none of them inherits from anything. Everything a provider
or a model file does in its own way is settled inside its backend, so the loop has one road.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, cast

from pydantic import Field, model_validator

from agentlab.messages import Message, Usage, Value

JsonSchema: TypeAlias = Mapping[str, Any]

Stop: TypeAlias = Literal["end", "tool_calls", "length", "stop_sequence", "filtered", "repetition"]
"""Why a reply ended.

end            the model was done
tool_calls     the model is done and waits for tools
length         `max_tokens` or the context cut it off
stop_sequence  one of `Settings.stop` was reached
filtered       the provider withheld the rest
repetition     a local model was going round in circles and was stopped
"""


class Settings(Value):
    """How to sample. `None` leaves the choice to the backend (for a local model: its own default).

    A backend that cannot honour a setting says so by raising ConfigError, never by ignoring it.
    """

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repeat_penalty: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tool_choice: str = "auto"
    """`auto`, `none`, `required` (some tool), or the name of one tool."""
    parallel_tool_calls: bool = True
    logprobs: int = Field(default=0, ge=0, le=20)
    """How many of the most likely tokens to report at each step; 0 reports none."""


class ToolSpec(Value):
    """A tool as a model sees it. `parameters` is the JSON Schema of its arguments object."""

    name: str
    description: str
    parameters: dict[str, Any]


class TextDelta(Value):
    """More of the reply's text."""

    kind: Literal["text_delta"] = "text_delta"
    text: str


class ReasoningDelta(Value):
    """More of what the model thinks."""

    kind: Literal["reasoning_delta"] = "reasoning_delta"
    text: str


class ToolCallDelta(Value):
    """More of a tool call: its name comes with the first delta, its arguments piece by piece."""

    kind: Literal["tool_call_delta"] = "tool_call_delta"
    id: str
    name: str
    arguments: str = ""


Delta: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta


class TokenInfo(Value):
    """One generated token, seen from inside. Log-probabilities are natural logarithms."""

    id: int
    text: str
    logprob: float
    """Of the token chosen, under the model's own distribution (before grammar and sampler)."""
    top: tuple[tuple[str, float], ...] = ()
    """The most likely tokens and their log-probabilities, best first."""
    masked: float | None = None
    """The share of probability, 0 to 1, that the grammar ruled out here; None without a grammar."""


class Reply(Value):
    """A finished answer."""

    message: Message
    usage: Usage = Usage()
    stop: Stop = "end"
    token_ids: tuple[int, ...] = ()
    """Local models only: exactly what was generated, so that a run can be verified."""
    tokens: tuple[TokenInfo, ...] = ()
    """Filled when `Settings.logprobs` asks for it."""


def is_address(name: str) -> bool:
    """Whether a model's name is an address, as in `http://host/v1#model`, and no service's."""
    return name.startswith(("http://", "https://"))


class BackendIdentity(Value):
    """What answered: enough to reach the same model again, and to see when it is not the same."""

    name: str
    """As `connect` takes it, e.g. `local:smollm2`, or `http://host/v1#model`."""
    model: str
    details: dict[str, str | int | float | bool | None] = {}
    """For local models: GGUF hash, template hash, adapters, threads, batch and context sizes."""

    @model_validator(mode="before")
    @classmethod
    def _as_named_now(cls, fields: Any) -> Any:
        """Traces once held `http://host/v1:model`, which `connect` does not take."""
        if not isinstance(fields, dict):
            return fields
        named = cast(dict[str, Any], fields)
        name, model = named.get("name"), named.get("model")
        if not (isinstance(name, str) and isinstance(model, str) and is_address(name)):
            return named
        if "#" in name or not name.endswith(f":{model}"):
            return named
        return {**named, "name": f"{name.removesuffix(f':{model}')}#{model}"}


class Backend(Protocol):
    """A model that can be talked to."""

    @property
    def identity(self) -> BackendIdentity:
        """What this is; written into the header of every trace."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncIterator[Delta | Reply]:
        """Answer the conversation: deltas as they come, then exactly one `Reply`, last.

        Args:
            messages: the whole conversation, oldest first. The sequence may grow between calls,
                but what is in it never changes, so work done for a prefix can be kept.
            tools: what the model may call in this turn.
            settings: how to sample.
            output: a JSON Schema that the reply's text must match, if it makes no tool call.

        Raises:
            BackendError: the model could not answer. Nothing partial is passed off as a reply.
            ConfigError: the request asks for what this backend cannot do.
        """
        ...

    async def aclose(self) -> None:
        """Free what this backend holds. Closing twice does no harm."""
        ...


def secrets_of(backend: Backend) -> tuple[str, ...]:
    """What a backend is let in by, such as its key; most have nothing of the kind.

    A backend that has says so by an attribute `secrets`. Every run blanks them out of its trace.
    """
    return tuple(getattr(backend, "secrets", ()))
