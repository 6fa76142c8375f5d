"""What a draft is to learn: answers of its target or a text, as lessons."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from polyspec.detection import detect
from polyspec.engine.model import Model
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import ModelError, UsageError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.languages import Language
from polyspec.prompting.detect import detect_profile
from polyspec.tables.corpus import read_lines
from polyspec.training import distill
from polyspec.training.distill import Plan
from polyspec.training.examples import (
    STRATEGIES,
    limit_tokens,
    make_examples,
    make_text_examples,
)
from polyspec.training.journal import Journal
from polyspec.training.journal import Subject as JournalSubject
from polyspec.training.lessons import Course, LessonStore
from polyspec.training.teacher import Example, Lesson, Teacher

_CONTEXT_TOKENS = 1024
_STEP_TOKENS = 64
_NUM_JUDGED = 200
"""Lines of a text by which its language is told."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a draft is to learn."""

    language: Language
    strategy: str
    """One of `STRATEGIES`."""
    num_tokens: int
    """About how many tokens of answers or text."""
    source_language: Language
    sources: Path | None = None
    """Sentences to translate, one a line."""
    text: Path | None = None
    """Existing text in the language."""

    def plans(self) -> list[Plan]:
        """What the target is to write first."""
        tasks = {"task": ("translate",), "mixed": distill.TASKS}.get(self.strategy, ())
        return [
            Plan(
                self.language,
                task,
                self.num_tokens // len(tasks),
                self.source_language,
                self.sources,
            )
            for task in tasks
        ]


def require_sound(subject: Subject) -> None:
    """Refuse what cannot be learned.

    Raises:
        UsageError: The strategy is not known, or its text or sentences are not named.
    """
    if subject.strategy not in STRATEGIES:
        raise UsageError(
            f"there is no strategy {subject.strategy!r}",
            cause=f"there are {', '.join(STRATEGIES)}",
            remedy="pass --strategy task, mono or mixed",
        )
    if subject.strategy == "mono" and subject.text is None:
        raise UsageError(
            "there is no text to learn from",
            remedy="pass --text FILE, a text in the language",
        )
    for plan in subject.plans():
        distill.require_sound(plan)


def find_mismatch(subject: Subject) -> str:
    """Say that the text is in another language, or nothing.

    Raises:
        TableError: The text cannot be read.
    """
    if subject.text is None:
        return ""
    lines = list(islice(read_lines(subject.text), _NUM_JUDGED))
    found = detect(" ".join(lines), is_wide=False)
    if not found.is_sure or found.language is None:
        return ""
    if found.language.code == subject.language.code:
        return ""
    return (
        f"{subject.text.name} seems to be in {found.language.name}, "
        f"not in {subject.language.name}"
    )


def open_journal(header: GgufHeader, plan: Plan, folder: Path) -> Journal:
    """What the target has written for a plan so far.

    Raises:
        DocumentError: It is of another model, or cannot be read and written.
    """
    code = plan.language.code
    fingerprint = tokenizer_fingerprint(header)
    subject = JournalSubject(header.path.stem, fingerprint, code, plan.task)
    return Journal(folder / f"{code}.{plan.task}.jsonl", subject)


def teach_subject(
    header: GgufHeader,
    subject: Subject,
    folder: Path,
    num_threads: int | None,
    report: Callable[[int], None],
) -> list[Lesson]:
    """What the target finds likely in its answers or in a text.

    Args:
        header: Of the target.
        subject: Its journals in the folder are written.
        folder: Keeps the lessons, so that a killed run goes on.
        num_threads: Of the target; None chooses.
        report: Told how many texts are done.

    Raises:
        UsageError: There is nothing to learn from.
        ModelError: The target cannot be loaded.
        TableError: The text cannot be read.
        DocumentError: Lessons cannot be written, or are of another course.
    """
    with open_teacher(header.path, num_threads) as target:
        lessons: list[Lesson] = []
        for name, examples in _gather(header, subject, folder, target):
            course = Course(
                header.path.stem,
                tokenizer_fingerprint(header),
                subject.language.code,
                name,
            )
            store = LessonStore(folder / f"{course.language}.{name}.lessons", course)
            lessons += teach_all(target, store, examples, report)
    if not lessons:
        raise UsageError(
            "there is nothing to learn from",
            cause="no answer and no line is long enough",
            remedy="allow more with --tokens, or name a longer text",
        )
    return lessons


def _gather(
    header: GgufHeader, subject: Subject, folder: Path, target: LlamaTarget
) -> Iterator[tuple[str, Iterable[Example]]]:
    tokenizer = target.model.tokenizer
    if subject.strategy == "mono" and subject.text is not None:
        lines = make_text_examples(subject.text, tokenizer, subject.num_tokens)
        yield f"text.{subject.text.name}", limit_tokens(lines, subject.num_tokens)
    for plan in subject.plans():
        with open_journal(header, plan, folder) as journal:
            answers = make_examples(
                journal,
                tokenizer,
                detect_profile(header.metadata),
                source_language=plan.source_language,
                num_words=plan.num_words,
            )
            yield plan.task, list(limit_tokens(answers, plan.num_tokens))


def teach_all(
    target: LlamaTarget,
    store: LessonStore,
    examples: Iterable[Example],
    report: Callable[[int], None],
) -> list[Lesson]:
    """Lessons of all examples that fit the context; those in the store stay.

    Raises:
        DocumentError: A part cannot be written or is damaged.
    """
    size = target.context_size
    fitting = (
        example
        for example in examples
        if len(example.prompt_ids) + len(example.answer_ids) <= size
    )
    with closing(Teacher(target)) as teacher:
        return store.complete(fitting, teacher.teach, report)


@contextmanager
def open_teacher(path: Path, num_threads: int | None = None) -> Iterator[LlamaTarget]:
    """Load a model in a context that reads one text at a time in wide steps.

    Raises:
        ModelError: It cannot be loaded, or nothing could draft for it.
        EngineError: There is not enough memory.
    """
    with Model(path) as model:
        if not model.can_trim:
            raise ModelError(
                f"{path.stem} cannot teach a draft",
                cause="its memory cannot drop its tail, so nothing could draft for it",
                remedy="pass another target",
            )
        size = min(_CONTEXT_TOKENS, model.max_context or _CONTEXT_TOKENS)
        options = ContextOptions(
            1, size, max_outputs=_STEP_TOKENS, num_threads=num_threads
        )
        with closing(LlamaTarget(model, options)) as target:
            yield target
