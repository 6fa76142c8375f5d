"""Texts that are replayed together, and what is predicted of a real run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polyspec.benchmarks.records import Measured, Recording
from polyspec.benchmarks.replay import Answer, Replay


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
        draw = recording.head.draw(task)
        answers = [text.as_answer(draw) for text in texts]
        yield Texts(language, task, answers, own)


def make_row(drafter: str, texts: Texts, done: Replay, repeats: int) -> ReplayRow:
    """The row of a replay, with what it predicts where the texts were measured.

    Args:
        drafter: Its name.
        texts: What was replayed.
        done: The replay of all of them, `repeats` times over.
        repeats: How often each was written.
    """
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
