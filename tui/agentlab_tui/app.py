"""The app: themes, keys that work everywhere, and the way in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from agentlab_tui.commands import LabCommands
from agentlab_tui.navigation import OpenLab, OpenRuns, OpenTrace
from agentlab_tui.screens.help import HelpScreen
from agentlab_tui.screens.lab import LabScreen
from agentlab_tui.screens.roadmap import RoadmapScreen
from agentlab_tui.screens.runs import RunsScreen
from agentlab_tui.screens.timeline import TimelineScreen
from agentlab_tui.services import Services
from agentlab_tui.themes import DARK, LIGHT


class AgentLabApp(App[None]):
    """AgentLab in a terminal. Owns the services and closes the engine at the end."""

    TITLE = "AgentLab"
    CSS_PATH = "styles/app.tcss"
    COMMANDS = App.COMMANDS | {LabCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", tooltip="Keys of this screen"),
        Binding("q", "quit", "Quit", tooltip="Leave AgentLab; everything is saved"),
        Binding("ctrl+t", "toggle_dark", "Dark or light", show=False, tooltip="Change the look"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services

    def on_mount(self) -> None:
        """Open the roadmap."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.push_screen(RoadmapScreen(self._services))

    def on_unmount(self) -> None:
        """Stop what still runs; its trace is whole."""
        self._services.engine.close()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colours, for themes that do not know them."""
        return {"quiet": "#868e9c", "line": "#4a5262"}

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Textual's own, and ours."""
        yield from super().get_system_commands(screen)  # pyright: ignore[reportUnknownMemberType]
        yield SystemCommand("Runs", "All runs, newest first", self.action_runs)
        yield SystemCommand("Dark or light", "Change the look", self.action_toggle_dark)

    def action_toggle_dark(self) -> None:
        """Ink or paper."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_runs(self) -> None:
        """To the list of runs."""
        self.push_screen(RunsScreen(self._services))

    @on(OpenRuns)
    def _open_runs(self) -> None:
        self.action_runs()

    @on(OpenTrace)
    def _open_trace(self, event: OpenTrace) -> None:
        self.push_screen(TimelineScreen(event.path))

    @on(OpenLab)
    def _open_lab(self, event: OpenLab) -> None:
        entry = event.entry
        if entry.lab is None:
            self.notify(entry.problem, severity="error", markup=False, timeout=10)
            return
        while not isinstance(self.screen, RoadmapScreen) and len(self.screen_stack) > 2:
            self.pop_screen()  # a lab opens on the roadmap, never on top of another lab
        self.push_screen(LabScreen(self._services, entry.id, entry.lab))

    def action_help(self) -> None:
        """Help on the screen that is open."""
        screen = self.screen
        keys: dict[str, str] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.tooltip and active.enabled:  # the keys of ours: moving about needs no words
                name = self.get_key_display(binding)
                says = binding.tooltip
                keys[says] = f"{keys[says]} {name}" if says in keys else name
        about: str = getattr(screen, "HELP", "")
        self.push_screen(HelpScreen(about, [(key, says) for says, key in keys.items()]))
