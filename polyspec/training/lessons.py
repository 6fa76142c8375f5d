"""Lessons on disk: a folder of compressed parts, to which a killed run can add."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from polyspec.documents.output_file import open_binary_output, open_output
from polyspec.errors import DocumentError
from polyspec.training.teacher import Example, Lesson

_VERSION = 1
_HEAD = "lessons.json"
_EXAMPLES_PER_PART = 64


@dataclass(frozen=True, slots=True)
class Course:
    """Who teaches what; a folder belongs to one course."""

    target: str
    fingerprint: str
    """Of the target's tokenizer."""
    language: str
    """ISO 639-3."""
    text: str
    """What is read: the answers to a task, or a text by its name."""


class LessonStore:
    """The lessons of one course, in the order of their examples."""

    def __init__(self, folder: Path, course: Course) -> None:
        """Open a folder, or begin one.

        Raises:
            DocumentError: It belongs to another course, or cannot be used.
        """
        self.folder = folder
        self.course = course
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refuse((error.strerror or str(error)).lower()) from error
        head = {"polyspec_lessons": _VERSION, **asdict(course)}
        path = folder / _HEAD
        if path.exists():
            self._require_same(path, head)
        else:
            with open_output(path) as file:
                file.write(json.dumps(head, ensure_ascii=False) + "\n")

    def _require_same(self, path: Path, head: dict[str, object]) -> None:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._refuse(f"{_HEAD} cannot be read") from error
        for key, value in head.items():
            if not isinstance(found, dict) or found.get(key) != value:
                was = found.get(key) if isinstance(found, dict) else None
                raise self._refuse(f"its {key} is {was!r}, not {value!r}")

    def complete(
        self,
        examples: Iterable[Example],
        teach: Callable[[Example], Lesson],
        report: Callable[[int], None],
    ) -> list[Lesson]:
        """The lessons of all examples; those that are kept are not taught again.

        Args:
            examples: All, from the first on and in the same order each time.
            teach: Makes a lesson of an example.
            report: Told how many examples are done.

        Raises:
            DocumentError: A part cannot be written, or is damaged.
        """
        waiting = iter(examples)
        lessons: list[Lesson] = []
        for number in count():
            part = list(islice(waiting, _EXAMPLES_PER_PART))
            if not part:
                break
            lessons += self._complete_part(self._part(number), part, teach)
            report(len(lessons))
        return lessons

    def _complete_part(
        self,
        path: Path,
        examples: Sequence[Example],
        teach: Callable[[Example], Lesson],
    ) -> list[Lesson]:
        """Read a part; one that was the last may have to grow or shrink."""
        kept = self._read_part(path) if path.exists() else []
        for example, lesson in zip(examples, kept, strict=False):
            if example.answer_ids != tuple(lesson.answer_ids.tolist()):
                raise self._refuse(f"{path.name} holds lessons of other texts")
        if len(kept) < len(examples):
            kept += [teach(example) for example in examples[len(kept) :]]
            self._write(path, kept)
        return kept[: len(examples)]

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:05}.npz"

    def _write(self, path: Path, lessons: Sequence[Lesson]) -> None:
        with open_binary_output(path) as file:
            np.savez_compressed(
                file,
                prompt_sizes=np.array([len(each.prompt_ids) for each in lessons]),
                answer_sizes=np.array([each.num_tokens for each in lessons]),
                prompt_ids=np.concatenate([each.prompt_ids for each in lessons]),
                answer_ids=np.concatenate([each.answer_ids for each in lessons]),
                likely_ids=np.concatenate([each.likely_ids for each in lessons]),
                log_probabilities=np.concatenate(
                    [each.log_probabilities for each in lessons]
                ),
            )

    def _read_part(self, path: Path) -> list[Lesson]:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
                return _split({name: part[name] for name in part.files})
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise self._refuse(f"{path.name} is damaged") from error

    def _refuse(self, cause: str) -> DocumentError:
        return DocumentError(
            f"the lessons in {self.folder} cannot be used",
            cause=cause,
            remedy="name another folder, or delete it",
        )


def _split(arrays: dict[str, NDArray[Any]]) -> list[Lesson]:
    prompts = np.cumsum(arrays["prompt_sizes"])[:-1]
    answers = np.cumsum(arrays["answer_sizes"])[:-1]
    columns = [
        np.split(arrays["prompt_ids"], prompts),
        np.split(arrays["answer_ids"], answers),
        np.split(arrays["likely_ids"], answers),
        np.split(arrays["log_probabilities"], answers),
    ]
    lessons = [Lesson(*row) for row in zip(*columns, strict=True)]
    for lesson in lessons:
        if len(lesson.likely_ids) != lesson.num_tokens or not lesson.num_tokens:
            raise ValueError("an answer has a place without likely tokens")
    return lessons
