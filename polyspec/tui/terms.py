"""The terms of the glossary in a text that is typed. Used on threads."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.errors import PolySpecError
from polyspec.tui.widgets.marked import Mark

if TYPE_CHECKING:
    from polyspec.assets.glossary import Glossary
    from polyspec.languages import Language


def find_terms(
    path: Path, source: "Language", target: "Language", text: str
) -> list[Mark]:
    """The places of terms, each with its translations as a note.

    A glossary that cannot be read has none: the translation says what is wrong with it.

    Args:
        path: The file of the glossary.
        source: Language of the text.
        target: Language of the translation.
        text: What is looked through.
    """
    try:
        changed_ns = path.stat().st_mtime_ns
        glossary = _read(path, source, target, changed_ns)
    except (OSError, PolySpecError):
        return []
    return [
        Mark(start, end, "term", f"{term.source} → {' or '.join(term.targets)}")
        for start, end, term in glossary.locate(text)
    ]


@lru_cache(maxsize=4)
def _read(
    path: Path, source: "Language", target: "Language", _changed_ns: int
) -> "Glossary":
    from polyspec.assets.glossary_file import read_glossary
    from polyspec.assets.language_pair import LanguagePair

    return read_glossary(path, LanguagePair.of(source, target))
