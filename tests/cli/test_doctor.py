"""The doctor survives whatever is broken, and names a remedy for it."""

import json
import os
import subprocess
import sys
import types
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

from polyspec import paths
from polyspec.cli import health, main, offline_proof
from polyspec.decoding.step_cost import StepCost
from polyspec.engine.ladder import LadderCache
from polyspec.errors import EngineError
from tests.gguf_files import gguf


@dataclass(frozen=True)
class FakeDevice:
    """What the engine says of a device."""

    name: str = "CPU"
    kind: str = "cpu"
    memory_total_bytes: int = 24_000_000_000
    memory_free_bytes: int = 8_000_000_000
    description: str = "a processor"


class FakeDevices(types.ModuleType):
    """Stands where `polyspec.engine.devices` is."""

    missing: tuple[str, str] | None = None

    def build_info(self) -> str:
        return "b1 | AVX2 = 1 |\n"

    def list_devices(self) -> list[FakeDevice]:
        return [FakeDevice()]

    def missing_gpu_note(self) -> tuple[str, str] | None:
        return self.missing


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeDevices:
    """A machine where all is well."""
    from polyspec import engine

    fake = FakeDevices("polyspec.engine.devices")
    monkeypatch.setitem(sys.modules, "polyspec.engine.devices", fake)
    monkeypatch.setattr(engine, "devices", fake, raising=False)
    monkeypatch.setattr(health, "_crash_while_loading", lambda: "")
    monkeypatch.setattr(health, "_LOW_DISK_BYTES", 0)
    monkeypatch.setattr(health, "_free_memory_bytes", lambda: 8_000_000_000)
    paths.models_dir().mkdir(parents=True)
    (paths.models_dir() / "tiny.gguf").write_bytes(gguf())
    monkeypatch.chdir(tmp_path)
    return fake


def run_doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """The exit status, and the remedy of each problem."""
    status = main.main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["is_healthy"] is (status == 0)
    findings = report["findings"]
    problems = {f["problem"]: f["remedy"] for f in findings if f["problem"]}
    assert all(problems.values())
    return status, problems


@pytest.mark.usefixtures("devices")
def test_a_healthy_machine_is_0_and_has_all_parts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.main(["doctor"]) == 0
    caught = capsys.readouterr()
    assert caught.err == ""
    parts = [line for line in caught.out.splitlines() if line and line[0] != " "]
    assert parts[:4] == ["versions", "llama.cpp", "devices", "models"]
    assert "  tiny " in caught.out
    assert "CPU" in caught.out
    assert "cpu, a processor, 8.0 GB of 24.0 GB free" in caught.out
    assert parts[-1] == "no problem found"


def test_a_gpu_that_cannot_be_used_stops_nothing(
    devices: FakeDevices, capsys: pytest.CaptureFixture[str]
) -> None:
    devices.missing = ("this build cannot use the GPU", "build it with CUDA")
    assert run_doctor(capsys) == (
        0,
        {"this build cannot use the GPU": "build it with CUDA"},
    )
    assert main.main(["doctor"]) == 0
    assert "remedy: build it with CUDA" in capsys.readouterr().out


