"""Which tokens of a target a small draft keeps."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from polyspec.arrays import TokenArray
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, StringArray, tokenizer_fingerprint
from polyspec.tables.corpus import read_lines
from polyspec.tables.encoder import Encoder
from polyspec.tables.store import find_table_for, open_table_for

_NORMAL, _UNUSED, _BYTE = 1, 5, 6
_RESERVED = re.compile(rb"unused\d|reserved_special_token|\[PAD\d", re.IGNORECASE)
_LINES = 4096
"""Lines that are tokenized at once."""


def choose_tokens(
    header: GgufHeader,
    languages: Iterable[str] = (),
    corpora: Iterable[Path] = (),
    *,
    encoder: Encoder | None = None,
    max_tokens: int = 16384,
) -> TokenArray:
    """Tokens that texts of some languages need, with those that no text can do without.

    Args:
        header: Of the target.
        languages: ISO 639-3; the n-gram table of each names tokens. Beside corpora, a
            language may have none.
        corpora: Texts whose tokens are taken as well, the frequent ones first.
        encoder: Tokenizes corpora.
        max_tokens: How many there may be; those of tables and controls always stay.

    Returns:
        Rising ids, shape `(D,)`.

    Raises:
        TableError: A language has no table, or a corpus cannot be read.
        ModelError: The model has no tokenizer.
    """
    kept = set(find_indispensable(header))
    texts = list(corpora)
    for language in languages:
        kept.update(_tokens_of_table(header, language, is_needed=not texts))
    counts: Counter[int] = Counter()
    for corpus in texts:
        if encoder is None:
            raise ValueError("corpora must come with an encoder")
        counts.update(_tokens_of(corpus, encoder))
    for token_id, _ in counts.most_common():
        if len(kept) >= max_tokens:
            break
        kept.add(token_id)
    return np.array(sorted(kept), dtype=np.int32)


def _tokens_of_table(
    header: GgufHeader, language: str, *, is_needed: bool
) -> list[int]:
    fingerprint = tokenizer_fingerprint(header)
    if not is_needed and find_table_for(language, fingerprint) is None:
        return []
    with open_table_for(language, fingerprint, header.path.stem) as table:
        known: list[int] = table.known_ids().tolist()
        return known


def _tokens_of(corpus: Path, encoder: Encoder) -> Iterator[int]:
    lines = read_lines(corpus)
    while some := list(islice(lines, _LINES)):
        for ids in encoder.encode(some):
            yield from ids


def find_indispensable(header: GgufHeader) -> list[int]:
    """Tokens of control, bytes and markup; not the reserves that nobody uses."""
    tokens = _tokens(header)
    types = header.metadata.get("tokenizer.ggml.token_type")
    kinds = types.tolist() if isinstance(types, np.ndarray) else [_NORMAL] * len(tokens)
    found = {
        token_id
        for token_id, kind in enumerate(kinds)
        if kind not in {_NORMAL, _UNUSED} and not _RESERVED.search(tokens[token_id])
    }
    found.update(_special_ids(header))
    if _BYTE not in kinds:
        # In a byte-level vocabulary a byte is a token of one character.
        found.update(
            place
            for place, raw in enumerate(tokens)
            if len(raw.decode(errors="replace")) == 1
        )
    return sorted(found)


def find_unknown_id(header: GgufHeader) -> int:
    """The token that stands for those a draft does not have: it hardly ever occurs."""
    for name in ("unknown", "padding"):
        token_id = header.integer(f"tokenizer.ggml.{name}_token_id")
        if token_id is not None and 0 <= token_id < header.vocabulary_size:
            return token_id
    return find_indispensable(header)[0]


def keep_merges(merges: StringArray, tokens: set[bytes]) -> Sequence[bytes]:
    """Merges whose parts and whole are all kept; the first where none is."""
    kept = []
    for merge in merges:
        first, _, second = merge.partition(b" ")
        if {first, second, first + second} <= tokens:
            kept.append(merge)
    return kept or merges[:1]


def _special_ids(header: GgufHeader) -> Iterator[int]:
    for key in header.metadata:
        if key.startswith("tokenizer.ggml.") and key.endswith("_token_id"):
            token_id = header.integer(key)
            if token_id is not None and 0 <= token_id < header.vocabulary_size:
                yield token_id


def _tokens(header: GgufHeader) -> StringArray:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, StringArray) or not len(tokens):
        raise ModelError(
            f"no draft can be cut out of {header.path.stem}",
            cause="it has no tokenizer",
            remedy="pass a complete model as --target",
        )
    return tokens
