"""`--trace FILE`: who proposed each token, as a page to look at or as JSON."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

from polyspec.cli.run_stats import drafter_fields
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.prompting.interfaces import TracedToken
    from polyspec.translator import Translator

_SUFFIXES = (".html", ".json")
_COLOURS = ("#8fd3a8", "#9cc4ff", "#ffd479", "#e3b3f5", "#ffb3a7", "#b8e0e0")


@dataclass(frozen=True, slots=True)
class TracedText:
    """One segment or story: its tokens and what stands around them."""

    tokens: "Sequence[TracedToken]"
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class Trace:
    """The texts of one run, in order."""

    is_wanted: bool
    texts: list[TracedText] = field(default_factory=list)
    drafters: str = ""
    counts: dict[str, object] = field(default_factory=dict)

    def begin(self, translator: "Translator") -> None:
        """Have the translator note who proposes what, if anybody wants to know."""
        if self.is_wanted:
            translator.session.is_tracing = True

    def add(
        self, tokens: "Sequence[TracedToken]", before: str = "", after: str = ""
    ) -> None:
        """Add a text that is finished; one without tokens stands for itself."""
        if self.is_wanted:
            self.texts.append(TracedText(tokens, before, after))

    def end(self, translator: "Translator") -> None:
        """Note what the drafters did in all."""
        self.drafters = translator.drafter_name
        self.counts = drafter_fields(translator)


@contextmanager
def open_trace(path: Path | None) -> Iterator[Trace]:
    """Collect a trace, and write it at the end.

    Args:
        path: A name that ends in .html or .json; None traces nothing.

    Raises:
        UsageError: The name ends otherwise.
        DocumentError: The file cannot be written.
    """
    if path is None:
        yield Trace(is_wanted=False)
        return
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise UsageError(
            f"cannot tell which kind of trace {path} is to be",
            cause=f"a trace ends in {' or '.join(_SUFFIXES)}",
            remedy="pass --trace trace.html to look at it",
        )
    from polyspec.documents.output_file import open_output

    with open_output(path) as file:
        trace = Trace(is_wanted=True)
        yield trace
        text = make_page(trace) if suffix == ".html" else make_json(trace)
        # A text may hold half a character of a damaged input.
        file.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def make_json(trace: Trace) -> str:
    """The trace as one object."""
    fields = {
        "format": 1,
        "drafters": trace.drafters,
        "counts": trace.counts,
        "texts": [
            {
                "before": text.before,
                "tokens": [asdict(token) for token in text.tokens],
                "after": text.after,
            }
            for text in trace.texts
        ],
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


def make_page(trace: Trace) -> str:
    """The trace as a page that needs nothing else: no script, no other file."""
    names = _names(trace.texts)
    rules = "".join(
        f".s{place}{{background:{_COLOURS[place % len(_COLOURS)]}}}"
        for place in range(len(names))
    )
    classes = {name: f"s{place}" for place, name in enumerate(names)}
    counts = _count(trace.texts)
    legend = " ".join(
        f'<span class="{classes[name]}">{_clean(name)}: {counts[name]} tokens</span>'
        for name in names
    )
    body = "".join(_show_text(text, classes) for text in trace.texts)
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<title>PolySpec trace</title><style>"
        "body{max-width:50em;margin:2em auto;padding:0 1em;color:#222;background:#fff;"
        "font-family:sans-serif;line-height:1.7}main{white-space:pre-wrap}"
        "span,del{border-radius:3px;color:#222}"
        "del{color:#b00020;background:#fff;font-size:.8em;opacity:.8}"
        f"{rules}</style></head><body><h1>Who proposed each token</h1>"
        f"<p>Drafters: {_clean(trace.drafters)}</p>"
        f"<p><span>model: {counts['']} tokens</span> {legend} "
        "<del>rejected</del></p>"
        f'<main dir="auto">{body}</main></body></html>\n'
    )


def _show_text(text: TracedText, classes: dict[str, str]) -> str:
    tokens = "".join(_show_token(token, classes) for token in text.tokens)
    return f"{_clean(text.before)}{tokens}{_clean(text.after)}"


def _show_token(token: "TracedToken", classes: dict[str, str]) -> str:
    shown = _clean(token.text)
    if token.source:
        name = _clean(token.source)
        shown = f'<span class="{classes[token.source]}" title="{name}">{shown}</span>'
    if token.rejected_source:
        name = _clean(token.rejected_source)
        shown = f'<del title="{name}, rejected">{_clean(token.rejected)}</del>{shown}'
    return shown


def _names(texts: Sequence[TracedText]) -> list[str]:
    found = {
        name
        for text in texts
        for token in text.tokens
        for name in (token.source, token.rejected_source)
    }
    return sorted(found - {""})


def _count(texts: Sequence[TracedText]) -> dict[str, int]:
    counts = dict.fromkeys(["", *_names(texts)], 0)
    for text in texts:
        for token in text.tokens:
            counts[token.source] += 1
    return counts


def _clean(text: str) -> str:
    """Escape, and show control characters that a page cannot hold."""
    return "".join(
        "\ufffd" if category(char) == "Cc" and char not in "\n\t" else char
        for char in escape(text)
    )
