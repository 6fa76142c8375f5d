"""Measure what a step of the loop takes beside llama.cpp: policy, batch, logits, text.

    python scripts/measure_python_time.py --model gemma-3-270m

Printed are milliseconds of a step for some numbers of sequences, plain and with drafts
from the text so far: among steps of the model, whose weights have just gone through the
caches of the processor, and with a model that does nothing, as where it is on a GPU.
The highest logit of each row is found in both.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from polyspec.catalog.store import find_model
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.scheduler import Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.history import HistoryDrafter
from polyspec.engine.model import Model
from polyspec.engine.target import ContextOptions, LlamaTarget

NUM_TOKENS = 60
PROMPT_TOKENS = 20
DEAR = StepCost.from_samples({1: 1.0, 64: 64.0})
"""Drafts are proposed and weighed, but next to none are verified."""


class Clock:
    """Counts the seconds spent in llama_decode."""

    def __init__(self, decode: Callable[[Any, Any], int], is_idle: bool) -> None:
        self.seconds = 0.0
        self._decode = decode
        self._is_idle = is_idle

    def __call__(self, handle: Any, batch: Any) -> int:
        started = time.perf_counter()
        code = 0 if self._is_idle else self._decode(handle, batch)
        self.seconds += time.perf_counter() - started
        return code


def measure(
    target: LlamaTarget, num_sequences: int, is_drafting: bool, is_idle: bool
) -> float:
    """Milliseconds of a step without llama_decode, the median."""
    library: Any = target._llama
    decode = library.llama_decode
    clock = library.llama_decode = Clock(decode, is_idle)
    drafter = HistoryDrafter() if is_drafting else None
    scheduler = Scheduler(
        target, drafter, DraftPolicy(DEAR), max_sequences=num_sequences
    )
    requests = [
        Request(range(100 + place, 100 + place + PROMPT_TOKENS), NUM_TOKENS)
        for place in range(num_sequences)
    ]
    samples: list[float] = []
    num_steps, started = target.num_steps, time.perf_counter()
    for _ in scheduler.run(requests):
        if target.num_steps > num_steps:
            now = time.perf_counter()
            samples.append(now - started - clock.seconds)
            num_steps, started, clock.seconds = target.num_steps, now, 0.0
    scheduler.close()
    library.llama_decode = decode
    # The first ones read prompts.
    return 1e3 * statistics.median(samples[5:])


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--sequences", default="1,8,32")
    arguments = parser.parse_args()
    numbers = [int(number) for number in arguments.sequences.split(",")]
    with Model(find_model(arguments.model)) as model:
        options = ContextOptions(max(numbers) + 2, 8192, max_batch=1024)
        print("| sequences | drafts | among steps, ms | warm, ms |")
        print("|--:|---|--:|--:|")
        for number in numbers:
            for is_drafting in (False, True):
                times = []
                for is_idle in (False, True):
                    with closing(LlamaTarget(model, options)) as target:
                        times.append(measure(target, number, is_drafting, is_idle))
                kind = "history" if is_drafting else "none"
                print(f"| {number} | {kind} | {times[0]:.2f} | {times[1]:.2f} |")


if __name__ == "__main__":
    main()
