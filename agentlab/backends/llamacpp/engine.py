"""Everything one model needs to answer, for one thread at a time.

The order of a reply: render, choose the warm context that fits best, make tokens, read what is new,
write.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from agentlab.backend import Delta, JsonSchema, Reply, Settings, ToolSpec
from agentlab.backends.llamacpp import gguf
from agentlab.backends.llamacpp.channels import parser_for
from agentlab.backends.llamacpp.constraint import Constraint, constrain
from agentlab.backends.llamacpp.context import Context, common_prefix
from agentlab.backends.llamacpp.generate import shown_controls, write
from agentlab.backends.llamacpp.guide import version
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.parser import THINK
from agentlab.backends.llamacpp.prompt import Prompts
from agentlab.backends.llamacpp.sampling import Sampler
from agentlab.backends.llamacpp.seen import PromptToken
from agentlab.backends.llamacpp.states import State, States
from agentlab.backends.llamacpp.template import PLAIN, Template
from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.errors import ConfigError, ContextOverflow
from agentlab.messages import Message, Usage

LARGEST_DEFAULT = 8192
_WORTH_KEEPING = 256
_WORTH_A_FILE = 64
_MOST_CONSTRAINTS = 32


@dataclass(frozen=True)
class Job:
    """One request, with complete settings."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    settings: Settings
    output: JsonSchema | None
    penalise_calls: bool
    """Whether the repetition penalty holds under a grammar too."""


