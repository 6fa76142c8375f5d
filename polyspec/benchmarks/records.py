"""What a bench measured, text by text, in a file that a later run goes on from.

JSON Lines: the first says what every figure hangs on; each other is one text written
with one drafter, with its tokens, so that the run can be replayed without the model.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any

from polyspec.benchmarks.replay import Answer
from polyspec.decoding.sampling import Chooser, Sampling
from polyspec.decoding.step_cost import StepCost
from polyspec.errors import DocumentError, UsageError

SUFFIX = ".jsonl"
_FORMAT = 1
_OPTIONAL = {
    *("num_words", "draft_s", "tried_at", "accepted_at", "accepted_by_source"),
    *("source", "chances"),
}
"""What recordings of earlier versions lack."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One text, written plainly and with one drafter."""

    language: str
    task: str
    drafter: str
    index: int
    """Which of the `num_texts` texts of its language and task it is, from 0."""
    num_texts: int
    max_tokens: int
    prompt_ids: tuple[int, ...]
    output_ids: tuple[int, ...]
    """What was written with the drafter, with the token that ended it."""
    num_chars: int
    prompt_s: float
    """From the beginning to the first token of the answer; 0 where unknown."""
    plain_tokens: int
    plain_s: float
    drafted_s: float
    num_steps: int
    num_drafted: int
    num_accepted: int
    is_identical: bool
    """Whether plain decoding wrote the same text."""
    num_words: int = 0
    """Of what was written with the drafter, as white space parts them."""
    draft_s: float = 0.0
    """Of `drafted_s`, what the drafter took itself."""
    tried_at: tuple[int, ...] = ()
    """Draft tokens that the target judged, by their place in the draft; recordings of
    old have none, nor what else has a default."""
    accepted_at: tuple[int, ...] = ()
    accepted_by_source: dict[str, int] = field(default_factory=dict)
    source: str = ""
    """What was translated; empty where nothing was."""
    chances: tuple[float, ...] = ()
    """The target's probability of each token that was written; empty if not drawn."""

    def as_answer(self, draw: Callable[[int], float] | None = None) -> Answer:
        """The text as a replay takes it; see there for `draw`."""
        is_cut = len(self.output_ids) >= self.max_tokens
        return Answer(
            self.output_ids,
            self.prompt_ids,
            self.max_tokens,
            self.source,
            None if is_cut or not self.output_ids else self.output_ids[-1],
            draw,
            self.chances,
        )


@dataclass(frozen=True, slots=True)
class Head:
    """What the figures of a recording hang on."""

    model: str
    fingerprint: str
    """Of the tokenizer."""
    settings: Mapping[str, object]
    """How the bench was asked to measure."""
    seconds: Mapping[int, float]
    """The ladder: seconds of a step by its width."""

    @property
    def step_cost(self) -> StepCost:
        """The ladder that the run chose its drafts by."""
        return StepCost.from_samples(self.seconds)

    def draw(self, task: str) -> Callable[[int], float] | None:
        """What tokens of a task were drawn with, by their place; None if greedily."""
        chosen = self.settings.get("sampling")
        if not isinstance(chosen, Mapping):
            chosen = {"temperature": float(task == "story"), **self.settings}
        temperature, seed = chosen.get("temperature"), chosen.get("seed")
        if not isinstance(temperature, float | int) or not isinstance(seed, int):
            return None
        if seed < 0:
            return None
        sampling = Sampling(temperature=temperature, seed=seed)
        # A bench decodes each text by itself, the first of its stream.
        return None if sampling.is_greedy else Chooser(sampling, 0).uniform

    @property
    def repeats(self) -> int:
        """How often each text was written each way."""
        value = self.settings.get("repeats")
        return value if isinstance(value, int) and 0 < value < 1000 else 1


@dataclass(slots=True)
class Recording:
    """A head and the texts that were measured so far, by complete groups."""

    head: Head
    texts: list[Measured]

    @property
    def drafters(self) -> tuple[str, ...]:
        """Those that were measured, in order."""
        return tuple(dict.fromkeys(text.drafter for text in self.texts))

    def group(self, drafter: str, language: str, task: str) -> list[Measured]:
        """The texts of one row of the report, in order; empty if not yet measured."""
        wanted = (drafter, language, task)
        return [
            text
            for text in self.texts
            if (text.drafter, text.language, text.task) == wanted
        ]


