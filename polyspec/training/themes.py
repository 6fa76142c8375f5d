"""Themes for stories, written for PolySpec: an adjective and a noun each.

The form is that of "Speculative Decoding Across Languages", arXiv 2605.30580.
"""

from collections.abc import Iterator

_ADJECTIVES = (
    *("sleepy", "lonely", "cheerful", "proud", "timid", "clever", "weary", "gentle"),
    *("jealous", "noisy", "crooked", "frozen", "sunken", "borrowed", "painted"),
    *("wooden", "silver", "tiny", "enormous", "invisible", "secret", "unlucky"),
    *("grateful", "wandering", "careless", "singing", "abandoned", "stolen"),
    *("unexpected", "northern", "dusty", "wise", "foolish", "restless", "faithful"),
    *("rainy", "starlit", "bitter", "precious", "homesick"),
)
_NOUNS = (
    *("baker", "shepherd", "teacher", "sailor", "blacksmith", "grandmother", "twin"),
    *("doctor", "beggar", "princess", "farmer", "musician", "neighbour", "traveller"),
    *("goat", "crow", "elephant", "dog", "spider", "tortoise", "lion", "swallow"),
    *("lamp", "mirror", "boat", "drum", "mill", "bridge", "market", "well", "garden"),
    *("island", "desert", "storm", "wedding", "journey", "promise", "dream", "feast"),
    "shadow",
)


def make_themes() -> Iterator[str]:
    """Every adjective with every noun, mixed; always in the same order.

    Example: the first are "sleepy baker", "lonely shepherd", "cheerful teacher".
    """
    for turn in range(len(_NOUNS)):
        for place, adjective in enumerate(_ADJECTIVES):
            yield f"{adjective} {_NOUNS[(place + turn) % len(_NOUNS)]}"
