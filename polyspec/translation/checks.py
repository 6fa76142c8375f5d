"""What can be told of an answer without knowing either language.

Small models loop, stop without a word, or hand the source back. Nothing of that is
passed on in silence: an answer is cut where it begins to loop, and carries a note.
"""

from dataclasses import dataclass

from polyspec.prompting.interfaces import FinishReason

NOTE_CUT = "the answer ran into its token limit and may be incomplete"
NOTE_LOOP = "the model repeated itself; the repetition was cut"
NOTE_EMPTY = "the model gave no answer; the source text was kept"
NOTE_LINES = "the answer had several lines; they were joined"
NOTE_ECHO = "the answer repeats the source text"

_MIN_LOOP_CHARS = 24
_MIN_LOOP_TURNS = 4
_MIN_ECHO_WORDS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be made of an answer."""

    text: str
    note: str = ""
    is_sound: bool = True
    """Otherwise smaller pieces of the source are worth a try."""


def review_answer(source: str, answer: str, reason: FinishReason) -> Verdict:
    """Judge one answer to the translation of `source`, which is one stripped line."""
    lines, answer = answer.strip().splitlines(), tidy_answer(answer)
    if not answer:
        return Verdict(source, NOTE_EMPTY)
    loop = find_loop(answer)
    if loop is not None and find_loop(source) is None:
        return Verdict(answer[:loop].rstrip(), NOTE_LOOP, is_sound=False)
    if reason is FinishReason.LENGTH:
        return Verdict(answer, NOTE_CUT, is_sound=False)
    is_echo = answer == source and len(source.split()) >= _MIN_ECHO_WORDS
    if is_echo:
        return Verdict(answer, NOTE_ECHO)
    return Verdict(answer, NOTE_LINES if len(lines) > 1 else "")


def tidy_answer(answer: str) -> str:
    """The answer in one line, like its source, without white space around it."""
    lines = (line.strip() for line in answer.splitlines())
    return " ".join(line for line in lines if line)


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
