"""Which layers of a target a draft keeps."""

from collections.abc import Sequence

from polyspec.errors import ModelError, UsageError
from polyspec.gguf_header import GgufHeader

ARCHITECTURES = ("gemma3", "llama", "qwen2", "qwen3")
"""Those whose layers all have the same tensors and metadata."""
_PERIODS = {"gemma3": 6}
"""Every such layer sees the whole context, the others a window; as in llama.cpp."""


def require_known(header: GgufHeader) -> int:
    """Return the number of layers of a model that can be cut.

    Raises:
        ModelError: Its architecture is not known here, or it has no layers.
    """
    num_layers = header.integer(f"{header.architecture}.block_count") or 0
    if header.architecture not in ARCHITECTURES or num_layers < 1:
        raise ModelError(
            f"no draft can be cut out of {header.path.stem}",
            cause=f"its architecture is {header.architecture}, "
            f"with {num_layers} layers",
            remedy=f"pass a target of {', '.join(ARCHITECTURES)}",
        )
    return num_layers


def period_key(architecture: str) -> str:
    """Where a model says every how many layers one sees the whole context."""
    return f"{architecture}.attention.sliding_window_pattern"


def choose_layers(header: GgufHeader, num_kept: int) -> tuple[int, ...]:
    """Layers all over the depth, the last among them, and the first of two or more.

    Where most layers see a window only, each place gets a layer of its kind, and about
    as many of all see everything as in the target.

    Raises:
        UsageError: So many layers cannot be kept.
        ModelError: As `require_known`.

    Example: of the 18 layers of Gemma 3 270M, of which 5, 11 and 17 see everything, 4
    are 0, 6, 12 and 17.
    """
    num_layers = require_known(header)
    if not 1 <= num_kept <= num_layers:
        raise UsageError(
            f"{num_kept} layers cannot be kept",
            cause=f"{header.path.stem} has {num_layers}",
            remedy=f"pass --layers 1 to {num_layers}",
        )
    period = _period(header)
    num_full = max(1, round(num_kept / period))
    kept_period = -(-num_kept // num_full)
    step = (num_layers - 1) / max(1, num_kept - 1)
    chosen: list[int] = []
    for place in range(num_kept):
        ideal = place * step if num_kept > 1 else num_layers - 1
        fitting = [
            layer
            for layer in range(chosen[-1] + 1 if chosen else 0, num_layers)
            if _is_full(layer, period) == _is_full(place, kept_period)
        ]
        if not fitting:
            raise _unfit(header)
        chosen.append(min(fitting, key=lambda layer: abs(layer - ideal)))
    return tuple(chosen)


def require_layers(header: GgufHeader, layers: Sequence[int]) -> tuple[int, ...]:
    """Return layers that a user chose, if they can be kept.

    Raises:
        UsageError: They do not rise, are not there, or cannot work together.
        ModelError: As `require_known`.
    """
    num_layers = require_known(header)
    rising = sorted({layer for layer in layers if 0 <= layer < num_layers})
    if not layers or rising != list(layers):
        raise UsageError(
            f"the layers {','.join(map(str, layers))} cannot be kept",
            cause=f"{header.path.stem} has layers 0 to {num_layers - 1}",
            remedy="name them in rising order, none twice",
        )
    find_period(header, layers)
    return tuple(layers)


def find_period(header: GgufHeader, layers: Sequence[int]) -> int | None:
    """The period at which each kept layer is of the kind it was; None without kinds.

    Raises:
        UsageError: There is none.
    """
    if header.architecture not in _PERIODS:
        return None
    kinds = [_is_full(layer, _period(header)) for layer in layers]
    for period in range(1, len(layers) + 2):
        if kinds == [_is_full(place, period) for place in range(len(layers))]:
            return period
    raise _unfit(header)


def _period(header: GgufHeader) -> int:
    """Every how many layers one sees the whole context; 1 where all do."""
    if header.architecture not in _PERIODS:
        return 1
    stated = header.integer(period_key(header.architecture)) or 0
    return stated if stated > 0 else _PERIODS[header.architecture]


def _is_full(layer: int, period: int) -> bool:
    return (layer + 1) % period == 0


def _unfit(header: GgufHeader) -> UsageError:
    return UsageError(
        f"these layers of {header.path.stem} cannot work together",
        cause=f"one layer in {_period(header)} sees the whole context, the last of "
        "each group, and in a draft such layers must come at even distances",
        remedy="pass --layers with a number, for example 4, and fitting ones are taken",
    )
