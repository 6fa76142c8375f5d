"""YAML: the texts among its values.

ruamel.yaml (YAML 1.2) tells where each value stands. Only its event stream is used,
which expands no alias and does not recurse.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import malformed
from polyspec.documents.icu import make_text_slot
from polyspec.documents.interfaces import (
    Content,
    Document,
    ReadOptions,
    SegmentNote,
    plain_text,
)
from polyspec.documents.keys import is_wanted_key
from polyspec.documents.slots import Part, Span, TextDocument, make_slot, splice

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_NO_TEXT = re.compile(
    r"true|false|yes|no|on|off|null|\.inf|\.nan|y|n|[-+]?[\d.]+e[-+]?\d+|0x[0-9a-f]+",
    re.IGNORECASE,
)
_SAFE = re.compile(
    r"[^\W\d_](?:[^\n:#\[\]{},&*!|>'\"%@`\\\t]*[^\s:#\[\]{},&*!|>'\"%@`\\])?"
)
_MAX_DEPTH = 500
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_ESCAPES = {"\n": r"\n", "\t": r"\t", "\r": r"\r", '"': r"\"", "\\": r"\\"}


class Yaml:
    """Settings and messages."""

    name = "yaml"
    title = "YAML"
    extensions = (".yaml", ".yml")
    limits = (
        "Values that are texts are translated, keys and comments are not; --keys "
        "chooses some. A value without quotes gets them where its translation needs "
        "them."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding)
        return TextDocument.of(
            path,
            decoded,
            lambda text: read_yaml_parts(text, options.keys),
        )


def read_yaml_parts(text: str, keys: tuple[str, ...]) -> Iterator[Part]:
    """The parts of a YAML stream whose keys fit the patterns."""
    return splice(text, _find_spans(text, keys))


def _find_spans(text: str, keys: tuple[str, ...]) -> Iterator[Span]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.events import ScalarEvent

    path = _Path()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            is_value = path.note(event)
            if is_value and isinstance(event, ScalarEvent):
                start, end = event.start_mark.index, event.end_mark.index
                span = _make_span(text, start, end, event, path)
                if span is not None and is_wanted_key(str(path), keys):
                    yield span
    except MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else None
        raise malformed("YAML", str(err.problem), line=line) from err
    except (YAMLError, ValueError, OverflowError) as err:
        cause = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise malformed("YAML", cause) from err


class _Path:
    """The keys down to where the event stream has come."""

    def __init__(self) -> None:
        self._levels: list[list[str | int | None]] = []
        """Of each mapping the key whose value comes, of each list a number."""
        self._flows: list[bool] = []

    @property
    def is_flow(self) -> bool:
        """Whether the value stands between brackets."""
        return any(self._flows)

    def __str__(self) -> str:
        return ".".join(str(level[0]) for level in self._levels)

    def note(self, event: object) -> bool:
        """Take an event; tells whether it is a value, not a key."""
        kind = type(event).__name__
        if kind in {"MappingEndEvent", "SequenceEndEvent"}:
            self._levels.pop()
            self._flows.pop()
            return False
        is_node = kind in {
            "ScalarEvent", "AliasEvent", "MappingStartEvent", "SequenceStartEvent",
        }  # fmt: skip
        is_value = is_node and self._advance(getattr(event, "value", "?"))
        if len(self._levels) > _MAX_DEPTH:
            raise malformed("YAML", f"over {_MAX_DEPTH} levels in one another")
        if hasattr(event, "flow_style"):
            self._flows.append(bool(event.flow_style))
        if kind == "MappingStartEvent":
            self._levels.append([None, "map"])
        elif kind == "SequenceStartEvent":
            self._levels.append([-1, "list"])
        return is_value

    def _advance(self, value: str) -> bool:
        if not self._levels:
            return True
        level = self._levels[-1]
        if level[1] == "list":
            level[0] = int(level[0] or 0) + 1
            return True
        # In a mapping, keys and values come in turn.
        is_key = len(level) == 2
        level[:] = [value, "map", "value"] if is_key else [level[0], "map"]
        return not is_key


def _make_span(
    text: str, start: int, end: int, event: object, path: "_Path"
) -> Span | None:
    value: str = getattr(event, "value", "")
    style: str | None = getattr(event, "style", None)
    tag = getattr(event, "tag", None)
    if tag not in {None, "!", "tag:yaml.org,2002:str"}:
        return None
    if not any(char.isalpha() for char in value):
        return None
    if not style and _NO_TEXT.fullmatch(value):
        return None
    properties = _PROPERTIES.match(text, start, end)
    start = properties.end() if properties and getattr(event, "anchor", None) else start
    raw = text[start:end]
    note = SegmentNote(key=str(path))
    if style in {"|", ">"}:
        encode = partial(_encode_block, raw=raw)
        return Span(start, end, make_slot(raw, (value.rstrip("\n"),), encode, note))
    encode = partial(_encode_flow, style=style or "", is_flow=path.is_flow)
    return Span(start, end, make_text_slot(raw, value, (value,), encode, note))


def _encode_flow(content: Content, style: str, is_flow: bool) -> str:
    text = plain_text(content)
    if style == "'" and not _CONTROL.search(text):
        return "'" + text.replace("'", "''") + "'"
    is_plain = style == "" and _may_be_plain(text, is_flow)
    return text if is_plain else _quote(text)


def _may_be_plain(text: str, is_flow: bool) -> bool:
    """Whether a text without quotes is read as this very text again."""
    if not text or _NO_TEXT.fullmatch(text) or _CONTROL.search(text):
        return False
    if _SAFE.fullmatch(text):
        return True
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import ScalarEvent

    sample = f"[{text}]" if is_flow else f"- {text}\n"
    try:
        events = list(YAML(typ="safe", pure=True).parse(sample))
    except (YAMLError, ValueError, OverflowError):
        return False
    # The stream, the document and the list begin before the text.
    scalar = events[3]
    is_same = isinstance(scalar, ScalarEvent) and (scalar.value, scalar.tag) == (
        text,
        None,
    )
    return is_same and not scalar.style and len(events) == 7


def _quote(text: str) -> str:
    escaped = re.sub(r'["\\]', lambda match: f"\\{match.group()}", text)
    escaped = _CONTROL.sub(
        lambda match: _ESCAPES.get(match.group(), f"\\u{ord(match.group()):04x}"),
        escaped,
    )
    return f'"{escaped}"'


def _encode_block(content: Content, raw: str) -> str:
    """A block scalar with its header, its indentation and the lines after it."""
    text = plain_text(content)
    header, _, body = raw.partition("\n")
    lines = [line for line in body.split("\n") if line.strip()]
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip(" "))] if lines else ""
    newline = "\r\n" if header.endswith("\r") else "\n"
    end = raw[len(raw.rstrip("\r\n ")) :]
    # Indented lines are not folded, and the first one sets the indentation.
    is_folded = header.startswith(">")
    edges = text.split("\n") if is_folded else [text.lstrip("\n")]
    has_edge = any(line[:1] in {" ", "\t"} for line in edges)
    if has_edge or not indent or re.search("[\0-\x08\x0b-\x1f\x85\u2028\u2029]", text):
        return _quote(text) + end
    if is_folded:
        text = re.sub(r"\n+", lambda match: "\n" + match.group(), text)
    written = [f"{indent}{line}" if line else "" for line in text.split("\n")]
    return header.rstrip("\r") + newline + newline.join(written) + end
