"""How a malformed document is refused."""

from polyspec.errors import DocumentError


def malformed(title: str, cause: str, *, line: int | None = None) -> DocumentError:
    """The error for a document that breaks the rules of its format.

    Args:
        title: Of the format.
        cause: What is wrong.
        line: Counted from 1.
    """
    where = "" if line is None else f"line {line}: "
    return DocumentError(
        f"this is no well-formed {title}",
        cause=f"{where}{cause}",
        remedy="mend the file, or name its format with --format",
    )


def line_of(text: str, offset: int) -> int:
    """The number of the line that holds an offset, counted from 1."""
    return text.count("\n", 0, offset) + 1
