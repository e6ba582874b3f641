"""Another model when the first does not answer.

    backend = Fallback([connect("anthropic:claude-sonnet-5"), connect("local:smollm2")])

The next is asked where one fails before anything of its answer was handed on; after that the error
is raised as it is, for what was shown can't be taken back. Each backend has made its own retries by
then. A setting that one of them lacks is the caller's mistake and raises ConfigError at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from typing import cast

from agentlab.backend import (
    Backend,
    BackendIdentity,
    Delta,
    JsonSchema,
    Reply,
    Settings,
    ToolSpec,
    secrets_of,
)
from agentlab.errors import AgentLabError, BackendError, ConfigError
from agentlab.messages import Message


class Fallback:
    """Backends in the order in which to ask them.

    Args:
        backends: at least one. They are closed with the chain.
        on: the errors that send a request on to the next one.

    Raises:
        ConfigError: there are no backends.
    """

    def __init__(
        self,
        backends: Sequence[Backend],
        *,
        on: tuple[type[AgentLabError], ...] = (BackendError,),
    ) -> None:
        if not backends:
            raise ConfigError("a fallback chain needs at least one backend")
        self._backends = tuple(backends)
        self._on = on

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those of all of them."""
        return tuple(secret for backend in self._backends for secret in secrets_of(backend))

    @property
    def identity(self) -> BackendIdentity:
        """All of the chain by name; the model is the first one's."""
        identities = [backend.identity for backend in self._backends]
        names = ", ".join(identity.name for identity in identities)
        return BackendIdentity(name=f"fallback({names})", model=identities[0].model)

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncGenerator[Delta | Reply]:
        """The answer of the first backend that gives one; see `Backend.stream`.

        Raises:
            BackendError: the last one's error, with those of the others as notes on it.
            ConfigError: the request asks for what the backend asked can't do.
        """
        failures: list[str] = []
        for backend in self._backends:
            begun = False
            try:
                answer = backend.stream(messages, tools=tools, settings=settings, output=output)
                async with AsyncExitStack() as stack:
                    if isinstance(answer, AsyncGenerator):
                        stack.push_async_callback(
                            cast(AsyncGenerator[Delta | Reply], answer).aclose
                        )
                    async for item in answer:
                        begun = True
                        yield item
                return
            except self._on as error:
                if begun or backend is self._backends[-1]:
                    for failure in failures:
                        error.add_note(failure)
                    raise
                failures.append(f"before that, {backend.identity.name}: {error}")

    async def aclose(self) -> None:
        """Close all backends."""
        async with AsyncExitStack() as stack:
            for backend in self._backends:
                stack.push_async_callback(backend.aclose)
