"""`agentlab tui`: the way from the command line to the screen."""

from __future__ import annotations

from pathlib import Path

import click

from agentlab.cli.home import backend_option, home, labs_option, runs_option


@click.command()
@runs_option
@labs_option
@backend_option
def tui(runs: Path, labs: tuple[Path, ...], backend: str | None) -> None:
    """Open the terminal UI: the roadmap, labs with a live agent, and all runs."""
    from agentlab.errors import MissingExtra  # noqa: PLC0415 - imports here keep --help fast

    try:
        import textual  # noqa: F401, PLC0415 # pyright: ignore[reportUnusedImport]
    except ModuleNotFoundError as error:
        raise MissingExtra("textual, which the terminal UI needs,", "tui") from error
    from agentlab.cli.home import open_backend  # noqa: PLC0415
    from agentlab.scenario.find import scenario_roots  # noqa: PLC0415
    from agentlab_tui.app import AgentLabApp  # noqa: PLC0415
    from agentlab_tui.engine import Engine  # noqa: PLC0415
    from agentlab_tui.progress import ProgressStore  # noqa: PLC0415
    from agentlab_tui.services import Services  # noqa: PLC0415

    services = Services(
        engine=Engine(open_backend),
        progress=ProgressStore(home() / "progress"),
        runs=runs,
        roots=(*labs, *scenario_roots()),
        backend=backend,
    )
    AgentLabApp(services).run()
