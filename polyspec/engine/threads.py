"""How many threads compute, at first and when steps turn slow."""

import os
from collections import deque
from statistics import median


def default_threads() -> int:
    """One thread for each physical core that this process may use."""
    import psutil

    usable = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    return max(1, min(usable, psutil.cpu_count(logical=False) or usable))


class ThreadGovernor:
    """Lowers the number of threads when steps take far longer than they should.

    llama.cpp's threads wait for one another many times in a step. With another
    process on one of the cores each wait lasts until the scheduler comes round, so
    fewer threads are faster. Every so often the larger number is tried again.
    """

    def __init__(
        self,
        max_threads: int,
        *,
        slow_ratio: float = 1.8,
        window: int = 6,
        patience: int = 200,
    ) -> None:
        """Judge `window` steps at a time and retry after `patience` steps."""
        self.num_threads = max_threads
        self._max_threads = max_threads
        self._slow_ratio = slow_ratio
        self._patience = patience
        self._ratios: deque[float] = deque(maxlen=window)
        self._rejected: tuple[int, float] | None = None
        self._num_steady = 0
        self._is_lowering_lost = False

    def after_step(self, elapsed_s: float, expected_s: float) -> int:
        """Take the time of a step and return the number of threads of the next."""
        self._ratios.append(elapsed_s / expected_s)
        self._num_steady += 1
        if len(self._ratios) == self._ratios.maxlen:
            self._judge(median(self._ratios))
        return self.num_threads

    def _judge(self, ratio: float) -> None:
        if self._rejected is not None:
            other, other_ratio = self._rejected
            self._rejected = None
            is_lost = ratio > other_ratio
            self._is_lowering_lost = is_lost and self.num_threads < other
            if is_lost:
                self._use(other)
        elif (
            self._num_steady >= self._patience and self.num_threads < self._max_threads
        ):
            self._rejected = (self.num_threads, ratio)
            self._use(self._max_threads)
        elif ratio > self._slow_ratio and self._is_lowering_open():
            self._rejected = (self.num_threads, ratio)
            self._use(max(1, self.num_threads - max(1, self.num_threads // 4)))

    def _is_lowering_open(self) -> bool:
        """Whether fewer threads may be tried: not again right after they lost."""
        is_open = not self._is_lowering_lost or self._num_steady >= self._patience
        return self.num_threads > 1 and is_open

    def _use(self, num_threads: int) -> None:
        self.num_threads = num_threads
        self._ratios.clear()
        self._num_steady = 0
