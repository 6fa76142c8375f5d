"""Answers that failed, as the queue of jobs asks for them.

A segment whose answers all fail takes up to thirteen requests, and a model that
chooses the likeliest tokens fails in the same way when it is asked again. So what it
answered to the same requests is taken from the memory, and passes the same checks.
"""

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from typing import Protocol, TypeAlias, TypeVar

from polyspec.assets.failed_answers import FailedAnswer, FailedAnswers
from polyspec.assets.language_pair import LanguagePair
from polyspec.errors import AssetError
from polyspec.prompting.interfaces import (
    Completed,
    CompletionRequest,
    DraftCounts,
    FinishReason,
)

Exchange: TypeAlias = tuple[CompletionRequest, Completed]
"""What was asked, and the answer."""
_T = TypeVar("_T")


class KnownAnswers(Protocol):
    """Answers to the requests of segments that failed before."""

    def find(self, request: CompletionRequest) -> Completed | None:
        """The answer that the model gave and would give again, if it is known."""
        ...

    def keep(self, exchanges: Sequence[Exchange]) -> None:
        """Keep all that was asked for a segment that failed."""
        ...


class KeptAnswers:
    """The answers of one model in one job."""

    def __init__(
        self,
        failed: FailedAnswers,
        pair: LanguagePair,
        identify_model: Callable[[], str],
        tell: Callable[[str], None],
        *,
        is_reading: bool,
        is_writing: bool,
    ) -> None:
        """Join what is kept with what the user wants of it.

        Args:
            failed: Where answers are.
            pair: The languages of the job.
            identify_model: Names the model, another for each; asked when it is needed.
            tell: Told, in a line, when the file fails; the work goes on without it.
            is_reading: Whether the model is not asked for what is known.
            is_writing: Whether new ones are kept.
        """
        self._failed = failed
        self._pair = pair
        self._identify_model = cache(identify_model)
        self._tell = tell
        self._is_reading = is_reading
        self._is_writing = is_writing

    def find(self, request: CompletionRequest) -> Completed | None:
        """The answer that the model gave and would give again, if it is known."""
        if not self._is_reading:
            return None
        found = self._try(lambda: self._failed.find(self._digest(request)))
        if found is None:
            return None
        reason = FinishReason.LENGTH if found.is_cut else FinishReason.STOP
        return Completed(0, found.text, reason, 0, 0, 0.0, DraftCounts(), is_known=True)

    def keep(self, exchanges: Sequence[Exchange]) -> None:
        """Keep all that was asked for a segment that failed."""
        if not self._is_writing:
            return
        answers = [
            FailedAnswer(
                self._digest(request),
                completed.text,
                completed.reason is FinishReason.LENGTH,
            )
            for request, completed in exchanges
            if not completed.is_known
        ]
        self._try(lambda: self._failed.keep(self._pair, answers))

    def _digest(self, request: CompletionRequest) -> bytes:
        """Of all that decides the answer; of the stream only where tokens are drawn."""
        drawn = None if request.sampling.is_greedy else request.stream
        facts = (
            self._identify_model(),
            request.prompt,
            request.max_tokens,
            request.sampling,
            drawn,
        )
        text = repr(facts).encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=16).digest()

    def _try(self, action: Callable[[], _T]) -> _T | None:
        try:
            return action()
        except AssetError as error:
            self._is_reading = self._is_writing = False
            self._tell(
                "answers that failed before are asked for again: "
                f"{error.problem}: {error.cause}"
            )
            return None
