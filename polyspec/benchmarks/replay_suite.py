"""Which texts are replayed with which drafters, and what is predicted of real runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from polyspec import __version__
from polyspec.benchmarks.baselines import (
    CACHE_LENGTHS,
    PAPER_LENGTHS,
    BigramDrafter,
    NgramCacheDrafter,
    NgramCounts,
    TakeAll,
)
from polyspec.benchmarks.ladders import MEASURED, find_ladder
from polyspec.benchmarks.records import Measured, Recording
from polyspec.benchmarks.replay import Answer, Replay, replay_answers
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.compose import DRAFTERS, make_drafter, name_of_draft_model
from polyspec.errors import DocumentError, TableError, UsageError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.languages import find_language, known_languages
from polyspec.tables.corpus import read_lines
from polyspec.tables.encoder import Encoder, make_encoder
from polyspec.tables.reader import Table

TEXT_TASK = "text"
"""Stands for the task where a reference text is replayed."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What is replayed together: one language and task."""

    language: str
    task: str
    answers: Sequence[Answer]
    measured: Sequence[Measured] = ()
    """How these very texts were measured, if they were."""


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One language, task and drafter."""

    language: str
    task: str
    drafter: str
    replay: Replay
    fixed_length: int | None = None
    """Tokens of every draft, where a baseline drafts as many each time."""
    predicted: float | None = None
    """Speed-up that a real run should show, reading of prompts included."""
    measured: float | None = None
    """Speed-up that the recorded run showed."""

    def as_fields(self) -> dict[str, object]:
        """The row as the last line of the report gives it."""
        fields: dict[str, object] = {
            "language": self.language,
            "task": self.task,
            "drafter": self.drafter,
            "fixed_length": self.fixed_length,
            **self.replay.as_fields(),
        }
        if self.predicted is not None and self.measured is not None:
            fields["predicted"] = self.predicted
            fields["measured"] = self.measured
            fields["ratio"] = self.predicted / self.measured
        return fields


@dataclass(slots=True)
class ReplayBench:
    """Replays texts for one model and one ladder."""

    header: GgufHeader
    ladder: str
    """What `ladders.find_ladder` takes; `measured` is a recording's own."""
    num_parallel: int = 1
    table: Path | None = None
    """Drafts in place of the language's own table."""
    corpora: Sequence[Path] = ()
    """What the baselines count: files, or folders of `<language>.train.*`."""
    fingerprint: str = field(init=False)
    encoder: Encoder = field(init=False)

    def __post_init__(self) -> None:
        self.fingerprint = tokenizer_fingerprint(self.header)
        self.encoder = make_encoder(self.header)

    @property
    def signature(self) -> dict[str, object]:
        """What a replayed figure depends on, ready for JSON."""
        return {
            "polyspec": __version__,
            "model": self.header.path.stem,
            "tokenizer": self.fingerprint[:16],
            "ladder": self.ladder,
            "parallel": self.num_parallel,
            "table": self.table.name if self.table else None,
            "baselines": [path.name for path in self.corpora],
        }

    def replay_text(
        self, path: Path, drafters: Sequence[str], language: str | None
    ) -> Iterator[ReplayRow]:
        """Replay a text whose every line is an answer.

        Args:
            path: The text; of a `.tsv` the last column counts.
            drafters: Some of `drafting.compose.DRAFTERS`.
            language: What it is written in; otherwise its name begins with the code.

        Raises:
            UsageError: Its language is not named, or the ladder is none.
            TableError: It cannot be read, or its language has no table.
            DocumentError: There is no corpus of its language for the baselines.
        """
        code = _name_language(path, language)
        cost = find_ladder(self.ladder, self.header)
        lines = self.encoder.encode(list(read_lines(path)))
        texts = Texts(code, TEXT_TASK, [Answer(line) for line in lines])
        for drafter in drafters:
            yield self._replay(drafter, texts, cost)
        yield from self._replay_baselines(texts, cost)

    def replay_recording(
        self,
        recording: Recording,
        drafters: Sequence[str],
        report: Callable[[str], None],
    ) -> Iterator[ReplayRow]:
        """Replay what a bench recorded, and set what is predicted beside it.

        Args:
            recording: Of the model of the header.
            drafters: Those to replay; otherwise those that were recorded.
            report: Told what is left out.

        Raises:
            UsageError: It was recorded with another tokenizer, or the ladder is none.
            DocumentError: There is no corpus of a language for the baselines.
        """
        _require_tokenizer(recording, self.fingerprint)
        cost = recording.head.step_cost
        if self.ladder != MEASURED:
            cost = find_ladder(self.ladder, self.header)
        repeats = recording.head.repeats
        if recording.head.settings.get("is_exact"):
            report("recorded with --exact, whose limits on drafts are not replayed")
        for drafter in drafters or _replayable(recording, report):
            for texts in recorded_texts(recording, drafter):
                try:
                    yield self._replay(drafter, texts, cost, repeats)
                except TableError as error:
                    name = f"{texts.language} {texts.task} {drafter}"
                    report(f"{name}: left out: {error.problem}")
        if self.corpora:
            for texts in recorded_texts(recording, "none"):
                yield from self._replay_baselines(texts, cost)

    def _replay(
        self, drafter: str, texts: Texts, cost: StepCost, repeats: int = 1
    ) -> ReplayRow:
        """Replay texts with a drafter of ours, each `repeats` times as a bench does."""
        policy = DraftPolicy(cost)
        table = Table(self.table) if self.table else None
        model = self.header.path.stem
        if table is not None:
            table.require_match(self.fingerprint, model)
        drafting = make_drafter(
            drafter,
            policy.feedback,
            fingerprint=lambda: self.fingerprint,
            model=model,
            only_table=table,
        )
        drafting.switch(texts.language, texts.task)
        answers = [answer for answer in texts.answers for _ in range(repeats)]
        done = replay_answers(drafting.drafter, policy, answers, self.num_parallel)
        return _make_row(drafter, texts, done, repeats)

    def _replay_baselines(self, texts: Texts, cost: StepCost) -> Iterator[ReplayRow]:
        """Replay texts with each baseline at the length that suits it best."""
        if not self.corpora:
            return
        paths = find_corpora(self.corpora, texts.language)
        lines = self.encoder.encode(
            [line for path in paths for line in read_lines(path)]
        )
        pairs, triples = NgramCounts(lines, 1), NgramCounts(lines, 2)
        del lines
        for name, make, lengths in (
            ("bigram", lambda: BigramDrafter(pairs), PAPER_LENGTHS),
            ("ngram-cache", lambda: NgramCacheDrafter(triples), CACHE_LENGTHS),
        ):
            replays = {
                length: replay_answers(
                    make(), TakeAll(cost, length), texts.answers, self.num_parallel
                )
                for length in lengths
            }
            best = max(replays, key=lambda length: replays[length].speed_up)
            yield ReplayRow(texts.language, texts.task, name, replays[best], best)


