"""Where the journals of jobs are, and what makes two runs the same job."""

import os
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.cli import diagnostics
from polyspec.cli.document_choice import DocumentChoice

if TYPE_CHECKING:
    from polyspec.settings import Settings
    from polyspec.translation.journal import Journal
    from polyspec.translator import Translator

_CHANGES_NOTHING = frozenset(
    {"model", "draft", "memory", "history", "private", "gpu_layers",
     "draft_gpu_layers", "threads", "parallel", "encoding"}
)  # fmt: skip
"""Settings that do not decide what is written. The model and the encoding do, and are
named apart."""
_NAMES = {"input": "the document", "from_": "--from"}


def job_name(output: Path) -> str:
    """Name of the job that writes a file, the same in every run."""
    place = os.path.realpath(output)
    return blake2b(os.fsencode(place), digest_size=12).hexdigest()


def job_facts(
    source: Path, choice: DocumentChoice, translator: "Translator"
) -> dict[str, str]:
    """What the translation of a document depends on.

    Raises:
        DocumentError: It cannot be read.
    """
    facts = {
        "input": _digest(source),
        "model": translator.identify_model(),
        **choice.facts(),
        **_relevant(translator.settings),
    }
    if translator.settings.glossary is not None:
        facts["glossary"] = _digest(Path(translator.settings.glossary))
    return facts


def has_journal(output: Path) -> bool:
    """Whether a run that writes a file was stopped."""
    return _journal_path(output).exists()


def _journal_path(output: Path) -> Path:
    from polyspec.paths import state_dir

    return state_dir() / "jobs" / f"{job_name(output)}.jsonl"


def open_journal(
    source: Path,
    output: Path,
    choice: DocumentChoice,
    translator: "Translator",
    *,
    is_anew: bool,
) -> "Journal":
    """Open the journal of a job and tell what is taken from it.

    Raises:
        DocumentError: Another run works at it, or it cannot be read or written.
    """
    from polyspec.translation.journal import Journal

    facts = job_facts(source, choice, translator)
    journal = Journal(_journal_path(output), facts, is_anew=is_anew)
    if journal.num_entries:
        diagnostics.note(
            f"going on with {output}: {journal.num_entries} segments are there already"
        )
    elif journal.changes and not is_anew:
        names = ", ".join(_NAMES.get(name, name) for name in journal.changes)
        diagnostics.note(f"{output} is begun anew: {names} changed since the last run")
    return journal


def _relevant(settings: "Settings") -> dict[str, str]:
    fields = settings.model_dump()
    return {
        name: str(value)
        for name, value in fields.items()
        if name not in _CHANGES_NOTHING and value is not None
    }


def _digest(path: Path) -> str:
    from polyspec.documents.plain_text import open_bytes

    with open_bytes(path) as stream:
        return file_digest(stream, "blake2b").hexdigest()[:32]  # type: ignore[arg-type]
