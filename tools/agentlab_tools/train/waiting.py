"""How threads of a training wait for each other: asleep.

A step of a small model is thousands of short parts that all threads do together. A thread that is
done with its part waits for the others, and GNU's OpenMP lets it turn on the spot for milliseconds
before it sleeps. On a processor that others want as well, each turn is time taken from the very
thread that is waited for: beside other work, such a training takes many times as long
(`benchmarks/training.py --waiting`).
"""

from __future__ import annotations

import os

from agentlab.backends.llamacpp.threads import settle_spin


def wait_asleep(*, beside_llama: bool = False) -> None:
    """Before torch is loaded, whose OpenMP reads it once; what the user has set stays.

    Args:
        beside_llama: llama.cpp evaluates in this process, too, whose threads write faster if they
            turn a little: that holds for both then.
    """
    if beside_llama:
        settle_spin()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
