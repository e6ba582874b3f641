"""Take the README's picture: a real run of the first lab on the real model, as SVG.

python docs/make_pictures.py
"""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from rich.console import Console

from agentlab.backends import connect
from agentlab.cli.lab_screen import LabPrinter
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.runner import Grader

HERE = Path(__file__).resolve().parent


async def main() -> None:
    """Run one step of the lab and save what the terminal showed."""
    lab = load(find_folder("m5/tool-use", lab_roots()))
    console = Console(
        file=io.StringIO(), record=True, width=92, highlight=False, force_terminal=True
    )
    model = connect(lab.backend)
    grader = Grader(lab=lab, backend=model, runs=None, practice=True)
    printer = LabPrinter(console)
    printer.open(lab, model.identity)
    answers = {id: lab.step(id).solution for id in ("sums", "look-it-up")}
    async for event in grader.lab_events(answers):
        printer.show(event)
    await model.aclose()
    console.save_svg(str(HERE / "run.svg"), title="agentlab run m5/tool-use --practice")


asyncio.run(main())
