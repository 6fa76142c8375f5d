"""Text that begins to say the same again and again."""

_MIN_LOOP_CHARS = 24
_MIN_LOOP_TURNS = 4
_WINDOW = 600
_ENDLESS = 2
"""A loop of so many times what makes one is not left again."""


def find_loop(text: str, window: int | None = None, scale: int = 1) -> int | None:
    """Where the end of the text begins to repeat what it has just said, or None.

        "Yes. No no no no no no no no no"  ->  10, after "Yes. No no"

    A unit counts once it stands four times in a row, over 24 characters or more.

    Args:
        text: What was written so far.
        window: Look at no more than this many characters from the end.
        scale: It must be so many times as long, in turns and in characters.
    """
    tail = text if window is None else text[-window:]
    overlaps = _count_overlaps(tail[::-1])
    min_chars, min_turns = scale * _MIN_LOOP_CHARS, scale * _MIN_LOOP_TURNS
    for period in range(1, len(tail) // min_turns + 1):
        num_chars = overlaps[period] + period
        if num_chars >= max(min_chars, min_turns * period):
            return _end_word(text, len(text) - num_chars + period, period)
    return None


def is_endless(source: str, answer: str) -> bool:
    """Whether an answer only repeats itself, though what it answers never does.

    Args:
        source: What was to be translated.
        answer: As far as it was written.
    """
    if find_loop(answer, _WINDOW, _ENDLESS) is None:
        return False
    # One that stands for longer than it needs to is at some of these places.
    ends = [*range(_MIN_LOOP_CHARS, len(source), _MIN_LOOP_CHARS // 2), len(source)]
    return all(find_loop(source[:end], _WINDOW) is None for end in ends)


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
