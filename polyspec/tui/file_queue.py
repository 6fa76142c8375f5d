"""The files to be translated, and what became of each. Draws nothing."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from polyspec.errors import DocumentError, PolySpecError
from polyspec.tui.file_jobs import FileFacts, FileJob
from polyspec.tui.widgets.queue.item import QueueRow


@dataclass
class QueuedFile:
    """One file, its job and its state."""

    job: FileJob
    state: str = "waiting"
    facts: FileFacts = field(default_factory=FileFacts)
    error: PolySpecError | None = None

    @property
    def path(self) -> Path:
        return self.job.path

    @property
    def share(self) -> float:
        """How much is done, `0..1`."""
        if self.state == "done":
            return 1.0
        return min(0.99, self.facts.num_done_chars / max(1, self.facts.num_chars))

    @property
    def seconds_left(self) -> float | None:
        """Judged by what is done; None before anything is."""
        facts = self.facts
        if not facts.num_fresh_chars:
            return None
        left = max(0, facts.num_chars - facts.num_done_chars)
        return facts.elapsed_s * left / facts.num_fresh_chars

    @property
    def row(self) -> QueueRow:
        return QueueRow(
            name=self.path.name,
            languages=f"{self.job.source_language} → {self.job.target_language}",
            state=self.state,
            share=self.share,
            seconds_left=self.seconds_left,
        )

    def report(self) -> list[tuple[str, str]]:
        """What there is to say of it, as names and values."""
        facts = [
            ("file", str(self.path)),
            ("into", str(self.job.output)),
            ("languages", self.row.languages),
            ("", self.facts.language_note),
            ("format", self.facts.format_name),
            ("state", self.state),
            ("segments", f"{self.facts.num_segments:,}"),
            ("time", f"{self.facts.elapsed_s:.1f} s"),
        ]
        if self.error is not None:
            facts += [
                ("problem", self.error.problem),
                ("cause", self.error.cause),
                ("remedy", self.error.remedy),
            ]
        if self.facts.num_kept:
            facts.append(("untouched", f"{self.facts.num_kept} segments"))
        if self.facts.notes:
            facts.append(("flagged", f"{len(self.facts.notes)} segments"))
            facts += [("", note) for note in self.facts.notes]
        elif self.state == "done":
            facts.append(("flagged", "nothing"))
        return facts


def read_path(typed: str) -> Path:
    """The file that was typed or dropped; terminals put quotes around dropped paths.

    Raises:
        DocumentError: There is no such file.
    """
    name = typed.strip().strip("'\"").replace("\\ ", " ")
    if name.startswith("file://"):
        name = _decode(name.removeprefix("file://"))
    path = Path(name).expanduser()
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        raise DocumentError(
            f"there is no file {name}",
            cause="the path leads nowhere or to a folder",
            remedy="check the path, or browse with ctrl+o",
        )
    return path.resolve()


def _decode(uri: str) -> str:
    """The path that a URI means: its bytes may be written as `%20`."""
    path = re.sub(
        rb"%([0-9A-Fa-f]{2})",
        lambda found: bytes.fromhex(found[1].decode()),
        uri.encode(),
    )
    return path.decode("utf-8", "replace")
