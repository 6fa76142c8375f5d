"""Screens that let others have their turn."""

import asyncio

from textual.events import Event
from textual.message_pump import MessagePump


class Breathing(MessagePump):
    """Lets the event loop go round after each event; for screens.

    Textual hands a screen all events that wait before anything else has its turn. One
    that is being opened gets several at once, and lays itself out for most of them:
    together longer than a key may wait. Not a screen itself, since Textual takes styles
    from the first base that has some.
    """

    async def on_event(self, event: Event) -> None:
        await super().on_event(event)
        await asyncio.sleep(0)