class Engine:
    """A model, its template and its warm contexts. See `LlamaCpp` for the arguments."""

    def __init__(
        self,
        path: Path,
        *,
        n_ctx: int | None,
        n_batch: int,
        threads: int | None,
        slots: int,
        undeclared: bool,
        adapters: Mapping[str, Path],
        template: str | None,
        states: States | None,
        restore: bool,
    ) -> None:
        gguf.check(path)
        self._model = Model(path)
        self._path = path
        trained = self._model.trained_context
        self._n_ctx = n_ctx or min(trained or LARGEST_DEFAULT, LARGEST_DEFAULT)
        self._n_batch = n_batch
        self._threads = threads or physical_cores()
        self._slots = slots
        self._undeclared = undeclared
        self._states = states
        self._restore = restore and states is not None
        self._contexts: list[Context] = []
        self._clock = 0
        self._stopping = False
        self._constraints: dict[str, Constraint | None] = {}
        self._prompts = Prompts(self._model)
        source = template or self._model.metadata.get("tokenizer.chat_template") or PLAIN
        model = self._model
        names = [
            model.piece(token).decode("utf-8", "replace") if token >= 0 else ""
            for token in (model.bos, model.eos)
        ]
        ends = [model.piece(token).decode("utf-8", "replace") for token in model.ends]
        self._template = Template(source, bos=names[0], eos=names[1], ends=ends)
        self._shown = shown_controls(
            model, [*self._template.format.texts, *(self._template.thoughts or ())]
        )
        self._adapters = {name: model.adapter(name, file) for name, file in adapters.items()}
        self._files = dict(adapters)
        self._scales: dict[str, float] = dict.fromkeys(adapters, 1.0)
        self._hashes: dict[Path, str] = {}

    @property
    def title(self) -> str:
        """The model's own name, or its file's."""
        return self._model.metadata.get("general.name") or self._path.stem

    def details(self) -> dict[str, str | int | float | bool | None]:
        """What decides the tokens, besides the request."""
        on = {
            name: {"sha256": self._hash(self._files[name]), "scale": scale}
            for name, scale in self._scales.items()
        }
        template = {"tools_told_by": self._template.told_by} if self._template.knows_tools else {}
        return {
            "gguf_sha256": self._hash(self._path),
            "template_sha256": self._template.hash,
            "tool_format": self._template.format.name,
            **template,
            "adapters": json.dumps(on, sort_keys=True),
            "n_ctx": self._n_ctx,
            "n_batch": self._n_batch,
            "threads": self._threads,
            "llama_cpp": str(self._model.lib.__version__),
            "llguidance": version(),
            "undeclared": self._undeclared,
        }

    def answer(
        self,
        job: Job,
        emit: Callable[[Sequence[Delta]], None],
        left: Callable[[], bool],
    ) -> Reply:
        """Write the reply; deltas go to `emit` as they come.

        Raises:
            Cancelled: `left` said that nobody waits.
            ContextOverflow, ConfigError, BackendError: see `LlamaCpp.stream`.
        """

        def cancelled() -> bool:
            return self._stopping or left()

        constraint = self._constraint(job.tools, job.settings, job.output)
        rendered = self._template.render(job.messages, job.tools, self._prompts.guard)
        context, prompt = self._place(rendered)
        if not prompt:
            raise ConfigError("there is nothing to answer: the conversation is empty")
        if len(prompt) >= self._n_ctx:
            raise ContextOverflow(self._too_long(len(prompt)))
        marks = self._template.thoughts
        thinking = rendered.rstrip().endswith(marks[0].strip()) if marks else None
        parser = parser_for(
            self._template.format,
            calls=bool(job.tools) and job.settings.tool_choice != "none",
            stop=job.settings.stop,
            first_id=1 + sum(len(message.tool_calls) for message in job.messages),
            thinking=thinking,
            thoughts=marks or THINK,
            tools=job.tools,
            once=True,
        )
        cached = context.read(prompt, cancelled)
        sampler = Sampler(
            self._model,
            job.settings,
            constraint,
            penalise_calls=job.penalise_calls,
            answers=job.messages[-1].role == "tool",
        )
        try:
            written = write(
                context,
                sampler,
                parser,
                shown=self._shown,
                limit=job.settings.max_tokens or self._n_ctx,
                room=self._n_ctx,
                emit=emit,
                cancelled=cancelled,
            )
        finally:
            sampler.close()
        return Reply(
            message=parser.message,
            usage=Usage(
                input_tokens=len(prompt),
                cached_tokens=cached,
                output_tokens=len(written.ids),
                cost=0.0,
            ),
            stop=written.stop,
            token_ids=written.ids,
            tokens=written.infos,
        )

    def use_adapters(self, scales: Mapping[str, float]) -> None:
        """See `LlamaCpp.use_adapters`."""
        for name in scales:
            if name not in self._adapters:
                names = ", ".join(self._adapters) or "none were given"
                raise ConfigError(f"no adapter called {name!r}: {names}")
        self._scales = dict(scales)

    def add_adapter(self, name: str, path: Path) -> None:
        """See `LlamaCpp.add_adapter`."""
        if name in self._adapters:
            raise ConfigError(f"there is an adapter called {name!r} already")
        self._adapters[name] = self._model.adapter(name, path)
        self._files[name] = path

    def unenforced(
        self, tools: Sequence[ToolSpec], settings: Settings, output: JsonSchema | None
    ) -> tuple[str, ...]:
        """See `LlamaCpp.unenforced`."""
        constraint = self._constraint(tools, settings, output)
        return constraint.unenforced if constraint else ()

    def forget(self) -> None:
        """See `LlamaCpp.forget`."""
        for context in self._contexts:
            context.clear()

    def rewarm(self, job: Job, tokens: int) -> None:
        """See `LlamaCpp.rewarm`."""
        self.forget()
        rendered = self._template.render(job.messages, job.tools, self._prompts.guard)
        context, prompt = self._place(rendered)
        if not 0 < tokens < len(prompt) < self._n_ctx:
            return
        # whole batches, as the earlier conversation went on behind these tokens too
        context.read(prompt, lambda: self._stopping)
        context.keep(tokens)

    def prompt(self, job: Job) -> tuple[PromptToken, ...]:
        """See `LlamaCpp.prompt`."""
        rendered = self._template.render(job.messages, job.tools, self._prompts.guard)
        best, shared = self._prompts.tokens(rendered, ()), 0
        for context in self._contexts:
            ids = self._prompts.tokens(rendered, context.ids)
            if (known := common_prefix(context.ids, ids)) > shared:
                best, shared = ids, known
        model = self._model
        return tuple(
            PromptToken(
                id=token,
                text=model.piece(token).decode("utf-8", "replace"),
                control=model.is_control(token),
                read=place < shared,
            )
            for place, token in enumerate(best)
        )

    def stop(self) -> None:
        """End what is being written; from any thread."""
        self._stopping = True

    def close(self) -> None:
        """Keep what is worth it for a later process, and free everything."""
        for context in self._contexts:
            long = len(context.ids) >= _WORTH_A_FILE
            if self._states is not None and long and context.adapters == self._on():
                self._states.save(self.details(), context.ids, context.state())
        while self._contexts:
            self._contexts.pop().close()
        self._model.close()

    def _hash(self, path: Path) -> str:
        if path not in self._hashes:
            cache = user_cache_path("agentlab") / "gguf.json"
            self._hashes[path] = gguf.sha256(path, cache)
        return self._hashes[path]

    def _constraint(
        self, tools: Sequence[ToolSpec], settings: Settings, output: JsonSchema | None
    ) -> Constraint | None:
        choice = (settings.tool_choice, settings.parallel_tool_calls)
        key = json.dumps([choice, [tool.model_dump() for tool in tools], output], default=str)
        if key not in self._constraints:
            if len(self._constraints) >= _MOST_CONSTRAINTS:
                self._constraints.clear()
            self._constraints[key] = constrain(
                self._template.format, tools, settings, output, undeclared=self._undeclared
            )
        return self._constraints[key]

    def _place(self, rendered: str) -> tuple[Context, list[int]]:
        """The context that knows most of this conversation, and the tokens to read there.

        Where even the best one would lose much of another conversation, a free slot is opened.
        """
        if self._restore:
            self._restore = False
            self._recall(rendered)
        best: tuple[int, int, Context, list[int]] | None = None
        for context in self._contexts:
            ids = self._prompts.tokens(rendered, context.ids)
            shared = common_prefix(context.ids, ids)
            if best is None or (shared, -context.last_used) > best[:2]:
                best = (shared, -context.last_used, context, ids)
        lost = len(best[2].ids) - best[0] if best else 0
        if best is None or (
            len(self._contexts) < self._slots and lost > max(_WORTH_KEEPING, best[0])
        ):
            context = self._open()
            ids = self._prompts.tokens(rendered, ())
        else:
            context, ids = best[2], best[3]
        self._clock += 1
        context.last_used = self._clock
        self._put_on(context)
        return context, ids

    def _recall(self, rendered: str) -> None:
        """Open a context as an earlier process left its own, if that knew enough of this."""
        best: tuple[int, State] | None = None
        for state in self._states.of(self.details()) if self._states else ():
            ids = self._prompts.tokens(rendered, state.ids)
            shared = common_prefix(state.ids, ids)
            if shared >= _WORTH_A_FILE and (best is None or shared > best[0]):
                best = (shared, state)
        if best is None:
            return
        context = self._open()
        self._put_on(context)
        with contextlib.suppress(OSError):
            context.restore(best[1].ids, best[1].load())

    def _put_on(self, context: Context) -> None:
        context.use({name: (self._adapters[name], scale) for name, scale in self._on().items()})

    def _on(self) -> dict[str, float]:
        return {name: scale for name, scale in self._scales.items() if scale != 0}

    def _open(self) -> Context:
        context = Context(self._model, size=self._n_ctx, batch=self._n_batch, threads=self._threads)
        self._contexts.append(context)
        return context

    def _too_long(self, length: int) -> str:
        trained = self._model.trained_context
        more = f", or connect with n_ctx up to {trained}" if trained > self._n_ctx else ""
        return (
            f"the conversation is {length} tokens long and the context holds {self._n_ctx}: "
            f"drop or shorten earlier messages{more}"
        )
