"""Memory is asked for before it is taken: limits of control groups, and refusals."""

from pathlib import Path

import pytest

from polyspec.engine import headroom
from polyspec.engine.devices import Device
from polyspec.errors import EngineError

MIB = 1 << 20


def write_group(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_limit_counts_less_what_is_used_but_not_files(tmp_path: Path) -> None:
    files = {
        "app/memory.max": f"{500 * MIB}\n",
        "app/memory.current": f"{300 * MIB}\n",
        "app/memory.stat": f"anon 1\ninactive_file {100 * MIB}\n",
    }
    root = write_group(tmp_path, "0::/app\n", files)
    assert headroom.read_group_headroom(root) == 300 * MIB


def test_the_older_kind_of_group_is_read_where_the_container_has_it(
    tmp_path: Path,
) -> None:
    files = {
        "memory/memory.limit_in_bytes": f"{500 * MIB}\n",
        "memory/memory.usage_in_bytes": f"{100 * MIB}\n",
        "memory/memory.stat": "total_inactive_file 0\n",
    }
    lines = "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/docker/1\n"
    root = write_group(tmp_path, lines, files)
    assert headroom.read_group_headroom(root) == 400 * MIB


@pytest.mark.parametrize("limit", ["max\n", "rubbish"])
def test_without_a_limit_nothing_is_told(tmp_path: Path, limit: str) -> None:
    files = {"memory.max": limit, "memory.current": "1\n", "memory.stat": ""}
    assert headroom.read_group_headroom(write_group(tmp_path, "0::/\n", files)) is None
    assert headroom.read_group_headroom(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("kinds", "is_refused"), [(("cpu",), True), (("gpu", "cpu"), False)]
)
def test_a_context_that_linux_would_kill_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], is_refused: bool
) -> None:
    devices = [Device(kind, kind, "", 8000 * MIB, 0) for kind in kinds]  # type: ignore[arg-type]
    monkeypatch.setattr(headroom, "list_devices", lambda: devices)
    monkeypatch.setattr(headroom, "read_headroom", lambda: 400 * MIB)
    headroom.require_memory(16384, 300 * MIB, "f16", 50 * MIB)
    headroom.require_memory(16384, 600 * MIB, "q8_0", 50 * MIB)
    if is_refused:
        with pytest.raises(EngineError, match="no context of 16384") as caught:
            headroom.require_memory(16384, 500 * MIB, "f16", 0)
        assert "free memory is 0.4 GiB" in caught.value.cause
        assert "--ctx" in caught.value.remedy
    else:
        headroom.require_memory(16384, 500 * MIB, "f16", 0)
