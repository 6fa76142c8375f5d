"""F1: what the focused thing is, and every key that works now."""

import textwrap
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from polyspec.tui.bindings import bind
from polyspec.tui.breathing import Breathing
from polyspec.tui.widgets.fitted import Fitted

_KEYS_OF_LISTS = "Keys can be changed in interface.toml, by the names at the right."


class KeyTable(Fitted):
    """Keys, what each does, and the names of that; long ones wrap in their column."""

    def __init__(self, rows: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._rows = rows

    def render(self) -> Content:
        width = max((len(key) for key, _, _ in self._rows), default=0)
        room = max(12, self.size.width - width - 2)
        lines = []
        for key, about, name in self._rows:
            parts = [Content(part) for part in textwrap.wrap(about, room)]
            if name and parts[-1].cell_length + len(name) + 2 <= room:
                parts[-1] = Content.assemble(parts[-1], (f"  {name}", "$faint"))
            elif name:
                parts.append(Content.styled(name, "$faint"))
            keys = [key, *[""] * (len(parts) - 1)]
            lines += [
                Content.assemble((f"{label:<{width}}  ", "$accent"), part)
                for label, part in zip(keys, parts, strict=True)
            ]
        return Content("\n").join(lines)


class HelpScreen(Breathing, ModalScreen[None]):
    """Explains the screen below it."""

    BINDINGS = [bind("escape,f1,q", "close", "Close", "Close the help", "help.close")]

    def __init__(self, topics: list[str], keys: list[tuple[str, str, str]]) -> None:
        super().__init__()
        self._topics = topics
        self._keys = keys

    @classmethod
    def about(cls, screen: Screen[object]) -> "HelpScreen":
        """Help for a screen and what has its focus."""
        nodes: list[DOMNode] = (
            list(screen.focused.ancestors_with_self)
            if (screen.focused is not None)
            else [screen]
        )
        topics = [str(node.HELP) for node in nodes if node.HELP]
        keys = []
        seen = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and binding.action not in seen:
                seen.add(binding.action)
                about = binding.tooltip or binding.description
                key = screen.app.get_key_display(binding)
                keys.append((key, about, binding.id or ""))
        return cls(topics, keys)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            for topic in self._topics:
                yield Static(topic, markup=False, classes="topic")
            yield KeyTable(sorted(self._keys, key=_rank))
            yield Static(_KEYS_OF_LISTS, markup=False, classes="topic -muted")

    def action_close(self) -> None:
        self.dismiss(None)


def _rank(row: tuple[str, str, str]) -> int:
    """The screen's own keys first, then those of the program, then those of editing."""
    name = row[2]
    return 2 if not name else int(name.startswith("app."))
