"""Screens that let others have their turn."""

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual.geometry import Region
from textual.message import Message
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    _Base = Screen[Any]
else:
    # Not a screen itself: Textual takes styles from the first base that has some.
    _Base = MessagePump

_FIRST_S, _PIECE_S = 0.002, 0.005
"""So long it is drawn before others have their turn, first and later."""
_NUM_ROWS = 8
"""Rows of a widget that are drawn in one go."""
_NUM_ROUNDS = 3
"""So often what changed while it was drawn is drawn again before it is shown."""


class Breathing(_Base):
    """Lets the event loop go round after each message, and while it draws; for screens.

    Textual hands a screen all messages that wait before anything else has its turn. One
    that is being opened gets several at once and lays itself out for most of them, and
    the model sends what it wrote, its figures and its notes one after another: together
    longer than a key may wait. And it draws all that changed in one go, which may take
    as long while a model decodes. So widgets are drawn in pieces here. They keep their
    rows, and the frame that is made of them afterwards takes a fraction of the time.
    """

    _drawing: "asyncio.Task[None] | None" = None

    async def _dispatch_message(self, message: Message) -> None:
        await super()._dispatch_message(message)
        await _go_round()

    def _compositor_refresh(self) -> None:
        if self._drawing is not None:
            return  # it draws this, too, when it puts the frame together
        is_on_top = self is self.app.screen and not self.app.is_inline
        if is_on_top and self._draw_for_a_while(pieces := self._draw_ahead(), _FIRST_S):
            # What changes from now on is noted anew.
            self._dirty_widgets.clear()
            self._drawing = asyncio.create_task(self._go_on_drawing(pieces))
        else:
            super()._compositor_refresh()

    async def _go_on_drawing(self, pieces: Iterator[None]) -> None:
        try:
            for _ in range(_NUM_ROUNDS):
                await _go_round()
                while self._draw_for_a_while(pieces, _PIECE_S):
                    await _go_round()
                await _go_round()
                if not self._dirty_widgets:
                    break
                self._note_changes()
                pieces = self._draw_ahead()
            if self.is_running and self.is_current:
                self._note_changes()
                super()._compositor_refresh()
        except Exception as error:
            self.app._handle_exception(error)
        finally:
            self._drawing = None

    def _note_changes(self) -> None:
        self._compositor.update_widgets(self._dirty_widgets)
        self._dirty_widgets.clear()

    def _draw_for_a_while(self, pieces: Iterator[None], seconds: float) -> bool:
        """Draw pieces; returns whether some are left."""
        until_s = time.perf_counter() + seconds
        return any(time.perf_counter() > until_s for _ in pieces)

    def _draw_ahead(self) -> Iterator[None]:
        """Have the rows of changed widgets drawn, which keep them."""
        changed = Region.from_union(list(self._compositor._dirty_regions or [Region()]))
        if self.region in self._compositor._dirty_regions:
            for screen in self.app._background_screens:
                yield from _draw_widgets(screen, screen.region)
        yield from _draw_widgets(self, changed)


def _draw_widgets(screen: "Screen[Any]", changed: Region) -> Iterator[None]:
    for widget, (region, clip) in list(screen._compositor.visible_widgets.items()):
        seen = region.intersection(clip)
        # A screen's own rows may show those below it, which only a frame has.
        if widget is not screen and seen and changed.overlaps(clip):
            yield from _draw_rows(widget, seen.translate(-region.offset))


def _draw_rows(widget: "Widget", seen: Region) -> Iterator[None]:
    for row in range(seen.y, seen.bottom, _NUM_ROWS):
        if widget.is_attached:
            height = min(_NUM_ROWS, seen.bottom - row)
            widget.render_lines(Region(seen.x, row, seen.width, height))
        yield


async def _go_round() -> None:
    # Whoever's time has come is put behind what is queued by then, as this is after
    # the first sleep; they have their turn before the second one ends.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
