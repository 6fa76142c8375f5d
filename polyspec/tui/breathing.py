"""Screens that let others have their turn."""

import asyncio

from textual.message import Message
from textual.message_pump import MessagePump


class Breathing(MessagePump):
    """Lets the event loop go round after each message; for screens.

    Textual hands a screen all messages that wait before anything else has its turn. One
    that is being opened gets several at once and lays itself out for most of them, and
    the model sends what it wrote, its figures and its notes one after another: together
    longer than a key may wait. Not a screen itself, since Textual takes styles from the
    first base that has some.
    """

    async def _dispatch_message(self, message: Message) -> None:
        await super()._dispatch_message(message)
        # Whoever's time has come is put behind what is queued by then, as this is after
        # the first sleep; they have their turn before the second one ends.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
