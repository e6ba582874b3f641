"""Embeddings of hosted services, and of every server that speaks OpenAI's protocol.

Services, addresses, keys, errors and retries are those of hosted chat models (see
`agentlab.backends.hosted`). Texts are sent to the service: choose one that may read them.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentlab.backends.address import keep_out_of_logs, parted, shown_address
from agentlab.backends.failures import Service, translate
from agentlab.backends.hosted import find_key
from agentlab.backends.presets import PRESETS, Preset
from agentlab.backends.retry import RetryPolicy
from agentlab.errors import AgentLabError, ConfigError, MissingExtra, StreamBroken
from agentlab_tools.knowledge.embed import shown_spec
from agentlab_tools.knowledge.embed.vectors import no_vectors, unit_rows, well_formed
from agentlab_tools.knowledge.types import Identity

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors

DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Known beforehand; other models are asked for the vector of one word."""

_TEXTS, _CHARS = 256, 200_000
"""What one request holds at most; OpenAI takes 2,048 texts and 300,000 tokens."""
_TOKEN = re.compile(r"[A-Za-z]{1,4}|[0-9]{1,2}|[^\sA-Za-z0-9]")


class HostedEmbedder:
    """The embedder `<service>:<model>`, or `http://address#model`.

    Args:
        spec: the service and the model.
        api_key: the key; None looks it up in `env`.
        env: where keys are looked up; None for the process's environment.
        services: presets to look in.
        dimensions: ask for shorter vectors, where the model can.
        retry: when to ask again.
        timeout: seconds to wait for an answer.
        transport: an httpx2 transport to send through; None: the network.

    Raises:
        ConfigError: no such service, or no model named.
        MissingKey: the service needs a key, and none was given.
        MissingExtra: the openai package is not installed.
    """

    def __init__(
        self,
        spec: str,
        *,
        api_key: str | None = None,
        env: Mapping[str, str] | None = None,
        services: Mapping[str, Preset] | None = None,
        dimensions: int | None = None,
        retry: RetryPolicy | None = None,
        timeout: float = 60.0,
        transport: Any = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        preset, model = _find(spec, services or PRESETS)
        key = find_key(preset, api_key, env)
        self._service = Service(
            name=preset.name,
            model=model,
            key_env=preset.key_env,
            key=key,
            url=shown_address(preset.base_url),
        )
        self._asked_dimensions = dimensions
        self._retry = retry or RetryPolicy()
        self._sleep = sleep
        self._client = _client(preset, key, timeout, transport)
        self._name = f"{preset.name}:{model}"

    @property
    def identity(self) -> Identity:
        """The service and the model. Of a model that is not known, one word's vector is asked for.

        Raises:
            BackendError: the service did not answer.
        """
        return Identity(self._name, self._dimensions)

    @cached_property
    def _dimensions(self) -> int:
        known = self._asked_dimensions or DIMENSIONS.get(self._service.model)
        return known or len(self._rows(["dimensions"])[0])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length 1 for each text, in order: (texts, dimensions).

        Raises:
            BackendError: the service did not answer, or not with these vectors.
        """
        if not texts:
            return no_vectors(self.identity.dimensions)
        rows = [row for batch in _batches(texts) for row in self._rows(batch)]
        if any(len(row) != self.identity.dimensions for row in rows):
            raise StreamBroken(
                f"{self._name} sent vectors of other than {self.identity.dimensions} dimensions"
            )
        return unit_rows(rows, self._name)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text takes, counted generously: a text is never longer.

        A service's own tokenizer is not at hand.
        """
        return len(_TOKEN.findall(text))

    def _rows(self, texts: Sequence[str]) -> list[Sequence[float]]:
        attempt, waited = 1, 0.0
        more = {"dimensions": self._asked_dimensions} if self._asked_dimensions else {}
        while True:
            failure: AgentLabError
            try:
                answer = self._client.embeddings.create(
                    model=self._service.model, input=list(texts), **more
                )
                return _in_order(answer, len(texts), self._name)
            except ValueError:  # the SDK's own, for an answer without vectors or without JSON
                failure = StreamBroken(f"{self._name} sent an answer without vectors")
            except Exception as error:  # noqa: BLE001 - what it is not is raised as it was
                failure = translate(error, self._service)
            # raised outside of the handler: the SDK's exception holds the request, and so the key
            pause = self._retry.pause(attempt, failure, waited, random.random())  # noqa: S311
            if pause is None:
                raise failure
            self._sleep(pause)
            attempt, waited = attempt + 1, waited + pause


def _find(spec: str, services: Mapping[str, Preset]) -> tuple[Preset, str]:
    if spec.startswith(("http://", "https://")):
        url, _, model = spec.partition("#")
        preset = Preset(name=shown_address(url), base_url=url)
    else:
        scheme, _, model = spec.partition(":")
        if scheme not in services:
            raise ConfigError(
                f"no embedder is called {spec!r}: there are minilm, st:…, llama:…, and the "
                f"services {', '.join(services)}"
            )
        preset = services[scheme]
    if preset.protocol != "chat":
        raise ConfigError(f"{preset.name} has no embeddings: use another service, or minilm")
    if not model:
        raise ConfigError(f"{shown_spec(spec)!r} names no model: write {preset.name}#<model>")
    return preset, model


def _client(preset: Preset, key: str, timeout: float, transport: Any) -> Any:
    try:
        import httpx2
        import openai
    except ModuleNotFoundError as error:
        raise MissingExtra("the openai package", "hosted") from error
    keep_out_of_logs(preset.base_url)
    address, headers, query = parted(preset.base_url)
    client = openai.OpenAI(
        # a service without keys still needs the header to be well formed
        api_key=key or "none",
        base_url=address,
        default_headers=headers,
        default_query=query,
        max_retries=0,
        timeout=timeout,
        http_client=httpx2.Client(transport=transport, timeout=timeout, follow_redirects=True),
    )
    # the SDK reads these from the environment; a request depends on its arguments alone
    client.organization = client.project = None
    return client


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    chars = 0
    for given in texts:
        # services refuse empty texts
        text = well_formed(given) if given.strip() else "-"
        if batch and (len(batch) == _TEXTS or chars + len(text) > _CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(text)
        chars += len(text)
    if batch:
        yield batch


def _in_order(answer: Any, count: int, name: str) -> list[Sequence[float]]:
    """The rows of an answer, by their numbers.

    Raises:
        StreamBroken: it does not hold one vector for each text.
    """
    try:
        rows = {int(item.index): item.embedding for item in answer.data}
        return [rows[index] for index in range(count)]
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise StreamBroken(f"{name} did not send one vector for each text")
