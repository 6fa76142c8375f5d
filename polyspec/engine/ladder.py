"""Measures what a step costs by its width, and which widths are bit-identical.

The result holds for one model on one device with one build and setting, so it is kept
under a key made of all of these.
"""

import glob
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import Chunk
from polyspec.decoding.step_cost import StepCost
from polyspec.engine import bindings
from polyspec.engine.devices import build_info, list_devices
from polyspec.engine.target import LlamaTarget
from polyspec.gguf_header import GgufHeader

MEASURED_WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 24, 32, 48, 64)
"""Dense where drafts live, and on both sides of where kernels change."""
_PROBED_WIDTHS = (2, 3, 4, 5, 6, 7, 8)
_PROBED_TOKENS = (256, 512, 1024)
"""Kernels change where the cache, padded to such numbers, grows: beyond 256 tokens some
divide it among the threads, and for single tokens only."""
_NUM_PROBED = 48
_CONTEXT_TOKENS = 64
_SEQUENCE = 0
_FORMAT = 3
_TILE = 4
_MARGIN = 0.05
"""So much may be the noise of a quick measurement."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long measuring may take."""

    repeats: int
    """Most times that a width is timed; the fastest counts."""
    budget_s: float
    """After this long each remaining width is timed once."""


QUICK = Effort(repeats=3, budget_s=2.0)
THOROUGH = Effort(repeats=9, budget_s=60.0)


def measure_step_seconds(
    target: LlamaTarget, effort: Effort = QUICK
) -> dict[int, float]:
    """Time steps of 1 to 64 tokens behind a short context.

    The target must be empty and is left so.
    """
    ids = _probe_ids(target, _CONTEXT_TOKENS + MEASURED_WIDTHS[-1])
    limit = min(target.max_batch, target.max_outputs)
    widths = [width for width in MEASURED_WIDTHS if width <= limit]
    _fill(target, ids[:_CONTEXT_TOKENS])
    seconds: dict[int, float] = {}
    started = time.perf_counter()
    _time_step(target, ids, 1)
    for width in widths:
        is_over = time.perf_counter() - started > effort.budget_s
        repeats = 1 if is_over and width > 1 else effort.repeats + (width == 1) * 3
        seconds[width] = min(_time_step(target, ids, width) for _ in range(repeats))
    target.release(_SEQUENCE)
    return seconds


def find_tile(seconds: Mapping[int, float]) -> int:
    """Return the number of tokens to whose multiples steps should be filled up.

    Some of llama.cpp's processor kernels are fast with multiples of four columns of a
    matrix only: with the 8- and 5-bit weights of Gemma 3 270M a step of 8 tokens cost
    less than one of 5, and one of 12 less than one of 9.

    Args:
        seconds: Measured costs of steps by their width.
    """
    if not seconds.keys() >= {5, 7, 8, 9, 12}:
        return 1
    is_cheaper = seconds[8] * (1 + _MARGIN) < seconds[7]
    is_no_dearer = all(
        seconds[full] < seconds[width] * (1 + _MARGIN)
        for width, full in ((5, 8), (9, 12))
    )
    return _TILE if is_cheaper and is_no_dearer else 1


@dataclass(frozen=True, slots=True)
class Exactness:
    """Which steps give the logits of single tokens, all bits of all rows."""

    widths: tuple[int, ...]
    num_tokens: int
    """Tokens in the cache up to which it was proven; 0 with no width."""


def probe_exactness(target: LlamaTarget) -> Exactness:
    """Compare all logits of wider steps with those of single tokens.

    A width may round like a single token or not, by the kernels that the library takes
    for it and for the size of the cache; so it is tried at the end of every size, until
    one fails. Exactness means one sequence, so widths are tried within one.
    """
    proven = Exactness((), 0)
    if not target.can_trim:
        return proven
    for num_tokens in _PROBED_TOKENS:
        if num_tokens > target.context_size:
            break
        ids = _probe_ids(target, num_tokens)
        depth = num_tokens - _NUM_PROBED
        _fill(target, ids[:depth])
        expected = _all_logits(target, ids, depth, 1)
        widths = tuple(
            width
            for width in proven.widths or _PROBED_WIDTHS
            if np.array_equal(expected, _all_logits(target, ids, depth, width))
        )
        target.release(_SEQUENCE)
        if not widths or (proven.widths and widths != proven.widths):
            break
        proven = Exactness(widths, num_tokens)
    return proven


def _all_logits(
    target: LlamaTarget, ids: list[int], depth: int, width: int
) -> LogitsArray:
    target.trim(_SEQUENCE, depth)
    rows = []
    for start in range(depth, len(ids), width):
        piece = ids[start : start + width]
        chunk = Chunk(_SEQUENCE, start, piece, len(piece))
        rows.append(target.evaluate([chunk]).copy())
    return np.concatenate(rows)


def _fill(target: LlamaTarget, ids: list[int]) -> None:
    for start in range(0, len(ids), target.max_batch):
        piece = ids[start : start + target.max_batch]
        target.evaluate([Chunk(_SEQUENCE, start, piece, 0)])


def _time_step(target: LlamaTarget, ids: list[int], width: int) -> float:
    piece = ids[_CONTEXT_TOKENS : _CONTEXT_TOKENS + width]
    started = time.perf_counter()
    target.evaluate([Chunk(_SEQUENCE, _CONTEXT_TOKENS, piece, width)])
    elapsed = time.perf_counter() - started
    if target.can_trim:
        target.trim(_SEQUENCE, _CONTEXT_TOKENS)
    else:
        target.release(_SEQUENCE)
        _fill(target, ids[:_CONTEXT_TOKENS])
    return elapsed


