"""The source pane: a text to be translated."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from textual import on
from textual.events import Key, Paste
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from polyspec.tui.widgets.marked import Mark, MarkedArea, find_between, move_marks
from polyspec.tui.widgets.source.vim import NORMAL, VimKeys

MAX_CHARS = 60_000
"""Longer texts are slow to wrap and draw, and are better translated as files."""

_BREAKS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_PATH = re.compile("(['\"]?(/|~/|[A-Za-z]:\\\\)|file://).{1,4000}")
"""What a terminal puts in where a file is dropped; it may as well be a text."""
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean_text(text: str) -> str:
    """The text with line feeds alone, and without characters that cannot be shown."""
    return _CONTROLS.sub("", _BREAKS.sub("\n", text))


class SourcePane(MarkedArea):
    """Edits the source text. Knows nothing of models or languages."""

    HELP = (
        "The text to translate. Type or paste; after a short pause it is translated, "
        "and the translation follows what you type. Underlined are terms of the "
        "glossary; put the cursor on one to read its translation. A file that is "
        "dropped here is read."
    )
    COMPONENT_CLASSES = {"source-pane--term"}

    has_vim_keys = reactive(False)
    """Whether keys mean what they mean in vim."""

    @dataclass
    class Edited(Message):
        """The text is another one now."""

        text: str

    @dataclass
    class Refused(Message):
        """What was pasted is too long for a pane."""

        text: str

    @dataclass
    class PathPasted(Message):
        """What was pasted may be the path of a file."""

        text: str

    @dataclass
    class Cleaned(Message):
        """Characters that are no text were left out of what was pasted."""

        num_chars: int

    @dataclass
    class TermReached(Message):
        """The cursor is on a term of the glossary."""

        note: str

    def __init__(self) -> None:
        super().__init__("Type or paste a text to translate", id="source")
        self.border_title = "text"
        self._vim = VimKeys(self)
        self._terms: list[Mark] = []

    def show_terms(self, terms: Iterable[Mark]) -> None:
        """Underline the terms of the glossary, which come in order."""
        terms = list(terms)
        if terms != self._terms:
            self._terms = terms
            self.redraw()

    def marks_between(self, first: int, last: int) -> Iterable[Mark]:
        return find_between(self._terms, first, last)

    def look_of(self, kind: str) -> str:
        return f"source-pane--{kind}"

    def edit(self, edit: Edit) -> EditResult:
        """Change the text; terms go with it until they are sought again."""
        start, end = self.index_of(edit.top), self.index_of(edit.bottom)
        delta = len(edit.text) - (end - start)
        self._terms = move_marks(self._terms, start, end, delta)
        result = super().edit(edit)
        self.measure()
        return result

    @on(TextArea.Changed)
    def announce_edit(self, event: TextArea.Changed) -> None:
        event.stop()
        self.measure()  # also after an edit was undone
        self.show_length()
        self.post_message(self.Edited(self.text))

    @on(TextArea.SelectionChanged)
    def tell_term(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if not self.selection.is_empty or not self._terms:
            return
        at = self.index_of(self.cursor_location)
        for mark in find_between(self._terms, at, at + 1):
            self.post_message(self.TermReached(mark.note))

    def watch_has_vim_keys(self) -> None:
        self._show_mode()

    async def _on_key(self, event: Key) -> None:
        if self.has_vim_keys and self._vim.handle(event.key, event.character):
            event.stop()
            event.prevent_default()
            self._show_mode()
            return
        await super()._on_key(event)

    @property
    def taken_keys(self) -> frozenset[str]:
        """Keys of the screen that mean something else here now."""
        return self._vim.taken_keys if self.has_vim_keys else frozenset()

    def _show_mode(self) -> None:
        is_normal = self.has_vim_keys and self._vim.mode == NORMAL
        self.border_title = "text · normal" if is_normal else "text"
        self.refresh_bindings()

    async def _on_paste(self, event: Paste) -> None:
        event.prevent_default()
        event.stop()
        if _PATH.fullmatch(event.text.strip()):
            self.post_message(self.PathPasted(event.text))
        else:
            self.put_in(event.text)

    def action_paste(self) -> None:
        """Insert what was copied."""
        self.put_in(self.app.clipboard)

    def put_in(self, pasted: str) -> None:
        """Insert a text from outside in place of what is selected."""
        text = clean_text(pasted)
        if len(text) < len(pasted) - pasted.count("\r"):
            self.post_message(self.Cleaned(len(pasted) - len(text)))
        num_kept = len(self.text) - len(self.selected_text)
        if num_kept + len(text) > MAX_CHARS:
            self.post_message(self.Refused(text))
        elif result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)
