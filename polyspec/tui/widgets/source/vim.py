"""Vim's keys for a text area: the common ones, in normal and insert mode."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.widgets import TextArea

INSERT, NORMAL = "insert", "normal"


class VimKeys:
    """Turns keys into actions of one text area. It begins in insert mode."""

    def __init__(self, area: "TextArea") -> None:
        self._area = area
        self._pending = ""
        self._register = ""
        self.mode = INSERT
        self._commands: dict[str, Callable[[], object]] = {
            "h": area.action_cursor_left,
            "j": area.action_cursor_down,
            "k": area.action_cursor_up,
            "l": area.action_cursor_right,
            "w": area.action_cursor_word_right,
            "b": area.action_cursor_word_left,
            "0": area.action_cursor_line_start,
            "^": area.action_cursor_line_start,
            "$": area.action_cursor_line_end,
            "G": lambda: area.move_cursor(area.document.end),
            "gg": lambda: area.move_cursor((0, 0)),
            "x": area.action_delete_right,
            "X": area.action_delete_left,
            "D": area.action_delete_to_end_of_line,
            "dw": self._delete_word,
            "dd": self._delete_line,
            "yy": self._copy_line,
            "p": self._put_below,
            "P": self._put_above,
            "u": area.undo,
            "ctrl+r": area.redo,
            "i": self._insert,
            "a": self._append,
            "I": lambda: self._insert(area.action_cursor_line_start),
            "A": lambda: self._insert(area.action_cursor_line_end),
            "C": lambda: self._insert(area.action_delete_to_end_of_line),
            "cw": lambda: self._insert(area.action_delete_word_right),
            "cc": lambda: self._insert(self._empty_line),
            "o": self._open_below,
            "O": self._open_above,
        }

    @property
    def taken_keys(self) -> frozenset[str]:
        """Keys that do something in the present mode, as Textual names them."""
        return frozenset() if self.mode == INSERT else frozenset(self._commands)

    def handle(self, key: str, character: str | None) -> bool:
        """Do what a key means; False leaves the key to the text area."""
        if self.mode == INSERT:
            if key != "escape":
                return False
            self.mode, self._pending = NORMAL, ""
            return True
        if key == "escape":
            was_pending, self._pending = bool(self._pending), ""
            return was_pending
        typed = key if key in self._commands else character
        if typed is None or not typed.isprintable():
            return False
        self._take(self._pending + typed)
        return True

    def _take(self, command: str) -> None:
        if command in self._commands:
            self._pending = ""
            self._commands[command]()
        elif any(known.startswith(command) for known in self._commands):
            self._pending = command
        else:
            self._pending = ""

    def _insert(self, first: Callable[[], object] | None = None) -> None:
        if first is not None:
            first()
        self.mode = INSERT

    def _append(self) -> None:
        row, column = self._area.cursor_location
        end = len(self._area.document.get_line(row))
        self._area.move_cursor((row, min(column + 1, end)))
        self._insert()

    @property
    def _line(self) -> str:
        return self._area.document.get_line(self._area.cursor_location[0])

    def _copy_line(self) -> None:
        self._register = self._line

    def _delete_word(self) -> None:
        """With the spaces behind it, as vim does."""
        self._area.action_delete_word_right()
        row, column = self._area.cursor_location
        rest = self._line[column:]
        num_spaces = len(rest) - len(rest.lstrip(" "))
        self._area.delete((row, column), (row, column + num_spaces))

    def _delete_line(self) -> None:
        self._copy_line()
        self._area.action_delete_line()

    def _empty_line(self) -> None:
        row = self._area.cursor_location[0]
        self._area.delete((row, 0), (row, len(self._line)))

    def _put_below(self) -> None:
        row = self._area.cursor_location[0]
        self._area.insert(f"\n{self._register}", (row, len(self._line)))
        self._area.move_cursor((row + 1, 0))

    def _put_above(self) -> None:
        row = self._area.cursor_location[0]
        self._area.insert(f"{self._register}\n", (row, 0))
        self._area.move_cursor((row, 0))

    def _open_below(self) -> None:
        row = self._area.cursor_location[0]
        self._area.insert("\n", (row, len(self._line)))
        self._area.move_cursor((row + 1, 0))
        self._insert()

    def _open_above(self) -> None:
        row = self._area.cursor_location[0]
        self._area.insert("\n", (row, 0))
        self._area.move_cursor((row, 0))
        self._insert()
