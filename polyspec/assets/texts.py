"""Which texts can be kept, and how they are searched."""

from functools import lru_cache


def is_storable(text: str, max_chars: int) -> bool:
    """Whether a text has something to keep, is no book, and is valid Unicode."""
    if not text.strip() or len(text) > max_chars:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def make_valid(text: str) -> str:
    """A text without lone surrogates, which are no characters."""
    return text.encode("utf-8", "replace").decode()


def holds_text(text: str, sought: str) -> bool:
    """Whether a text holds another, whatever the case."""
    return _fold(sought) in text.casefold()


@lru_cache(maxsize=8)
def _fold(sought: str) -> str:
    return sought.casefold()
