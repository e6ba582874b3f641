"""What the first word of a model's name means: one record each, the whole of it.

    local:smollm2      hf:owner/repo/file.gguf      models/mine.gguf      openai:gpt-5
    ─┬───              ─┬                                    ───┬         ──┬───
     a packaged model   a file on the hub                    a file         a hosted service

A record says whether the model runs in this process, who opens it, and who lists what there is.
Other packages add schemes through the entry-point group `agentlab.backends`: `mine = "package:it"`,
where `it` is a `Scheme`, or just the function that opens a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeAlias, cast

from agentlab.backend import Backend

GROUP = "agentlab.backends"
"""The entry-point group that other packages register their schemes in."""

Opener: TypeAlias = Callable[..., Backend]
"""Takes the whole name (`scheme:rest`, or a path) and the options given to `connect`."""


@dataclass(frozen=True)
class Offered:
    """A model that a scheme offers here, or one it knows of and lacks.

    Attributes:
        name: as `connect` takes it.
        here: whether it can be used at once; `note` says what is missing if not.
    """

    name: str
    title: str
    here: bool = True
    note: str = ""
    licence: str = ""


Lister: TypeAlias = Callable[[], Iterable[Offered]]
Meaning: TypeAlias = tuple[str, Mapping[str, str]]
"""The name of a model, and the options by which it is called something else."""


@dataclass(frozen=True)
class Scheme:
    """One way to name a model.

    Attributes:
        name: what stands before the colon.
        local: whether such a model runs in this process, so that it needs no server and no key,
            and can keep what it has read.
        opens: the opener, or `module:function` of it, imported when a model is opened.
        lists: likewise, who lists the models there are; None where only a service could say.
        means: likewise, who says which other model's name one of its names stands for here, if its
            names do.
    """

    name: str
    local: bool
    opens: Opener | str
    lists: Lister | str | None = None
    means: Callable[[str], Meaning] | str | None = None

    def open(self, name: str, /, **options: Any) -> Backend:
        """The backend of a name of this scheme."""
        return cast(Opener, _loaded(self.opens))(name, **options)

    def offered(self) -> Iterable[Offered]:
        """The models of this scheme on this machine."""
        return () if self.lists is None else cast(Lister, _loaded(self.lists))()


_LLAMACPP = "agentlab.backends.llamacpp.registry:open_backend"
_HOSTED = "agentlab.backends.hosted:open_backend"

FILE = Scheme("", local=True, opens=_LLAMACPP)
"""A path to a GGUF file, which has no scheme."""
SERVICE = Scheme("", local=False, opens=_HOSTED)
"""A service that a person described, under a name of their own."""

SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            "local",
            local=True,
            opens=_LLAMACPP,
            lists="agentlab.backends.llamacpp.registry:offered",
        ),
        Scheme("hf", local=True, opens=_LLAMACPP),
        *(
            Scheme(name, local=False, opens=_HOSTED)
            for name in (
                "openai",
                "anthropic",
                "gemini",
                "huggingface",
                "openrouter",
                "mistral",
                "groq",
                "ollama",
                "vllm",
                "llama-server",
                "http",
                "https",
            )
        ),
    )
}
"""The schemes that come along. `test_presets.py` holds the hosted ones against the services."""


def scheme_of(name: str) -> Scheme | None:
    """The scheme of a model's name; None where no scheme that is installed answers to it."""
    word, colon, _ = name.partition(":")
    if colon and word in SCHEMES:
        return SCHEMES[word]
    if name.endswith(".gguf"):
        return FILE
    added = _added()
    return _added_scheme(added[word]) if colon and word in added else None


def meaning(name: str) -> Meaning:
    """What a name stands for on this machine, in names that any machine with its files takes.

    Raises:
        ConfigError: nothing, as for a job that is not there.
    """
    scheme = scheme_of(name)
    if scheme is None or scheme.means is None:
        return name, {"name": name}
    return _loaded(scheme.means)(name)


def known() -> tuple[str, ...]:
    """The words of all schemes that are installed, sorted."""
    return tuple(sorted({*SCHEMES, *_added()}))


def all_schemes() -> Mapping[str, Scheme]:
    """Every scheme that is installed, by its word. Those of other packages are imported for it."""
    return {**{word: _added_scheme(entry) for word, entry in _added().items()}, **SCHEMES}


def is_local(name: str) -> bool:
    """Whether the model of a name runs in this process."""
    scheme = scheme_of(name)
    return scheme is not None and scheme.local


def _added() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _added_scheme(entry: EntryPoint) -> Scheme:
    loaded: object = entry.load()
    if isinstance(loaded, Scheme):
        return loaded
    return Scheme(entry.name, local=False, opens=cast(Opener, loaded))


def _loaded(target: Callable[..., Any] | str) -> Callable[..., Any]:
    if not isinstance(target, str):
        return target
    module, _, function = target.partition(":")
    return getattr(import_module(module), function)
