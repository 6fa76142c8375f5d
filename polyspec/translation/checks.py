"""What can be told of an answer without knowing how good it is.

Small models loop, stop without a word, hand the source back, answer in another
language, or talk about the translation. Nothing of that is passed on in silence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from polyspec.documents.protection import MARKER
from polyspec.languages import Language
from polyspec.prompting.interfaces import FinishReason
from polyspec.translation.chatter import strip_chatter
from polyspec.translation.lengths import is_wrong_length
from polyspec.translation.loops import find_loop
from polyspec.translation.scripts import is_wrong_script

NOTE_CHATTER = "words around the translation were removed"
_MIN_ECHO_WORDS = 3
_MIN_ECHO_CHARS = 12
"""Of a source that is written without spaces."""


class Fault(Enum):
    """Why an answer is not accepted; the value is what the user is told."""

    CUT = "the answer ran into its token limit and may be incomplete"
    LOOP = "the model repeated itself; the repetition was cut"
    EMPTY = "the model gave no answer; the source text was kept"
    LINES = "the answer had several lines; they were joined"
    ECHO = "the answer repeats the source text"
    SCRIPT = "the answer is in another script than its language"
    LANGUAGE = "the answer seems to be in another language"
    LENGTH = "the answer is much longer or shorter than its source"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be made of an answer."""

    text: str
    """The best that can be had of it; the source where there is nothing."""
    note: str = ""
    fault: Fault | None = None
    """Why it is worth another try; None where it is accepted."""


IsWrongLanguage: TypeAlias = Callable[[str], bool]
"""Whether a text is surely not in the language that is wanted."""


@dataclass(frozen=True, slots=True)
class AnswerChecks:
    """The checks of the answers of one job."""

    source_language: Language | None = None
    target_language: Language | None = None
    """None checks neither script nor length."""
    is_wrong_language: IsWrongLanguage | None = None

    def review(self, source: str, answer: str, reason: FinishReason) -> Verdict:
        """Judge one answer to the translation of `source`, which is one stripped line.

        Args:
            source: What was to be translated.
            answer: What the model wrote.
            reason: Why it ended.
        """
        lines, has_chatter = strip_chatter(source, answer, self.target_language)
        text = " ".join(lines)
        if not text:
            return _reject(source, Fault.EMPTY)
        loop = find_loop(text)
        if loop is not None and find_loop(source) is None:
            return _reject(text[:loop].rstrip(), Fault.LOOP)
        if reason is FinishReason.LENGTH:
            return _reject(text, Fault.CUT)
        if len(lines) > 1:
            return _reject(text, Fault.LINES)
        fault = self._find_fault(source, text)
        if fault is not None:
            return _reject(text, fault)
        return Verdict(text, NOTE_CHATTER if has_chatter else "")

    def _find_fault(self, source: str, text: str) -> Fault | None:
        target = self.target_language
        if target is not None and is_wrong_script(source, text, target):
            return Fault.SCRIPT
        if self._is_echo(source, text):
            return Fault.ECHO
        if target is None:
            return None
        if is_wrong_length(source, text, self.source_language, target):
            return Fault.LENGTH
        if self.is_wrong_language is not None and self.is_wrong_language(text):
            return Fault.LANGUAGE
        return None

    def _is_echo(self, source: str, text: str) -> bool:
        source, text = (_without_markers(each) for each in (source, text))
        if self.source_language is not None and self.target_language is not None:
            if self.source_language.code == self.target_language.code:
                return False
            if not self.source_language.is_spaced:
                return text == source and len(source) >= _MIN_ECHO_CHARS
        return text == source and len(source.split()) >= _MIN_ECHO_WORDS


def tidy_answer(answer: str) -> str:
    """The answer in one line, like its source, without white space around it."""
    lines = (line.strip() for line in answer.splitlines())
    return " ".join(line for line in lines if line)


def _without_markers(text: str) -> str:
    return " ".join(MARKER.sub(" ", text).split())


def _reject(text: str, fault: Fault) -> Verdict:
    return Verdict(text, fault.value, fault)
