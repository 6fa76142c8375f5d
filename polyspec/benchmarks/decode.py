"""Plain against drafted decoding, one text after another, interleaved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from polyspec.benchmarks.records import Head, Measured, append, open_recording
from polyspec.benchmarks.texts import COPIED, SENTENCES, THEMES
from polyspec.benchmarks.timing import Timed, Witness, complete, time_in_turns
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Drafter
from polyspec.drafting.compose import make_drafter, name_of_draft_model
from polyspec.engine.target import LlamaTarget
from polyspec.errors import DocumentError, TableError, UsageError
from polyspec.gguf_header import tokenizer_fingerprint
from polyspec.languages import Language, find_language
from polyspec.loading import Loaded, LoadedDraft
from polyspec.prompting.interfaces import CompletionRequest
from polyspec.session import Announce, Session
from polyspec.stories.writer import STORY_SAMPLING, make_story_request
from polyspec.translation.prompts import make_prompt_builder
from polyspec.translator import make_model_drafter

TASKS = ("translate", "story", "copied")
"""`copied` is translation of texts with names, numbers, code and repeated phrases."""
DRAFTERS = ("none", "history", "table", "auto", "model")
MAX_TOKENS = 128
_STORY_WORDS = 80
_WARM_UP_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Suite:
    """What to measure."""

    languages: tuple[Language, ...]
    tasks: tuple[str, ...] = ("translate", "story")
    drafters: tuple[str, ...] = ("none", "history")
    limit: int = 16
    """Most texts for each language and task."""
    repeats: int = 2
    """Times that each text is decoded each way."""
    pairs: Path | None = None
    """A TSV file whose first column is English, or a folder of `<language>.tsv`."""
    seed: int = 0
    is_exact: bool = False

    def as_settings(self) -> dict[str, object]:
        """What two runs must share for their rows to stand side by side."""
        return {
            "limit": self.limit,
            "repeats": self.repeats,
            "pairs": str(self.pairs) if self.pairs else None,
            "seed": self.seed,
            "is_exact": self.is_exact,
        }


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

    def add(self, text: Measured) -> None:
        """Count one text more."""
        self.num_texts += 1
        self.plain_s += text.plain_s
        self.drafted_s += text.drafted_s
        self.plain_tokens += text.plain_tokens
        self.num_tokens += len(text.output_ids)
        self.num_chars += text.num_chars
        self.num_steps += text.num_steps
        self.num_drafted += text.num_drafted
        self.num_accepted += text.num_accepted
        self.num_identical += text.is_identical

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
    loaded: Loaded,
    suite: Suite,
    report: Callable[[str], None],
    record: Path | None = None,
    draft: LoadedDraft | None = None,
) -> Iterator[DecodeRow]:
    """Measure every language, task and drafter; a row comes when it is complete.

    Each text is decoded plainly and with the drafter, one right after the other, so
    that a machine whose speed drifts treats both alike.

    Args:
        loaded: The model.
        suite: What to measure.
        report: Told what is measured next, and what is left out.
        record: Keeps every text; rows that it holds are not measured again.
        draft: The draft model, where one is measured.

    Raises:
        TableError: The only language has no table and one was asked for.
        UsageError: The file records another run.
        DocumentError: Pairs cannot be read, or the record not written.
    """
    known = None
    if record is not None:
        known = open_recording(record, _make_head(loaded, suite))
    with (
        closing(loaded.target.make_sibling()) as sibling,
        closing(_Bench(loaded, sibling, suite, draft)) as bench,
    ):
        for place, (drafter, language, task) in enumerate(bench.groups, start=1):
            name = f"{language.code} {task} {drafter}"
            texts = known.group(drafter, language.code, task) if known else []
            if texts:
                report(f"{name}: already measured")
            else:
                report(f"{place} of {len(bench.groups)}: {name}")
                texts = bench.measure(drafter, language, task, report)
                if record is not None and texts:
                    append(record, texts)
            if texts:
                yield _make_row(texts)


def _make_row(texts: Sequence[Measured]) -> DecodeRow:
    row = DecodeRow(texts[0].language, texts[0].task, texts[0].drafter)
    for text in texts:
        row.add(text)
    return row


def _make_head(loaded: Loaded, suite: Suite) -> Head:
    cost = loaded.step_cost
    return Head(
        loaded.model.path.stem,
        tokenizer_fingerprint(loaded.model.header),
        suite.as_settings(),
        {width: cost.of(width) for width in cost.measured_widths},
    )


class _Bench:
    """One model with a context for plain decoding and one for drafted."""

    def __init__(
        self,
        loaded: Loaded,
        sibling: LlamaTarget,
        suite: Suite,
        draft: LoadedDraft | None,
    ) -> None:
        self._loaded = loaded
        self._draft = draft
        self._sibling = sibling
        self._suite = suite
        # Each session has a context to itself, so that neither sees the other's cells.
        self._witness = Witness()
        policy = DraftPolicy(loaded.step_cost, is_exact=suite.is_exact, max_drafted=0)
        self._plain = self._make_session(loaded.target, self._witness, policy)

    def close(self) -> None:
        """Give back what plain decoding keeps in its context."""
        self._plain.close()

    @property
    def groups(self) -> list[tuple[str, Language, str]]:
        """Drafter, language and task of each row; English is told, not translated."""
        suite = self._suite
        return [
            (drafter, language, task)
            for drafter in suite.drafters
            for language in suite.languages
            for task in suite.tasks
            if task == "story" or language.code != "eng"
        ]

    def measure(
        self, drafter: str, language: Language, task: str, report: Callable[[str], None]
    ) -> list[Measured]:
        """Measure one row; nothing where a language of several has no table."""
        policy = DraftPolicy(self._loaded.step_cost, is_exact=self._suite.is_exact)
        model = self._loaded.model
        small = None
        if self._draft is not None and name_of_draft_model(drafter) is not None:
            small = make_model_drafter(self._loaded, self._draft, report)
        drafting = make_drafter(
            drafter,
            policy.feedback,
            fingerprint=lambda: tokenizer_fingerprint(model.header),
            model=model.path.stem,
            draft_model=small,
            encode=model.tokenizer.encode_all,
        )
        try:
            source = "" if task == "story" else "eng"
            drafting.switch(language.code, task, source)
        except TableError as error:
            if len(self._suite.languages) == 1:
                raise
            report(f"{language.code} {task} {drafter}: left out: {error.problem}")
            return []
        # What a drafter learns belongs to one language and task.
        announce = drafting.sources.announce if drafting.sources else None
        session = self._make_session(self._sibling, drafting.drafter, policy, announce)
        with closing(session):
            texts = list(self._measure_all(session, drafter, language, task))
        if small is not None:
            small.close()
        return texts

    def _measure_all(
        self, session: Session, drafter: str, language: Language, task: str
    ) -> Iterator[Measured]:
        requests = list(
            _make_requests(self._plain, self._loaded, self._suite, language, task)
        )
        for request in requests[:1]:
            # Both compute their shared prefix, and the processor reaches its pace.
            for warmed in (self._plain, session):
                complete(warmed, replace(request, max_tokens=_WARM_UP_TOKENS))
        for index, request in enumerate(requests):
            plain = Timed(self._plain, self._witness)
            drafted = Timed(session)
            time_in_turns(plain, drafted, request, self._suite.repeats)
            before, after = plain.last, drafted.last
            yield Measured(
                language=language.code,
                task=task,
                drafter=drafter,
                index=index,
                num_texts=len(requests),
                max_tokens=request.max_tokens,
                prompt_ids=self._witness.prompt_ids,
                output_ids=after.token_ids,
                num_chars=len(after.text),
                prompt_s=plain.prompt_s,
                plain_tokens=before.num_tokens,
                plain_s=plain.seconds,
                drafted_s=drafted.seconds,
                num_steps=after.counts.num_steps,
                num_drafted=after.counts.num_drafted,
                num_accepted=after.counts.num_accepted,
                is_identical=after.text == before.text,
            )

    def _make_session(
        self,
        target: LlamaTarget,
        drafter: Drafter | None,
        policy: DraftPolicy,
        announce: Announce | None = None,
    ) -> Session:
        return Session(
            target,
            self._loaded.model.tokenizer,
            drafter,
            policy,
            max_sequences=1,
            announce=announce,
        )


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
        yield CompletionRequest(build(text, ""), max_tokens, source=text)


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
