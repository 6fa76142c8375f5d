"""Short digests by which texts that are alike are found without comparing them all.

A text's *shingles* are its runs of five characters. Those with the smallest digests are
kept, which are the same for texts that share most of their shingles, whatever the
language and the script.

Source: Broder, "On the resemblance and containment of documents", 1997.
"""

import re
from zlib import crc32

_SIZE = 5
_NUM_KEPT = 12
_DIGIT = re.compile(r"\d")


def fold_text(text: str) -> str:
    """A text as shingles see it: without case, and with every digit a zero."""
    return " ".join(_DIGIT.sub("0", text.casefold()).split())


def find_shingles(text: str, scope: str) -> list[int]:
    """Return the smallest digests of a text's shingles, at most twelve.

    Args:
        text: Any; a short one is padded.
        scope: Texts of other scopes have other digests.
    """
    seed = crc32(scope.encode())
    folded = f" {fold_text(text)} ".ljust(_SIZE)
    digests = {
        crc32(folded[start : start + _SIZE].encode(), seed)
        for start in range(len(folded) - _SIZE + 1)
    }
    return sorted(digests)[:_NUM_KEPT]
