"""A hosted model as a backend: one class, whatever protocol it is asked over.

A dialect knows how one protocol writes a request and reads an answer; the wire knows how to get
there and back. What is left is here: the ways to typed output, and what is remembered between
steps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from agentlab.backend import (
    BackendIdentity,
    Delta,
    JsonSchema,
    Reply,
    Settings,
    ToolSpec,
    is_address,
)
from agentlab.backends.address import secrets_in, shown_address
from agentlab.backends.asked import Asked
from agentlab.backends.clients import Options
from agentlab.backends.heads import Heads
from agentlab.backends.presets import Preset
from agentlab.backends.structured import Mode, Ways, answer_name, in_words
from agentlab.backends.wire import Decoder, Wire
from agentlab.errors import BadRequest
from agentlab.messages import Message


class Dialect(Protocol):
    """How one protocol is written and read."""

    path: str
    """Where requests go, below the service's address."""

    def head(
        self,
        tools: Sequence[ToolSpec],
        settings: Settings,
        output: JsonSchema | None,
        mode: Mode | None,
    ) -> bytes:
        """A request up to the conversation.

        Raises:
            ConfigError: the service lacks a setting that is set.
            SchemaUnfit: the output can't be asked for in this way.
        """
        ...

    def conversation(self, messages: Sequence[Message], words: str) -> bytes:
        """The rest of the request; `words` are added to the instructions.

        Raises:
            ConfigError: the protocol has no place for a part of a message.
        """
        ...

    def decoder(self, asked: Asked) -> Decoder:
        """Reads one answer."""
        ...

    def relent(self, error: BadRequest) -> bool:
        """Whether the service refuses something that can be done without, from now on."""
        ...


class HostedBackend:
    """A model at a service.

    Args:
        preset: the service.
        model: as the service calls it.
        options: retries, timeouts, limits, prices, more fields and headers.
        wire: the way there.
        dialect: the protocol it is asked over.
    """

    def __init__(
        self, preset: Preset, model: str, options: Options, *, wire: Wire, dialect: Dialect
    ) -> None:
        self._preset = preset
        self._model = model
        self._options = options
        self._wire = wire
        self._dialect = dialect
        self._ways = Ways(options.output or preset.output)
        self._heads = Heads(dialect.head)
        self._identity = BackendIdentity(
            name=f"{preset.name}{'#' if is_address(preset.name) else ':'}{model}",
            model=model,
            details={"protocol": preset.protocol, "base_url": shown_address(preset.base_url)},
        )

    @property
    def identity(self) -> BackendIdentity:
        """The service, the model, the protocol and the address."""
        return self._identity

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key, and what the address hides: a run blanks them out of its trace."""
        return tuple(filter(None, (self._wire.service.key, *secrets_in(self._preset.base_url))))

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncGenerator[Delta | Reply]:
        """Ask the service; see `Backend.stream`.

        Raises:
            BackendError: the service did not answer, or not wholly.
            ConfigError: it lacks a setting that is set, or does not know the model.
        """

        def ask(mode: Mode | None) -> AsyncGenerator[Delta | Reply]:
            words = in_words(output) if mode == "prompt" and output is not None else ""
            head = self._heads(tools, settings, output, mode)
            body = head + self._dialect.conversation(messages, words)
            turn = len(messages)
            name = answer_name(tools) if mode == "tool" else None
            request = Asked(self._preset, self._model, self._options, settings, mode, name, turn)
            return self._wire.ask(self._dialect.path, body, lambda: self._dialect.decoder(request))

        async with aclosing(self._yielding(output, ask)) as answer:
            async for item in answer:
                yield item

    async def _yielding(
        self, output: JsonSchema | None, ask: Callable[[Mode | None], AsyncGenerator[Delta | Reply]]
    ) -> AsyncGenerator[Delta | Reply]:
        """The answer, asked for again where the service refuses what can be done without."""
        while True:
            try:
                async with aclosing(self._ways.ask(output, ask)) as answer:
                    async for item in answer:
                        yield item
                return
            except BadRequest as error:
                if not self._dialect.relent(error):
                    raise
            self._heads = Heads(self._dialect.head)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()
