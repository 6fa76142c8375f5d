"""Text that begins to say the same again and again."""

_MIN_LOOP_CHARS = 24
_MIN_LOOP_TURNS = 4


def find_loop(text: str, window: int | None = None) -> int | None:
    """Where the end of the text begins to repeat what it has just said, or None.

        "Yes. No no no no no no no no no"  ->  10, after "Yes. No no"

    A unit counts once it stands four times in a row, over 24 characters or more.

    Args:
        text: What was written so far.
        window: Look at no more than this many characters from the end.
    """
    tail = text if window is None else text[-window:]
    overlaps = _count_overlaps(tail[::-1])
    for period in range(1, len(tail) // _MIN_LOOP_TURNS + 1):
        num_chars = overlaps[period] + period
        if num_chars >= max(_MIN_LOOP_CHARS, _MIN_LOOP_TURNS * period):
            return _end_word(text, len(text) - num_chars + period, period)
    return None


def _end_word(text: str, cut: int, period: int) -> int:
    """The cut, moved on by less than a period to the end of a word."""
    places = range(cut, min(cut + period, len(text)))
    return next((at for at in places if " " in text[at - 1 : at + 1]), cut)


def _count_overlaps(text: str) -> list[int]:
    """For each start, how many characters agree with the beginning of the text.

    The Z algorithm: Gusfield, Algorithms on Strings, Trees, and Sequences, 1997.
    """
    overlaps = [len(text)] + [0] * max(0, len(text) - 1)
    left = right = 0
    for start in range(1, len(text)):
        size = min(right - start, overlaps[start - left]) if start < right else 0
        while start + size < len(text) and text[size] == text[start + size]:
            size += 1
        overlaps[start] = size
        if start + size > right:
            left, right = start, start + size
    return overlaps
