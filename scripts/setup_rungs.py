"""Which instructions the runtime is built with: a ladder from all that this processor has, down.

    all         everything the compiler finds this processor to have
    no-amx      without Intel's matrix unit (AMX)
    no-avx512   and without 512-bit vectors
    avx2        256-bit vectors and nothing newer
    baseline    what every 64-bit processor of the kind has; slow, and right

A build starts at `no-amx`: gcc 12 compiles ggml's use of AMX wrongly (its header says that loading
the tiles' configuration reads 8 bytes, so the stores behind them are dropped and the first tile
traps), and that AMX makes models of this size faster has not been measured. `benchmarks/amx.py`
measures it where there is AMX. From where it starts, set-up goes down a rung each time that the
library is seen not to work. Rungs that mean the same code to this compiler are one.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field

from setup_run import SetupFailed

NAMES = ("all", "no-amx", "no-avx512", "avx2", "baseline")
FIRST = "no-amx"

_NO_AMX = ("-mno-amx-int8", "-mno-amx-bf16", "-mno-amx-fp16", "-mno-amx-complex", "-mno-amx-tile")
_NO_AVX512 = ("-mno-avx10.1", "-mno-avx512f", *_NO_AMX)
_X86 = {
    "all": ("-march=native",),
    "no-amx": ("-march=native", *_NO_AMX),
    "no-avx512": ("-march=native", *_NO_AVX512),
    "avx2": (
        *("-march=x86-64", "-msse4.2", "-mf16c", "-mfma", "-mbmi2", "-mavx2"),
        *_NO_AVX512,
    ),
    "baseline": ("-march=x86-64", "-mno-avx", *_NO_AVX512),
}
# ggml's own switches, off: the flags above come after whatever these would set.
_OWN = ("NATIVE", "SSE42", "AVX", "AVX_VNNI", "AVX2", "BMI2", "FMA", "F16C")


@dataclass(frozen=True)
class Rung:
    """One way to build."""

    name: str
    flags: tuple[str, ...] = ()
    """For the files with the kernels, after every other flag."""
    defines: dict[str, str] = field(default_factory=dict[str, str])
    """For CMake."""

    @property
    def without(self) -> tuple[str, ...]:
        """Those flags that take instructions away."""
        return tuple(flag for flag in self.flags if flag.startswith("-mno-"))


def ladder(first: str) -> list[Rung]:
    """The ways to build, from `first` (one of `NAMES`) down, each other code than the one before.

    Raises:
        SetupFailed: there is no such rung.
    """
    if first not in NAMES:
        raise SetupFailed(f"no RUNTIME={first}: there are {', '.join(NAMES)}")
    names = NAMES[NAMES.index(first) :]
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        # elsewhere the names in between mean nothing: all there is, or none of it
        native = [] if first == "baseline" else [Rung("all")]
        return [*native, Rung("baseline", defines={"GGML_NATIVE": "OFF"})]
    off = {f"GGML_{name}": "OFF" for name in _OWN}
    rungs: list[tuple[str, Rung]] = []
    for name in names:
        flags = tuple(flag for flag in _X86[name] if not flag.startswith("-mno-") or _knows(flag))
        meaning = _meaning(flags)
        if not rungs or meaning != rungs[-1][0]:
            rungs.append((meaning, Rung(name, flags, off)))
    return [rung for _, rung in rungs]


def compilers() -> list[str]:
    """What compiles here, by version, and with which flags: a wheel is only as good as these."""
    variables = [f"{name}={os.environ.get(name, '')}" for name in ("CFLAGS", "CXXFLAGS", "LDFLAGS")]
    for variable, names in (("CC", ("cc", "gcc", "clang")), ("CXX", ("c++", "g++", "clang++"))):
        command = _command(variable, names)
        done = _run([*command, "--version"]) if command else None
        variables.append(done.stdout.partition("\n")[0] if done is not None else "none")
    return variables


def _knows(flag: str) -> bool:
    done = _compile([flag, "-fsyntax-only"])
    return done is not None and done.returncode == 0


def _meaning(flags: tuple[str, ...]) -> str:
    """What the compiler takes these flags for, after those of the environment."""
    own = shlex.split(os.environ.get("CFLAGS", ""))
    done = _compile([*own, *flags, "-dM", "-E"])
    return done.stdout if done is not None and done.returncode == 0 else repr(flags)


def _compile(arguments: list[str]) -> subprocess.CompletedProcess[str] | None:
    command = _command("CC", ("cc", "gcc", "clang"))
    return _run([*command, "-Werror", *arguments, "-x", "c", os.devnull]) if command else None


def _command(variable: str, names: tuple[str, ...]) -> list[str]:
    if chosen := os.environ.get(variable):
        return shlex.split(chosen)
    return [name for name in names if shutil.which(name)][:1]


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
