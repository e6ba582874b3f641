"""Prove the installed llama.cpp now: `python -m agentlab.backends.llamacpp.proof`.

Prints the verdict in one line. Exit status: 0 it works, 1 it does not, 2 there is none.
"""

import sys

from agentlab.backends.llamacpp.proof.installed import installed
from agentlab.backends.llamacpp.proof.verdict import prove


def main() -> int:
    """Prove, say and remember."""
    runtime = installed()
    if runtime is None:
        print("llama-cpp-python is not installed")
        return 2
    verdict = prove(runtime)
    print(verdict.said)
    return 0 if verdict.fault is None else 1


if __name__ == "__main__":
    sys.exit(main())
