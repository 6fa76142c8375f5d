"""Bytes of tokens to valid text, cut at stop texts."""

import codecs


class TextStream:
    """Turns the bytes of one answer into text as they come.

    Text leaves only when it is complete: half a character waits for its other bytes,
    and the beginning of a stop text waits until it is known to be another text.
    """

    def __init__(self, stop: tuple[str, ...] = ()) -> None:
        self._stop = tuple(text for text in stop if text)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._ready: list[str] = []
        self.is_stopped = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; ignored after a stop text."""
        if not self.is_stopped:
            self._advance(self._decoder.decode(piece))

    def finish(self) -> None:
        """Let go of what was held back; bytes of half a character become U+FFFD."""
        if not self.is_stopped:
            self._advance(self._decoder.decode(b"", final=True))
            self._ready.append(self._held)
            self._held = ""

    def take(self) -> str:
        """Return the text that became certain since the last call."""
        text = "".join(self._ready)
        self._ready.clear()
        return text

    def _advance(self, text: str) -> None:
        self._held += text
        places = [(self._held.find(stop), len(stop)) for stop in self._stop]
        # The first to be complete counts, however the text came in pieces.
        ends = [(at + size, at) for at, size in places if at >= 0]
        if ends:
            self._ready.append(self._held[: min(ends)[1]])
            self._held = ""
            self.is_stopped = True
            return
        keep = max((_overlap(self._held, text) for text in self._stop), default=0)
        cut = len(self._held) - keep
        self._ready.append(self._held[:cut])
        self._held = self._held[cut:]


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of `text` that begins `stop`."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
