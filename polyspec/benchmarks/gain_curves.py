"""What each drafter gains by how dear a drafted token is: the router's measurements."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polyspec.benchmarks.replay import Answer, replay_answers
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.compose import Drafting, make_drafter
from polyspec.drafting.expectations import FINGERPRINT_CHARS, KEY_FIELDS, Key
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.tables.encoder import Encoder, make_encoder
from polyspec.tables.lexicon_builder import SentencePair

SHARES = (0.03, 0.1, 0.2, 0.35, 0.6, 0.9)
"""Costs of a drafted token, in steps of one token."""
_WIDEST = 64


def linear_ladder(share: float) -> StepCost:
    """A ladder on which each further token costs the same share of a step."""
    return StepCost.from_samples({1: 1.0, _WIDEST: 1.0 + share * (_WIDEST - 1)})


@dataclass(frozen=True, slots=True)
class _Texts:
    """What is replayed together."""

    language: str
    task: str
    answers: Sequence[Answer]
    source_language: str = ""


@dataclass(slots=True)
class GainMeter:
    """Replays texts for one tokenizer with drafters that need no model."""

    header: GgufHeader
    encoder: Encoder
    fingerprint: str

    @classmethod
    def of(cls, header: GgufHeader) -> "GainMeter":
        """Measure for the model of a header."""
        return cls(header, make_encoder(header), tokenizer_fingerprint(header))

    def key(self, language: str, task: str, drafter: str) -> Key:
        """Where the gains of a drafter stand in the file."""
        return self.fingerprint[:FINGERPRINT_CHARS], language, task, drafter

    def of_texts(self, language: str, task: str, lines: Sequence[str]) -> list[float]:
        """Gains of the language's table on texts, one for each of `SHARES`.

        Raises:
            TableError: The language has no table.
        """
        answers = [Answer(ids) for ids in self.encoder.encode(list(lines))]
        return self._curve("table", _Texts(language, task, answers))

    def of_pairs(
        self, source: str, language: str, drafter: str, pairs: Sequence[SentencePair]
    ) -> list[float]:
        """Gains of `table` or `source` on translations, one for each of `SHARES`.

        Raises:
            TableError: The language has no table, or the pair no lexicon.
        """
        outputs = self.encoder.encode([target for _, target in pairs])
        # The number of a pair stands for its prompt.
        answers = [
            Answer(ids, (number,), source=text)
            for number, (ids, (text, _)) in enumerate(zip(outputs, pairs, strict=True))
        ]
        texts = _Texts(language, "translate", answers, source)
        return self._curve(drafter, texts)

    def _curve(self, drafter: str, texts: _Texts) -> list[float]:
        return [self._gain(drafter, texts, share) for share in SHARES]

    def _gain(self, drafter: str, texts: _Texts, share: float) -> float:
        policy = DraftPolicy(linear_ladder(share))
        drafting = self._open(drafter, policy)
        drafting.switch(texts.language, texts.task, texts.source_language)
        announce = drafting.sources.announce if drafting.sources else None
        return replay_answers(
            drafting.drafter, policy, texts.answers, announce=announce
        ).speed_up

    def _open(self, drafter: str, policy: DraftPolicy) -> Drafting:
        return make_drafter(
            drafter,
            policy.feedback,
            fingerprint=lambda: self.fingerprint,
            model=self.header.path.stem,
            encode=self.encoder.encode,
        )


def format_gains(gains: Mapping[Key, Sequence[float]]) -> str:
    """The text of `gains.csv`, sorted; see `drafting.expectations`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*KEY_FIELDS, *(f"{share:g}" for share in SHARES)])
    for key, values in sorted(gains.items()):
        writer.writerow([*key, *(f"{gain:.3f}" for gain in values)])
    return file.getvalue()
