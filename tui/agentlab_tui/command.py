"""`agentlab tui`: the way from the command line to the screen, to a browser, or to plain lines."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from agentlab.places.home import home
from agentlab.terminal.options import backend_option, labs_option, runs_option


@click.command()
@runs_option
@labs_option
@backend_option
@click.option("--web", is_flag=True, help="In a browser instead, on this machine only.")
@click.option("--port", default=8000, show_default=True, help="[web] Where to listen.")
@click.option("--text", is_flag=True, help="Line by line, without a screen: for screen readers.")
def tui(
    runs: Path, labs: tuple[Path, ...], backend: str | None, web: bool, port: int, text: bool
) -> None:
    """Open the terminal UI: the roadmap, labs with a live agent, and all runs."""
    from agentlab.errors import ConfigError, MissingExtra

    if text:
        from agentlab_tui.plain import PlainText

        PlainText(home=home(), runs=runs, labs=labs, backend=backend).run()
        return
    try:
        import textual  # noqa: F401 # pyright: ignore[reportUnusedImport]
    except ModuleNotFoundError as error:
        raise MissingExtra("textual, which the terminal UI needs,", "tui") from error
    if web:
        from agentlab_tui.web import serve

        serve(runs=runs, labs=labs, backend=backend, port=port)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            "the terminal UI needs a terminal to draw on: `agentlab tui --text` goes line by line, "
            "`agentlab run LAB` grades without one"
        )
    from agentlab.places.models import open_backend
    from agentlab_tui.app import AgentLabApp
    from agentlab_tui.choices import ChoiceStore
    from agentlab_tui.engine import Engine
    from agentlab_tui.pictures import ask_terminal
    from agentlab_tui.progress import ProgressStore
    from agentlab_tui.services import Services
    from agentlab_tui.terminal import make_ready

    warning = make_ready()
    ask_terminal()
    services = Services(
        engine=Engine(open_backend),
        progress=ProgressStore(home() / "progress"),
        runs=runs,
        jobs=home() / "jobs",
        roots=labs,
        course=True,
        backend=backend,
        choices=ChoiceStore(home() / "tui.json"),
    )
    # Python lets a thread that waits have its turn after 5 ms; a key should not wait that long
    # for a model's thread that is between two tokens.
    sys.setswitchinterval(0.001)
    AgentLabApp(services, warning=warning).run()
