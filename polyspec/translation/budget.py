"""How many tokens a segment may have, and how many its translation."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from polyspec.errors import UsageError
from polyspec.languages import Language
from polyspec.prompting.interfaces import Completer, Prompt
from polyspec.translation.examples import find_examples

_MAX_SEGMENT_TOKENS = 320
"""Longer ones are translated less well by small models."""
_MIN_SEGMENT_TOKENS = 8
_SPARE_TOKENS = 32
_MIN_GROWTH = 3.0
_UNKNOWN_GROWTH = 6.0
_FREEDOM = 2.0
"""How much longer than the examples a translation may be."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The token limits of one job."""

    count_tokens: Callable[[str], int]
    max_segment_tokens: int
    max_answer_tokens: int
    growth: float
    """Tokens of an answer per token of its source, at most."""

    def limit_answer(self, source: str) -> int:
        """Most tokens that the translation of `source` may have."""
        num_tokens = self.count_tokens(source)
        wanted = int(num_tokens * self.growth) + _SPARE_TOKENS
        return max(1, min(wanted, self.max_answer_tokens))


def make_budget(
    completer: Completer,
    empty_prompts: Iterable[Prompt],
    source_language: Language | None,
    target_language: Language,
    *,
    num_reserved: int = 0,
) -> Budget:
    """The limits that the context and the two languages give.

    Args:
        completer: Counts the tokens and knows the size of its context.
        empty_prompts: The job's prompts around an empty text.
        source_language: None where it is not known.
        target_language: Its script decides how many tokens a word takes.
        num_reserved: Tokens of a prompt to be kept free for a context.

    Raises:
        UsageError: The prompt alone fills the context.
    """
    overhead = max(
        sum(completer.count_tokens(part.text) for part in prompt.shared + prompt.own)
        for prompt in empty_prompts
    )
    room = (completer.max_prompt_tokens - overhead - num_reserved) // 2
    if room < _MIN_SEGMENT_TOKENS:
        raise UsageError(
            "the context is too small to translate in",
            cause=f"the instruction takes {overhead} of "
            f"{completer.max_prompt_tokens} prompt tokens",
            remedy="use a larger context, for example --ctx 2048",
        )
    return Budget(
        count_tokens=completer.count_tokens,
        max_segment_tokens=min(room, _MAX_SEGMENT_TOKENS),
        max_answer_tokens=completer.max_prompt_tokens,
        growth=_estimate_growth(
            completer.count_tokens, source_language, target_language
        ),
    )


def _estimate_growth(
    count_tokens: Callable[[str], int], source: Language | None, target: Language
) -> float:
    """Scripts that a tokenizer splits into bytes take many times more tokens."""
    pairs = find_examples(source, target) if source else ()
    if not pairs:
        return _UNKNOWN_GROWTH
    num_source = sum(count_tokens(text) for text, _ in pairs)
    num_target = sum(count_tokens(text) for _, text in pairs)
    return max(_MIN_GROWTH, _FREEDOM * num_target / max(1, num_source))
