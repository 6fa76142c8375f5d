"""What in a text is no prose: format placeholders, tags, addresses, code."""

import re

_NAME = r"[A-Za-z_][\w.-]{0,60}"
_PRINTF = (
    rf"(?:\({_NAME}\)|\d{{1,2}}\$)?[-+#0]{{0,5}}"
    r"(?:\d{1,4}|\*)?(?:\.(?:\d{1,4}|\*))?"
    r"(?:hh|h|ll|l|L|z|j|t|q)?[diouxXeEfFgGcCrsSpa@]"
)
_PATTERNS = (
    r"</?\d{1,5}/?>",  # what looks like a marker of ours
    r"(?:https?|ftps?|file|mailto|tel|news)://?[^\s<>\"'`|\\^{}]*[\w/=#&+$-]",
    r"www\.[\w-]+\.[^\s<>\"'`|\\^{}]*[\w/=#&+$-]",
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    r"<!--.{0,1000}?-->",
    r"</?[A-Za-z][^<>]{0,1000}>",
    r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});",
    r":[a-z]{2,20}:`[^`\n]{1,500}`",  # a role of reStructuredText
    r"``[^`\n]{1,500}``|`[^`\n]{1,500}`",
    r"\$\{[^{}\n]{1,200}\}|\{\{[^{}\n]{1,200}\}\}|[%#]\{[^{}\n]{1,200}\}",
    r"\{\s?[\w.\[\]-]{1,60}\s?,[^{}\n]{1,200}\}",  # {n, number}
    r"\{[^{}\s]{0,100}\}",
    r"%[A-Za-z_][\w.-]{1,60}%(?!%)",
    # Not in "100 % of" nor "50%ige", where the sign is that of a share.
    rf"(?<![\d%])%{_PRINTF}|%{_PRINTF}(?![A-Za-z])|%L?\d{{1,2}}(?!\d)|%n|%%",
    rf"\$(?:{_NAME}|\d{{1,2}}\$[a-z])",
)
PLACEHOLDER = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))
"""Everything that must come through a translation unchanged.

No pattern looks further than a bounded number of characters, so a hostile text costs
linear time.
"""
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)[^<>]*?(/?)>")
# fmt: off
VOID_ELEMENTS = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta",
    "param", "source", "track", "wbr",
))
# fmt: on
"""Elements of HTML that have no end tag."""


def read_tag(raw: str) -> tuple[str, str] | None:
    """Name and role, `open`, `close` or `single`, of a tag; None for anything else."""
    match = _TAG.fullmatch(raw)
    if match is None:
        return None
    closing, name, empty = match.groups()
    if empty or name.lower() in VOID_ELEMENTS:
        return name, "single"
    return name, "close" if closing else "open"
