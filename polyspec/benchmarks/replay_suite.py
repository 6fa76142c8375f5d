"""Which texts are replayed with which drafters, and what is predicted of real runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

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
from polyspec.benchmarks.records import Recording
from polyspec.benchmarks.replay import Answer, Replay, replay_answers
from polyspec.benchmarks.replay_rows import ReplayRow, Texts, make_row, recorded_texts
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.compose import (
    DRAFTERS,
    Drafting,
    make_drafter,
    name_of_draft_model,
)
from polyspec.drafting.expectations import drafted_share
from polyspec.errors import DocumentError, TableError, UsageError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.languages import find_language, known_languages
from polyspec.tables.corpus import read_lines, read_pairs
from polyspec.tables.encoder import Encoder, make_encoder
from polyspec.tables.reader import Table

SOURCE = "eng"
"""What recorded translations were translated from."""
_END_ID = "tokenizer.ggml.eos_token_id"
TEXT_TASK = "text"
"""Stands for the task where a reference text is replayed."""


@dataclass(slots=True)
class ReplayBench:
    """Replays texts for one model and one ladder."""

    header: GgufHeader
    ladder: str
    """What `ladders.find_ladder` takes; `measured` is a recording's own."""
    num_parallel: int = 1
    table: Path | None = None
    """Drafts in place of the language's own table."""
    lessons: Sequence[Recording] = ()
    """Replayed first, so that drafters which learn know them; without any, recordings
    are replayed by drafters that forget each text, as `bench decode` measures them."""
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
            "lessons": sum(len(lesson.texts) for lesson in self.lessons),
            "baselines": [path.name for path in self.corpora],
        }

    def replay_text(
        self, path: Path, drafters: Sequence[str], language: str | None
    ) -> Iterator[ReplayRow]:
        """Replay a text whose every line is an answer.

        As for users, `auto` remembers earlier lines; it knows none at the beginning.

        Args:
            path: The text; the last column of a `.tsv` is what was written, the first
                the English that it translates.
            drafters: Some of `drafting.compose.DRAFTERS`.
            language: What it is written in; otherwise its name begins with the code.

        Raises:
            UsageError: Its language is not named, or the ladder is none.
            TableError: It cannot be read, or its language has no table.
            DocumentError: There is no corpus of its language for the baselines.
        """
        code = _name_language(path, language)
        cost = find_ladder(self.ladder, self.header)
        texts = self._read_pairs(path, code) if ".tsv" in path.suffixes else None
        if texts is None:
            lines = self.encoder.encode(list(read_lines(path)))
            texts = Texts(code, TEXT_TASK, [self._answer(line) for line in lines])
        for drafter in drafters:
            yield self._replay(drafter, texts, cost, has_memory=True)
        yield from self._replay_baselines(texts, cost)

    def _read_pairs(self, path: Path, code: str) -> Texts:
        pairs = list(read_pairs(path))
        prompts = self.encoder.encode([source for source, _ in pairs])
        outputs = self.encoder.encode([text for _, text in pairs])
        answers = [
            self._answer(output_ids, prompt_ids, source)
            for prompt_ids, output_ids, (source, _) in zip(
                prompts, outputs, pairs, strict=True
            )
        ]
        return Texts(code, "translate", answers)

    def _answer(
        self,
        output_ids: Sequence[int],
        prompt_ids: Sequence[int] = (),
        source: str = "",
    ) -> Answer:
        """Put the token that ends a text behind it, as a target writes it.

        It takes a step like any other, which a draft of the text's last token saves.
        """
        end_id = self.header.metadata.get(_END_ID)
        if not isinstance(end_id, int):
            return Answer(output_ids, prompt_ids, source=source)
        return Answer((*output_ids, end_id), prompt_ids, source=source, end_id=end_id)

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
        self,
        drafter: str,
        texts: Texts,
        cost: StepCost,
        repeats: int = 1,
        *,
        has_memory: bool = False,
    ) -> ReplayRow:
        """Replay texts with a drafter of ours, each `repeats` times as a bench does."""
        policy = DraftPolicy(cost)
        with TemporaryDirectory(prefix="polyspec-") as folder:
            memory_dir = Path(folder) if has_memory or self.lessons else None
            drafting = self._open(drafter, policy, memory_dir)
            source = SOURCE if any(answer.source for answer in texts.answers) else ""
            drafting.switch(texts.language, texts.task, source)
            for lesson in self.lessons:
                self._run(drafting, policy, _lessons_of(lesson, texts))
            answers = [answer for answer in texts.answers for _ in range(repeats)]
            done = self._run(drafting, policy, answers)
        return make_row(drafter, texts, done, repeats)

    def _open(
        self, drafter: str, policy: DraftPolicy, memory_dir: Path | None
    ) -> Drafting:
        table = Table(self.table) if self.table else None
        model = self.header.path.stem
        if table is not None:
            table.require_match(self.fingerprint, model)
        return make_drafter(
            drafter,
            policy.feedback,
            fingerprint=lambda: self.fingerprint,
            model=model,
            only_table=table,
            encode=self.encoder.encode,
            memory_dir=memory_dir,
            share=drafted_share(policy.step_cost, self.num_parallel),
        )

    def _run(
        self, drafting: Drafting, policy: DraftPolicy, answers: Sequence[Answer]
    ) -> Replay:
        announce = drafting.sources.announce if drafting.sources else None
        return replay_answers(
            drafting.drafter, policy, answers, self.num_parallel, announce
        )

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


def _lessons_of(lesson: Recording, texts: Texts) -> list[Answer]:
    """What a recording holds of a language and task, as whoever came first wrote it."""
    for drafter in lesson.drafters:
        found = lesson.group(drafter, texts.language, texts.task)
        if found:
            return [text.as_answer() for text in found]
    return []


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
