r"""Words that a model puts around a translation, and how they are taken off.

    Sure! Here is the translation:\n"Bonjour."  ->  Bonjour.

Only what cannot belong to the translation goes: an introduction that ends in a colon, a
remark on lines of its own behind it, the name of the language as a label, and quotation
marks around the whole that the source does not have.
"""

import re

from polyspec.languages import Language

_INTRODUCTION = re.compile(
    r"""^\W*(?:
      (?:sure|certainly|of\ course|okay|ok)\b[^:\n]{0,60}[:!.]?\s*$
    | (?:(?:sure|certainly|of\ course|okay|ok)\b[!,.]?\s*)?
      (?:here\ is|here's|here’s|this\ is|below\ is|the\ following\ is|the)\b
      [^:\n]{0,40}\btranslat(?:ion|ed)\b[^:\n]{0,60}:
    | (?:translation|translated\ text|traduction|traducción|traduzione|tradução|
        übersetzung|vertaling|tłumaczenie|переклад|перевод|çeviri|الترجمة|अनुवाद|
        翻译|译文|翻訳|번역)\s*[:：]
    | (?:voici|aquí\ (?:está|tienes)|ecco|aqui\ está|hier\ ist|hier\ is|oto|вот|ось|
        işte|以下是|以下は|다음은)[^:：\n]{0,60}
      (?:tradu|übersetzung|vertaling|tłumacz|перевод|переклад|çeviri|翻译|翻訳|번역)
      [^:：\n]{0,40}[:：]
    )\W*""",
    re.IGNORECASE | re.VERBOSE,
)
_REMARK = re.compile(
    r"^\W*(?:note|notes|explanation|please note|n\.?b|translation notes?|remarque"
    r"|nota|hinweis|anmerkung|i hope this helps|let me know|this translation"
    r"|this is the translation|the translation|in this translation)\b",
    re.IGNORECASE,
)
_QUOTES = (
    ('"', '"'), ("“", "”"), ("„", "“"), ("„", "”"), ("«", "»"), ("「", "」"),
    ("『", "』"), ("‘", "’"), ("'", "'"), ("`", "`"), ("**", "**"),
)  # fmt: skip
_OPENING = "".join({opening for opening, _ in _QUOTES})
_MARKS = frozenset('"“”„«»「」『』‘`*')
"""A source with one of these may have a translation in quotation marks."""
_APOSTROPHES = re.compile(r"^\s*['‘’]|['‘’]\s*$")


def strip_chatter(
    source: str, answer: str, target: Language | None
) -> tuple[list[str], bool]:
    """The lines of an answer without what a model says about it.

    Args:
        source: The text that was to be translated, one line.
        answer: What the model wrote.
        target: Its label is taken off, as in `French: Bonjour`.

    Returns:
        The lines with text in them, stripped; and whether words were taken off.
    """
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    kept = _strip_remarks(source, _strip_introduction(source, lines, target))
    if not kept:
        return lines, False
    has_chatter = " ".join(kept) != " ".join(lines)
    if len(kept) == 1:
        kept = [_strip_quotes(source, kept[0])]
    return kept, has_chatter


def _strip_introduction(
    source: str, lines: list[str], target: Language | None
) -> list[str]:
    if not lines or _INTRODUCTION.match(source):
        return lines
    first = lines[0]
    match = _INTRODUCTION.match(first) or _match_label(source, first, target)
    if match is None:
        return lines
    # An opening quotation mark behind the colon belongs to the translation.
    end = len(first[: match.end()].rstrip(_OPENING))
    rest = first[end:].strip()
    return [rest, *lines[1:]] if rest else lines[1:]


def _match_label(
    source: str, line: str, target: Language | None
) -> re.Match[str] | None:
    if target is None:
        return None
    names = "|".join(map(re.escape, (target.name, target.native_name)))
    label = re.compile(rf"^\W*(?:{names})(?:\s*\([^)]*\))?\s*[:：]\W*", re.IGNORECASE)
    return None if label.match(source) else label.match(line)


def _strip_remarks(source: str, lines: list[str]) -> list[str]:
    if _REMARK.match(source):
        return lines
    for number, line in enumerate(lines):
        if number > 0 and _REMARK.match(line):
            return lines[:number]
    return lines


def _strip_quotes(source: str, line: str) -> str:
    """The line without a pair of quotation marks around it that the source lacks."""
    if any(char in source for char in _MARKS) or _APOSTROPHES.search(source):
        return line
    for opening, closing in _QUOTES:
        inner = line[len(opening) : len(line) - len(closing)]
        is_quoted = line == f"{opening}{inner}{closing}" and inner.strip()
        if is_quoted and opening not in inner and closing not in inner:
            return inner.strip()
    return line
