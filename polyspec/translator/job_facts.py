"""What makes two translations of a document the same job, whoever asks for them.

So what the command line began can be gone on with in the terminal interface, and the
other way round.
"""

import os
from collections.abc import Mapping
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.detection import AUTO
from polyspec.languages import find_language
from polyspec.paths import state_dir

if TYPE_CHECKING:
    from polyspec.settings import Settings
    from polyspec.translator.translator import Translator

_CHANGES_NOTHING = frozenset(
    {"model", "draft", "memory", "history", "private", "gpu_layers",
     "draft_gpu_layers", "threads", "parallel", "encoding"}
)  # fmt: skip
"""Settings that do not decide what is written. The model and the encoding do, and are
named apart."""
_LANGUAGES = ("from_", "to")


def job_name(output: Path) -> str:
    """Name of the job that writes a file, the same in every run."""
    place = os.path.realpath(output)
    return blake2b(os.fsencode(place), digest_size=12).hexdigest()


def journal_path(output: Path, folder: Path | None = None) -> Path:
    """Where the journal of the job that writes a file is.

    Args:
        output: The file.
        folder: Where journals are; otherwise that of the user.
    """
    return (folder or state_dir() / "jobs") / f"{job_name(output)}.jsonl"


def job_facts(
    source: Path, choices: Mapping[str, str], translator: "Translator"
) -> dict[str, str]:
    """What the translation of a document depends on.

    Args:
        source: The document.
        choices: How it is to be read.
        translator: Who translates it, with the settings in force.

    Raises:
        DocumentError: It cannot be read.
        UsageError: A language is not known.
    """
    facts = {
        "input": _digest(source),
        "model": translator.identify_model(),
        **choices,
        **_relevant(translator.settings),
    }
    for name in _LANGUAGES:
        if facts.get(name, AUTO) != AUTO:
            facts[name] = find_language(facts[name]).tag
    if translator.settings.glossary is not None:
        facts["glossary"] = _digest(Path(translator.settings.glossary))
    return facts


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
