"""What is known of the installed library: looked up, or found out by letting it work.

    require()     before the first use in a process; under a millisecond once it is known
    known()       what was found before, if anything
    prove()       find out now, and remember it

What is remembered belongs to the library's files by hash, the processor's features, and what was
asked of it. Two processes that find out at once do the same work twice, and no harm.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import cast

from agentlab.backends.llamacpp.proof import kept
from agentlab.backends.llamacpp.proof.installed import Installed, installed, packaged
from agentlab.errors import RuntimeBroken, in_checkout

PATIENCE = 20.0
"""Seconds without a sign of life after which a proof may count as hanging."""
_ASLEEP = 0.01
"""The share of a processor below which a process does nothing, however busy the machine."""
_LONGEST = 600.0
"""Seconds without a sign of life after which it hangs, whatever it did meanwhile."""
_SIGNALS = {signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE}
_ILLEGAL = "an instruction that this processor does not carry out"


@dataclass(frozen=True)
class Verdict:
    """What came of a proof."""

    fault: str | None
    """What went wrong, in one line; None where the library works."""
    version: str = ""
    """Of llama-cpp-python; empty where it did not get so far."""
    errors: dict[str, float] = field(default_factory=dict[str, float])
    """By what was compared: the error of its logits (see `child`)."""
    seconds: float = 0.0
    lasting: bool = True
    """Whether a fault would be the same the next time, and not the fault of a busy machine."""

    @property
    def said(self) -> str:
        """The verdict in one line."""
        if self.fault is not None:
            return self.fault
        worst = max(self.errors.values(), default=0.0)
        return (
            f"proved on this processor: {len(self.errors)} results as computed without it "
            f"(error at most {worst:.3f})"
        )


def require() -> None:
    """See that the library that is installed works here.

    Where none is installed there is nothing to see; importing it says so.

    Raises:
        RuntimeBroken: it does not; the line says what died, and what to do.
    """
    runtime = installed()
    if runtime is None:
        return
    verdict = known(runtime) or prove(runtime)
    if verdict.fault is not None:
        raise RuntimeBroken(f"{verdict.fault}: {remedy()}")


def remedy() -> str:
    """What to do about a library that does not work."""
    if in_checkout():
        return "build it with fewer instructions: make setup RUNTIME=avx2 (or RUNTIME=baseline)"
    return (
        "build it with fewer instructions: CMAKE_ARGS=-DGGML_NATIVE=OFF pip install "
        "--force-reinstall --no-deps --no-cache-dir --no-binary llama-cpp-python "
        "llama-cpp-python==0.3.36"
    )


def known(runtime: Installed) -> Verdict | None:
    """What was found of exactly this library on exactly this processor."""
    record = kept.look_up(runtime)
    try:
        return None if record is None else Verdict(**record)
    except TypeError:  # written by another version
        return None


def prove(runtime: Installed, patience: float = PATIENCE) -> Verdict:
    """Let the library work in another process, and remember what came of it."""
    began = time.monotonic()
    verdict = _verdict(runtime, patience)
    verdict = replace(verdict, seconds=round(time.monotonic() - began, 1))
    if verdict.fault is None or verdict.lasting:
        kept.remember(runtime, asdict(verdict))
    return verdict


def _verdict(runtime: Installed, patience: float) -> Verdict:
    at, version, errors, reason = "starting", "", dict[str, float](), ""
    process = _start()
    where = f"llama.cpp in {runtime.folder}"
    try:
        for line in _lines(process, patience):
            fact = _fact(line)
            if fact is None:
                reason = line.strip() or reason
            elif "after" in fact:
                name, error = str(fact["after"]), float(fact["error"])
                errors[name] = error
                if not error <= float(fact["allowed"]):
                    fault = f"{where} computes wrongly on this processor (after {name})"
                    return Verdict(fault, version, errors)
            else:
                at, version = str(fact.get("at", at)), str(fact.get("version", version))
    except TimeoutError:
        fault = f"{where} hangs: {patience:.0f} seconds without a sign of life while {at}"
        return Verdict(fault, version, errors, lasting=False)
    finally:
        process.kill()
        code = process.wait()
    if code < 0:
        number = signal.Signals(-code)
        why = f": {_ILLEGAL}" if number is signal.SIGILL else ""
        fault = f"{where} dies on this processor while {at} ({number.name}{why})"
        return Verdict(fault, version, errors, lasting=number in _SIGNALS)
    if code != 0:
        fault = f"{where} fails while {at} ({reason or f'exit status {code}'})"
        return Verdict(fault, version, errors, lasting=False)
    return Verdict(None, version, errors)


def _start() -> subprocess.Popen[str]:
    # Not through `-m`, which would look for the package in the working folder first; the path is
    # ours, so that what is proved is what this process would load.
    code = "from agentlab.backends.llamacpp.proof.child import main; main()"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *map(str, packaged())],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _lines(process: subprocess.Popen[str], patience: float) -> Iterator[str]:
    """What it says, as it comes.

    Raises:
        TimeoutError: it said nothing for so long.
    """
    assert process.stdout is not None
    stream = process.stdout
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        with contextlib.suppress(ValueError, OSError), stream:
            for line in stream:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    line: str | None = ""
    while line is not None:
        began, before = time.monotonic(), _worked(process)
        while True:
            try:
                line = lines.get(timeout=min(1, patience))
                break
            except queue.Empty:
                waited = time.monotonic() - began
                if waited >= patience and _hangs(waited, _worked(process) - before, patience):
                    raise TimeoutError from None
        if line is not None:
            yield line
    # the end of its words is not yet its end
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=patience)


def _hangs(waited: float, worked: float, patience: float) -> bool:
    """Whether a process that was silent for so long, and computed for so long, hangs.

    On a machine that is busy with other things, silence means little: it hangs if it sleeps, or
    if it was given the time that it needs and is still at the same piece of work.
    """
    asleep = worked < _ASLEEP * waited
    # without any vector instructions, the longest piece took 9 of these seconds
    return asleep or worked >= 1.25 * patience or waited >= _LONGEST


def _worked(process: subprocess.Popen[str]) -> float:
    """Its processor time in seconds; where the system does not tell, the clock's."""
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return time.monotonic()


def _fact(line: str) -> dict[str, str | float] | None:
    try:
        fact = json.loads(line)
    except ValueError:
        return None
    return cast(dict[str, str | float], fact) if isinstance(fact, dict) else None
