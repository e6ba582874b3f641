"""Local models as a backend: llama.cpp in this process.

    backend = connect("local:smollm2")
    backend = LlamaCpp(Path("model.gguf"), n_ctx=4096, adapters={"mine": "mine.gguf"})

Promises:

- Deltas arrive in order, from a thread of the backend's own; the event loop stays free. Leaving
  the stream stops the model before its next token, and the context stays good.
- A conversation's next turn evaluates only what is new; `usage.cached_tokens` counts the rest.
- The same request gives the same tokens for the same seed, number of threads and batch size, when
  what had been read before was cut into the same batches (`forget` makes sure of it). Without a
  seed, the seed is 0.
- `repeat_penalty` looks at the reply only. A model's default one spares calls and JSON, which have
  to repeat what they are about; one that the request asks for holds everywhere.
- Tool calls and JSON output follow a grammar made from their schemas; what of a schema a grammar
  can't hold is listed by `unenforced`.

One reply is written at a time; further requests wait their turn. No setting is ignored.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from agentlab.backend import (
    BackendIdentity,
    Delta,
    JsonSchema,
    Reply,
    Settings,
    ToolSpec,
)
from agentlab.backends.llamacpp.context import Cancelled
from agentlab.backends.llamacpp.engine import Engine, Job
from agentlab.backends.llamacpp.seen import PromptToken
from agentlab.backends.llamacpp.states import States
from agentlab.errors import BackendError, ConfigError
from agentlab.messages import Message

DEFAULTS = Settings(
    temperature=0.7,
    top_p=0.95,
    top_k=40,
    min_p=0.05,
    repeat_penalty=1.0,
    max_tokens=1024,
    seed=0,
)
"""How a model is sampled where neither the request nor the model's entry says otherwise."""


