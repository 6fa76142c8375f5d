"""Costs of steps to replay against: by name, as pairs, or measured on this machine."""

from math import inf

from polyspec.decoding.step_cost import StepCost
from polyspec.errors import UsageError
from polyspec.gguf_header import GgufHeader
from polyspec.paths import cache_dir

CUDA_LADDER = {
    1: 1.0,
    2: 1.07,
    3: 1.12,
    4: 1.28,
    5: 1.28,
    6: 1.54,
    7: 1.61,
    8: 1.72,
    9: 3.88,
}
"""Relative cost of a step by its width.

Source: llama.cpp pull request 5625.
"""
CPU_LADDER = {1: 1.0, 2: 1.49, 4: 1.65, 8: 3.4, 16: 3.6}
"""Relative cost of a step of Qwen2.5 1.5B in 4 bits on two cores."""
MEASURED = "measured"
_LADDERS = {"cuda": CUDA_LADDER, "cpu": CPU_LADDER}
_MAX_WIDTH = 1024


def named_ladder(name: str) -> StepCost:
    """The ladder called `cuda` or `cpu`, in steps of one token."""
    return StepCost.from_samples(_LADDERS[name])


def find_ladder(text: str, header: GgufHeader) -> StepCost:
    """The ladder that a user named, in any unit.

    Args:
        text: A ladder's name, pairs such as `2=1.07,4=1.28` relative to one token, or
            `measured`.
        header: Of the model whose ladder is wanted.

    Raises:
        UsageError: It is none of these, or nothing was measured for the model here.
    """
    if text == MEASURED:
        return _measured_ladder(header)
    if text in _LADDERS:
        return named_ladder(text)
    return _parse_pairs(text)


def _parse_pairs(text: str) -> StepCost:
    try:
        pairs = (part.split("=") for part in text.split(","))
        relative = {int(width): float(cost) for width, cost in pairs}
    except ValueError:
        relative = {}
    is_sound = all(
        1 < width <= _MAX_WIDTH and 0 < cost < inf for width, cost in relative.items()
    )
    if not relative or not is_sound:
        raise UsageError(
            f"{text!r} is no ladder of step costs",
            cause=f"known are {', '.join(_LADDERS)} and {MEASURED}",
            remedy="or name costs relative to one token: --ladder 2=1.07,4=1.28,8=1.72",
        )
    return StepCost.from_samples({1: 1.0, **relative})


def _measured_ladder(header: GgufHeader) -> StepCost:
    from polyspec.engine.ladder import LadderCache

    found = LadderCache(cache_dir() / "ladders").latest(header)
    if found is None:
        name = header.path.stem
        raise UsageError(
            f"how fast {name} is here was never measured",
            remedy=f"measure it with: polyspec bench ladder --model {name}",
        )
    return found
