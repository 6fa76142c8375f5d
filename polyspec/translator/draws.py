"""How a task draws its tokens, with what the user chose."""

from dataclasses import replace

from polyspec.decoding.sampling import Sampling
from polyspec.settings import Settings


def adjust_sampling(sampling: Sampling, settings: Settings) -> Sampling:
    """Return a task's sampling with what the user chose in its place."""
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed")
    chosen = {name: getattr(settings, name) for name in names}
    return replace(
        sampling, **{name: value for name, value in chosen.items() if value is not None}
    )
