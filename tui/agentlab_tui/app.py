"""The app: themes, keys that work everywhere, and the way in.

Screens are imported when they are first opened, so that the first picture is there at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from agentlab.display import safe
from agentlab_tui.commands import LabCommands
from agentlab_tui.last_line import LastLine
from agentlab_tui.navigation import GoTo, OpenDiff, OpenFork, OpenLab, OpenTrace, TalkTo
from agentlab_tui.screens.roadmap import RoadmapScreen
from agentlab_tui.services import Services
from agentlab_tui.themes import DARK, LIGHT


class AgentLabApp(App[None]):
    """AgentLab in a terminal. Owns the services and closes the engine at the end."""

    TITLE = "AgentLab"
    CSS_PATH = "styles/app.tcss"
    COMMANDS = App.COMMANDS | {LabCommands}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", tooltip="Keys of this screen"),
        Binding("f1", "help", "Help", show=False),
        Binding("q", "quit", "Quit", tooltip="Leave AgentLab; everything is saved"),
        Binding("ctrl+t", "toggle_dark", "Dark or light", show=False, tooltip="Change the look"),
    ]

    def __init__(self, services: Services, *, warning: str = "") -> None:
        """With a warning to show at the start, e.g. that the terminal can't show every sign."""
        super().__init__()
        self._services = services
        self._warning = warning
        self._last_line = LastLine()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and one that nothing gets past which a terminal would obey."""
        return (*super().get_line_filters(), self._last_line)

    def notify(self, message: str, **options: Any) -> None:
        """A note over the screen; what strangers wrote in it can't reach the terminal."""
        super().notify(safe(message), **options)

    def on_mount(self) -> None:
        """Open the roadmap."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        chosen = self._services.choices.get("theme")
        self.theme = chosen if chosen in self.available_themes else DARK.name
        self.theme_changed_signal.subscribe(self, lambda theme: self._remember(theme.name))
        self.push_screen(RoadmapScreen(self._services))
        self._welcome()
        if self._warning:
            self.notify(self._warning, severity="warning", markup=False, timeout=15)

    def _welcome(self) -> None:
        """The first time of all; where it can't be kept that it was, it would come every time."""
        from agentlab_tui.screens.welcome import SEEN, WelcomeScreen

        choices = self._services.choices
        if choices.file is None or choices.get(SEEN) or choices.put(SEEN, True):
            return
        self.push_screen(WelcomeScreen())

    def on_unmount(self) -> None:
        """Stop what still runs; its trace is whole."""
        self._services.engine.close()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colours, for themes that do not know them."""
        return {"quiet": "#868e9c", "line": "#4a5262"}

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key of the screen, the places there are, and Textual's own."""
        offered = [*self._keys_of(screen)]
        for place, says in _PLACES.items():
            go = partial(self.go_to, place)
            offered.append(SystemCommand(place.capitalize(), says, go))
        offered += super().get_system_commands(screen)  # pyright: ignore[reportUnknownMemberType]
        titles = {"Keys"}  # ours is called Help
        for command in offered:
            if command.title not in titles:
                titles.add(command.title)
                yield command

    def _keys_of(self, screen: Screen[Any]) -> Iterator[SystemCommand]:
        """What the keys do that work there now, so that all of it can be found by its name."""
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if enabled and tooltip and binding.action != "command_palette":
                key = binding.key_display or binding.key.partition(",")[0]
                run = partial(self.run_action, binding.action, default_namespace=node)
                yield SystemCommand(binding.description, f"{tooltip} ({key})", run)

    def action_toggle_dark(self) -> None:
        """Ink or paper."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def _remember(self, theme: str) -> None:
        if problem := self._services.choices.put("theme", theme):
            self.notify(problem, severity="warning", markup=False)

    def go_to(self, place: str) -> None:
        """To another part of the app; it opens on the roadmap, never on top of itself."""
        match place:
            case "roadmap":
                self._back_to_roadmap()
                return
            case "playground":
                from agentlab_tui.screens.playground import PlaygroundScreen

                screen: Screen[None] = PlaygroundScreen(self._services)
            case "doctor":
                from agentlab_tui.screens.doctor import DoctorScreen

                screen = DoctorScreen(self._services)
            case "jobs":
                from agentlab_tui.screens.jobs import JobsScreen

                screen = JobsScreen(self._services)
            case _:
                from agentlab_tui.screens.runs import RunsScreen

                screen = RunsScreen(self._services)
        self._back_to_roadmap()
        self.push_screen(screen)

    @on(GoTo)
    def _go_to(self, event: GoTo) -> None:
        self.go_to(event.place)

    @on(TalkTo)
    def _talk_to(self, event: TalkTo) -> None:
        from agentlab_tui.screens.playground import PlaygroundScreen

        self._back_to_roadmap()
        self.push_screen(PlaygroundScreen(self._services, model=event.model))

    @on(OpenTrace)
    def _open_trace(self, event: OpenTrace) -> None:
        from agentlab_tui.screens.timeline import TimelineScreen

        self.push_screen(TimelineScreen(self._services, event.path))

    @on(OpenDiff)
    def _open_diff(self, event: OpenDiff) -> None:
        from agentlab_tui.screens.diff import DiffScreen

        self.push_screen(DiffScreen(event.a, event.b))

    @on(OpenFork)
    def _open_fork(self, event: OpenFork) -> None:
        from agentlab_tui.screens.forked import ForkedScreen

        self.push_screen(ForkedScreen(self._services, event.trace, event.change))

    @on(OpenLab)
    def _open_lab(self, event: OpenLab) -> None:
        from agentlab_tui.screens.lab import LabScreen

        entry = event.entry
        if entry.lab is None:
            self.notify(entry.problem, severity="error", markup=False, timeout=10)
            return
        self._back_to_roadmap()
        self.push_screen(LabScreen(self._services, entry.id, entry.lab))

    def _back_to_roadmap(self) -> None:
        while not isinstance(self.screen, RoadmapScreen) and len(self.screen_stack) > 2:
            self.pop_screen()

    def action_help(self) -> None:
        """Help on the screen that is open."""
        from agentlab_tui.screens.help import HelpScreen

        screen = self.screen
        keys: dict[str, str] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            twice = binding.key == "ctrl+q"  # Textual's own, beside our q
            if (
                binding.tooltip and active.enabled and not twice
            ):  # the keys of ours: moving about needs no words
                name = self.get_key_display(binding)
                says = binding.tooltip
                keys[says] = f"{keys[says]} {name}" if says in keys else name
        about: str = getattr(screen, "HELP", "")
        self.push_screen(HelpScreen(about, [(key, says) for says, key in keys.items()]))


_PLACES = {
    "roadmap": "Modules and labs",
    "playground": "Put an agent together, and talk to it",
    "runs": "All runs, newest first",
    "jobs": "Training jobs, with their curves",
    "doctor": "What works on this machine",
}
