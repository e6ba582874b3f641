"""Makes the table of `And the agent?`: how many sums an agent works out on each kind of file.

    python measure.py [MODEL]

MODEL is the packaged one if left out, or for instance `lab:m5/dpo`, what you made in that lab.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = ("Q8_0", "Q5_K_M", "Q4_K_M", "Q4_1", "Q3_K_M", "Q4_0")


def told(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "agentlab", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def main(model: str) -> None:
    """Write the files, and have the agent of `m5/tool-use` run on each."""
    with tempfile.TemporaryDirectory() as folder:
        told("quantize", model, *KINDS, "--to", folder)
        for kind in KINDS:
            (file,) = Path(folder).glob(f"*-{kind}.gguf")
            words = ("run", "m5/tool-use", "--step", "sums", "-b", str(file), "--json")
            (step,) = json.loads(told(*words, "--runs", f"{folder}/runs"))["steps"]
            reasons = [check["reason"].partition(";")[0] for check in step["checks"]]
            print(f"{kind:8}{file.stat().st_size / 1e6:7.1f} MB  {'; '.join(reasons)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["local:smollm2"])
