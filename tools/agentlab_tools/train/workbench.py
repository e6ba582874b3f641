"""Where a lab trains: a sandbox for the learner's program, and a model that adapters are put on.

async with Workbench.open(recipe, model="smollm2") as bench:
    printed = await bench.run(code)
    size = await bench.train(rows, settings, context)   # a LoRA, put on the loaded model
    answer = await bench.ask("What is a planet?", max_tokens=48)
"""

from __future__ import annotations

import asyncio
import json
import math
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlab.backend import Reply, Settings
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.errors import ConfigError, ToolError
from agentlab.messages import Message
from agentlab.tooling import ToolContext
from agentlab_tools.execute import Sandbox, SandboxLimits
from agentlab_tools.train.events import JobEvent, Progress
from agentlab_tools.train.made_in_labs import keep
from agentlab_tools.train.recipe import Recipe, Work
from agentlab_tools.train.waiting import share_openmp


@dataclass
class Workbench:
    """A sandbox, a loaded model, and room for adapters that are trained for it."""

    recipe: Recipe[Any]
    sandbox: Sandbox
    name: str
    model: LlamaCpp
    folder: Path
    trained: int = 0
    """How many adapters were trained here."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, recipe: Recipe[Any], *, model: str, packages: Sequence[str] = ()
    ) -> AsyncGenerator[Workbench]:
        """Open all of it, for adapters by a recipe.

        Args:
            model: of those that are packaged, by its name.
            packages: that the learner's program may import.

        Raises:
            MissingExtra: what training needs is not installed.
        """
        from agentlab.backends.llamacpp.registry import locate  # looks for files

        recipe.check()
        limits = SandboxLimits(timeout=30)
        with tempfile.TemporaryDirectory() as folder:
            loaded = LlamaCpp(locate(model), n_ctx=512)
            share_openmp()
            try:
                opened = Sandbox.open(packages=tuple(packages), limits=limits, spare=False)
                async with opened as sandbox:
                    yield cls(recipe, sandbox, model, loaded, Path(folder))
            finally:
                await loaded.aclose()

    @property
    def labels(self) -> Mapping[str, str]:
        """What a trace should say of it."""
        info = self.sandbox.describe()
        return {"sandbox": f"{info.level} ({info.backend})"}

    async def run(self, code: str) -> str:
        """What a program printed, and the repr of its last expression.

        Raises:
            ToolError: it failed.
        """
        done = await self.sandbox.run_python(code)
        if done.error is not None:
            raise ToolError(done.error.strip())
        return done.stdout + (done.value or "")

    async def train(
        self,
        rows: Sequence[Mapping[str, Any]],
        settings: Mapping[str, Any],
        context: ToolContext,
    ) -> int:
        """Train an adapter on rows of the recipe's data, and put it on the loaded model.

        It is kept with the run that `context` is of, where `lab:…` finds it.

        Returns:
            The adapter's size in bytes.

        Raises:
            ToolError: the recipe refuses the rows.
        """
        self.trained += 1
        place = self.folder / f"{self.trained}"
        adapter = await asyncio.to_thread(self._train, place, rows, settings, context.emit)
        keep(context, adapter, base=self.name)
        await asyncio.to_thread(self.model.add_adapter, self._newest, adapter)
        return adapter.stat().st_size

    def _train(
        self,
        place: Path,
        rows: Sequence[Mapping[str, Any]],
        settings: Mapping[str, Any],
        emit: Callable[[str], None],
    ) -> Path:
        place.mkdir()
        data = place / "rows.jsonl"
        data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

        def tell(event: JobEvent) -> None:
            if isinstance(event, Progress) and event.step % 2 == 0:
                emit(f"step {event.step}  loss {event.loss:.3f}\n")

        whole = {"model": f"local:{self.name}", "held_out": 0, **settings, "data": str(data)}
        try:
            chosen = self.recipe.read_settings(whole)
            self.recipe.run(chosen, Work(place / "work", tell=tell, every=math.inf))
        except ConfigError as error:
            raise ToolError(str(error)) from None
        return place / "work" / "artifacts" / "adapter.gguf"

    @property
    def _newest(self) -> str:
        return f"mine-{self.trained}"

    async def ask(self, text: str, *, max_tokens: int, tuned: bool = True) -> str:
        """The likeliest answer to a message with nothing before it, cut off after so many tokens.

        Args:
            tuned: with the newest adapter on; else with none.
        """
        self.model.use_adapters({self._newest: 1.0} if tuned else {})
        settings = Settings(temperature=0, repeat_penalty=1.0, max_tokens=max_tokens)
        async for item in self.model.stream([Message.user(text)], settings=settings):
            if isinstance(item, Reply):
                return item.message.text.strip()
        raise AssertionError("a backend ends with a reply")
