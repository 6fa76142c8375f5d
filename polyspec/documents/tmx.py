"""TMX: units of a translation memory that lack the target language get it.

Format: LISA and ETSI, "TMX 1.4b".
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from polyspec.documents.bilingual import (
    cut_elements,
    find_element,
    local_name,
    read_marked_text,
)
from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import Content, Document, ReadOptions, SegmentNote
from polyspec.documents.markup import (
    Token,
    TokenKind,
    encode_value,
    join_raw,
    write_content,
)
from polyspec.documents.slots import Part, Slot, TextDocument, Unit
from polyspec.documents.xml_tokens import begins_with, find_xml_encoding, read_xml
from polyspec.errors import UsageError

_TITLE = "TMX"
_UNITS = frozenset(("tu",))


class Tmx:
    """Translation memories."""

    name = "tmx"
    title = "TMX"
    extensions = (".tmx",)
    limits = (
        "Needs the target language; units that have it are skipped. A new variant is "
        "put after the last one of its unit."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return begins_with(head, b"tmx")

    def open(self, path: Path, options: ReadOptions) -> Document:
        if not options.target_tag:
            raise UsageError(
                f"{path} holds several languages",
                cause="the language to add to it is not named",
                remedy="pass --to CODE, for example --to fr",
            )
        decoded = read_whole(path, options.encoding, find_xml_encoding)
        return TextDocument.of(
            path,
            decoded,
            lambda text: _read_parts(text, options),
            errors="xmlcharrefreplace",
        )


def _read_parts(text: str, options: ReadOptions) -> Iterator[Part]:
    source_tag, has_root = options.source_tag, False
    for found in cut_elements(read_xml(text, _TITLE), _UNITS):
        if isinstance(found, Token):
            has_root = has_root or found.name == "tmx"
            if found.name == "header":
                named = found.attributes.get("srclang", "")
                # The file knows best, but may say that all languages are equal.
                source_tag = source_tag if named in {"", "*all*"} else named
            yield found.raw
            continue
        slot = _make_slot(found, source_tag, options)
        yield join_raw(found) if slot is None else slot
    if not has_root:
        raise malformed(_TITLE, "it has no tmx element")


def _make_slot(
    tokens: list[Token], source_tag: str, options: ReadOptions
) -> Slot | None:
    variants = list(_find_variants(tokens))
    tag = tokens[0].attributes.get("srclang") or source_tag
    source = _pick(variants, tag)
    target = _pick(variants, options.target_tag)
    if source is None or source == target:
        return None
    content = _read_segment(tokens, source[1])
    old = _read_segment(tokens, target[1]) if target else ()
    if not content or (old and not options.has_redo):
        return None
    note = SegmentNote(key=tokens[0].attributes.get("tuid", ""))
    raw = join_raw(tokens)

    def build(translations: Sequence[Content | None]) -> str:
        (new,) = translations
        if new is None:
            return raw
        written = write_content(new)
        if target is not None:
            return _replace_segment(tokens, target[1], written)
        return _add_variant(tokens, variants, options.target_tag, written)

    return Slot(raw, (Unit(content, note, old or None),), build, is_bilingual=True)


_Variant = tuple[str, range]
"""A language tag, and the places of its `tuv` in the tokens of a unit."""


def _find_variants(tokens: list[Token]) -> Iterator[_Variant]:
    place = 0
    while found := find_element(tokens[place:], lambda t: local_name(t) == "tuv"):
        places = range(place + found.start, place + found.stop)
        attributes = tokens[places.start].attributes
        yield attributes.get("xml:lang") or attributes.get("lang", ""), places
        place = places.stop


def _pick(variants: list[_Variant], tag: str) -> _Variant | None:
    """The variant in this language, or in another variety of it."""
    wanted = tag.lower().replace("_", "-")
    for size in (None, 1):
        for variant in variants:
            have = variant[0].lower().replace("_", "-")
            if have.split("-")[:size] == wanted.split("-")[:size] and wanted:
                return variant
    return None


def _find_segment(tokens: list[Token], variant: range) -> range:
    inside = tokens[variant.start : variant.stop]
    found = find_element(inside, lambda token: local_name(token) == "seg")
    return range(found.start + variant.start, found.stop + variant.start)


def _read_segment(tokens: list[Token], variant: range) -> Content:
    places = _find_segment(tokens, variant)
    return read_marked_text(tokens[places.start + 1 : places.stop - 1])


def _replace_segment(tokens: list[Token], variant: range, new: str) -> str:
    places = _find_segment(tokens, variant)
    if not places:
        return join_raw(tokens)
    before, after = tokens[: places.start], tokens[places.stop :]
    return f"{join_raw(before)}<seg>{new}</seg>{join_raw(after)}"


def _add_variant(
    tokens: list[Token], variants: list[_Variant], tag: str, new: str
) -> str:
    last = variants[-1][1]
    before = tokens[last.start - 1]
    is_space = before.kind is TokenKind.TEXT and not before.raw.strip()
    space = before.raw if is_space else ""
    attribute = "xml:lang" if "xml:lang" in tokens[last.start].attributes else "lang"
    added = f'{space}<tuv {attribute}="{encode_value(tag)}"><seg>{new}</seg></tuv>'
    return join_raw(tokens[: last.stop]) + added + join_raw(tokens[last.stop :])
