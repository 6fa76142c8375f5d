"""A training run that can be killed at any moment and goes on bit for bit."""

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from polyspec.documents.output_file import open_binary_output
from polyspec.errors import EngineError, ModelError

Item = TypeVar("Item")
_VERSION = 1
_MAX_NORM = 1.0
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to train and how fast."""

    num_steps: int
    peak_rate: float = 5e-4
    num_warmup: int = 10
    final_share: float = 0.1
    """Rate of the last step, as a share of the peak."""
    save_every: int = 25

    def rate(self, step: int) -> float:
        """The rate of a step from 0: a linear rise, then half a cosine down."""
        if step < self.num_warmup:
            return self.peak_rate * (step + 1) / self.num_warmup
        length = max(1, self.num_steps - self.num_warmup)
        done = min(1.0, (step - self.num_warmup) / length)
        cosine = (1.0 + math.cos(math.pi * done)) / 2
        return self.peak_rate * (self.final_share + (1.0 - self.final_share) * cosine)

    def facts(self) -> dict[str, str]:
        """What must be the same for a run to go on."""
        return {key: str(value) for key, value in asdict(self).items()}


class Trainer(Generic[Item]):
    """Trains all weights of a model with AdamW.

    A step's items depend on its number alone, and nothing is drawn while training, so a
    checkpoint needs weights, moments and the number of the step. Out of memory, items
    are taken in halves, down to one by one.
    """

    def __init__(
        self,
        model: nn.Module,
        measure: Callable[[Sequence[Item]], tuple[Tensor, int]],
        schedule: Schedule,
        checkpoint: Path,
        subject: Mapping[str, str],
    ) -> None:
        """Prepare a run, or go on with the one that a checkpoint holds.

        Args:
            model: What is trained, in place.
            measure: The summed loss over items and the number of its terms.
            schedule: How long and how fast.
            checkpoint: Where the run is kept.
            subject: What makes runs the same: data, model, options.

        Raises:
            ModelError: The checkpoint is of another run or damaged.
        """
        self._model = model
        self._measure = measure
        self._schedule = schedule
        self._path = checkpoint
        self._subject = {**subject, **schedule.facts()}
        self._optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
        self._num_parts = 1
        self.num_done = 0
        """Steps so far."""
        if checkpoint.exists():
            self._load()

    def run(
        self,
        choose: Callable[[int], Sequence[Item]],
        report: Callable[[int, float], None],
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Train to the end of the schedule.

        Args:
            choose: The items of a step.
            report: Told the number of steps done and the mean loss of the last.
            is_over: Asked after each step; the run is then kept and left.

        Raises:
            ModelError: The loss is no number; the step's items are saved beside the
                checkpoint.
            EngineError: There is not enough memory for a single item.
            DocumentError: A checkpoint cannot be written.
        """
        while self.num_done < self._schedule.num_steps:
            loss = self._step(choose(self.num_done))
            self.num_done += 1
            is_last = self.num_done == self._schedule.num_steps or is_over()
            if is_last or self.num_done % self._schedule.save_every == 0:
                self._save()
            report(self.num_done, loss)
            if is_last:
                return

    def _step(self, items: Sequence[Item]) -> float:
        while True:
            try:
                loss = self._accumulate(items)
                break
            except (RuntimeError, MemoryError) as error:
                if not _is_memory(error):
                    raise
                self._halve(len(items), error)
        if not math.isfinite(loss):
            raise self._stop(items)
        nn.utils.clip_grad_norm_(self._model.parameters(), _MAX_NORM)
        for group in self._optimizer.param_groups:
            group["lr"] = self._schedule.rate(self.num_done)
        self._optimizer.step()
        return loss

    def _accumulate(self, items: Sequence[Item]) -> float:
        """Add up gradients over parts of the items; return their mean loss."""
        self._optimizer.zero_grad(set_to_none=True)
        size = -(-len(items) // self._num_parts)
        total, num_terms = 0.0, 0
        for start in range(0, len(items), size):
            loss, num = self._measure(items[start : start + size])
            loss.backward()
            total += float(loss.detach())
            num_terms += num
        for parameter in self._model.parameters():
            if parameter.grad is not None:
                parameter.grad /= max(1, num_terms)
        return total / max(1, num_terms)

    def _halve(self, num_items: int, error: BaseException) -> None:
        if self._num_parts >= num_items:
            raise EngineError(
                "there is not enough memory to train",
                cause=f"a single text of a batch needs more: {error}",
                remedy="free memory, or pass a smaller --max-tokens",
            ) from error
        self._num_parts = min(num_items, 2 * self._num_parts)

    def _stop(self, items: Sequence[Item]) -> ModelError:
        path = self._path.with_name(f"{self._path.name}.bad-batch")
        with open_binary_output(path) as file:
            torch.save({"step": self.num_done, "items": repr(items)}, file)
        return ModelError(
            f"training stopped at step {self.num_done + 1}: the loss is no number",
            cause=f"its batch is kept in {path}",
            remedy="pass a lower --rate, and train from the start",
        )

    def _save(self) -> None:
        held = io.BytesIO()
        torch.save(
            {
                "version": _VERSION,
                "subject": json.dumps(self._subject, sort_keys=True),
                "num_done": self.num_done,
                "model": self._model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
            },
            held,
        )
        with open_binary_output(self._path) as file:
            file.write(held.getbuffer())

    def _load(self) -> None:
        try:
            kept: dict[str, Any] = torch.load(self._path, weights_only=True)
            found = json.loads(kept["subject"])
        except (
            OSError,
            RuntimeError,
            ValueError,
            KeyError,
            TypeError,
            EOFError,
        ) as err:
            raise self._refuse("it is damaged") from err
        except Exception as err:
            # torch passes on whatever unpickling a hostile file may raise.
            raise self._refuse("it is no checkpoint") from err
        for key, value in self._subject.items():
            # What older versions did not note was empty then.
            if (before := found.get(key, "")) != value:
                raise self._refuse(
                    f"its {key} is {before or 'nothing'}, not {value or 'nothing'}"
                )
        self._model.load_state_dict(kept["model"])
        self._optimizer.load_state_dict(kept["optimizer"])
        self.num_done = int(kept["num_done"])

    def _refuse(self, cause: str) -> ModelError:
        return ModelError(
            f"the checkpoint {self._path} cannot be continued",
            cause=cause,
            remedy="name another file with --checkpoint, or delete it",
        )


def _is_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(word in text for word in _MEMORY_WORDS)
