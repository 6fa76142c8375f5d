"""What a prompt says of a text beside the text: terms, and a similar translation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from polyspec.assets.glossary import Glossary
from polyspec.prompting.interfaces import Precedent

FindPrecedent: TypeAlias = Callable[[str], Precedent | None]
_MAX_TERMS = 16
_MAX_TERM_CHARS = 500
_MAX_EXAMPLE_CHARS = 700
"""A longer example takes more time to read than it can save."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """Where the terms and examples of a job come from.

    Only what has to do with a text is shown with it: small models lose their way in
    long lists.
    """

    glossary: Glossary | None = None
    find_precedent: FindPrecedent | None = None
    """Gives a similar text to be shown as an example; None shows none."""

    @property
    def max_chars(self) -> int:
        """Most characters that it adds to a prompt."""
        terms = _MAX_TERM_CHARS if self.glossary is not None else 0
        example = _MAX_EXAMPLE_CHARS if self.find_precedent is not None else 0
        return terms + example

    def instruct(self, text: str) -> str:
        """What an instruction says of a text; empty, or a paragraph or two."""
        terms = "; ".join(
            f"{source} = {target}" for source, target in self._find_terms(text)
        )
        said = f"Use these translations of terms: {terms}.\n\n" if terms else ""
        example = self._find_example(text)
        if example is None:
            return said
        return (
            f"{said}A similar text:\n{example.source}\nIts translation:\n"
            f"{example.translation}\n\n"
        )

    def find_pairs(self, text: str) -> Iterator[tuple[str, str]]:
        """What models that go by examples are shown before a text."""
        yield from self._find_terms(text)
        example = self._find_example(text)
        if example is not None:
            yield example.source, example.translation

    def _find_terms(self, text: str) -> list[tuple[str, str]]:
        found = self.glossary.find(text) if self.glossary is not None else ()
        terms: list[tuple[str, str]] = []
        num_chars = 0
        for term in found[:_MAX_TERMS]:
            num_chars += len(term.source) + len(term.targets[0]) + 5
            if num_chars > _MAX_TERM_CHARS:
                break
            terms.append((term.source, term.targets[0]))
        return terms

    def _find_example(self, text: str) -> Precedent | None:
        found = self.find_precedent(text) if self.find_precedent is not None else None
        if found is None:
            return None
        is_short = len(found.source) + len(found.translation) < _MAX_EXAMPLE_CHARS - 50
        return found if is_short else None


NO_GUIDANCE = Guidance()
