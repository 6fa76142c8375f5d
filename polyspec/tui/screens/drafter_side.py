"""The drafter panel beside a pane that the model fills."""

from typing import TYPE_CHECKING

from polyspec.tui.screens.writing import WritingRoom

if TYPE_CHECKING:
    from polyspec.tui.widgets.drafters.panel import DrafterPanel


class DrafterSide(WritingRoom):
    """A writing room with a drafter panel, which is made when it is first wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.panel: DrafterPanel | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "model_state", self.show_drafters)
        self.set_interval(2.0, self._show_memory)

    async def action_toggle_drafters(self) -> None:
        """Show or hide the drafter panel."""
        if self.panel is None:
            from polyspec.tui.widgets.drafters.panel import DrafterPanel

            self.panel = DrafterPanel()
            await self.query_one("#desk").mount(self.panel)
        else:
            self.panel.display = not self.panel.display
        self.set_class(self.panel.display, "-with-panel")
        # In a frame of its own: with all texts wrapped anew, one would take too long.
        self.call_after_refresh(self._fill_panel)

    def _fill_panel(self) -> None:
        self.target.shows_proposers = self._open_panel is not None
        self.show_drafters()

    def on_drafter_panel_drafter_picked(
        self, event: "DrafterPanel.DrafterPicked"
    ) -> None:
        event.stop()
        self.ui.switch_drafter(event.name)
        self.start_again()

    def show_figures(self) -> None:
        super().show_figures()
        self.show_drafters()

    @property
    def _open_panel(self) -> "DrafterPanel | None":
        panel = self.panel
        is_open = panel is not None and panel.display and panel.is_mounted
        return panel if is_open else None

    def _show_memory(self) -> None:
        if self._open_panel is not None:
            # As much as is shown: what is not seen need not be drawn.
            self._open_panel.memory_bytes = round(self.ui.memory_bytes(), -7)

    def show_drafters(self) -> None:
        """Show what drafting does, where somebody watches."""
        panel, facts = self._open_panel, self.ui.facts
        if panel is None:
            return
        if facts is not None:
            panel.rungs = facts.seconds_by_width
            panel.device = facts.device
            panel.offer(facts.drafters, facts.draft_setting)
        panel.rates = dict(self.ui.rates)
        self._show_memory()
        if self.figures is not None:
            panel.figures = self.figures
