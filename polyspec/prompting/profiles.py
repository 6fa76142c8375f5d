"""How each model family wants to be asked.

A profile only knows the wrapping: what stands before the task, what stands between
the text and the answer, and what ends the answer. Translation and stories bring the
words. The markers are the only control parts of a prompt, so whatever a user writes
stays text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from polyspec.errors import UsageError
from polyspec.prompting.interfaces import Prompt, PromptPart


class PromptKind(StrEnum):
    """What a model makes of a prompt."""

    CHAT = "chat"
    """It follows an instruction."""
    COMPLETION = "completion"
    """It continues a text; examples show what is wanted."""
    TRANSLATEGEMMA = "translategemma"
    """It was trained on one fixed instruction for translation."""
    EUROLLM = "eurollm"
    """It was trained on a labelled instruction for translation."""
    PAIRS = "pairs"
    """It was trained on a line and its translation, each after its language's name."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The wrapping of one model family."""

    name: str
    kind: PromptKind
    opening: str = ""
    """Control text before the task."""
    closing: str = ""
    """Control text from the end of the user's text to where the answer begins."""
    stop: tuple[str, ...] = ()

    @property
    def takes_instructions(self) -> bool:
        """Whether the model does what it is told; otherwise it continues texts."""
        return self.kind not in {PromptKind.COMPLETION, PromptKind.PAIRS}

    @property
    def only_translates(self) -> bool:
        """Whether the model was made to translate, and writes poor stories."""
        return self.kind is PromptKind.PAIRS

    def make_prompt(
        self, task: str, *own: str, stop: tuple[str, ...] | None = None
    ) -> Prompt:
        """Wrap a task and one text it is to be done with.

        The parts are tokenized on their own, so each should end where a tokenizer
        splits anyway: after a line break, or before a space.

        Args:
            task: The same for all texts of a job.
            own: The text, and what else belongs to it alone.
            stop: Texts that end the answer, instead of the profile's.
        """
        return Prompt(
            shared=_join((self.opening, True), (task, False)),
            own=_join(*((text, False) for text in own), (self.closing, True)),
            stop=self.stop if stop is None else stop,
        )


def _join(*parts: tuple[str, bool]) -> tuple[PromptPart, ...]:
    return tuple(PromptPart(text, is_control) for text, is_control in parts if text)


def _make_chatml(name: str, kind: PromptKind, system: str, lead: str = "") -> Profile:
    return Profile(
        name=name,
        kind=kind,
        opening=f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n",
        closing=f"<|im_end|>\n<|im_start|>assistant\n{lead}",
        stop=("<|im_end|>",),
    )


def _make_gemma(name: str, kind: PromptKind) -> Profile:
    return Profile(
        name=name,
        kind=kind,
        opening="<start_of_turn>user\n",
        closing="<end_of_turn>\n<start_of_turn>model\n",
        stop=("<end_of_turn>",),
    )


_ASSISTANT = "You are a helpful assistant."
_SKIPPED_THOUGHT = "<think>\n\n</think>\n\n"

QWEN_CHAT = _make_chatml("qwen-chat", PromptKind.CHAT, _ASSISTANT)
QWEN3_CHAT = _make_chatml("qwen3-chat", PromptKind.CHAT, _ASSISTANT, _SKIPPED_THOUGHT)
EUROLLM = _make_chatml("eurollm", PromptKind.EUROLLM, "")
GEMMA_CHAT = _make_gemma("gemma-chat", PromptKind.CHAT)
TRANSLATEGEMMA = _make_gemma("translategemma", PromptKind.TRANSLATEGEMMA)
GEMMA_BASE = Profile("gemma-base", PromptKind.COMPLETION, stop=("\n",))
PLAIN = Profile("plain", PromptKind.COMPLETION, stop=("\n",))
PAIRS = Profile("pairs", PromptKind.PAIRS, stop=("\n",))

_PROFILES = {
    profile.name: profile
    for profile in (
        QWEN_CHAT,
        QWEN3_CHAT,
        EUROLLM,
        GEMMA_CHAT,
        TRANSLATEGEMMA,
        GEMMA_BASE,
        PLAIN,
        PAIRS,
    )
}


def profile_names() -> Iterable[str]:
    """The names by which a profile can be asked for."""
    return tuple(_PROFILES)


def find_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        UsageError: There is none.
    """
    if name not in _PROFILES:
        raise UsageError(
            f"unknown prompt profile {name!r}",
            remedy=f"choose one of {', '.join(_PROFILES)}",
        )
    return _PROFILES[name]
