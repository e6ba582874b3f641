"""How threads of a training wait for each other: asleep.

A step of a small model is thousands of short parts that all threads do together. A thread that is
done with its part waits for the others, and GNU's OpenMP lets it turn on the spot for milliseconds
before it sleeps. On a processor that others want as well, each turn is time taken from the very
thread that is waited for: beside other work, such a training takes many times as long
(`benchmarks/training.py --waiting`).
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from pathlib import Path

from agentlab.backends.llamacpp.waiting import settled


def wait_asleep() -> None:
    """Before torch is loaded, whose OpenMP reads it once; what the user has set stays."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def share_openmp() -> None:
    """Before torch is loaded where llama.cpp evaluates as well: both wait as llama.cpp is best off.

    A process has one OpenMP, which is that of torch if torch is loaded first.
    """
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return
    with settled():
        for library in Path(torch.origin).parent.glob("lib/libgomp*.so*"):
            ctypes.CDLL(str(library))
