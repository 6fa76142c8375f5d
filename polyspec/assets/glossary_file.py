"""Glossaries in files: tables of two columns, or TBX.

Formats: CSV and TSV; TermBase eXchange, ISO 30042:2008 and 2019.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from polyspec.assets.glossary import Glossary, Term
from polyspec.assets.language_pair import LanguagePair, is_same_language, tag_of
from polyspec.assets.rows import read_rows
from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import malformed
from polyspec.documents.markup import Token, TokenKind, decode_text
from polyspec.documents.xml_tokens import find_xml_encoding, read_xml
from polyspec.errors import DocumentError, UsageError

_TITLE = "glossary"
_TBX_TITLE = "TBX glossary"
_MAX_TERM_CHARS = 200
_CONCEPTS = frozenset(("termEntry", "conceptEntry"))
_LANGUAGES = frozenset(("langSet", "langSec"))
_TERMS = frozenset(("tig", "ntig", "termSec"))
_HEADERS = {
    "source": frozenset(("source", "src", "term")),
    "target": frozenset(("target", "translation", "trg", "tgt")),
}


def read_glossary(path: Path, pair: LanguagePair) -> Glossary:
    """The glossary of a file.

    Args:
        path: A .csv, .tsv or .tbx file. A table has a header that names its columns
            (`source` and `target`, or two languages), or terms in its first column and
            their translations in the second. A term without a translation stays as it
            is in a translation.
        pair: The languages that are translated.

    Raises:
        DocumentError: It cannot be read, is malformed, or has nothing for the pair.
        UsageError: It is of another kind.
    """
    kind = path.suffix.lower()
    if kind in {".csv", ".tsv", ".tab", ".txt"}:
        terms = list(_read_table(path, pair, None if kind == ".csv" else "\t"))
    elif kind in {".tbx", ".xml"}:
        terms = list(_read_tbx(path, pair))
    else:
        raise UsageError(
            f"{path} is no glossary",
            cause=f"files that end in {kind or 'nothing'} are not known",
            remedy="name a .csv, .tsv or .tbx file",
        )
    if not terms:
        raise DocumentError(
            f"there are no terms in {path}",
            cause=f"nothing in it goes from {pair.source} to {pair.target}",
            remedy="look at --from and --to",
        )
    return Glossary(terms)


def _read_table(
    path: Path, pair: LanguagePair, delimiter: str | None
) -> Iterator[Term]:
    places: tuple[int, int] | None = None
    for row in read_rows(path, _TITLE, delimiter):
        if places is None:
            places = _find_places(row.cells, pair)
            if places is not None:
                continue
            if len(row.cells) > 1 and all(_short(cell.lower()) for cell in row.cells):
                return  # a header of other languages
            places = (0, 1)
        source, target = (
            row.cells[place] if place < len(row.cells) else "" for place in places
        )
        if len(row.cells) < 2:
            raise malformed(_TITLE, "a row has one cell only", line=row.line)
        if not source:
            raise malformed(_TITLE, "a row has no term", line=row.line)
        yield _make_term(source, target or source, row.line)


def _find_places(cells: tuple[str, ...], pair: LanguagePair) -> tuple[int, int] | None:
    """The columns that a header names; None where the row is none."""
    names = [cell.lower() for cell in cells]
    found = []
    for kind, tag in (("source", pair.source), ("target", pair.target)):
        by_name = [place for place, name in enumerate(names) if name in _HEADERS[kind]]
        by_tag = [place for place, name in enumerate(names) if _is_tag(name, tag)]
        found.append((by_name or by_tag or [-1])[0])
    source, target = found
    return None if -1 in found or source == target else (source, target)


def _is_tag(name: str, tag: str) -> bool:
    """Whether a header, such as `de` or `de-DE`, names a language."""
    is_like = name == tag.lower() or name.startswith(f"{tag.lower()}-")
    return is_like or _short(name) == tag


def _short(name: str) -> str:
    if not (2 <= len(name) <= 35 and name.replace("-", "").isalnum()):
        return ""
    try:
        return tag_of(name)
    except UsageError:
        return ""


def _make_term(source: str, target: str, line: int | None = None) -> Term:
    if max(len(source), len(target)) > _MAX_TERM_CHARS:
        raise malformed(
            _TITLE, f"a term has over {_MAX_TERM_CHARS} characters", line=line
        )
    return Term(source, (target,))


@dataclass(slots=True)
class _Concept:
    """One concept of a TBX file while it is read."""

    terms: dict[str, list[str]] = field(default_factory=dict)
    """By language."""
    tag: str = ""
    text: str = ""
    is_deprecated: bool = False

    def finish_term(self) -> None:
        text = " ".join(self.text.split())
        if text and not self.is_deprecated:
            self.terms.setdefault(self.tag, []).append(text)
        self.text, self.is_deprecated = "", False

    def pairs(self, pair: LanguagePair) -> Iterator[Term]:
        targets = self._find(pair.target)
        for source in self._find(pair.source) if targets else ():
            for target in targets:
                yield _make_term(source, target)

    def _find(self, tag: str) -> list[str]:
        """The terms of a language, or else of another variety of it."""
        if tag in self.terms:
            return self.terms[tag]
        alike = (known for known in self.terms if is_same_language(known, tag))
        return self.terms.get(next(alike, ""), [])


def _read_tbx(path: Path, pair: LanguagePair) -> Iterator[Term]:
    text = read_whole(path, None, find_xml_encoding).text
    concept: _Concept | None = None
    inside = ""
    for token in read_xml(text, _TBX_TITLE):
        name = token.name.rpartition(":")[2]
        if token.kind is TokenKind.START:
            if name in _CONCEPTS:
                concept = _Concept()
            elif concept is not None:
                _start(concept, name, token)
            inside = name if name in {"term", "termNote"} else inside
        elif token.kind is TokenKind.TEXT and concept is not None:
            _take_text(concept, inside, token)
        elif token.kind is TokenKind.END:
            inside = "" if name == inside else inside
            if concept is not None and name in _TERMS:
                concept.finish_term()
            elif concept is not None and name in _CONCEPTS:
                yield from concept.pairs(pair)
                concept = None


def _start(concept: _Concept, name: str, token: Token) -> None:
    if name in _LANGUAGES:
        named = token.attributes.get("xml:lang") or token.attributes.get("lang", "")
        concept.tag = _short(named.lower())


def _take_text(concept: _Concept, inside: str, token: Token) -> None:
    text = "".join(map(str, decode_text(token.raw, has_space=True)))
    if inside == "term":
        concept.text += text
    elif inside == "termNote" and text.strip().startswith(("deprecated", "superseded")):
        concept.is_deprecated = True
