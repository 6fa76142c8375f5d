"""How long a text is, for people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Length:
    """The length of a text, in several measures."""

    num_chars: int = 0
    num_words: int = 0
    num_tokens: int | None = None
    """Of the loaded model; None where none is loaded or they are not counted yet."""

    @classmethod
    def of(cls, text: str) -> "Length":
        """The length of a text whose tokens are not counted yet."""
        return cls(len(text), len(text.split()))

    def describe(self, width: int) -> str:
        """The length in words, as full as `width` cells allow; empty for no text."""
        if not self.num_chars:
            return ""
        chars = _count(self.num_chars, "character")
        words = _count(self.num_words, "word")
        if self.num_tokens is None:
            shapes = [f"{chars} · {words}", chars, f"{self.num_chars:,} chars"]
        else:
            tokens = _count(self.num_tokens, "token")
            shapes = [
                f"{chars} · {words} · {tokens}",
                f"{chars} · {tokens}",
                f"{self.num_chars:,} chars · {tokens}",
                f"{self.num_chars:,} · {tokens}",
            ]
        return next((shape for shape in shapes if len(shape) <= width), shapes[-1])


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