class LlamaCpp:
    """A GGUF model.

    Args:
        path: the model's file.
        name: what it is called in a trace; the path where not given.
        title: what a person calls the model; what its file says where not given.
        n_ctx: tokens of context; the trained length, at most 8192, where not given.
        n_batch: tokens evaluated at once, and between two looks at whether anybody still waits.
        threads: the physical cores where not given.
        slots: how many conversations are kept warm; each takes its own memory once it is needed.
        adapters: LoRA files by name; all are put on with scale 1 (see `use_adapters`).
        template: a chat template (Jinja) to use in place of the model's own.
        defaults: sampler settings for what a request leaves open.
        states: a folder where closing leaves what conversations left in the model's memory
            (23 kB a token for SmolLM2 135M; 512 MiB in all). It holds what was said.
        undeclared: whether a tool call or a JSON answer may have what its schema leaves open, such
            as properties that it does not declare. A small model that may write them goes on.
        restore: let the first reply go on from there instead of reading the conversation, as a
            fork does. Without it a process starts cold, so that it can be repeated exactly.

    Raises:
        ModelNotFound, ModelUnreadable, MissingExtra, ConfigError: the model can't be loaded.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        title: str | None = None,
        n_ctx: int | None = None,
        n_batch: int = 128,
        threads: int | None = None,
        slots: int = 2,
        adapters: Mapping[str, str | Path] | None = None,
        template: str | None = None,
        defaults: Settings = Settings(),
        states: Path | None = None,
        restore: bool = False,
        undeclared: bool = False,
    ) -> None:
        path = Path(path)
        files = {key: Path(file) for key, file in (adapters or {}).items()}
        if slots < 1 or n_batch < 1 or (n_ctx is not None and n_ctx < 1):
            raise ConfigError("slots, n_batch and n_ctx must be at least 1")
        self._name = name or str(path)
        self._title = title
        self._defaults = DEFAULTS.model_copy(update=defaults.model_dump(exclude_unset=True))
        self._load = partial(
            Engine,
            path,
            n_ctx=n_ctx,
            n_batch=n_batch,
            threads=threads,
            slots=slots,
            undeclared=undeclared,
            adapters=files,
            template=template,
            states=None if states is None else States(states),
            restore=restore,
        )
        self._added: dict[str, Path] = {}
        self._scales: Mapping[str, float] | None = None
        self._closed = False
        self._start()

    def _start(self) -> None:
        self._engine = self._load()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="llamacpp")
        self._process = os.getpid()
        # memory held in C is freed even where nobody closes
        self._free = weakref.finalize(self, _free, self._engine, self._worker, self._process)

    def _alive(self) -> None:
        """Make sure that there is a model to ask. A forked process has none: it loads its own.

        What was warm in the parent is cold here, since contexts do not survive a fork.

        Raises:
            BackendError: this backend is closed.
        """
        if self._closed:
            raise BackendError(_CLOSED)
        if self._process == os.getpid():
            return
        self._left = self._engine  # the parent's memory in C is not freed here
        self._free.detach()
        self._start()
        for name, path in self._added.items():
            self._engine.add_adapter(name, path)
        if self._scales is not None:
            self._engine.use_adapters(self._scales)

    @property
    def identity(self) -> BackendIdentity:
        """The model's file by hash, its template, adapters, sizes and sampler defaults."""
        defaults = self._defaults.model_dump(include=set(_SAMPLER))
        details = {**self._engine.details(), **{f"default_{k}": v for k, v in defaults.items()}}
        return BackendIdentity(
            name=self._name, model=self._title or self._engine.title, details=details
        )

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncIterator[Delta | Reply]:
        """Answer; see `Backend.stream`.

        Raises:
            ContextOverflow: the conversation does not fit the context.
            ConfigError: it holds pictures or sound, or asks for a tool that is not there.
            BackendError: the model failed, or the backend is closed.
        """
        self._alive()
        chosen = {key: value for key, value in settings if value is not None}
        job = Job(
            messages=tuple(messages),
            tools=tuple(tools),
            settings=self._defaults.model_copy(update=chosen),
            output=output,
            penalise_calls=settings.repeat_penalty is not None,
        )
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Sequence[Delta] | Reply | BaseException] = asyncio.Queue()
        gone = threading.Event()

        def send(item: Sequence[Delta] | Reply | BaseException) -> None:
            # a loop that has been closed has nobody left to tell
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def work() -> None:
            try:
                send(self._engine.answer(job, send, gone.is_set))
            except Cancelled:
                send(BackendError(_CLOSED))
            except BaseException as error:  # noqa: BLE001 raised again where it is waited for
                send(error)

        # what closing finds in the queue is never run, and would be waited for in vain
        self._worker.submit(work).add_done_callback(
            lambda done: send(BackendError(_CLOSED)) if done.cancelled() else None
        )
        try:
            while True:
                item = await queue.get()
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, Reply):
                    yield item
                    return
                for delta in item:
                    yield delta
        finally:
            gone.set()

    def use_adapters(self, scales: Mapping[str, float]) -> None:
        """Put on these adapters, by name and scale, and take off all others.

        From the next reply on. What had been read is forgotten where the set changes.

        Raises:
            ConfigError: no adapter of that name was given to the constructor.
        """
        self._alive()
        self._engine.use_adapters(scales)
        self._scales = dict(scales)

    def add_adapter(self, name: str, path: str | Path) -> None:
        """Make a LoRA file known under a name; `use_adapters` puts it on.

        Waits for the reply that is being written.

        Raises:
            ModelNotFound, ConfigError: the file is not there, or is no adapter for this model.
        """
        self._alive()
        self._worker.submit(self._engine.add_adapter, name, Path(path)).result()
        self._added[name] = Path(path)

    def unenforced(
        self,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> tuple[str, ...]:
        """What of these schemas the grammar does not hold: JSON pointers of keywords."""
        return self._engine.unenforced(tools, settings, output)

    async def prompt(
        self, messages: Sequence[Message], *, tools: Sequence[ToolSpec] = ()
    ) -> tuple[PromptToken, ...]:
        """The conversation as the model reads it: the template applied, cut into tokens.

        Waits for the reply that is being written. Nothing is evaluated.

        Raises:
            ConfigError: the template cannot express it, e.g. pictures.
            BackendError: the backend is closed.
        """
        self._alive()
        job = Job(tuple(messages), tuple(tools), self._defaults, None, penalise_calls=False)
        return await asyncio.wrap_future(self._worker.submit(self._engine.prompt, job))

    def forget(self) -> None:
        """Forget every conversation read so far; the next reply starts cold.

        Waits for the reply that is being written.
        """
        self._alive()
        self._worker.submit(self._engine.forget).result()

    async def rewarm(
        self, messages: Sequence[Message], *, tools: Sequence[ToolSpec] = (), tokens: int
    ) -> None:
        """Forget everything, then read a conversation's first so many tokens.

        A reply that found them read by an earlier conversation finds them so again, cut into the
        same batches; unless the model itself had written some of them, which no longer shows.
        """
        job = Job(tuple(messages), tuple(tools), self._defaults, None, penalise_calls=False)
        self._alive()
        done = self._worker.submit(self._engine.rewarm, job, tokens)
        await asyncio.wrap_future(done)

    async def aclose(self) -> None:
        """Stop, and free the model. Closing twice does no harm."""
        self._closed = True
        await asyncio.to_thread(self._free)


_CLOSED = "this backend is closed: connect again"
_SAMPLER = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed")


def _free(engine: Engine, worker: ThreadPoolExecutor, process: int) -> None:
    if process != os.getpid():  # the parent's, and so are its threads
        return
    engine.stop()
    # the last reference may be dropped by the worker itself, which cannot wait for itself
    with contextlib.suppress(RuntimeError):
        worker.shutdown(wait=True, cancel_futures=True)
    engine.close()
