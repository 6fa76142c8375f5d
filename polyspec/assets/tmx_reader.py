"""Units of a TMX file, read as a stream so that a memory of any size can be imported.

Format: LISA and ETSI, "TMX 1.4b". A file that declares an entity is refused; nothing is
fetched and nothing is expanded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from polyspec.documents.faults import malformed
from polyspec.documents.plain_text import cannot_read, open_bytes

_TITLE = "TMX"
_CHUNK_BYTES = 1 << 16
_MAX_DEPTH = 64
_MAX_TEXT_CHARS = 100_000
_MAX_PROPERTY_CHARS = 200
_POINTS = frozenset(("ph", "it", "ut", "x", "bx", "ex"))
_PAIRED = frozenset(("hi", "g"))


@dataclass(slots=True)
class Variant:
    """The text of a unit in one language."""

    tag: str
    """As the file has it."""
    text: str = ""
    """Inline codes are markers, see `documents.protection`."""


@dataclass(slots=True)
class TmxUnit:
    """One unit, which has any number of languages."""

    source_tag: str
    variants: list[Variant] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)


def read_tmx(path: Path) -> Iterator[TmxUnit]:
    """The units of a file, as they are read.

    Raises:
        DocumentError: It cannot be read, is malformed, or declares entities.
    """
    reader = _Reader()
    with open_bytes(path) as stream:
        while True:
            try:
                data = stream.read(_CHUNK_BYTES)
            except OSError as err:
                raise cannot_read(str(path), err) from err
            yield from reader.feed(data, is_last=not data)
            if not data:
                return


class _SegmentText:
    """The text of one segment while it is read."""

    def __init__(self, numbers: dict[tuple[str, str], int]) -> None:
        """Begin with the numbers that markers have in the unit's other languages."""
        self._numbers = numbers
        self._pieces: list[str] = []
        self._num_chars = 0
        self._counts = {"pair": 0, "point": 0}
        self._open: list[int] = []
        self._code_depth = 0
        """Elements open inside a native code, whose text is not for translation."""

    @property
    def is_overlong(self) -> bool:
        return self._num_chars > _MAX_TEXT_CHARS

    def finish(self) -> str:
        return "".join(self._pieces)

    def add(self, text: str) -> None:
        if not self._code_depth:
            self._pieces.append(text)
            self._num_chars += len(text)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Put a marker in the place of an inline element."""
        if self._code_depth:
            self._code_depth += 1
        elif name in _PAIRED:
            self._open.append(self._number("pair", attributes.get("x", "")))
            self.add(f"<{self._open[-1]}>")
        else:
            self._write_code(name, attributes)
            self._code_depth = 1

    def end(self, name: str) -> None:
        if self._code_depth:
            self._code_depth -= 1
        elif name in _PAIRED and self._open:
            self.add(f"</{self._open.pop()}>")

    def _write_code(self, name: str, attributes: dict[str, str]) -> None:
        if name in {"bpt", "ept"}:
            slash = "/" if name == "ept" else ""
            key = attributes.get("i", "")
            self.add(f"<{slash}{self._number('begun', key)}>")
        elif name in _POINTS:
            self.add(f"<{self._number('point', attributes.get('x', ''))}/>")

    def _number(self, kind: str, key: str) -> int:
        """The same for the same code in every language; by place if it has no name."""
        if not key:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            key = f"no. {self._counts[kind]}"
        return self._numbers.setdefault((kind, key), len(self._numbers) + 1)


class _Reader:
    """Collects units from the events of a parser."""

    def __init__(self) -> None:
        self._units: list[TmxUnit] = []
        self._source_tag = ""
        self._depth = 0
        self._has_root = False
        self._unit: TmxUnit | None = None
        self._numbers: dict[tuple[str, str], int] = {}
        self._segment: _SegmentText | None = None
        self._property: str | None = None
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._refuse_entity
        self._parser.SkippedEntityHandler = self._refuse_reference

    def feed(self, data: bytes, *, is_last: bool) -> list[TmxUnit]:
        """The units that are complete by now and were not before."""
        try:
            self._parser.Parse(data, is_last)
        except expat.ExpatError as err:
            cause = expat.ErrorString(err.code) or "it cannot be read"
            raise malformed(_TITLE, cause, line=err.lineno) from err
        except (LookupError, ValueError) as err:  # of the encoding that it names
            raise malformed(_TITLE, str(err)) from err
        if is_last and not self._has_root:
            raise malformed(_TITLE, "it has no tmx element")
        units, self._units = self._units, []
        return units

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise malformed(_TITLE, f"it declares the entity {name!r}")

    def _refuse_reference(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            raise malformed(_TITLE, f"it does not say what &{name}; stands for")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise malformed(_TITLE, f"over {_MAX_DEPTH} elements in one another")
        name = name.rpartition(":")[2]
        self._has_root = self._has_root or (self._depth == 1 and name == "tmx")
        if self._segment is not None:
            self._segment.start(name, attributes)
        elif name == "header":
            self._source_tag = attributes.get("srclang", "")
        elif name == "tu":
            self._unit = TmxUnit(attributes.get("srclang") or self._source_tag)
            self._numbers = {}
        elif self._unit is not None:
            self._start_in_unit(self._unit, name, attributes)

    def _start_in_unit(
        self, unit: TmxUnit, name: str, attributes: dict[str, str]
    ) -> None:
        if name == "tuv":
            tag = attributes.get("xml:lang") or attributes.get("lang", "")
            unit.variants.append(Variant(tag))
        elif name == "seg" and unit.variants:
            self._segment = _SegmentText(self._numbers)
        elif name == "prop":
            self._property = attributes.get("type", "")

    def _end(self, name: str) -> None:
        self._depth -= 1
        name = name.rpartition(":")[2]
        unit, segment = self._unit, self._segment
        if unit is not None and segment is not None and name == "seg":
            unit.variants[-1].text = segment.finish()
            self._segment = None
        elif segment is not None:
            segment.end(name)
        elif unit is not None and name == "tu":
            self._units.append(unit)
            self._unit = None
        elif name == "prop":
            self._property = None

    def _characters(self, data: str) -> None:
        if self._segment is not None:
            self._segment.add(data)
            if self._segment.is_overlong:
                raise malformed(
                    _TITLE,
                    f"a segment has over {_MAX_TEXT_CHARS} characters",
                    line=self._parser.CurrentLineNumber,
                )
        elif self._property is not None and self._unit is not None:
            known = self._unit.properties.get(self._property, "")
            self._unit.properties[self._property] = (known + data)[:_MAX_PROPERTY_CHARS]