def read_recording(path: Path) -> Recording:
    """Read what a bench recorded; groups that a kill cut short are left out.

    Raises:
        DocumentError: The file cannot be read, or is no recording.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise _refuse(path, str(cause).lower()) from error
    head = _read_head(path, lines[0] if lines else "")
    texts = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            texts.append(_read_text(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            # Only the last line can have been cut short by a kill.
            if number < len(lines):
                raise _refuse(path, f"line {number} is no measured text") from error
    return Recording(head, _complete(texts))


def open_recording(path: Path, head: Head) -> Recording:
    """Go on with a recording, or begin one.

    Raises:
        UsageError: The file records other settings or another model.
        DocumentError: It cannot be read or written, or is no recording.
    """
    recording = Recording(head, [])
    if path.exists() and path.stat().st_size:
        recording = read_recording(path)
        _require_same(path, recording.head, head)
    lines = [{"format": _FORMAT, **asdict(recording.head)}]
    lines += [asdict(text) for text in recording.texts]
    beside = path.with_name(f"{path.name}.part")
    _write(beside, lines, "w")
    beside.replace(path)
    return recording


def append(path: Path, texts: Sequence[Measured]) -> None:
    """Add a complete group at once.

    Raises:
        DocumentError: The file cannot be written.
    """
    _write(path, [asdict(text) for text in texts], "a")


def _write(path: Path, objects: Iterable[Mapping[str, object]], mode: str) -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write("".join(f"{json.dumps(fields)}\n" for fields in objects))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DocumentError(
            f"cannot write the recording {path}",
            cause=(error.strerror or str(error)).lower(),
            remedy="name a file in a folder that can be written to",
        ) from error


def _read_head(path: Path, line: str) -> Head:
    try:
        found = json.loads(line)
        if found["format"] != _FORMAT:
            raise _refuse(path, f"its format is {found['format']!r}, not {_FORMAT}")
        seconds = {int(width): float(s) for width, s in found["seconds"].items()}
        if seconds.get(1, 0.0) <= 0 or any(width > 4096 for width in seconds):
            raise ValueError
        settings = dict(found["settings"])
        return Head(str(found["model"]), str(found["fingerprint"]), settings, seconds)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refuse(path, "its first line is not that of a recording") from error


def _read_text(found: dict[str, Any]) -> Measured:
    known: dict[str, Any] = {
        place.name: found[place.name]
        for place in fields(Measured)
        if place.name in found or place.name not in _OPTIONAL
    }
    for name in ("prompt_ids", "output_ids", "tried_at", "accepted_at"):
        known[name] = tuple(map(int, known.get(name, ())))
    known["chances"] = tuple(map(float, known.get("chances", ())))
    for name in ("prompt_s", "plain_s", "drafted_s", "draft_s"):
        known[name] = float(known.get(name, 0.0))
    by_source = known.get("accepted_by_source", {})
    known["accepted_by_source"] = {
        str(name): int(by_source[name]) for name in by_source
    }
    known["source"] = str(known.get("source", ""))
    for name in ("max_tokens", "num_texts", "plain_tokens"):
        known[name] = int(known[name])
    text = Measured(**known)
    if text.chances and not (
        len(text.chances) == len(text.output_ids)
        and all(0.0 <= chance <= 1.0 for chance in text.chances)
    ):
        raise ValueError("each token must have a probability, or none")
    # Whatever is divided by must be there.
    is_timed = 0 <= text.prompt_s < text.plain_s < inf and 0 < text.drafted_s < inf
    is_timed = is_timed and 0 <= text.draft_s < inf
    if not (is_timed and text.output_ids and text.plain_tokens > 0):
        raise ValueError("the times of a text must be positive")
    return text


def _complete(texts: Sequence[Measured]) -> list[Measured]:
    sizes: dict[tuple[str, str, str], int] = {}
    for text in texts:
        key = (text.drafter, text.language, text.task)
        sizes[key] = sizes.get(key, 0) + 1
    return [
        text
        for text in texts
        if sizes[text.drafter, text.language, text.task] == text.num_texts
    ]


def _require_same(path: Path, found: Head, wanted: Head) -> None:
    for what, old, new in (
        ("model", found.model, wanted.model),
        ("tokenizer", found.fingerprint, wanted.fingerprint),
        ("settings", found.settings, wanted.settings),
    ):
        if old != new:
            raise UsageError(
                f"cannot go on with the recording {path}",
                cause=f"its {what}: {old}; now: {new}",
                remedy="name another file, or measure with what it was begun with",
            )


def _refuse(path: Path, cause: str) -> DocumentError:
    return DocumentError(
        f"{path} is no recording of a bench",
        cause=cause,
        remedy="make one with: polyspec bench decode --record FILE",
    )
