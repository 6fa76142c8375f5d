"""Which drafters work at all for a language, a task, a model and a machine.

Shipped measurements say what to begin with; what running showed overrules them. A
drafter that rests is tried again now and then, so a wrong measurement does not last.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from polyspec.decoding.asking import Asking
from polyspec.drafting.expectations import Gains, shipped_gains

LEAST_GAIN = 1.003
"""Drafters that promise less rest: their own time would eat it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the router thinks of one drafter."""

    drafter: str
    expected: float | None = None
    """Speed-up that measurements promise at this machine's step costs, if any do."""
    is_resting: bool = False
    """Whether it is asked now and then only."""
    is_learned: bool = False
    """Whether running here decided, rather than the measurements."""

    def describe(self) -> str:
        """Say it in a few words, for example `table expects 1.21`."""
        if self.is_learned:
            known = "from what was seen here"
        elif self.expected is None:
            known = "not measured beforehand"
        else:
            known = f"expects {self.expected:.2f}"
        return f"{self.drafter} {'rests, ' if self.is_resting else ''}{known}"


@dataclass(slots=True)
class Router:
    """Lets drafters rest that do not pay, for one model on one machine."""

    fingerprint: Callable[[], str]
    """Gives that of the model's tokenizer."""
    share: float
    """What a drafted token costs here, see `expectations.drafted_share`."""
    gains: Callable[[], Gains] = shipped_gains

    def route(
        self, language: str, task: str, drafters: Iterable[str], asking: Asking
    ) -> tuple[Choice, ...]:
        """Choose among drafters for texts of a language and a task.

        Args:
            language: ISO 639-3, of what is written.
            task: `translate` or `story`.
            drafters: Their names.
            asking: Knows what each was worth here, and is told who rests.
        """
        return tuple(self._choose(language, task, drafters, asking))

    def _choose(
        self, language: str, task: str, drafters: Iterable[str], asking: Asking
    ) -> Iterator[Choice]:
        gains, fingerprint = self.gains(), self.fingerprint()
        for name in drafters:
            expected = gains.expect(fingerprint, language, task, name, self.share)
            if asking.is_judged(name):
                yield Choice(name, expected, not asking.pays(name), is_learned=True)
                continue
            is_poor = expected is not None and expected < LEAST_GAIN
            if is_poor:
                asking.rest(name)
            yield Choice(name, expected, is_poor)