def _probe_ids(target: LlamaTarget, count: int) -> list[int]:
    rng = np.random.default_rng(0)
    return [int(token) for token in rng.integers(0, target.vocab_size, count)]


class LadderCache:
    """Measured ladders, one small file each, below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, target: LlamaTarget, *, is_filled_up: bool = True) -> StepCost | None:
        """Return the ladder of this target, or nothing if it was never measured.

        Args:
            target: A context of the model.
            is_filled_up: Whether its steps are filled up where that is cheaper.
        """
        return _as_step_cost(_read(self._path(target)), is_filled_up)

    def samples(self, target: LlamaTarget) -> dict[int, float] | None:
        """Return the measured seconds of steps by their width, or nothing."""
        return _find_samples(_read(self._path(target)))

    def get_repacked(self, target: LlamaTarget) -> StepCost | None:
        """Return what the ladder of this target was with its weights repacked."""
        return _as_step_cost(_read(self._path(target, is_repacked=True)))

    def latest(self, header: GgufHeader, name: str = "") -> StepCost | None:
        """Return the ladder measured last for a model, whatever the settings were.

        Those of weights that were not repacked are for wide steps and left out.

        Args:
            header: Of the model, without its adapter.
            name: What the model is called, if not after its file.
        """
        paths = self._folder.glob(f"{glob.escape(name or header.path.stem)}.*.json")
        for path in sorted(paths, key=_written_at, reverse=True):
            found = _read(path)
            key = found.get("key") if found else None
            if not isinstance(key, dict) or not key.get("is_repacked", True):
                continue
            if key.items() >= _model_key(header).items():
                return _as_step_cost(found)
        return None

    def knows_exactness(self, target: LlamaTarget) -> bool:
        """Whether exactness has been probed for this target."""
        found = _read(self._path(target))
        if found is None or not isinstance(found.get("exact"), dict):
            return False
        # A larger context may be exact further than a smaller one could show.
        return bool(found.get("probed_tokens") == _reach(target))

    def put(
        self,
        target: LlamaTarget,
        seconds: dict[int, float],
        exactness: Exactness | None,
    ) -> None:
        """Keep a ladder; a folder that cannot be written to is no harm."""
        path = self._path(target)
        content = {
            "format": _FORMAT,
            "key": _key(target, is_repacked=target.model.is_repacked),
            "seconds": seconds,
            "exact": asdict(exactness) if exactness else None,
            "probed_tokens": _reach(target),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(f".{id(target)}.tmp")
            beside.write_text(json.dumps(content), encoding="utf-8")
            beside.replace(path)
        except OSError:
            return

    def _path(self, target: LlamaTarget, *, is_repacked: bool = False) -> Path:
        key = _key(target, is_repacked=is_repacked or target.model.is_repacked)
        digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        return self._folder / f"{target.model.path.stem}.{digest[:16]}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        return None
    return found


def _find_samples(found: dict[str, Any] | None) -> dict[int, float] | None:
    if found is None:
        return None
    try:
        seconds = {int(w): float(s) for w, s in found["seconds"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    is_sound = all(0 < value < np.inf for value in seconds.values())
    is_whole = 1 in seconds and seconds.keys() <= set(MEASURED_WIDTHS)
    return seconds if is_sound and is_whole else None


def _as_step_cost(
    found: dict[str, Any] | None, is_filled_up: bool = True
) -> StepCost | None:
    seconds = _find_samples(found)
    if found is None or seconds is None:
        return None
    try:
        exact = found.get("exact") or {"widths": [], "num_tokens": 0}
        exactness = Exactness(
            tuple(int(width) for width in exact["widths"]), int(exact["num_tokens"])
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return make_step_cost(seconds, exactness, is_filled_up=is_filled_up)


def make_step_cost(
    seconds: Mapping[int, float],
    exactness: Exactness | None = None,
    *,
    is_filled_up: bool = True,
) -> StepCost:
    """Make a ladder of what was measured.

    Args:
        seconds: Of steps by their width.
        exactness: Of steps, if that was probed.
        is_filled_up: Whether steps are filled up where that is cheaper.
    """
    widths, num_tokens = (
        (exactness.widths, exactness.num_tokens) if exactness else ((), 0)
    )
    tile = find_tile(seconds) if is_filled_up else 1
    return StepCost.from_samples(seconds, widths, num_tokens, tile)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _reach(target: LlamaTarget) -> int:
    """Tokens in the cache up to which this target can be probed."""
    return min(target.context_size, _PROBED_TOKENS[-1])


def _key(target: LlamaTarget, *, is_repacked: bool) -> dict[str, object]:
    """Everything that a ladder depends on."""
    # Said only where it is off, so that ladders measured before still count.
    layout = {} if is_repacked else {"is_repacked": False}
    return {
        **_model_key(target.model.header),
        **_adapter_key(target),
        "model": target.model.description,
        "devices": [device.description for device in list_devices()],
        "gpu_layers": target.model.gpu_layers,
        "build": build_info(),
        "num_threads": target.options.num_threads,
        "cpu_threads": target.num_threads,
        "wait_policy": bindings.wait_policy(),
        "kv_type": target.options.kv_type,
        **layout,
    }


def _adapter_key(target: LlamaTarget) -> dict[str, object]:
    adapters = target.model.files[1:]
    return {"adapters": [path.stat().st_size for path in adapters]} if adapters else {}


def _model_key(header: GgufHeader) -> dict[str, object]:
    return {
        "file_size": header.file_size,
        "tensors": hashlib.sha256(repr(header.tensors).encode()).hexdigest(),
    }
