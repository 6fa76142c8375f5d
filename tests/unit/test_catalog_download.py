import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from polyspec import paths
from polyspec.catalog import packages, store
from polyspec.catalog.download import pull_model
from polyspec.catalog.manifest import LocalSource
from polyspec.catalog.packages import read_member
from polyspec.catalog.partial import PartialFile
from polyspec.catalog.sources import SourceUnavailable
from polyspec.catalog.store import CheckedAgainst
from polyspec.errors import DownloadError, ModelError
from tests.catalog_fakes import (
    CONTENT,
    HUB,
    NUM_PARTS,
    PACKAGES,
    SHA256,
    FakeHub,
    FakePip,
    Reporter,
    fetchers,
    make_entry,
)

PART_BYTES = -(-len(CONTENT) // NUM_PARTS)
WRONG = CONTENT[:-1] + b"\1"


def files() -> dict[str, int]:
    """Everything in the model folder but locks, with its size."""
    return {
        path.name: path.stat().st_size
        for path in paths.models_dir().rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_parts_are_joined_verified_and_installed() -> None:
    pip, reporter = FakePip(), Reporter()
    model = pull_model(make_entry(), reporter, fetchers(pip))
    assert model.path.read_bytes() == CONTENT
    assert model.path == store.find_model("tiny")
    assert pip.asked == list(PACKAGES.requirements)
    assert files() == {"tiny.gguf": len(CONTENT), "tiny.json": files()["tiny.json"]}
    assert model.record is not None
    assert model.record.sha256 == SHA256
    assert model.record.checked_against is CheckedAgainst.CATALOGUE
    assert reporter.notes == []


def test_progress_only_ever_grows_to_the_whole() -> None:
    reporter = Reporter()
    pull_model(make_entry(), reporter, fetchers())
    done = [advance[1] for advance in reporter.advances]
    assert done == sorted(done)
    assert done[-1] == len(CONTENT)
    assert {total for _, _, total in reporter.advances} == {len(CONTENT)}


def test_no_second_copy_of_the_parts_is_kept() -> None:
    pip = FakePip()
    pull_model(make_entry(), Reporter(), fetchers(pip))
    assert pip.most_wheels == 1


def test_a_model_that_is_there_is_not_fetched_again() -> None:
    pull_model(make_entry(), Reporter(), fetchers())
    pip, reporter = FakePip(), Reporter()
    pull_model(make_entry(), reporter, fetchers(pip))
    assert pip.asked == []
    assert "installed already" in reporter.notes[0]


def test_an_interrupted_download_goes_on_with_the_next_part() -> None:
    pip = FakePip()
    pip.fail_at, pip.error = 3, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        pull_model(make_entry(), Reporter(), fetchers(pip))
    assert files()["tiny.partial"] == 2 * PART_BYTES
    assert not [name for name in files() if name.endswith(".whl")]
    pip, reporter = FakePip(), Reporter()
    model = pull_model(make_entry(), reporter, fetchers(pip))
    assert pip.asked == list(PACKAGES.requirements[2:])
    assert model.path.read_bytes() == CONTENT
    assert "going on from there" in reporter.notes[0]


def test_an_interruption_within_a_part_cuts_the_part_off() -> None:
    def interrupt(stage: str, done_bytes: int) -> None:
        if done_bytes == 2 * PART_BYTES:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_model(make_entry(), Reporter(interrupt), fetchers())
    pip = FakePip()
    model = pull_model(make_entry(), Reporter(), fetchers(pip))
    assert pip.asked[0] in PACKAGES.requirements[:2]
    assert model.path.read_bytes() == CONTENT


def test_bytes_beyond_the_last_whole_part_are_cut_off() -> None:
    pip = FakePip()
    pip.fail_at, pip.error = 3, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        pull_model(make_entry(), Reporter(), fetchers(pip))
    with store.partial_path("tiny").open("ab") as file:
        file.write(b"half a part")
    model = pull_model(make_entry(), Reporter(), fetchers())
    assert model.path.read_bytes() == CONTENT


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"content": 1, "num_parts": "x"}'])
def test_a_broken_note_starts_from_the_beginning(note: str) -> None:
    pip = FakePip()
    pip.fail_at, pip.error = 3, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        pull_model(make_entry(), Reporter(), fetchers(pip))
    state = store.partial_path("tiny").with_suffix(".state.json")
    assert state.exists()
    state.write_text(note, "utf-8")
    pip = FakePip()
    model = pull_model(make_entry(), Reporter(), fetchers(pip))
    assert len(pip.asked) == NUM_PARTS
    assert model.path.read_bytes() == CONTENT


def test_a_partial_file_that_became_shorter_starts_from_the_beginning() -> None:
    pip = FakePip()
    pip.fail_at, pip.error = 3, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        pull_model(make_entry(), Reporter(), fetchers(pip))
    os.truncate(store.partial_path("tiny"), 10)
    assert pull_model(make_entry(), Reporter(), fetchers()).path.exists()


KILLED = """
import os, signal
from tests.catalog_fakes import *
from polyspec.catalog.download import pull_model
pip = FakePip()
calls = 0
def die(stage, done):
    global calls
    calls += 1
    if calls == {calls}:
        os.kill(os.getpid(), signal.SIGKILL)
pull_model(make_entry(), Reporter(die), fetchers(pip))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.slow
@pytest.mark.parametrize("calls", [1, 4, 8])
def test_a_killed_download_goes_on(calls: int) -> None:
    script = textwrap.dedent(KILLED).format(calls=calls)
    command = [sys.executable, "-c", script]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    model = pull_model(make_entry(), Reporter(), fetchers())
    assert model.path.read_bytes() == CONTENT
    assert set(files()) == {"tiny.gguf", "tiny.json"}


def test_a_file_without_its_record_is_verified_instead_of_fetched() -> None:
    model = pull_model(make_entry(), Reporter(), fetchers())
    model.path.with_suffix(".json").unlink()
    pip = FakePip()
    again = pull_model(make_entry(), Reporter(), fetchers(pip))
    assert pip.asked == []
    assert again.record is not None
    assert again.record.sha256 == SHA256


def test_another_file_in_its_place_is_not_overwritten() -> None:
    path = store.model_path("tiny")
    path.parent.mkdir(parents=True)
    path.write_bytes(WRONG)
    with pytest.raises(DownloadError, match="cannot be installed"):
        pull_model(make_entry(), Reporter(), fetchers())
    assert path.read_bytes() == WRONG


def test_a_wrong_checksum_deletes_the_file_and_says_both() -> None:
    with pytest.raises(DownloadError) as refused:
        pull_model(make_entry(), Reporter(), fetchers(FakePip(WRONG)))
    assert SHA256 in refused.value.cause
    assert hashlib.sha256(WRONG).hexdigest() in refused.value.cause
    assert files() == {}


def test_a_wrong_file_from_one_source_leaves_the_next_a_chance() -> None:
    reporter = Reporter()
    entry = make_entry([PACKAGES, HUB])
    model = pull_model(entry, reporter, fetchers(FakePip(WRONG)))
    assert model.path.read_bytes() == CONTENT
    assert model.record is not None
    assert "Hub" in model.record.source


def test_an_unreachable_hub_leaves_a_note_and_the_next_source_its_turn() -> None:
    hub, reporter = FakeHub(), Reporter()
    hub.is_reachable = False
    model = pull_model(make_entry([HUB, PACKAGES]), reporter, fetchers(hub=hub))
    assert model.path.read_bytes() == CONTENT
    label = "Hugging Face Hub somebody/tiny-GGUF@main"
    assert reporter.notes == [f"{label}: not reachable"]


def test_no_source_at_all_names_every_failure() -> None:
    hub, pip = FakeHub(), FakePip()
    hub.is_reachable = False
    pip.fail_at = 1
    with pytest.raises(DownloadError) as refused:
        pull_model(make_entry([HUB, PACKAGES]), Reporter(), fetchers(pip, hub))
    assert "not reachable" in refused.value.cause
    assert "no network" in refused.value.cause
    assert "polyspec models import FILE --name tiny" in refused.value.remedy


def test_the_hub_goes_on_from_what_the_package_index_brought() -> None:
    pip, hub = FakePip(), FakeHub()
    pip.fail_at = 3
    model = pull_model(make_entry([PACKAGES, HUB]), Reporter(), fetchers(pip, hub))
    assert hub.starts == [2 * PART_BYTES]
    assert model.path.read_bytes() == CONTENT


def test_a_hub_file_that_is_another_one_is_not_fetched() -> None:
    hub = FakeHub(WRONG)
    with pytest.raises(DownloadError, match="could not be downloaded") as refused:
        pull_model(make_entry([HUB]), Reporter(), fetchers(hub=hub))
    assert "offers another file" in refused.value.cause
    assert hub.starts == []


def test_an_unverified_model_is_checked_against_the_hubs_hash() -> None:
    reporter = Reporter()
    entry = make_entry([HUB], sha256=None, size_bytes=None)
    model = pull_model(entry, reporter, fetchers())
    assert model.record is not None
    assert model.record.checked_against is CheckedAgainst.HUB
    assert model.record.revision == "c0ffee"
    assert "not verified by polyspec" in reporter.notes[-1]


def test_an_unverified_model_that_differs_from_the_hubs_hash_is_deleted() -> None:
    entry = make_entry([HUB], sha256=None, size_bytes=None)
    hub = FakeHub(sha256="0" * 64)
    with pytest.raises(DownloadError) as refused:
        pull_model(entry, Reporter(), fetchers(hub=hub))
    assert "0" * 64 in refused.value.cause
    assert files() == {}


def test_a_hash_that_nobody_states_is_recorded_as_such() -> None:
    entry = make_entry([HUB], sha256=None, size_bytes=None)
    model = pull_model(entry, Reporter(), fetchers(hub=FakeHub(sha256="")))
    assert model.record is not None
    assert model.record.checked_against is CheckedAgainst.NOTHING


def test_what_is_no_model_is_not_installed() -> None:
    entry = make_entry([HUB], sha256=None, size_bytes=None)
    with pytest.raises(ModelError, match="cannot be used"):
        pull_model(entry, Reporter(), fetchers(hub=FakeHub(b"<html>sorry</html>")))
    assert files() == {}


def test_a_local_file_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "there.gguf"
    path.write_bytes(CONTENT)
    entry = make_entry([LocalSource("local", str(path))])
    assert pull_model(entry, Reporter(), fetchers()).path.read_bytes() == CONTENT
    assert path.exists()


def test_a_missing_local_file_is_a_failure_of_its_source(tmp_path: Path) -> None:
    entry = make_entry([LocalSource("local", str(tmp_path / "none.gguf")), HUB])
    reporter = Reporter()
    pull_model(entry, reporter, fetchers())
    assert "there is no such file" in reporter.notes[0]


def test_a_restricted_licence_is_told_before_anything_is_fetched() -> None:
    pip, reporter = FakePip(), Reporter()
    pip.fail_at, pip.error = 1, KeyboardInterrupt()
    entry = make_entry(licence_notice="mind the terms")
    with pytest.raises(KeyboardInterrupt):
        pull_model(entry, reporter, fetchers(pip))
    assert "mind the terms (https://example.org)" in reporter.notes[0]


def test_too_small_a_disk_is_told_with_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    pip = FakePip()
    with pytest.raises(ModelError) as refused:
        pull_model(make_entry(), Reporter(), fetchers(pip))
    assert "0.00 GB are free" in refused.value.cause
    assert "polyspec models pull tiny" in refused.value.remedy
    assert pip.asked == []


def test_a_disk_that_fills_up_leaves_what_can_be_resumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = PartialFile.write

    def fill_up(self: PartialFile, chunk: bytes) -> None:
        if self.num_parts == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(PartialFile, "write", fill_up)
        with pytest.raises(DownloadError) as refused:
            pull_model(make_entry([PACKAGES, HUB]), Reporter(), fetchers())
    assert "is full" in refused.value.cause
    assert "go on from where it stopped" in refused.value.remedy
    pip = FakePip()
    pull_model(make_entry(), Reporter(), fetchers(pip))
    assert pip.asked == list(PACKAGES.requirements[2:])


def test_two_pulls_at_once_do_not_meet() -> None:
    def pull_again(stage: str, done_bytes: int) -> None:
        with pytest.raises(DownloadError, match="cannot be downloaded now"):
            pull_model(make_entry(), Reporter(), fetchers())

    model = pull_model(make_entry(), Reporter(pull_again), fetchers())
    assert model.path.read_bytes() == CONTENT


def test_a_wheel_must_hold_exactly_one_part() -> None:
    pip = FakePip()
    pip.members_per_wheel = 2
    with pytest.raises(DownloadError) as refused:
        pull_model(make_entry(), Reporter(), fetchers(pip))
    assert "2 files in tiny_part1-1.0-py3-none-any.whl match" in refused.value.cause


def test_a_wheel_cannot_hold_more_than_the_model(tmp_path: Path) -> None:
    wheel = tmp_path / "bomb.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data/part0", bytes(5 * 2**20))
    received: list[int] = []
    chunks = map(len, read_member(wheel, "*/data/*", 2**20))
    with pytest.raises(SourceUnavailable, match="holds too much"):
        received.extend(chunks)
    assert sum(received) <= 2**20


@pytest.mark.parametrize("keep", [0, 10, 100])
def test_a_damaged_wheel_is_a_failure_of_its_source(tmp_path: Path, keep: int) -> None:
    wheel = tmp_path / "broken.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a/data/part0", bytes(500))
    wheel.write_bytes(wheel.read_bytes()[:keep])
    with pytest.raises(SourceUnavailable, match="is damaged"):
        list(read_member(wheel, "*/data/*", 1000))


def fake_pip(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let `python -m pip` run a script of ours."""
    start = subprocess.Popen

    def run(command: list[str], **options: object) -> object:
        dest = command[command.index("--dest") + 1]
        assert not any("index" in word for word in command)
        return start([sys.executable, "-c", script, dest], **options)  # type: ignore[call-overload]

    monkeypatch.setattr("subprocess.Popen", run)


def test_pip_fetches_a_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_pip(monkeypatch, "import sys; open(sys.argv[1] + '/a.whl', 'w').write('x')")
    assert packages.fetch_wheel("a==1", tmp_path, lambda done: None).name == "a.whl"


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [
        ("WARNING: x\\nERROR: No matching distribution\\n", "No matching distribution"),
        ("", "pip failed without a word"),
    ],
)
def test_what_pip_complains_about_is_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, complaint: str, reason: str
) -> None:
    script = f"import sys; sys.stderr.write('{complaint}'); sys.exit(1)"
    fake_pip(monkeypatch, script)
    with pytest.raises(SourceUnavailable, match=reason):
        packages.fetch_wheel("a==1", tmp_path, lambda done: None)


def test_pip_on_a_full_disk_is_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "ERROR: [Errno 28] No space left on device"
    fake_pip(monkeypatch, f"import sys; sys.stderr.write('{text}'); sys.exit(1)")
    with pytest.raises(OSError, match="no space left") as full:
        packages.fetch_wheel("a==1", tmp_path, lambda done: None)
    assert full.value.errno == errno.ENOSPC


def test_an_interruption_ends_pip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_pip(monkeypatch, "import time; time.sleep(60)")

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packages.fetch_wheel("a==1", tmp_path, interrupt)


def test_a_python_without_pip_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SourceUnavailable, match="no pip"):
        packages.fetch_wheel("a==1", tmp_path, lambda done: None)
