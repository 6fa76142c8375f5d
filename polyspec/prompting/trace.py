"""Who proposed each token of an answer, noted while it is written."""

import codecs
from collections.abc import Callable

from polyspec.decoding.sequences import Emitted
from polyspec.prompting.interfaces import TracedToken


class TokenTrace:
    """The tokens of one answer as text, with their sources and what was rejected."""

    def __init__(self, piece: Callable[[int], bytes]) -> None:
        """Begin an answer.

        Args:
            piece: Gives the bytes of a token.
        """
        self._piece = piece
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._tokens: list[TracedToken] = []

    def record(self, step: Emitted) -> None:
        """Note the tokens of one step."""
        num_accepted = len(step.sources)
        for token_id, source in zip(
            step.token_ids[:num_accepted], step.sources, strict=True
        ):
            self._tokens.append(TracedToken(self._text(token_id), source))
        for token_id in step.token_ids[num_accepted:]:
            self._tokens.append(self._own(step, token_id))

    def finish(self) -> tuple[TracedToken, ...]:
        """Return all tokens; bytes of half a character become U+FFFD."""
        rest = self._decoder.decode(b"", final=True)
        if rest:
            self._tokens.append(TracedToken(rest))
        return tuple(self._tokens)

    def _own(self, step: Emitted, token_id: int) -> TracedToken:
        """The target's own token, and the draft token that it took the place of."""
        place = len(step.sources)
        text = self._text(token_id)
        if not step.num_rejected:
            return TracedToken(text)
        rejected = self._piece(step.draft.token_ids[place]).decode("utf-8", "replace")
        return TracedToken(text, "", rejected, step.draft.sources[place])

    def _text(self, token_id: int) -> str:
        return self._decoder.decode(self._piece(token_id))
