"""Styles that are parsed once.

Textual parses all styles again whenever a screen or a kind of widget is new, several
times for each screen that is opened, which is longer than a key may wait.
"""

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

_MAX_SOURCES = 512


class KeptStylesheet(Stylesheet):
    """A stylesheet that parses what is new, and the rest when colours change."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(_MAX_SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Use other values, which what was parsed does not have."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what was not; nothing changes where that fails."""
        self.parse()
