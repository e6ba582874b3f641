"""Where `agentlab` begins: Ctrl-C is no traceback even while the commands are being loaded."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line and run it, as `agentlab.cli.main` says."""
    try:
        from agentlab.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
