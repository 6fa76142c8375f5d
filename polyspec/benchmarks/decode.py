"""Plain against drafted decoding, one text after another, interleaved."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from polyspec.benchmarks.texts import COPIED, SENTENCES, THEMES
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.sampling import Sampling
from polyspec.drafting.history import HistoryDrafter
from polyspec.engine.target import LlamaTarget
from polyspec.errors import DocumentError, UsageError
from polyspec.languages import Language, find_language
from polyspec.prompting.interfaces import Completed, CompletionRequest
from polyspec.session import Session
from polyspec.stories.writer import STORY_SAMPLING, make_story_request
from polyspec.translation.prompts import make_prompt_builder
from polyspec.translator import Loaded

TASKS = ("translate", "story", "copied")
"""`copied` is translation of texts with names, numbers, code and repeated phrases."""
DRAFTERS = ("none", "history")
MAX_TOKENS = 128
_STORY_WORDS = 80


@dataclass(frozen=True, slots=True)
class Suite:
    """What to measure."""

    languages: tuple[Language, ...]
    tasks: tuple[str, ...] = ("translate", "story")
    drafters: tuple[str, ...] = DRAFTERS
    limit: int = 16
    """Most texts for each language and task."""
    repeats: int = 2
    """Times that each text is decoded each way."""
    pairs: Path | None = None
    """A TSV file whose first column is English, or a folder of `<language>.tsv`."""
    seed: int = 0
    is_exact: bool = False


@dataclass(slots=True)
class DecodeRow:
    """One language, task and drafter."""

    language: str
    task: str
    drafter: str
    num_texts: int = 0
    num_tokens: int = 0
    num_chars: int = 0
    plain_s: float = 0.0
    drafted_s: float = 0.0
    num_drafted: int = 0
    num_accepted: int = 0
    num_steps: int = 0
    num_identical: int = 0
    plain_tokens: int = 0

    @property
    def speedup(self) -> float:
        """Drafted tokens per second over plain tokens per second."""
        if not (self.plain_s and self.drafted_s and self.plain_tokens):
            return 1.0
        plain = self.plain_tokens / self.plain_s
        return (self.num_tokens / self.drafted_s) / plain

    def as_fields(self) -> dict[str, object]:
        """The row as the last line of the report gives it."""
        fields = asdict(self)
        for name in ("num_identical", "num_steps"):
            del fields[name]
        return fields | {
            "plain_s": round(self.plain_s, 4),
            "drafted_s": round(self.drafted_s, 4),
            "speedup": round(self.speedup, 4),
            "acceptance_rate": round(self.num_accepted / max(1, self.num_drafted), 4),
            "mean_acceptance_length": round(
                self.num_tokens / max(1, self.num_steps), 4
            ),
            "identical": round(self.num_identical / max(1, self.num_texts), 4),
        }


def require_known(chosen: Sequence[str], known: Sequence[str], what: str) -> None:
    """Refuse names that the bench does not know.

    Raises:
        UsageError: One of `chosen` is not in `known`.
    """
    for name in chosen:
        if name not in known:
            raise UsageError(
                f"there is no {what} {name!r} to measure",
                cause=f"there are {', '.join(known)}",
                remedy=f"name some of them, for example {known[0]}",
            )


def run_decode(
    loaded: Loaded, suite: Suite, report: Callable[[str], None]
) -> Iterator[DecodeRow]:
    """Measure every language, task and drafter; a row comes when it is complete.

    Each text is decoded plainly and with the drafter, one right after the other, so
    that a machine whose speed drifts treats both alike.
    """
    with closing(loaded.target.make_sibling()) as sibling:
        yield from _run_all(loaded, sibling, suite, report)


def _run_all(
    loaded: Loaded, sibling: LlamaTarget, suite: Suite, report: Callable[[str], None]
) -> Iterator[DecodeRow]:
    # Each session has a context to itself, so that neither sees the other's cells.
    plain = _make_session(loaded, loaded.target, suite, "none")
    for drafter in suite.drafters:
        for language in suite.languages:
            for task in suite.tasks:
                report(f"{language.code} {task} {drafter}")
                # What a drafter learns belongs to one language and task.
                drafted = _make_session(loaded, sibling, suite, drafter)
                row = DecodeRow(language.code, task, drafter)
                requests = list(_make_requests(plain, loaded, suite, language, task))
                for request in requests[:1]:
                    _warm_up(plain, drafted, request)
                for request in requests:
                    _measure_pair(row, plain, drafted, request, suite.repeats)
                drafted.close()
                if requests:
                    yield row


def _make_session(
    loaded: Loaded, target: LlamaTarget, suite: Suite, drafter: str
) -> Session:
    return Session(
        target,
        loaded.model.tokenizer,
        HistoryDrafter() if drafter == "history" else None,
        DraftPolicy(loaded.step_cost, is_exact=suite.is_exact),
        max_sequences=1,
    )


def _warm_up(plain: Session, drafted: Session, request: CompletionRequest) -> None:
    """Let both compute their shared prefix and the processor reach its pace."""
    for session in (plain, drafted):
        _complete(session, replace(request, max_tokens=8))


def _measure_pair(
    row: DecodeRow,
    plain: Session,
    drafted: Session,
    request: CompletionRequest,
    repeats: int,
) -> None:
    """Decode one text both ways in turn; the fastest time of each way counts.

    Whatever else the machine does can only add time, so the least is the truest.
    """
    plain_s = drafted_s = float("inf")
    for place in range(repeats):
        if place % 2 == 0:
            plain_answer, seconds = _complete(plain, request)
            plain_s = min(plain_s, seconds)
        answer, seconds = _complete(drafted, request)
        drafted_s = min(drafted_s, seconds)
        if place % 2 == 1:
            plain_answer, seconds = _complete(plain, request)
            plain_s = min(plain_s, seconds)
    row.num_texts += 1
    row.plain_s += plain_s
    row.drafted_s += drafted_s
    row.plain_tokens += plain_answer.num_tokens
    row.num_tokens += answer.num_tokens
    row.num_chars += len(answer.text)
    row.num_steps += answer.counts.num_steps
    row.num_drafted += answer.counts.num_drafted
    row.num_accepted += answer.counts.num_accepted
    row.num_identical += answer.text == plain_answer.text


def _complete(session: Session, request: CompletionRequest) -> tuple[Completed, float]:
    started = time.perf_counter()
    events = list(session.complete([request]))
    elapsed = time.perf_counter() - started
    last = events[-1]
    if not isinstance(last, Completed):
        raise TypeError("a completion ends with Completed")
    return last, elapsed


def _make_requests(
    session: Session, loaded: Loaded, suite: Suite, language: Language, task: str
) -> Iterator[CompletionRequest]:
    if task == "story":
        sampling = replace(STORY_SAMPLING, seed=suite.seed)
        for theme in THEMES[: suite.limit]:
            request = make_story_request(
                session,
                loaded.profile,
                language,
                theme,
                num_words=_STORY_WORDS,
                sampling=sampling,
            )
            yield replace(request, max_tokens=MAX_TOKENS)
        return
    english = find_language("eng")
    if language.code == english.code:
        return
    build = make_prompt_builder(loaded.profile, english, language)
    texts = COPIED if task == "copied" else read_sources(suite.pairs, language)
    # What is copied is measured to its end, which is where copying pays.
    max_tokens = 3 * MAX_TOKENS if task == "copied" else MAX_TOKENS
    for text in texts[: suite.limit]:
        yield CompletionRequest(build(text, ""), max_tokens, Sampling())


def read_sources(pairs: Path | None, language: Language) -> Sequence[str]:
    """Return the English sentences to translate.

    Raises:
        DocumentError: The file of pairs cannot be read, or holds none.
    """
    if pairs is None:
        return SENTENCES
    path = pairs / f"{language.code}.tsv" if pairs.is_dir() else pairs
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise DocumentError(
            f"cannot read the pairs of {path}",
            cause=getattr(err, "strerror", None) or str(err),
            remedy="name a TSV file in UTF-8, or a folder with one for each language",
        ) from err
    sources = [line.split("\t")[0].strip() for line in lines]
    if not any(sources):
        raise DocumentError(
            f"there is nothing to translate in {path}",
            cause="its first column is empty",
            remedy="name a TSV file with English in its first column",
        )
    return [source for source in sources if source]