def test_a_part_that_fails_is_a_finding(
    devices: FakeDevices,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> list[FakeDevice]:
        raise OSError("libcuda.so.1 is broken")

    monkeypatch.setattr(devices, "list_devices", fail)
    status, problems = run_doctor(capsys)
    assert status == 1
    assert list(problems) == [
        "devices cannot be examined: OSError: libcuda.so.1 is broken"
    ]


def test_an_error_of_ours_keeps_its_remedy(
    devices: FakeDevices,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> str:
        raise EngineError("no backend", cause="none found", remedy="reinstall it")

    monkeypatch.setattr(devices, "build_info", fail)
    assert run_doctor(capsys) == (1, {"no backend: none found": "reinstall it"})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ModuleNotFoundError('no llama_cpp')", "no llama_cpp"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
    ],
)
def test_a_llama_cpp_that_cannot_be_loaded_is_fatal(
    code: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "llama_cpp.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    status, problems = run_doctor(capsys)
    assert status == 1
    remedy = next(problems[problem] for problem in problems if said in problem)
    assert "llama-cpp-python" in remedy


@pytest.mark.usefixtures("devices")
def test_a_missing_package_is_fatal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", find)
    status, problems = run_doctor(capsys)
    assert status == 1
    assert "numpy is not installed" in problems


@pytest.mark.usefixtures("devices")
def test_wrong_settings_are_fatal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYSPEC_TOP_P", "2")
    status, problems = run_doctor(capsys)
    assert status == 1
    assert next(iter(problems)).startswith("POLYSPEC_TOP_P cannot be '2'")


@pytest.mark.usefixtures("devices")
def test_no_model_is_fatal(capsys: pytest.CaptureFixture[str]) -> None:
    (paths.models_dir() / "tiny.gguf").unlink()
    status, problems = run_doctor(capsys)
    assert status == 1
    assert "polyspec models pull" in problems.values()


@pytest.mark.usefixtures("devices")
def test_a_model_in_the_settings_that_is_not_there_is_fatal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYSPEC_MODEL", "missing.gguf")
    status, problems = run_doctor(capsys)
    assert status == 1
    assert any("missing.gguf" in problem for problem in problems)


@pytest.mark.usefixtures("devices")
def test_a_full_disk_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health, "_LOW_DISK_BYTES", 10**18)
    status, problems = run_doctor(capsys)
    assert status == 0
    assert any("POLYSPEC_MODELS_DIR" in remedy for remedy in problems.values())


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    finding = health._folder("data", tmp_path / "a" / "b")
    assert "nothing can be written" in finding.problem


def test_no_connection_means_proof(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(offline_proof, "translate_sample", lambda: "Bonjour.")
    assert main.main(["doctor", "--offline-proof"]) == 0
    assert capsys.readouterr().out == (
        "no connection was attempted: the translation ran offline\n"
    )
    assert main.main(["doctor", "--offline-proof", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "is_offline": True,
        "attempts": [],
        "processes": [],
        "text": "Bonjour.",
    }


def test_an_attempt_is_refused_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call_home() -> str:
        import socket

        with pytest.raises(OSError, match="is refused"):
            socket.socket()
        return "Bonjour."

    monkeypatch.setattr(offline_proof, "translate_sample", call_home)
    assert main.main(["doctor", "--offline-proof"]) == 1
    assert "1 connection was attempted and refused:" in capsys.readouterr().out


def test_what_cannot_be_watched_is_named() -> None:
    with offline_proof.refuse_connections() as watch:
        subprocess.run([sys.executable, "-c", ""], check=True)
    assert watch.attempts == []
    assert any("which this cannot watch" in line for line in watch.describe())


def test_connections_are_free_again_afterwards() -> None:
    import socket

    with offline_proof.refuse_connections():
        pass
    socket.socket().close()


@pytest.mark.usefixtures("devices")
def test_drafting_is_looked_at_once_its_costs_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["doctor"]) == 0
    assert "not measured yet: the first run of tiny does it" in capsys.readouterr().out
    cost = StepCost.from_samples({1: 1.0, 64: 1.0 + 63 * 0.25})
    monkeypatch.setattr(LadderCache, "latest", lambda *_: cost)
    main.main(["doctor"])
    said = capsys.readouterr().out
    assert "a drafted token adds 25% of a step of tiny" in said
    assert "no table was measured with this tokenizer" in said


@pytest.mark.usefixtures("devices")
def test_a_model_that_comes_first_for_some_languages_is_named() -> None:
    for name in ("gemma-3-270m-translate", "qwen2.5-coder-1.5b-instruct"):
        (paths.models_dir() / f"{name}.gguf").write_bytes(gguf())
    in_use = [each.value for each in health.look_at_models() if each.name == "in use"]
    assert in_use[0].endswith("qwen2.5-coder-1.5b-instruct.gguf")
    assert in_use[1].startswith("gemma-3-270m-translate from English into German, ")
