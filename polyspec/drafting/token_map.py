"""Which token of the target each token of a trimmed draft model stands for."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from polyspec.arrays import TokenArray
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, StringArray, tokenizer_fingerprint

PREFIX = "polyspec.draft."
TARGET_IDS = f"{PREFIX}target_ids"
"""Key of the list of target ids, one for each token of the draft, `int32`."""
TARGET_FINGERPRINT = f"{PREFIX}target_fingerprint"
"""Key of the fingerprint of the target's tokenizer."""
UNKNOWN_ID = f"{PREFIX}unknown_id"
"""Key of the draft's token that stands for all that it does not have."""


class TokenMap:
    """Translates between the ids of a target and those of a trimmed draft model.

    A token that the draft does not have becomes its token for the unknown, so that the
    tokens after it keep their places; the draft can read that token, but never propose
    it.
    """

    def __init__(self, target_ids: TokenArray, unknown_id: int) -> None:
        """Map the draft's token `i` to the target's `target_ids[i]`, and back.

        Args:
            target_ids: No id twice, shape `(D,)`.
            unknown_id: A token of the draft.
        """
        self._target_ids = target_ids.tolist()
        self._draft_ids = {id_: place for place, id_ in enumerate(self._target_ids)}
        if len(self._draft_ids) != len(self._target_ids):
            raise ValueError("target_ids must hold no id twice")
        if not 0 <= unknown_id < len(self._target_ids):
            raise ValueError(f"unknown_id must be a token of the draft: {unknown_id}")
        self.unknown_id = unknown_id

    def __len__(self) -> int:
        return len(self._target_ids)

    def to_draft(self, target_ids: Iterable[int]) -> list[int]:
        """What the draft model reads for tokens of the target."""
        find, unknown = self._draft_ids.get, self.unknown_id
        return [find(token_id, unknown) for token_id in target_ids]

    def to_target(self, draft_ids: Iterable[int]) -> list[int]:
        """What tokens of the draft model mean to the target."""
        return [self._target_ids[token_id] for token_id in draft_ids]


def has_token_map(draft: GgufHeader) -> bool:
    """Whether a model was trimmed, so that its ids are not the target's."""
    return TARGET_IDS in draft.metadata


def read_token_map(draft: GgufHeader, target: GgufHeader) -> TokenMap:
    """The map that a trimmed draft model carries, checked against the target.

    Raises:
        ModelError: The draft was cut out of a model with another tokenizer, or its map
            is damaged.
    """
    made_for = draft.text(TARGET_FINGERPRINT)
    fingerprint = tokenizer_fingerprint(target)
    if made_for != fingerprint:
        raise ModelError(
            f"{draft.path.stem} cannot draft for {target.path.stem}: "
            "their tokenizers differ",
            cause=f"{draft.path.stem} was made for {made_for}, "
            f"{target.path.stem} has {fingerprint}",
            remedy="make one for it with: polyspec drafts make "
            f"--target {target.path.stem}",
        )
    return _read_checked(draft, target)


def _read_checked(draft: GgufHeader, target: GgufHeader) -> TokenMap:
    ids = draft.metadata[TARGET_IDS]
    if not isinstance(ids, np.ndarray) or ids.dtype != np.dtype("<i4"):
        raise _refuse(draft.path, f"{TARGET_IDS} is no list of token ids")
    if len(ids) != draft.vocabulary_size:
        raise _refuse(
            draft.path, f"it maps {len(ids)} of {draft.vocabulary_size} tokens"
        )
    if ids.min() < 0 or ids.max() >= target.vocabulary_size:
        raise _refuse(
            draft.path,
            f"it maps to tokens {ids.min()} to {ids.max()}, "
            f"0 to {target.vocabulary_size - 1} may be",
        )
    if len(np.unique(ids)) != len(ids):
        raise _refuse(draft.path, "two of its tokens stand for the same one")
    for place, id_ in enumerate(ids.tolist()):
        if _tokens(draft)[place] != _tokens(target)[id_]:
            raise _refuse(draft.path, f"its token {place} is not the target's {id_}")
    unknown_id = draft.integer(UNKNOWN_ID)
    if unknown_id is None or not 0 <= unknown_id < len(ids):
        raise _refuse(draft.path, f"{UNKNOWN_ID} is missing or no token")
    return TokenMap(ids, unknown_id)


def _tokens(header: GgufHeader) -> StringArray:
    tokens = header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, StringArray)
    return tokens


def _refuse(path: Path, cause: str) -> ModelError:
    return ModelError(
        f"the draft model {path} cannot be used",
        cause=cause,
        remedy="make it again with: polyspec drafts make",
    )
