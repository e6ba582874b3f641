"""Runs in the sandbox, beside the kernel: cells by nbclient, in a kernel of ipykernel.

It is asked by files `ask-1.json`, `ask-2.json`, …, in order, and answers each with `told-N.json`:

    {"kernel": "a"}             a fresh kernel, in the folder a   → []
    {"run": ["x = 1", "x"]}     these cells, up to the first that fails
                                → [{"text": "", "error": null}, {"text": "1", "error": null}]
    {"end": true}               nothing more                      → []

There is no network here, not even loopback: the kernel is spoken to over Unix sockets.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
JUPYTER = Path("/tmp/jupyter")  # noqa: S108 - the sandbox's own
SECONDS = 10
MOST = 4000
PAUSE = 0.01

for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
    os.environ[variable] = str(JUPYTER)
os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
JUPYTER.mkdir(exist_ok=True)

from jupyter_client.kernelspec import KernelSpec  # noqa: E402 - they look for folders at once
from jupyter_client.manager import AsyncKernelManager  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import (  # noqa: E402
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)

nbformat: Any = import_module("nbformat")
v4: Any = nbformat.v4


class Manager(AsyncKernelManager):
    """Starts the kernel of the launcher beside this file."""

    number = count(1)

    def __init__(self, **options: Any) -> None:
        sockets = str(JUPYTER / f"kernel-{next(self.number)}")
        super().__init__(**options, transport="ipc", ip=sockets)

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start it."""
        launcher = str(HERE / "launcher.py")
        return KernelSpec(argv=[sys.executable, launcher, "-f", "{connection_file}"])


def started(folder: str, until: ExitStack) -> NotebookClient:
    """A client of a fresh kernel in this folder, which ends with `until`."""
    place = HERE.parent / folder
    place.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        v4.new_notebook(),
        kernel_manager_class=Manager,
        timeout=SECONDS,
        startup_timeout=30,
        shutdown_kernel="immediate",
        resources={"metadata": {"path": str(place)}},
    )
    until.enter_context(client.setup_kernel())
    return client


def ran(client: NotebookClient, sources: list[str]) -> Iterator[dict[str, str | None]]:
    """What each cell put out, up to the first that fails."""
    for source in sources:
        cell = v4.new_code_cell(source)
        client.nb.cells.append(cell)
        error = None
        try:
            client.execute_cell(cell, len(client.nb.cells) - 1)
        except CellExecutionError as raised:
            error = f"{raised.ename}: {raised.evalue}"
        except CellTimeoutError:
            error = f"it took longer than {SECONDS} s"
        except DeadKernelError:
            error = "the kernel died"
        yield {"text": text_of(cell)[:MOST], "error": error and error[:200]}
        if error:
            return


def text_of(cell: Any) -> str:
    """What a cell printed, and what it came to, as a reader sees it below the cell."""
    parts: list[str] = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            parts.append(output["text"])
        elif output["output_type"] == "execute_result":
            parts.append(f"{output['data'].get('text/plain', '')}\n")
    return "".join(parts)


def main() -> None:
    """Do what is asked, until the end."""
    with ExitStack() as stack:
        client: NotebookClient | None = None
        for number in count(1):
            asked = HERE / f"ask-{number}.json"
            while not asked.exists():
                time.sleep(PAUSE)
            ask = json.loads(asked.read_text("utf-8"))
            told: list[dict[str, str | None]] = []
            if "kernel" in ask:
                stack.close()
                client = started(ask["kernel"], stack)
            elif "run" in ask and client is not None:
                told = list(ran(client, ask["run"]))
                nbformat.validate(client.nb)
                nbformat.write(client.nb, HERE / "executed.ipynb")
            else:
                return
            half = HERE / "half"
            half.write_text(json.dumps(told), "utf-8")
            half.rename(HERE / f"told-{number}.json")


if __name__ == "__main__":
    main()
