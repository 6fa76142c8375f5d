"""A document translated again after a part of its lines has changed.

Four kinds of runs: the first version, which fills an empty memory; then the second
version without a memory, with the memory's translations as drafts, and with identical
lines reused.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from polyspec.loading import Loaded
from polyspec.settings import Settings
from polyspec.translation.pipeline import TranslatedSegment
from polyspec.translator import make_translator

_PLAIN, _DRAFTS, _REUSE = "plain", "drafts", "reuse"


@dataclass(frozen=True, slots=True)
class Revision:
    """Two versions of a document, line by line."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def num_changed(self) -> int:
        """How many lines are different."""
        return sum(map(str.__ne__, self.before, self.after))


@dataclass(frozen=True, slots=True)
class Run:
    """One translation of a document."""

    elapsed_s: float
    """Without the loading of the model."""
    lines: tuple[str, ...]
    flagged: frozenset[int]
    """Lines with a note, which the memory does not keep."""
    num_tokens: int
    """Written by the model."""
    num_followed: int
    """Of them, those that the translation of a similar line had proposed."""


@dataclass(frozen=True, slots=True)
class RetranslationRow:
    """What the memory was worth in one way of using it."""

    use: str
    """`drafts` or `reuse`."""
    num_lines: int
    num_changed: int
    plain_s: float
    """Without a memory."""
    elapsed_s: float
    kept: float
    """Share of the unchanged lines with the translation that they had before, without
    those of which it was flagged then."""
    num_flagged: int
    """Unchanged lines whose first translation was flagged and so not remembered."""
    like_plain: float
    """Share of all lines with the translation that the run without a memory gave."""
    num_tokens: int
    num_followed: int

    @property
    def speedup(self) -> float:
        return self.plain_s / self.elapsed_s

    def as_fields(self) -> dict[str, object]:
        """All of it, ready for JSON."""
        return {**asdict(self), "speedup": round(self.speedup, 3)}


def make_revision(lines: Sequence[str], share: float, seed: int = 0) -> Revision:
    """Put another word in the place of one, in a share of the lines, spread evenly.

    Args:
        lines: Of the first version.
        share: Of them that change, `0..1`.
        seed: Start of the draws.
    """
    random = Random(seed)
    words = sorted({word for line in lines for word in line.split()})
    after = list(lines)
    num_changed = int(len(lines) * share)
    for number in range(num_changed):
        place = number * len(lines) // num_changed
        parts = lines[place].split()
        index = random.randrange(len(parts))
        parts[index] = random.choice([word for word in words if word != parts[index]])
        after[place] = " ".join(parts)
    return Revision(tuple(lines), tuple(after))


def measure_retranslation(
    loaded: Loaded,
    settings: Settings,
    revision: Revision,
    report: Callable[[str], None],
    repeats: int = 1,
) -> list[RetranslationRow]:
    """Translate a revision with and without the memory of its first version.

    Of several repetitions, which take turns, the fastest of each kind counts. The
    user's own memory is neither read nor written.

    Args:
        loaded: The model.
        settings: Languages and the rest, apart from the memory.
        revision: What to translate.
        report: Told of each run.
        repeats: Runs of each kind.
    """
    runs: dict[str, list[Run]] = {_PLAIN: [], _DRAFTS: [], _REUSE: []}
    with TemporaryDirectory(prefix="polyspec-", ignore_cleanup_errors=True) as folder:
        filled = Path(folder) / "filled"
        first = _translate(loaded, _set(settings), revision.before, filled)
        report(f"first version: {first.elapsed_s:.1f} s")
        for number in range(repeats):
            for use, known in runs.items():
                place = Path(folder) / f"{use}{number}"
                if use != _PLAIN:
                    shutil.copytree(filled, place)
                chosen = _set(settings, memory=use != _PLAIN, reuse=use == _REUSE)
                known.append(_translate(loaded, chosen, revision.after, place))
                report(f"{use}: {known[-1].elapsed_s:.1f} s")
    plain, drafts, reuse = (
        min(known, key=lambda run: run.elapsed_s) for known in runs.values()
    )
    return [
        _compare(use, revision, first, plain, run)
        for use, run in ((_DRAFTS, drafts), (_REUSE, reuse))
    ]


def _set(settings: Settings, *, memory: bool = True, reuse: bool = False) -> Settings:
    chosen = {"memory": memory, "reuse": reuse, "private": False, "glossary": None}
    return settings.model_copy(update=chosen)


def _translate(
    loaded: Loaded, settings: Settings, lines: Sequence[str], folder: Path
) -> Run:
    translator = make_translator(settings, loaded, folder=folder)
    started_s = time.perf_counter()
    chunks = (f"{line}\n" for line in lines)
    with closing(translator.translate(chunks, is_streaming=False)) as events:
        segments = [event for event in events if isinstance(event, TranslatedSegment)]
    elapsed_s = time.perf_counter() - started_s
    translator.session.close()
    if translator.assets is not None:
        translator.assets.close()
    text = "".join(segment.output for segment in segments)
    return Run(
        elapsed_s,
        tuple(text.split("\n")[: len(lines)]),
        _find_flagged(segments),
        sum(segment.num_tokens for segment in segments),
        sum(segment.counts.accepted_by_source.get("match", 0) for segment in segments),
    )


def _find_flagged(segments: Sequence[TranslatedSegment]) -> frozenset[int]:
    """The lines with a segment that has a note."""
    flagged, line = set(), 0
    for segment in segments:
        line += segment.segment.prefix.count("\n")
        if segment.note:
            flagged.add(line)
        line += segment.segment.suffix.count("\n")
    return frozenset(flagged)


def _compare(
    use: str, revision: Revision, first: Run, plain: Run, run: Run
) -> RetranslationRow:
    unchanged = {
        place
        for place, line in enumerate(revision.before)
        if line == revision.after[place]
    }
    sound = unchanged - first.flagged
    num_kept = sum(first.lines[place] == run.lines[place] for place in sound)
    alike = list(map(str.__eq__, plain.lines, run.lines))
    return RetranslationRow(
        use=use,
        num_lines=len(revision.after),
        num_changed=revision.num_changed,
        plain_s=plain.elapsed_s,
        elapsed_s=run.elapsed_s,
        kept=num_kept / max(1, len(sound)),
        num_flagged=len(unchanged & first.flagged),
        like_plain=sum(alike) / max(1, len(alike)),
        num_tokens=run.num_tokens,
        num_followed=run.num_followed,
    )
