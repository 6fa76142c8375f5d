"""Gives the source-aware drafter the lexicon and the hints of what is translated."""

from collections.abc import Callable, Sequence
from functools import partial

from polyspec.drafting.adapted_table import AdaptedTable
from polyspec.drafting.hints import Encode, HintBoard, HintMaker
from polyspec.drafting.source import MakeHints, SourceDrafter
from polyspec.drafting.source_scores import Scorer
from polyspec.errors import TableError, TableFormatError
from polyspec.tables.lexicon import Lexicon, read_lexicon
from polyspec.tables.lexicon_store import find_lexicon

LEAST_GAIN = 1.01
"""A lexicon that was measured to gain less is not worth its time."""


class SourceChoice:
    """Chooses the lexicon of two languages, and passes sentences on as hints."""

    def __init__(
        self,
        encode: Encode,
        tell: Callable[[str], None],
        *,
        is_required: bool = False,
    ) -> None:
        """Make a drafter that has no lexicon yet.

        Args:
            encode: Tokenizes words as the model does.
            tell: Told, in a line, when a lexicon is damaged and does not draft.
            is_required: Whether a missing or damaged lexicon is an error.
        """
        self._encode = encode
        self._tell = tell
        self._is_required = is_required
        self._board: HintBoard[MakeHints] = HintBoard()
        self._maker: HintMaker | None = None
        self._languages = ("", "")
        self._lexicon: Lexicon | None = None
        self.drafter = SourceDrafter(self._board.take)
        self.lexicon_name = ""
        """The lexicon in use, for example `eng-deu`; empty for none."""

    def use(self, source: str, target: str, table: AdaptedTable | None) -> None:
        """Take the lexicon of two languages, or none where there is none that pays.

        Args:
            source: ISO 639-3; empty where nothing is translated.
            target: ISO 639-3.
            table: Drafts beside it; without one nothing is drafted.

        Raises:
            TableError: There is none and one is required, or it is damaged.
        """
        self._board.clear()
        if (source, target) != self._languages:
            self._lexicon = self._open(source, target)
            self._languages = (source, target)
            self._maker = None
            if self._lexicon is not None:
                self._maker = HintMaker(self._lexicon, self._encode)
        if table is None or self._lexicon is None:
            self.lexicon_name = ""
            self.drafter.switch(None, Scorer())
            return
        self.lexicon_name = f"{source}-{target}"
        self.drafter.switch(table, Scorer(self._lexicon.info.weights))

    def announce(self, prompt_ids: Sequence[int], source: str) -> None:
        """Leave a sentence for the sequence that will begin with a prompt.

        What is known of it is looked up when a draft is wanted.

        Args:
            prompt_ids: The whole prompt.
            source: The text that it asks to translate; empty for none.
        """
        if self._maker is None or not self.lexicon_name or not source:
            return
        self._board.put(prompt_ids, partial(self._maker.make, source))

    def _open(self, source: str, target: str) -> Lexicon | None:
        path = find_lexicon(source, target) if source else None
        if path is None:
            if source and self._is_required:
                raise _missing(source, target)
            return None
        try:
            lexicon = read_lexicon(path)
        except TableFormatError as error:
            if self._is_required:
                raise
            self._tell(f"drafting goes on without {path}: {error.cause}")
            return None
        # 0 means that nobody measured.
        is_poor = 0 < lexicon.info.gain < LEAST_GAIN
        return None if is_poor and not self._is_required else lexicon


def _missing(source: str, target: str) -> TableError:
    return TableError(
        f"there is no lexicon from {source} to {target}",
        cause="neither your own nor one that ships",
        remedy=f"build it with: polyspec tables lexicon --from {source} "
        f"--language {target} PAIRS.tsv; or pass --draft auto",
    )
