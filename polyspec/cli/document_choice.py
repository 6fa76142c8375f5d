"""What the command line says about a document, and the document it means."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.documents.interfaces import Document, DocumentFormat
    from polyspec.settings import Settings


@dataclass(frozen=True, slots=True)
class DocumentChoice:
    """How a document is to be read."""

    format_name: str | None = None
    columns: str | None = None
    keys: str | None = None
    encoding: str | None = None

    def find_format(self, path: Path) -> "DocumentFormat":
        """The format that is named, or that the file seems to have.

        Raises:
            DocumentError: The file cannot be read.
            UsageError: There is no such format.
        """
        from polyspec.documents.registry import detect_format, find_format

        name = self.format_name
        return find_format(name) if name else detect_format(path)

    def knows(self, path: Path) -> bool:
        """Whether a file is of a known format, or one is named for all.

        Raises:
            DocumentError: The file cannot be read.
        """
        from polyspec.documents.registry import recognise_format

        return self.format_name is not None or recognise_format(path) is not None

    def open(self, path: Path, settings: "Settings") -> "Document":
        """The document.

        Raises:
            DocumentError: The file cannot be read or is malformed.
            UsageError: The format is unknown, or an option does not fit.
        """
        from polyspec.detection import AUTO
        from polyspec.documents.interfaces import ReadOptions
        from polyspec.languages import find_language

        # Only files that leave their own language open ask for it.
        named = "eng" if settings.from_ == AUTO else settings.from_
        options = ReadOptions(
            encoding=self.encoding,
            source_tag=find_language(named).tag,
            target_tag=find_language(settings.to or "eng").tag,
            columns=_split(self.columns),
            keys=_split(self.keys),
        )
        known = self.find_format(path)
        document = known.open(path, options)
        if self.format_name is None and _is_named_otherwise(path, known):
            note = f"{path} is read as {known.title}, by its first bytes"
            document.notes = (*document.notes, f"{note}; --format names another format")
        return document

    def require_text(self, path: Path | None, *, wants_lines: bool) -> None:
        """Refuse a document where only plain text will do.

        Args:
            path: The file; None for an argument or a pipe.
            wants_lines: Whether `--json` or `--trace` asks for the segments of a text.

        Raises:
            UsageError: The format is that of a document.
            DocumentError: The file cannot be read.
        """
        if path is None:
            if self.format_name not in {None, "text"}:
                raise UsageError(
                    f"the format {self.format_name} needs a file",
                    cause="a document is read twice, which a pipe or an argument "
                    "cannot be",
                    remedy="name it with --in FILE",
                )
            return
        found = self.find_format(path).name
        if wants_lines and found != "text":
            raise UsageError(
                f"--json and --trace do not go with the format {found}",
                cause="they tell of the segments of a plain text",
                remedy="leave them out, or pass --format text",
            )

    def facts(self) -> dict[str, str]:
        """What of it decides on the translation."""
        return {
            "format": self.format_name or "",
            "columns": self.columns or "",
            "keys": self.keys or "",
            "encoding": self.encoding or "",
        }


def _is_named_otherwise(path: Path, known: "DocumentFormat") -> bool:
    """Whether the extension of a file is that of another format."""
    from polyspec.documents.registry import all_formats

    suffix = path.suffix.lower()
    return suffix not in known.extensions and any(
        suffix in other.extensions for other in all_formats()
    )


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (names or "").split(",") if part.strip())
