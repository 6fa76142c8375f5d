"""Jobs of several requests, asked side by side and taken out in their order.

The completer takes requests one by one as places become free. What has to be asked for
again comes first, so that those behind it wait less.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Generic, Protocol, TypeVar, cast

from polyspec.errors import EngineError
from polyspec.prompting.interfaces import (
    Completed,
    Completer,
    CompletionRequest,
    Piece,
)
from polyspec.translation.job import Part
from polyspec.translation.known_answers import Exchange, KnownAnswers

_MAX_AHEAD = 1024
"""So many jobs may be begun or done behind one that is not."""


class Job(Protocol):
    """Something that takes one request or more."""

    is_changed: bool
    """Set when an answer went on or ended."""

    @property
    def is_done(self) -> bool:
        """Whether it waits for no answer."""
        ...

    @property
    def has_failed(self) -> bool:
        """Whether it is done and no answer was good enough to be remembered."""
        ...

    def open_parts(self) -> list[Part]:
        """What is to be asked for first."""
        ...

    def finish(self, part: Part, completed: Completed) -> list[Part]:
        """Take an answer; returns what is to be asked for instead, if anything."""
        ...


J = TypeVar("J", bound=Job)


def _length_of_source(_job: Job, part: Part) -> int:
    return len(part.source)


class _Requests:
    """Gives requests as long as there are some, also after there was none."""

    def __init__(self, take: Callable[[], CompletionRequest | None]) -> None:
        self._take = take

    def __iter__(self) -> Iterator[CompletionRequest]:
        return self

    def __next__(self) -> CompletionRequest:
        request = self._take()
        if request is None:
            raise StopIteration
        return request


class JobQueue(Generic[J]):
    """The jobs under way, in order, and the requests still to be made."""

    def __init__(
        self,
        jobs: Iterable[J],
        make_request: Callable[[J, Part], CompletionRequest],
        known: KnownAnswers | None = None,
        num_ahead: int = 1,
        expect_length: Callable[[J, Part], int] = _length_of_source,
    ) -> None:
        """Take jobs lazily.

        Args:
            jobs: Read no further than the completer has places free, and `num_ahead`.
            make_request: From a job and a part of it to what is asked.
            known: Knows answers of jobs that failed before, and keeps those that do.
            num_ahead: Of so many parts the longest is asked for first, so that at the
                end no long one is left to be written alone; the first is passed over
                so many times at most.
            expect_length: How much may have to be written for a part, in characters.
        """
        self._waiting = iter(jobs)
        self._make_request = make_request
        self._jobs: deque[J] = deque()
        self._again: deque[tuple[J, Part]] = deque()
        self._open: list[tuple[J, Part]] = []
        self._num_ahead = num_ahead
        self._expect_length = expect_length
        self._num_passed = 0
        """How often the first open part was passed over in a row."""
        self._known = known
        self._asked: dict[int, tuple[J, Part, CompletionRequest]] = {}
        self._num_asked = 0
        self._heard: dict[int, list[Exchange]] = {}
        """What was asked and answered for each job under way, by its identity."""
        self._is_read = False

    def run(self, completer: Completer) -> Generator[None, None, None]:
        """Work until all jobs are done; gives way after every event.

        The caller takes `first` and drops what is done, each time that it gets a turn.

        Raises:
            EngineError: The completer left a request without its answer.
        """
        while True:
            yield from self._complete(completer)
            self._require_answers()
            yield
            if self._is_read and not (self._open or self._again):
                break

    @property
    def first(self) -> J | None:
        """The oldest job that was not dropped; None where none is under way."""
        return self._jobs[0] if self._jobs else None

    def drop_first(self) -> None:
        """Forget the oldest job."""
        self._jobs.popleft()

    def _complete(self, completer: Completer) -> Iterator[None]:
        """One call of the completer, which takes requests until none is left."""
        self._asked.clear()
        self._num_asked = 0
        # Unlike a generator, this goes on where answers have to be asked for again
        # after it had none to ask.
        events = completer.complete(_Requests(self._next_request))
        # The protocol promises an iterator; those that hold a run are generators.
        if not hasattr(events, "close"):
            yield from self._relay(events)
            return
        with closing(cast("Generator[Piece | Completed, None, None]", events)):
            yield from self._relay(events)

    def _relay(self, events: Iterator[Piece | Completed]) -> Iterator[None]:
        for event in events:
            self._take(event)
            yield

    def _next_request(self) -> CompletionRequest | None:
        while (asked := self._next_asked()) is not None:
            job, part = asked
            request = self._make_request(job, part)
            known = self._known.find(request) if self._known is not None else None
            if known is None:
                self._asked[self._num_asked] = job, part, request
                self._num_asked += 1
                return request
            self._finish(job, part, request, known)
        return None

    def _next_asked(self) -> tuple[J, Part] | None:
        while self._again:
            job, part = self._again.popleft()
            if not job.is_done:
                return job, part
        while self._read_ahead():
            job, part = self._open.pop(self._choose())
            # A job that was given up has no use for the rest of its answers.
            if not job.is_done:
                return job, part
        return None

    def _read_ahead(self) -> bool:
        """Read jobs until there is a choice; tells whether anything is to be asked."""
        while (
            not self._is_read
            and len(self._open) < self._num_ahead
            and len(self._jobs) < _MAX_AHEAD
        ):
            job = next(self._waiting, None)
            if job is None:
                self._is_read = True
                break
            self._jobs.append(job)
            self._open.extend((job, part) for part in job.open_parts())
        return bool(self._open)

    def _choose(self) -> int:
        """The place of the part that is asked for next."""
        place = 0
        if self._num_passed < self._num_ahead:
            ahead = self._open[: self._num_ahead]
            place = max(
                range(len(ahead)), key=lambda at: self._expect_length(*ahead[at])
            )
        self._num_passed = self._num_passed + 1 if place else 0
        return place

    def _take(self, event: Piece | Completed) -> None:
        job, part, request = self._asked[event.index]
        if isinstance(event, Piece):
            job.is_changed = True
            part.written += event.text
            return
        del self._asked[event.index]
        self._finish(job, part, request, event)

    def _finish(
        self, job: J, part: Part, request: CompletionRequest, completed: Completed
    ) -> None:
        """Give a job an answer, and put first what it asks for instead."""
        job.is_changed = True
        again = job.finish(part, completed)
        self._again.extendleft((job, new) for new in reversed(again))
        if self._known is None:
            return
        heard = self._heard.setdefault(id(job), [])
        heard.append((request, completed))
        if job.is_done:
            del self._heard[id(job)]
            if job.has_failed:
                self._known.keep(heard)

    def _require_answers(self) -> None:
        if self._asked:
            raise EngineError(
                "the model stopped before the last segment was translated",
                cause=f"{len(self._asked)} requests have no answer",
                remedy="run it again",
            )
