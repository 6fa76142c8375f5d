"""From pairs of sentences to an adapter that translates."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch

from polyspec.catalog.hashing import hash_file
from polyspec.detection import detect
from polyspec.errors import DocumentError, UsageError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.languages import Language
from polyspec.training.adapter_card import describe_adapter
from polyspec.training.adapter_export import export_adapter
from polyspec.training.adapter_loss import measure_pairs
from polyspec.training.adapter_start import begin_with
from polyspec.training.encoding import make_decoder
from polyspec.training.lora import add_lora, read_parameters
from polyspec.training.pairs import Pair, PairFile, PairSampler
from polyspec.training.reward_loss import RewardLoss
from polyspec.training.torch_gemma import PROJECTIONS, Gemma, load_gemma
from polyspec.training.trainer import Schedule, Trainer

if TYPE_CHECKING:
    from torch import Tensor

LIKELIHOOD, REWARD = "likelihood", "chrf++"
OBJECTIVES = (LIKELIHOOD, REWARD)
"""The translation of each pair; or translations of its own, by how like that one
they are."""
_NUM_JUDGED = 200
"""Sentences of a file by which its language is told."""


@dataclass(frozen=True, slots=True)
class HoldThenFall(Schedule):
    """A rate that rises, holds, and falls over the last steps.

    Until it falls nothing depends on the number of steps, so a run can be made longer
    or ended sooner. Source: Hu et al., MiniCPM, 2024 (warm-up, stable, decay).
    """

    fall_share: float = 0.2
    """Of all steps, those over which the rate falls."""

    def rate(self, step: int) -> float:
        """The rate of a step from 0."""
        if step < self.num_warmup:
            return self.peak_rate * (step + 1) / self.num_warmup
        num_falling = max(1.0, self.fall_share * self.num_steps)
        done = max(0.0, 1.0 - (self.num_steps - step) / num_falling)
        return self.peak_rate * (1.0 - (1.0 - self.final_share) * done)

    def facts(self) -> dict[str, str]:
        """What must be the same for a run to go on: not how long it is."""
        return {"peak_rate": str(self.peak_rate), "num_warmup": str(self.num_warmup)}


@dataclass(frozen=True, slots=True)
class AdapterOptions:
    """How an adapter is trained."""

    schedule: HoldThenFall
    rank: int = 32
    alpha: float = 64.0
    batch_size: int = 16
    seed: int = 0
    num_threads: int | None = None
    device: str = "cpu"
    """As torch names it."""
    is_compiled: bool = False
    """Whether torch compiles the blocks first: takes minutes, and a C++ compiler."""
    objective: str = LIKELIHOOD
    """What is learned from a pair."""
    number_format: str = "f16"
    """Of the exported adapter, as `require_format` allows."""


Loss: TypeAlias = Callable[[Sequence[Pair]], "tuple[Tensor, int]"]
"""The summed loss over pairs and the number of its terms."""


class AdapterTraining:
    """One adapter in training: the frozen model, what is trained, and how far it is."""

    def __init__(
        self,
        base: GgufHeader,
        sampler: PairSampler,
        options: AdapterOptions,
        checkpoint: Path,
        start: GgufHeader | None = None,
    ) -> None:
        """Load the model and go on with the checkpoint, if there is one.

        Without one, `start` is the adapter to begin with.

        Raises:
            UsageError: Torch has no such device.
            ModelError: The model cannot be trained, the checkpoint is damaged or of
                another model, seed, rank or start, or `start` does not fit.
        """
        _require_device(options.device)
        if options.num_threads:
            torch.set_num_threads(options.num_threads)
        self._base = base
        self._options = options
        self._sampler = sampler
        self._start = start
        self._model = load_gemma(base.path, dtype=torch.bfloat16)
        self._trained = add_lora(self._model, options.rank, options.alpha, options.seed)
        if start is not None:
            begin_with(self._trained, start, base, options.alpha)
        self._model.to(options.device)
        if options.is_compiled:
            _compile(self._model)
        objective = options.objective
        subject = {
            "target": base.path.stem,
            "tokenizer": tokenizer_fingerprint(base),
            "projections": ",".join(PROJECTIONS),
            "rank": str(options.rank),
            "alpha": str(options.alpha),
            "batch_size": str(options.batch_size),
            "seed": str(options.seed),
            "start": "" if start is None else hash_file(start.path),
            # Checkpoints from before there was a choice note nothing.
            "objective": "" if objective == LIKELIHOOD else objective,
        }
        self._trainer: Trainer[Pair] = Trainer(
            self._trained,
            self._make_loss(objective),
            options.schedule,
            checkpoint,
            subject,
        )
        self._log = checkpoint.with_suffix(".jsonl")

    @property
    def num_done(self) -> int:
        """Steps so far."""
        return self._trainer.num_done

    def run(
        self,
        report: Callable[[int, float], None],
        minutes: float | None = None,
    ) -> None:
        """Train until the schedule or the time is over.

        Each step is noted in a JSON Lines file beside the checkpoint.

        Raises:
            ModelError: The loss is no number; the batch is kept.
            EngineError: There is not enough memory for a single pair.
            DocumentError: The checkpoint or the log cannot be written.
        """
        started = time.monotonic()

        def note(num_done: int, loss: float) -> None:
            self._note(num_done, loss, time.monotonic() - started)
            report(num_done, loss)

        def is_over() -> bool:
            elapsed = time.monotonic() - started
            return minutes is not None and elapsed >= 60 * minutes

        self._trainer.run(self._sampler.batch, note, is_over)

    def export(self, out: Path, card: Mapping[str, str]) -> None:
        """Write the adapter as it is now.

        Raises:
            DocumentError: It cannot be written.
        """
        options = self._options
        languages = self._sampler.languages
        facts = {
            "languages": ", ".join(language.name for language in languages),
            "pairs drawn": str(self.num_done * options.batch_size),
            "steps": str(self.num_done),
            "batch size": str(options.batch_size),
            "rate": str(options.schedule.peak_rate),
            "rank": str(options.rank),
            "seed": str(options.seed),
            "objective": options.objective,
            **({"start": describe_adapter(self._start)} if self._start else {}),
            **card,
        }
        export_adapter(
            read_parameters(self._trained),
            options.alpha,
            self._base,
            facts,
            out,
            languages=tuple(language.tag for language in languages),
            number_format=options.number_format,
        )

    def _make_loss(self, objective: str) -> Loss:
        if objective == LIKELIHOOD:
            return partial(measure_pairs, self._model)
        decode = make_decoder(self._base)
        return RewardLoss(self._model, decode, self._options.seed)

    def _note(self, num_done: int, loss: float, elapsed_s: float) -> None:
        entry = {
            "step": num_done,
            "loss": round(loss, 4),
            "rate": self._options.schedule.rate(num_done - 1),
            "elapsed_s": round(elapsed_s, 1),
        }
        try:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise DocumentError(
                f"the log {self._log} cannot be written",
                cause=(error.strerror or str(error)).lower(),
                remedy="free some space; training goes on from the checkpoint",
            ) from error


def find_foreign(sampler: PairSampler) -> Iterator[tuple[PairFile, Language]]:
    """Yield files whose translations are in another language, and in which."""
    for file, pairs in sampler.samples(_NUM_JUDGED):
        found = detect(" ".join(target for _, target in pairs), is_wide=False)
        if found.is_sure and found.language and found.language.code != file.code:
            yield file, found.language


def _require_device(name: str) -> None:
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"nothing can be trained on {name!r}",
            cause=str(error).partition("\n")[0],
            remedy="pass --device cpu",
        ) from error


def _compile(model: Gemma) -> None:
    for block in model.blk:
        block.compile(dynamic=True)
