"""What works on this machine, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from agentlab.errors import AgentLabError, install_command
from agentlab.places.home import home
from agentlab.places.key_checks import KeyChecks
from agentlab.places.models import local_models, services

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    state: State
    what: str
    found: str
    remedy: str = ""


def findings(runs: Path, *, deep: bool = False) -> Iterator[Finding]:
    """Look at everything, one thing after the other; services get the time of all the rest.

    Args:
        runs: the folder of traces.
        deep: let the runtime of local models work, also where it is known to.
    """
    try:
        checks, broken = KeyChecks(services()), None
    except AgentLabError as error:
        checks, broken = KeyChecks({}), error
    looks = (
        *(_python, _machine, _extras, lambda: _runtime(deep), _threads, _models),
        *(lambda: _folders(runs), _plugins),
    )
    for look in looks:
        yield from look()
    # Last, so that the services had the time of all the rest to answer
    if broken is not None:
        yield Finding("note", "services", str(broken), "fix or remove that file")
    yield from _keys(checks)


def _keys(asked: KeyChecks) -> Iterator[Finding]:
    """What the services say of the keys that are set. None of them is needed for a lab."""
    results = asked.results()
    if not results:
        yield Finding("note", "keys", "none is set: local models need none")
    for name, check in results.items():
        if check.status == "ok":
            yield Finding("ok", name, f"{check.variable} works")
        elif check.status == "refused":
            yield Finding("note", name, f"{check.variable} is set, but: {check.detail}")
        else:
            yield Finding("note", name, f"{check.variable} is set, but not checked: {check.detail}")


def _python() -> Iterator[Finding]:
    versions = f"Python {platform.python_version()}, agentlab {version('agentlab-kit')}"
    yield Finding("ok", "python", versions)


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("ok", "machine", f"{platform.system()} {platform.machine()}, {cores} cores")


def _extras() -> Iterator[Finding]:
    extras = (
        ("llama-cpp-python", "local", "for local models"),
        ("llguidance", "local", "the grammars that hold local models to a schema"),
        ("duckdb", "tools", "search, and SQL over traces"),
        ("simpleeval", "tools", "the calculator"),
        ("textual", "tui", "the terminal UI"),
    )
    optional = (
        ("openai", "hosted", "hosted models"),
        ("anthropic", "hosted", "Anthropic's models"),
        ("chromadb", "knowledge", "documents, the web and MCP"),
        ("torch", "train", "training"),
    )
    for name, extra, purpose in (*extras, *optional):
        try:
            yield Finding("ok", name, f"{version(name)}: {purpose}")
        except PackageNotFoundError:
            remedy = install_command(extra)
            state: State = "note" if (name, extra, purpose) in optional else "missing"
            yield Finding(state, name, f"not installed: {purpose}", remedy)


def _runtime(deep: bool) -> Iterator[Finding]:
    """What the model runtime was seen to do, here and now or before; never what it promises."""
    from agentlab.backends.llamacpp.proof import verdict
    from agentlab.backends.llamacpp.proof.installed import installed

    library = installed()
    if library is None:
        return  # said among the extras
    before = None if deep else verdict.known(library)
    proof = before or verdict.prove(library)
    if proof.fault is not None:
        yield Finding("missing", "runs local models", proof.fault, verdict.remedy())
        return
    when = "earlier" if before else f"now, in {proof.seconds:.0f} s"
    yield Finding("ok", "runs local models", f"{proof.said}, {when}")


def _threads() -> Iterator[Finding]:
    from agentlab.backends.llamacpp.threads import chosen

    choice = chosen()
    yield Finding("ok", "threads", f"{choice.count} for a local model: {choice.why}")


def _models() -> Iterator[Finding]:
    for model in local_models():
        needed = model.name == "local:smollm2"
        if model.here:
            yield Finding("ok", model.name, f"{model.title}, {model.note}{_told(model.name)}")
        else:
            yield Finding("missing" if needed else "note", model.name, model.title, model.note)


def _told(name: str) -> str:
    """How a local model is told of its tools: a surprise there is a surprise in what it calls."""
    if find_spec("llama_cpp") is None:
        return ""
    from agentlab.backends.llamacpp.telling import tools_told_by

    try:
        source = tools_told_by(name)
    except AgentLabError as error:
        return f"; how it is told of tools is not known: {error}"
    return f"; told of tools by {source}" if source else ""


def _folders(runs: Path) -> Iterator[Finding]:
    for name, folder in (("home", home()), ("runs", runs)):
        there = next(p for p in (folder, *folder.parents) if p.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            remedy = "choose another with AGENTLAB_HOME or --runs"
            yield Finding("missing", name, f"{folder} can't be written to", remedy)
            continue
        free = shutil.disk_usage(there).free
        state: State = "ok" if free > 500e6 else "note"
        remedy = "" if state == "ok" else "traces need room: free some space"
        yield Finding(state, name, f"{folder}, {free / 1e9:.1f} GB free", remedy)


def _plugins() -> Iterator[Finding]:
    """What other parts of the project, and other packages, have to say about this machine."""
    for entry in entry_points(group="agentlab.doctor"):
        try:
            look: Callable[[], Iterator[tuple[State, str, str, str]]] = entry.load()
            for state, what, finding, remedy in look():
                yield Finding(state, what, finding, remedy)
        except Exception as error:  # noqa: BLE001 - a broken plugin is a finding, too
            yield Finding("note", entry.name, f"{type(error).__name__}: {error}")
