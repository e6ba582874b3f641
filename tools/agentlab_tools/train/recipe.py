"""What a training recipe is: a name, typed settings, and one function that reads like a tutorial.

    class Settings(RecipeSettings):
        data: str                      # what to learn from: `--data` on the command line
        steps: int = 300
        lr: float = 3e-4

    def train(settings: Settings, work: Work) -> None:
        '''Fit a line.'''
        model, data = …, …
        if (last := work.latest()) is not None:            # 1. go on where we were
            model.load(last.folder / "model.npz")
        for step in work.steps(settings.steps):            # 2. train
            rows = work.batch(step, 8, of=len(data))       #    the same data in the same order
            loss = …
            work.report(step, loss=loss, lr=settings.lr, tokens=…)
            if work.due(step):                             # 3. now and then, and at the end
                work.checkpoint(step, lambda folder: model.save(folder / "model.npz"))
        work.artifact("model.gguf", model.export)          # 4. what came of it

    recipe = Recipe("fit-line", "Fit a line", Settings, train)

A module of recipes loads without torch (heavy imports stand inside functions) and is found through
the entry-point group `agentlab.recipes`:

    [project.entry-points."agentlab.recipes"]
    fit-line = "my_package.fit_line:recipe"

A recipe knows nothing of jobs, processes or machines: the same function runs in this process on a
`Work(folder)`, as a job, and on a Ray cluster. Being cancelled needs no code: `Work.steps` makes
the last step's checkpoint due and then raises `Stopped`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from agentlab.errors import ConfigError, MissingExtra
from agentlab_tools.train.work import Work

__all__ = [
    "GROUP",
    "Recipe",
    "RecipeSettings",
    "Work",
    "load_recipe",
    "locate_recipe",
    "recipe_names",
]

GROUP = "agentlab.recipes"


class RecipeSettings(BaseModel):
    """The settings every recipe has; recipes add their own. Unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = 0
    """Of the random generators and of the order of the data."""

    def sources(self) -> tuple[str, ...]:
        """Files and folders that are learnt from: a job resumes only while they are the same."""
        data = getattr(self, "data", None)
        return (data,) if isinstance(data, str) else ()

    def look(self) -> None:
        """See that what is asked for can be done, as far as that takes no heavy library.

        A job is not begun where this raises, so that a mistake is told at once.

        Raises:
            ConfigError: bad data, or a model that can't be trained here.
        """


S = TypeVar("S", bound=RecipeSettings)


@dataclass(frozen=True)
class Recipe(Generic[S]):
    """A way to train.

    Attributes:
        name: as on the command line, e.g. `lora`.
        title: what it does, in a few words.
        settings: what can be chosen; every field has a default but those a person must give.
        run: trains. It may raise any `AgentLabError`, whose one line is shown.
        needs: modules that must be installed.
        extra: the extra of the distribution that brings them.
    """

    name: str
    title: str
    settings: type[S]
    run: Callable[[S, Work], None]
    needs: tuple[str, ...] = ("torch",)
    extra: str = "train"

    def check(self) -> None:
        """See that what the recipe needs is installed, without importing it.

        Raises:
            MissingExtra: it is not.
        """
        for module in self.needs:
            if find_spec(module) is None:
                raise MissingExtra(f"{module}, which the recipe {self.name} needs,", self.extra)

    def read_settings(self, values: dict[str, Any]) -> S:
        """Settings from plain data, validated.

        Raises:
            ConfigError: a value does not fit, one is missing, or there is no such setting.
        """
        try:
            return self.settings.model_validate(values)
        except ValidationError as error:
            raise ConfigError(f"recipe {self.name}: {'; '.join(self._explain(error))}") from None

    def _explain(self, error: ValidationError) -> Iterable[str]:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            name = ".".join(map(str, each["loc"])) or "settings"
            if each["type"] == "extra_forbidden":
                names = ", ".join(sorted(self.settings.model_fields))
                yield f"there is no setting {name!r}; there are: {names}"
            elif each["type"] == "missing":
                yield f"say what {name} is: --{'data …' if name == 'data' else f'set {name}=…'}"
            else:
                yield f"{name}: {each['msg']}"


def recipe_names() -> tuple[str, ...]:
    """The names of all recipes that are installed."""
    return tuple(sorted(_entries()))


def load_recipe(name: str) -> Recipe[Any]:
    """The recipe of that name, or of the file at that path, whose name ends in `.py`.

    Raises:
        ConfigError: there is none, or its package is not whole.
        MissingExtra: its module needs something that is not installed.
    """
    if name.endswith(".py"):
        return _recipe_in(Path(name))
    entries = _entries()
    if name not in entries:
        names = ", ".join(sorted(entries)) or "none installed"
        raise ConfigError(f"no recipe {name[:80]!r}; there are: {names}")
    try:
        loaded: object = entries[name].load()
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name}, which the recipe {name} needs,", "train") from error
    if not isinstance(loaded, Recipe):
        raise ConfigError(f"the entry point {name} in {GROUP} is not a recipe")
    return cast(Recipe[Any], loaded)


def locate_recipe(name: str) -> str:
    """The name, or the absolute path of a file, so that it means the same from anywhere."""
    return str(Path(name).resolve()) if name.endswith(".py") else name


def _recipe_in(file: Path) -> Recipe[Any]:
    """The `recipe` of a Python file, which is run.

    Raises:
        ConfigError: there is no such file, or no recipe in it.
        MissingExtra: it needs something that is not installed.
    """
    spec = spec_from_file_location(f"agentlab_recipe_{file.stem.replace('-', '_')}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ConfigError(f"no recipe {file}: there is no such file")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # types in annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name}, which {file.name} needs,", "train") from error
    except Exception as error:
        raise ConfigError(f"{file} can't be loaded: {type(error).__name__}: {error}") from error
    recipe: object = getattr(module, "recipe", None)
    if not isinstance(recipe, Recipe):
        raise ConfigError(f"{file} has no recipe: end it with `recipe = Recipe(…)`")
    return cast(Recipe[Any], recipe)


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
