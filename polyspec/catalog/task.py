"""What a model is wanted for. Imports nothing, since every command names its task."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is wanted for; languages are ISO 639-3, None where not known yet."""

    source: str | None = None
    target: str | None = None
    is_general: bool = False
    """Whether translating is not enough: for stories and instructions."""


ANYTHING = Task()
"""Nothing is known of what a model is wanted for."""
