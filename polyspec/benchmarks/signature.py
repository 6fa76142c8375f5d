"""What a figure must be quoted with: model, device, build, versions, seed, ladder."""

import platform
from datetime import UTC, datetime

from polyspec import __version__
from polyspec.engine.bindings import wait_policy
from polyspec.engine.devices import build_info, list_devices
from polyspec.gguf_header import tokenizer_fingerprint
from polyspec.loading import Loaded


def make_signature(loaded: Loaded, seed: int = 0) -> dict[str, object]:
    """Return everything that a measured figure depends on, ready for JSON."""
    cost = loaded.step_cost
    target = loaded.target
    return {
        "polyspec": __version__,
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
        "model": loaded.model.path.stem,
        "quantisation": loaded.model.description,
        "tokenizer": tokenizer_fingerprint(loaded.model.header)[:16],
        "devices": [device.description for device in list_devices()],
        "gpu_layers": loaded.model.gpu_layers,
        "num_threads": target.num_threads,
        "wait_policy": wait_policy(),
        "build": build_info(),
        "kv_type": target.options.kv_type,
        "seed": seed,
        "ladder": {
            str(width): round(cost.relative(width), 3) for width in cost.measured_widths
        },
        "one_token_ms": round(1e3 * cost.of(1), 3),
        "identical_widths": sorted(cost.identical_widths),
        "identical_tokens": cost.identical_tokens,
    }
