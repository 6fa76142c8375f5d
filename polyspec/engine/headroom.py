"""Refuses what memory cannot hold, before it is too late to say so.

Linux promises more than it has: a context which cannot be held is not refused but has
the program killed when it is first filled. Other systems refuse, or swap.
"""

import sys
from pathlib import Path

from polyspec.engine.devices import list_devices
from polyspec.errors import EngineError

_CACHE_SHARES = {"f32": 2.0, "f16": 1.0, "bf16": 1.0, "q8_0": 0.53, "q5_1": 0.37,
                 "q5_0": 0.34, "q4_1": 0.31, "q4_0": 0.28}  # fmt: skip
"""Memory of a KV cache by its type, where that of 16-bit numbers takes 1."""
_V1, _V2 = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"


def require_memory(
    context_size: int, cache_bytes: int, kv_type: str, other_bytes: int
) -> None:
    """Refuse a context that no memory here could hold.

    llama.cpp fills tables of its own for each token before it finds that out.

    Args:
        context_size: Tokens of the context.
        cache_bytes: What they take as 16-bit numbers.
        kv_type: What they are kept as.
        other_bytes: What the context takes beside them.

    Raises:
        EngineError: There is not enough memory.
    """
    devices = list_devices()
    there = sum(device.memory_total_bytes for device in devices)
    _require(context_size, cache_bytes // 4, there, "all")
    headroom = read_headroom()
    # With a GPU, most of it may lie there, and its driver refuses what does not fit.
    if headroom is not None and all(device.kind == "cpu" for device in devices):
        needed = int(cache_bytes * _CACHE_SHARES[kv_type]) + other_bytes
        _require(context_size, needed, headroom, "free")


def _require(context_size: int, needed: int, there: int, which: str) -> None:
    if needed > there:
        raise EngineError(
            f"no context of {context_size} tokens could be made",
            cause=f"it needs {needed / 2**30:.1f} GiB at least, "
            f"{which} memory is {there / 2**30:.1f} GiB",
            remedy="close programs, use a smaller model, or pass a smaller --ctx",
        )


def read_headroom() -> int | None:
    """Bytes that this process may still take; None where nothing tells."""
    if sys.platform != "linux":
        return None
    import psutil

    there = int(psutil.virtual_memory().available + psutil.swap_memory().free)
    left = read_group_headroom(Path("/"))
    return there if left is None else min(there, left)


def read_group_headroom(root: Path) -> int | None:
    """What is left of the limit of this process's control group; None without one.

    Args:
        root: Where `/proc` and `/sys` are.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return None
    lefts = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if not controllers:
            names = "memory.max", "memory.current", "inactive_file"
            left = _read_left(root, _V2, place, names)
        elif "memory" in controllers.split(","):
            names = (
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file",
            )
            left = _read_left(root, _V1, place, names)
        else:
            continue
        if left is not None:
            lefts.append(left)
    return min(lefts, default=None)


def _read_left(
    root: Path, mount: str, place: str, names: tuple[str, str, str]
) -> int | None:
    """Limit less use, where pages of files that can be dropped are no use."""
    limit_name, used_name, files_name = names
    base = root / mount.lstrip("/")
    # In a container the group may be mounted as if it were the topmost one.
    for folder in (base / place.lstrip("/"), base):
        try:
            limit = int((folder / limit_name).read_text())
            used = int((folder / used_name).read_text())
            facts = (folder / "memory.stat").read_text().split()
        except (OSError, ValueError):  # no such group, or `max`: no limit
            continue
        files = dict(zip(facts[::2], facts[1::2], strict=False)).get(files_name, "0")
        return max(0, limit - used + int(files))
    return None
