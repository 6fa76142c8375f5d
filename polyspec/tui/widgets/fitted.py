"""A text that is laid out anew when its width changes."""

from textual.widgets import Static


class Fitted(Static):
    """Draws itself for the width that it has."""

    def on_resize(self) -> None:
        self.refresh(layout=True)