def find_corpora(places: Sequence[Path], language: str) -> list[Path]:
    """The texts of a language: files as they are named, and what folders hold.

    Raises:
        DocumentError: There is none.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(place.glob(f"{language}.train.*"))
        else:
            found.append(place)
    if not found:
        raise DocumentError(
            f"there is no {language} corpus to count",
            cause=f"no {language}.train.* in {', '.join(map(str, places))}",
            remedy="name a text: --baselines FILE",
        )
    return found


def _name_language(path: Path, language: str | None) -> str:
    if language is not None:
        return find_language(language).code
    code = path.name.partition(".")[0]
    if code not in {known.code for known in known_languages()}:
        raise UsageError(
            f"the language of {path} is not named",
            cause="its name does not begin with the code of a language",
            remedy="pass --language CODE, for example --language yor",
        )
    return code


def _replayable(recording: Recording, report: Callable[[str], None]) -> Iterator[str]:
    """The drafters of a recording that work without a model."""
    for drafter in recording.drafters:
        if name_of_draft_model(drafter) is not None:
            report(f"{drafter}: left out: it drafts with a model")
        elif drafter not in DRAFTERS:
            report(f"{drafter}: left out: it is replayed with --baselines")
        else:
            yield drafter


def _require_tokenizer(recording: Recording, fingerprint: str) -> None:
    if recording.head.fingerprint != fingerprint:
        raise UsageError(
            "the recording was made with another tokenizer",
            cause=f"recorded {recording.head.fingerprint}, model {fingerprint}",
            remedy=f"pass --model {recording.head.model}",
        )


def recorded_texts(recording: Recording, drafter: str) -> Iterator[Texts]:
    """What a drafter is replayed over, for each language and task of a recording.

    Its own texts where it was measured, otherwise those of plain decoding or of
    whichever drafter was measured first.
    """
    pairs = dict.fromkeys((text.language, text.task) for text in recording.texts)
    for language, task in pairs:
        own = recording.group(drafter, language, task)
        others = [name for name in ("none", *recording.drafters) if name != drafter]
        texts = own or next(
            found for name in others if (found := recording.group(name, language, task))
        )
        answers = [text.as_answer() for text in texts]
        yield Texts(language, task, answers, own)


def _make_row(drafter: str, texts: Texts, done: Replay, repeats: int) -> ReplayRow:
    row = ReplayRow(texts.language, texts.task, drafter, done)
    if not texts.measured:
        return row
    predicted, measured = _predict(texts.measured, done.cost / repeats)
    return replace(row, predicted=predicted, measured=measured)


def _predict(texts: Sequence[Measured], cost: float) -> tuple[float, float]:
    """Speed-up that a replay's cost means, and the one that was measured.

    Plain decoding says how long prompts and single tokens took; all else comes from
    the replay. The step that gives the first token is part of the prompt's time.
    """
    plain_s = sum(text.plain_s for text in texts)
    prompt_s = sum(text.prompt_s for text in texts)
    plain_tokens = sum(text.plain_tokens for text in texts)
    num_tokens = sum(len(text.output_ids) for text in texts)
    token_s = (plain_s - prompt_s) / max(1, plain_tokens - len(texts))
    predicted_s = prompt_s + token_s * (cost - len(texts))
    plain_rate = plain_tokens / plain_s
    drafted_s = sum(text.drafted_s for text in texts)
    return (
        num_tokens / predicted_s / plain_rate,
        num_tokens / drafted_s / plain_rate,
    )
