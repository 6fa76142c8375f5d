"""What an adapter file says of itself."""

from collections.abc import Sequence

from polyspec.gguf_header import GgufHeader, StringArray

ALPHA_KEY = "adapter.lora.alpha"
"""Strength: the product of the two matrices counts alpha over rank times."""
LANGUAGES_KEY = "general.languages"
CARD = "polyspec.adapter."
"""Begins the keys of how it was made."""
_ORIGIN = ("steps", "corpus", "start", "mean of")


def read_rank(adapter: GgufHeader) -> int:
    """Columns of its second factors, 1 where it has none."""
    ranks = (each.shape[0] for each in adapter.tensors if each.name.endswith("lora_b"))
    return next(ranks, 1)


def read_alpha(adapter: GgufHeader) -> float:
    """The strength of an adapter; one that states none counts once, as if by rank."""
    alpha = adapter.metadata.get(ALPHA_KEY)
    return alpha if isinstance(alpha, float) and alpha else float(read_rank(adapter))


def read_languages(adapter: GgufHeader) -> list[str]:
    """BCP-47 tags of what it was trained on, as far as it tells."""
    tags = adapter.metadata.get(LANGUAGES_KEY)
    if not isinstance(tags, StringArray):
        return []
    return [tag.decode("utf-8", "replace") for tag in tags]


def describe_adapter(adapter: GgufHeader, keys: Sequence[str] = _ORIGIN) -> str:
    """Its name, and what its card says, for the card of an adapter made from it.

    Example: `news (steps: 700; corpus: PUD)`
    """
    told = {key: adapter.text(f"{CARD}{key}") for key in keys}
    known = "; ".join(f"{key}: {text}" for key, text in told.items() if text)
    name = adapter.path.stem
    return f"{name} ({known})" if known else name
